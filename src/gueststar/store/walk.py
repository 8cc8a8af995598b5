"""Reading all alerts back, batch by batch, in the order of the ledger, while others write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.errors import BadInput
from gueststar.store import ledger, rereading
from gueststar.store.session import Kind, Session

WINDOW = 2_000  # lines of the ledger that are looked at in one step
_KINDS: dict[str, Kind] = {"night": "bigint", "object_id": "text"}
HEAVY = ("history", "native", *CUTOUTS)

Key = tuple[int, int, int, int]  # part, offset, record, alert


class Walk:
    """Walks the ledger's stored lines by key, so that no step depends on those before.

    The ledger has the positions, and its order is that in which alerts were written: neighbours
    lie in the same pages and chunks.

    Parameters
    ----------
    nights, objects, lacking, columns, batch_size
        See :meth:`gueststar.store.interface.Store.alert_batches`.

    Attributes
    ----------
    done : bool
        All were read.
    """

    def __init__(
        self,
        nights: Collection[int],
        objects: Collection[str],
        lacking: Mapping[str, str] | None,
        columns: Collection[str] | None,
        batch_size: int,
    ) -> None:
        if batch_size < 1:
            raise BadInput(f"batch_size = {batch_size} cannot be: give 1 or more")
        self.done = False
        self._filters: dict[str, list[Any]] = {"night": list(nights), "object_id": list(objects)}
        self._lacking = lacking
        self._columns = frozenset(HEAVY if columns is None else columns)
        self._batch_size = batch_size
        self._after: tuple[int, int, int] = (-1, 0, 0)
        self._waiting: list[Key] = []
        self._walked = False

    def step(self, connection: Session) -> Iterator[AlertBatch]:
        """Look at some more lines, and yield what has become a batch."""
        if not self._walked and len(self._waiting) < self._batch_size:
            self._look(connection)
        if self._walked or len(self._waiting) >= self._batch_size:
            some, self._waiting = (
                self._waiting[: self._batch_size],
                self._waiting[self._batch_size :],
            )
            self.done = self._walked and not self._waiting
            if some:
                yield from rereading.batches(connection, some, self._columns)

    def _look(self, connection: Session) -> None:
        keys = self._window(connection)
        self._walked = len(keys) < WINDOW
        if not keys:
            return
        self._after = keys[-1][:3]
        if self._lacking is not None:
            lacking = ledger.unscored(connection, {key[3] for key in keys}, self._lacking)
            keys = [key for key in keys if key[3] in lacking]
        self._waiting += keys

    def _window(self, connection: Session) -> list[Key]:
        values: dict[str, Any] = dict(
            zip(("part", "offset", "record"), self._after, strict=True), limit=WINDOW
        )
        conditions, join = "", ""
        for name, wanted in self._filters.items():
            if wanted:
                join = f"CROSS JOIN {connection.by_id} AS a"
                table = connection.wanted(_KINDS[name], name)
                conditions += f" AND a.{name} IN (SELECT wanted.value FROM {table})"
                values[name] = connection.pack(wanted)
        if join:
            conditions += " AND a.alert_id = l.alert_id"
        query = f"""SELECT l.part_id, l."offset", l.record, l.alert_id
                    FROM ledger_rows AS l {join}
                    WHERE l.state = {ledger.STORED}
                      AND (l.part_id, l."offset", l.record) > (:part, :offset, :record)
                      {conditions}
                    ORDER BY l.part_id, l."offset", l.record LIMIT :limit"""
        return list(connection.execute(query, values))
