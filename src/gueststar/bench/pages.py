"""How long the portal's pages take over a filled store: each asked some times in a row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import numpy as np

from gueststar.bench.kafka import Tell

TIMES = 20  # of each page, after the first
ENOUGH_S = 5.0  # for one page: what takes seconds is asked less often


def portal(
    client: httpx.Client, nights: list[int], name: str, place: tuple[float, float], tell: Tell
) -> dict[str, dict[str, float]]:
    """Measure pages.

    Parameters
    ----------
    client : httpx.Client
        Of the portal.
    nights : list of int
        Of the store.
    name : str
        Of an object.
    place : tuple of float
        Where it is, deg.
    tell : callable

    Returns
    -------
    dict
        By page: ``first``, which nobody has asked before, and ``p50``, ``p99`` of the next; ms.
    """
    found = {}
    for what, path in _pages(nights, name, place):
        tell(what, 0, 1)
        first, others = _took(client, path), [_took(client, path)]
        while len(others) < TIMES and sum(others) < 1_000 * ENOUGH_S:
            others.append(_took(client, path))
        p50, p99 = np.quantile(others, [0.5, 0.99])
        found[what] = {"first": round(first, 1), "p50": round(p50, 1), "p99": round(p99, 1)}
    return found


def _took(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return 1_000 * (time.perf_counter() - began)


def _pages(nights: list[int], name: str, place: tuple[float, float]) -> Iterator[tuple[str, str]]:
    newest, some, other = nights[0], nights[len(nights) // 3], nights[len(nights) // 2]
    own = quote(name, safe="")
    there = quote(f"{place[0]:.5f} {place[1]:+.5f}")
    yield "night", "/"
    yield "night, stamps", f"/?night={some}&view=stamps"
    yield "night, differences", f"/?night={some}&view=differences"
    yield "night by magnitude, score > 0.9", f"/?night={other}&sort=magnitude&min_score=0.9"
    yield "night by time, band r, row 5,000", f"/?night={other}&sort=time&band=r&offset=5000"
    yield "night, magnitude < 14, score > 0.5", f"/?night={some}&mag_max=14&min_score=0.5"
    yield "object", f"/object/{own}"
    yield "search form", "/search"
    yield "search, night and score", f"/search?night={some}&min_score=0.9"
    yield "search, around a place", f"/search?position={there}&radius=60"
    yield "search, objects", "/search?of=objects&min_detections=40"
    yield "sky", f"/sky?night={newest}"
    yield "sky, cells of 1.8 deg", f"/sky?night={some}&order=5"
    yield "health", "/health"
    yield "metrics", "/metrics"
    yield "api health", "/api/health"
    yield "api counts by night", "/api/counts?by=night"
    yield "api counts by class", "/api/counts?by=class"
