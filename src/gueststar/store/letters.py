"""Reading dead letters back, packet by packet, while others write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from gueststar.batch import DEAD_LETTERS
from gueststar.errors import BadInput, did_you_mean
from gueststar.store.session import Session
from gueststar.streams import SOURCE

MOST_BYTES = 16_000_000  # of the packets of one batch; one packet may be larger

Key = tuple[int, int]  # part, offset


class Letters:
    """Reads dead letters in order of their packets, a batch a step.

    Parameters
    ----------
    reason, source, batch_size
        See :meth:`gueststar.store.interface.Store.dead_letters`.

    Attributes
    ----------
    done : bool
        All were read.
    """

    def __init__(self, reason: str | None, source: str | None, batch_size: int) -> None:
        self.done = False
        self._reason, self._source, self._batch_size = reason, source, batch_size
        self._after: Key = (-1, 0)
        self._last: int | None = None
        self._wanted: dict[str, Any] = {}

    def step(self, connection: Session) -> Iterator[pa.RecordBatch]:
        """Yield the next batch, if there is one."""
        if self._last is None:
            self._begin(connection)
        rows: list[tuple[Any, ...]] = []
        size = 0
        keys = self._keys(connection)
        self.done = len(keys) < self._batch_size
        for key in keys:
            found = connection.execute(_ROWS, key).fetchall()
            rows += found
            size += sum(len(row[0] or b"") for row in found)
            self._after = key
            if size >= MOST_BYTES:
                self.done = False
                break
        if rows:
            columns = list(zip(*rows, strict=True))
            arrays = [pa.array(c, f.type) for c, f in zip(columns, DEAD_LETTERS, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=DEAD_LETTERS)

    def _begin(self, connection: Session) -> None:
        """Note what there is now: letters that are buried from now on are not read."""
        found = connection.execute("SELECT coalesce(max(dead_id), 0) FROM dead_rows").fetchone()
        self._last = int(found[0])
        if self._source is not None:
            self._wanted["parts"] = connection.pack(_parts(connection, self._source))

    def _keys(self, connection: Session) -> list[Key]:
        conditions = ['(d.part_id, d."offset") > (:part, :offset)', "d.dead_id <= :last"]
        if self._reason is not None:
            conditions.append("lower(d.reason) LIKE lower(:reason)")
        if self._source is not None:
            table = connection.wanted("bigint", "parts")
            conditions.append(f"d.part_id IN (SELECT wanted.value FROM {table})")
        values = {"part": self._after[0], "offset": self._after[1], "last": self._last}
        query = f"""SELECT d.part_id, d."offset" FROM dead_rows AS d
                    WHERE {" AND ".join(conditions)}
                    GROUP BY d.part_id, d."offset" ORDER BY d.part_id, d."offset" LIMIT :limit"""
        limits = {"limit": self._batch_size, "reason": self._reason, **self._wanted}
        return list(connection.execute(query, {**values, **limits}))


#: All dead letters of one packet; columns of DEAD_LETTERS.
_ROWS = """SELECT d.packet, s.source, p.partition, d."offset", d.record, NULL, d.reason
           FROM dead_rows AS d JOIN parts AS p ON p.part_id = d.part_id
           JOIN sources AS s ON s.source_id = p.source_id
           WHERE d.part_id = ? AND d."offset" = ? ORDER BY d.record"""


def _parts(connection: Session, source: str) -> list[int]:
    """Return the parts of a source: by its name, its path without digest, or its topic."""
    query = """SELECT p.part_id FROM parts AS p
               JOIN sources AS s ON s.source_id = p.source_id
               WHERE s.source IN (:name, :topic)
                  OR (s.source LIKE '%#________'
                      AND substr(s.source, 1, length(s.source) - 9) = :name)"""
    found = [
        part for (part,) in connection.execute(query, {"name": source, "topic": SOURCE + source})
    ]
    if not found:
        names = connection.execute("SELECT source FROM sources LIMIT 20")
        known = [re.sub(f"^{SOURCE}|#.{{8}}$", "", name) for (name,) in names]
        raise BadInput(f"no source {source!r} in this store.{did_you_mean(source, known)}")
    return found
