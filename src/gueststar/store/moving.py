"""Moves cutouts between the database, folders and buckets, a pack or some hundred alerts at a time.

Each step is one transaction, which begins where the tables say that something is left: a move that
was stopped or killed goes on when it is asked for again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gueststar.batch import CUTOUTS
from gueststar.errors import CutoutsLost
from gueststar.store import stamps
from gueststar.store.places import place_of
from gueststar.store.session import Session
from gueststar.store.shelf import Shelf, drop, used

STEP = 500  # alerts whose cutouts leave the database at a time
WORD = "moving cutouts"
_PACKS = """SELECT k.pack_id, k.place_id, l.url, k.name, k.size FROM cutout_packs AS k
    JOIN cutout_places AS l ON l.place_id = k.place_id"""


class Pack(NamedTuple):
    """A pack that lies elsewhere."""

    pack_id: int
    place_id: int
    url: str
    name: str
    size: int


class Moving:
    """One walk through the cutouts that do not lie where new ones go.

    Parameters
    ----------
    shelf : Shelf

    Attributes
    ----------
    after : int
        The last pack that was looked at; its caller sets it when the step is committed.
    lost : list of CutoutsLost
        What could not be moved.
    left_packs : bool
        Packs were left behind, which somebody may be reading.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.after = 0
        self.lost: list[CutoutsLost] = []
        self.left_packs = False

    def step(self, connection: Session) -> tuple[int, int] | None:
        """Move some; return of how many alerts, and what ``after`` is then; None at the end."""
        connection.alone(WORD)
        place = self._shelf.place(connection)
        moved = self._out_of_database(connection) if place is not None else 0
        if moved:
            return moved, self.after
        found = _next_pack(connection, self.after, 0 if place is None else place[0])
        if found is None:
            return None
        count = self._copy(connection, found) if place else self._unpack(connection, found)
        return count, found.pack_id  # it was moved, or it cannot be

    def _out_of_database(self, connection: Session) -> int:
        query = f"SELECT alert_id FROM cutout_rows ORDER BY alert_id LIMIT {STEP}"
        ids = [alert_id for (alert_id,) in connection.execute(query)]
        if not ids:
            return 0
        found, _ = stamps.find(connection, ids)
        self._shelf.keep(connection, {i: [found[i].get(n) for n in CUTOUTS] for i in ids})
        connection.executemany("DELETE FROM cutout_rows WHERE alert_id = ?", [(i,) for i in ids])
        return len(ids)

    def _copy(self, connection: Session, pack: Pack) -> int:
        """Put the same bytes into the other place."""
        try:
            (data,) = place_of(pack.url).read(pack.name, [(0, pack.size)])
            if len(data) != pack.size:
                raise cut(pack, len(data))
        except CutoutsLost as error:
            self.lost.append(error)
            return 0
        name = self._shelf.put(connection, data)
        connection.execute(
            "UPDATE cutout_packs SET place_id = ?, name = ? WHERE pack_id = ?",
            (name.place_id, name.name, pack.pack_id),
        )
        self._leave(connection, pack)
        query = "SELECT count(*) FROM cutout_parts WHERE pack_id = ?"
        return int(connection.execute(query, (pack.pack_id,)).fetchone()[0])

    def _leave(self, connection: Session, pack: Pack) -> None:
        drop(connection, pack.place_id, pack.name)
        self.left_packs = True

    def _unpack(self, connection: Session, pack: Pack) -> int:
        """Put the cutouts of a pack into the database; what is damaged stays referred to."""
        query = "SELECT alert_id, start, size FROM cutout_parts WHERE pack_id = ?"
        parts = connection.execute(query, (pack.pack_id,)).fetchall()
        pieces = [stamps.Piece(i, pack.url, pack.name, start, size) for i, start, size in parts]
        found, lost = stamps.fetch(pieces)
        good = {i: [found[i].get(n) for n in CUTOUTS] for i, _, _ in parts if i not in lost}
        stamps.insert(connection, good)
        connection.executemany(
            "DELETE FROM cutout_parts WHERE pack_id = ? AND alert_id = ?",
            [(pack.pack_id, i) for i in good],
        )
        if lost:
            self.lost += {str(error): error for error in lost.values()}.values()
        else:
            connection.execute("DELETE FROM cutout_packs WHERE pack_id = ?", (pack.pack_id,))
            self._leave(connection, pack)
        return len(good)


def _next_pack(connection: Session, after: int, place_id: int) -> Pack | None:
    query = f"{_PACKS} WHERE k.pack_id > ? AND k.place_id <> ? ORDER BY k.pack_id LIMIT 1"
    found = connection.execute(query, (after, place_id)).fetchone()
    return None if found is None else Pack(*found)


def cut(pack: Pack, size: int) -> CutoutsLost:
    """Say that a pack is shorter or longer than it was."""
    return CutoutsLost(
        f"the pack of cutouts {pack.url}/{pack.name} has {size:,} bytes and had {pack.size:,}: "
        "restore it from a copy"
    )


def left(connection: Session) -> int:
    """Return how many alerts have cutouts elsewhere than where new ones go."""
    place = used(connection)
    query = """SELECT count(*) FROM cutout_packs AS k
               JOIN cutout_parts AS p ON p.pack_id = k.pack_id WHERE k.place_id <> ?"""
    count = int(connection.execute(query, (place[0] if place else 0,)).fetchone()[0])
    if place is not None:
        count += int(connection.execute("SELECT count(*) FROM cutout_rows").fetchone()[0])
    return count


def places(connection: Session) -> list[dict[str, Any]]:
    """Return every place, what it holds, and whether new cutouts go there."""
    count = "SELECT count(*) FROM cutout_rows"
    here = int(connection.execute(count).fetchone()[0])
    query = """SELECT l.url, l.used, count(k.pack_id), coalesce(sum(k.size), 0)
               FROM cutout_places AS l LEFT JOIN cutout_packs AS k ON k.place_id = l.place_id
               GROUP BY l.place_id, l.url, l.used ORDER BY l.place_id"""
    found = [
        {"place": url, "used": bool(mine), "packs": packs, "bytes": int(size)}
        for url, mine, packs, size in connection.execute(query)
    ]
    in_use = any(one["used"] for one in found)
    return [{"place": "database", "used": not in_use, "alerts": here}, *found]


def check(pack: Pack) -> CutoutsLost | None:
    """Look whether a pack is there in its whole length; return what is wrong."""
    try:
        size = place_of(pack.url).size(pack.name)
    except CutoutsLost as error:
        return error
    return cut(pack, size) if size != pack.size else None


def packs(connection: Session, after: int, limit: int) -> list[Pack]:
    """Return packs in their order, some at a time."""
    query = f"{_PACKS} WHERE k.pack_id > ? ORDER BY k.pack_id LIMIT ?"
    return [Pack(*row) for row in connection.execute(query, (after, limit))]


def newest(connection: Session) -> Pack | None:
    """Return the pack that was written last."""
    query = f"{_PACKS} ORDER BY k.pack_id DESC LIMIT 1"
    found = connection.execute(query).fetchone()
    return None if found is None else Pack(*found)
