"""Clients of a server, many at once, in a process of their own.

Each asks as soon as it has its answer. They have the lowest priority, because on a real site they
are elsewhere; what processor time they take all the same is told.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

PATIENCE_S = 60.0
QUERIES = (
    "SELECT night, band, count(*) AS n, min(mag) AS brightest FROM alerts GROUP BY night, band",
    "SELECT object_id, n_detections FROM objects ORDER BY n_detections DESC LIMIT 20",
    "SELECT alert_id, value FROM scores WHERE value > 0.99 ORDER BY alert_id LIMIT 100",
)
#: How often each kind is asked.
MIX: Mapping[str, float] = {"cone": 0.5, "object": 0.2, "page": 0.15, "sql": 0.15}
Place = tuple[str, float, float]  # object, ra, dec


@dataclass(frozen=True)
class Visit:
    """One request.

    Parameters
    ----------
    kind : str
    status : int
        0 when there was no answer.
    begun, took : float
        Monotonic clock, s.
    """

    kind: str
    status: int
    begun: float
    took: float


def path_of(kind: str, place: Place, chance: random.Random) -> str:
    """Return what a client asks."""
    name, ra, dec = place
    if kind == "cone":
        return "/api/cone?" + urlencode({"ra": ra, "dec": dec, "radius": 5})
    if kind == "object":
        return f"/api/objects/{quote(name, safe='')}"
    if kind == "page":
        return chance.choice(["/", f"/object/{quote(name, safe='')}"])
    return "/api/sql?" + urlencode({"query": chance.choice(QUERIES)})


class Clients:
    """A running process of clients; :meth:`visits` ends it."""

    def __init__(self, process: Any, end: Connection) -> None:
        self.process, self._end = process, end

    def visits(self) -> list[Visit]:
        """Let each client finish its request, and return all requests."""
        self._end.send(None)
        found: list[Visit] = self._end.recv()
        self.process.join()
        return found


@contextmanager
def visiting(address: str, count: int, places: Sequence[Place]) -> Iterator[Clients]:
    """Run clients beside what is measured.

    Parameters
    ----------
    address : str
        ``127.0.0.1:8765``.
    count : int
    places : sequence of (str, float, float)
        Objects that are there, with their positions.
    """
    here, there = get_context("spawn").Pipe()
    arguments = (address, count, list(places), there)
    process = get_context("spawn").Process(target=_visit, args=arguments)
    process.start()
    try:
        here.recv()  # they have begun
        yield Clients(process, here)
    finally:
        if process.is_alive():
            process.terminate()
        process.join()


def _visit(address: str, count: int, places: list[Place], end: Connection) -> None:
    with suppress(AttributeError):  # Windows
        os.nice(19)
    over = threading.Event()
    visits: list[Visit] = []
    threads = [
        threading.Thread(target=_ask_on, args=(address, number, places, over, visits.append))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    end.send(None)
    end.recv()
    over.set()
    for thread in threads:
        thread.join()
    end.send(visits)


def _ask_on(
    address: str,
    number: int,
    places: Sequence[Place],
    over: threading.Event,
    note: Callable[[Visit], None],
) -> None:
    chance = random.Random(number)
    kinds, weights = list(MIX), list(MIX.values())
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    while not over.is_set():
        (kind,) = chance.choices(kinds, weights)
        path, begun = path_of(kind, chance.choice(places), chance), time.monotonic()
        status = _asked(connection, path)
        note(Visit(kind, status, begun, time.monotonic() - begun))
    connection.close()


def _asked(connection: http.client.HTTPConnection, path: str) -> int:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()  # the next request opens it again
        return 0
    return answer.status
