"""How fast a store answers searches, itself and behind the REST API on the same machine.

Objects are simulated (:mod:`gueststar.bench.fill`). Each question is asked for places, nights or
names drawn anew each time, one after the other, over one kept connection; times are by the clock.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from gueststar.bench.fill import NIGHTS, fill
from gueststar.bench.kafka import Tell, silent
from gueststar.bench.pages import portal
from gueststar.bench.serving import serving
from gueststar.errors import BadInput
from gueststar.store import Store, open_store, store_name
from gueststar.store.engine import EngineStore
from gueststar.store.selection import AlertSelection, ObjectSelection

RADIUS = 5.0  # arcsec
CONES, REST_CONES, PAGES, SLOW = 2_000, 1_000, 30, 3  # questions of each kind
POSITIONS = 100_000  # of many cones at once


def archive(
    rival: str = "none",
    *,
    objects: int = 200_000,
    store: str | None = None,
    seed: int = 1,
    tell: Tell = silent,
) -> dict[str, Any]:
    """Fill a store with simulated objects and measure its searches.

    Parameters
    ----------
    rival : str
        ``none``: nobody is measured beside it.
    objects : int
        How many are simulated.
    store : str, optional
        URL of a store; as a rule a SQLite file that is removed in the end. One that has objects
        is measured as it is.
    seed : int
    tell : callable, optional
        Told what is going on.

    Returns
    -------
    dict
        ``fill_s``; ``cone_ms`` and ``rest_cone_ms`` with ``p50``, ``p99``; ``cones_s`` of 100,000
        positions at once with their ``matches``; median ``pages_ms`` of 100 rows and ``slow_ms``
        of what reads everything, by question; ``portal_ms`` of pages by
        :func:`gueststar.bench.pages.portal`; ``load`` before and after.

    Raises
    ------
    BadInput
        If the rival or the store is unknown.
    ServerError
        If the server does not start.
    """
    if rival != "none":
        raise BadInput(f"no rival {rival!r} for archive; known: none")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="gueststar-bench-") as room:
        url = store or f"sqlite:///{Path(room) / 'archive.db'}"
        with open_store(url) as opened:
            filled = _filled(opened, objects, seed, tell)
        with open_store(url, read_only=True) as opened:
            result = _measured(opened, np.random.default_rng(seed + 1), tell)
        tell("REST", 0, 1)
        places, nights, name = result.pop("asked")
        served = _served(url, places, nights, name, tell)
    how = __doc__.split("\n\n")[1].replace("\n", " ") if __doc__ else ""
    about = {"store": store_name(url), "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
    return {**about, **filled, **result, **served, "how": how}


def _filled(store: Store, objects: int, seed: int, tell: Tell) -> dict[str, Any]:
    there = int(store.sql("SELECT count(*) AS n FROM objects")["n"][0].as_py())
    if there:
        return {"objects": there}
    assert isinstance(store, EngineStore)
    began = time.perf_counter()
    fill(store, objects, seed, lambda n: tell("fill", n, objects))
    return {"objects": objects, "fill_s": round(time.perf_counter() - began, 1)}


def _measured(store: Store, rng: np.random.Generator, tell: Tell) -> dict[str, Any]:
    tell("draw places", 0, 1)
    ra, dec, names = _places(store, rng)
    at = iter(rng.integers(0, len(ra), CONES).tolist())

    def cone() -> None:
        k = next(at)
        store.cone(ra[k], dec[k], RADIUS)

    tell("cones", 0, 1)
    cones = _times(CONES, cone)
    some = rng.integers(0, len(ra), POSITIONS)
    began = time.perf_counter()
    matches = store.cones(ra[some], dec[some], RADIUS).num_rows
    cones_s = time.perf_counter() - began
    pages = {what: _timed(ask, PAGES, what, tell) for what, ask in _pages(store, rng, names)}
    slow = {what: _timed(ask, SLOW, what, tell) for what, ask in _slow(store)}
    return {
        "cone_ms": summary(cones),
        "cones_s": round(cones_s, 2),
        "positions": POSITIONS,
        "matches": matches,
        "pages_ms": pages,
        "slow_ms": slow,
        "asked": (
            (ra[some[:REST_CONES]], dec[some[:REST_CONES]]),
            store.nights()["night"].to_pylist(),
            names[some[0]],
        ),
    }


def _places(store: Store, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Draw objects all over the sky: some of each of many cells."""
    ra, dec, names = [], [], []
    for _ in range(200):
        a, d = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-0.5, 1)))
        selection = ObjectSelection(ra=a, dec=d, radius_arcsec=10_800.0)
        found = store.find_objects(selection, sort="place", limit=100)
        ra += found["ra"].to_pylist()
        dec += found["dec"].to_pylist()
        names += found["object_id"].to_pylist()
    if not names:
        raise BadInput("this store has no objects to ask for")
    return np.array(ra), np.array(dec), names


def _pages(
    store: Store, rng: np.random.Generator, names: list[str]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Questions for a page of 100 rows."""

    def night() -> int:
        return int(rng.choice(NIGHTS))

    def cone(radius: float) -> dict[str, float]:
        return {"ra": rng.uniform(0, 360), "dec": rng.uniform(-20, 80), "radius_arcsec": radius}

    def alerts(sort: Any = "time", **given: Any) -> Any:
        return store.find_alerts(AlertSelection(**given), sort=sort, limit=100)

    def objects(sort: Any = "name", **given: Any) -> Any:
        return store.find_objects(ObjectSelection(**given), sort=sort, limit=100)

    degree = 3_600.0
    yield "alerts", alerts
    yield "alerts of a night and band", lambda: alerts(night=night(), band="r")
    yield (
        "alerts of a night, score > 0.99",
        lambda: alerts(night=night(), module="rb", min_score=0.99),
    )
    yield "alerts of an object", lambda: alerts(object_id=names[rng.integers(len(names))])
    yield "alerts by score", lambda: alerts("score")
    yield (
        "alerts by magnitude, score > 0.9",
        lambda: alerts("magnitude", module="rb", min_score=0.9),
    )
    yield "alerts in 1 deg by time", lambda: alerts(**cone(degree))
    yield "alerts in 30 deg by time", lambda: alerts(**cone(30 * degree))
    yield "alerts in 30 deg by place", lambda: alerts("place", **cone(30 * degree))
    yield "objects", objects
    yield "objects with 40 detections", lambda: objects(min_detections=40)
    yield "objects with 60 detections", lambda: objects(min_detections=60)
    yield "objects of the last day", lambda: objects(last_since=60_676.0 + len(NIGHTS) - 1)
    yield "objects by last detection", lambda: objects("last")
    yield "objects in 30 deg by distance", lambda: objects("distance", **cone(30 * degree))


def _slow(store: Store) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "nights", store.nights
    yield "night", store.night
    yield "counts by night", lambda: store.counts("night")
    yield "counts by band", lambda: store.counts("band")
    yield "counts by class", lambda: store.counts("class")
    yield "counts by cell", lambda: store.counts("healpix", order=6)
    yield "counts of a night by band", lambda: store.counts("band", night=int(NIGHTS[5]))


def _times(n: int, ask: Callable[[], Any]) -> np.ndarray:
    times = np.empty(n)
    for k in range(n):
        began = time.perf_counter()
        ask()
        times[k] = time.perf_counter() - began
    return 1_000 * times


def _timed(ask: Callable[[], Any], n: int, what: str, tell: Tell) -> float | str:
    """Return the median, ms; or what the store said, when it gave up."""
    tell(what, 0, 1)
    try:
        return round(float(np.median(_times(n, ask))), 2)
    except BadInput as error:
        return str(error)


def summary(times: np.ndarray) -> dict[str, float]:
    """Give median, 99th percentile and largest.

    Examples
    --------
    >>> summary(np.array([1.0, 2.0, 3.0]))
    {'p50': 2.0, 'p99': 2.98, 'max': 3.0}
    """
    p50, p99 = np.quantile(times, [0.5, 0.99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": float(times.max())}


def _served(
    url: str, places: tuple[np.ndarray, np.ndarray], nights: list[int], name: str, tell: Tell
) -> dict[str, Any]:
    """Measure cones over REST and pages of the portal, of one server."""
    with serving(url) as (address, _), _client(address) as client:
        at = iter(np.stack(places, 1).tolist())

        def ask() -> None:
            ra, dec = next(at)
            answer = client.get("/api/cone", params={"ra": ra, "dec": dec, "radius": RADIUS})
            answer.raise_for_status()

        cones = summary(_times(len(places[0]), ask)[10:])
        row = client.get(f"/api/objects/{name}").json()
        found = portal(client, nights, name, (row["ra"], row["dec"]), tell)
    return {"rest_cone_ms": cones, "portal_ms": found}


def _client(address: str) -> httpx.Client:
    return httpx.Client(base_url=f"http://{address}", timeout=60)
