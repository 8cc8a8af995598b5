"""Packs of an open store: how one is written so that none is lost, and none is left unknown.

1. A name is made up, and committed to ``cutout_names``.
2. The pack is written under it, and is durable.
3. One transaction takes the name away from there, refers to the pack, and leaves the name of the
   next one: so step 1 costs a transaction of its own for the first pack of a process alone.

A process that is killed before 3 is through leaves a name, under which a pack may lie. After an
hour another process drops the name; from then on nobody can do step 3 with it, and the pack is
deleted.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from gueststar.errors import StoreError
from gueststar.store.packs import Stamps, pack
from gueststar.store.places import place_of
from gueststar.store.session import Session

STALE_S = 3600.0  # an unused name of a process that may be dead
GRACE_S = 30.0  # a reader that has found its pack has read it by then
SWEPT = 100  # packs that are deleted at a time
WORD = "cutouts"


class Name(NamedTuple):
    """A name that a pack may have."""

    place_id: int
    url: str
    name: str


class Unreserved(Exception):
    """There is no name for a pack yet, or it was dropped: reserve one, and begin again."""


def used(connection: Session) -> tuple[int, str] | None:
    """Return the place where new cutouts go, and its URL; None: into the database."""
    found = connection.execute("SELECT place_id, url FROM cutout_places WHERE used = 1").fetchone()
    return None if found is None else (found[0], found[1])


class Shelf:
    """Writes the packs of one open store; its owner gives transactions, one at a time."""

    def __init__(self) -> None:
        self._name: Name | None = None
        self._next: Name | None = None
        self._put: Name | None = None

    def place(self, connection: Session) -> tuple[int, str] | None:
        """Return what :func:`used` says, which stays so until the end of the transaction."""
        connection.share(WORD)
        return used(connection)

    def reserve(self, connection: Session) -> None:
        """Commit a name for the next pack; what was left behind before is swept up."""
        place = self.place(connection)
        if place is not None:
            sweep(connection)
            self._name = _new_name(connection, *place)

    def keep(self, connection: Session, stamps: Stamps) -> None:
        """Write cutouts into a pack, and refer to it.

        Raises
        ------
        Unreserved
            If there is no name for it.
        StoreError
            If it cannot be written.
        """
        if not stamps:
            return
        data, parts = pack(stamps)
        name = self.put(connection, data)
        query = "INSERT INTO cutout_packs (place_id, name, size) VALUES (?, ?, ?) RETURNING pack_id"
        (pack_id,) = connection.execute(query, (name.place_id, name.name, len(data))).fetchone()
        connection.insert(
            "cutout_parts",
            ("alert_id", "pack_id", "start", "size", "kinds"),
            [(part.alert_id, pack_id, part.start, part.size, part.kinds) for part in parts],
        )

    def put(self, connection: Session, data: bytes) -> Name:
        """Write a pack under the name that is reserved; the caller refers to it.

        Raises
        ------
        Unreserved
        StoreError
        """
        place, name = used(connection), self._name
        if place is None or name is None or name.place_id != place[0]:
            raise Unreserved
        query = "DELETE FROM cutout_names WHERE place_id = ? AND name = ? AND dropped = 0"
        if connection.execute(query, (name.place_id, name.name)).rowcount != 1:
            raise Unreserved
        self._put = name
        place_of(name.url).put(name.name, data)
        self._next = _new_name(connection, *place)
        return name

    def committed(self) -> None:
        """Go on to the next name."""
        if self._put is not None:
            self._name = self._next
        self._put = None

    def failed(self, *, unknown: bool) -> None:
        """Forget the name, and remove its pack, unless it may have been committed."""
        put, self._put, self._name = self._put, None, None
        if put is not None and not unknown:
            with suppress(StoreError):  # it stays, and is swept up later
                place_of(put.url).delete(put.name)


def _new_name(connection: Session, place_id: int, url: str) -> Name:
    name = f"{datetime.now(UTC):%Y%m%d}/{uuid.uuid4().hex}.zip"
    query = "INSERT INTO cutout_names (place_id, name, at, dropped) VALUES (?, ?, ?, 0)"
    connection.execute(query, (place_id, name, time.time()))
    return Name(place_id, url, name)


def drop(connection: Session, place_id: int, name: str) -> None:
    """Give up a pack that nothing refers to any more."""
    query = "INSERT INTO cutout_names (place_id, name, at, dropped) VALUES (?, ?, ?, 1)"
    connection.execute(query, (place_id, name, time.time()))


def sweep(connection: Session, grace_s: float = GRACE_S) -> int:
    """Delete packs that were dropped, and drop names that nobody uses.

    A pack is deleted by another transaction than the one that drops its name, so that no writer
    which was held up meanwhile refers to what is gone.

    Returns
    -------
    int
        How many packs were deleted.
    """
    now = time.time()
    query = f"""SELECT n.place_id, l.url, n.name FROM cutout_names AS n
                JOIN cutout_places AS l ON l.place_id = n.place_id
                WHERE n.dropped = 1 AND n.at <= ? LIMIT {SWEPT}"""
    gone = 0
    for place_id, url, name in connection.execute(query, (now - grace_s,)).fetchall():
        try:
            place_of(url).delete(name)
        except StoreError:
            break  # its place is away: another time
        query = "DELETE FROM cutout_names WHERE place_id = ? AND name = ?"
        connection.execute(query, (place_id, name))
        gone += 1
    connection.execute(
        "UPDATE cutout_names SET dropped = 1, at = ? WHERE dropped = 0 AND at < ?",
        (now, now - STALE_S),
    )
    return gone
