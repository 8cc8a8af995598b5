"""Long readings of a store: step by step, each a short transaction of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.store.letters import Letters
from gueststar.store.transactions import Transactions
from gueststar.store.walk import Walk


class Streaming:
    """Gives a store its streaming reads; the store gives ``_reading``."""

    def alert_batches(
        self: Transactions,
        *,
        nights: Collection[int] = (),
        objects: Collection[str] = (),
        lacking: Mapping[str, str] | None = None,
        columns: Collection[str] | None = None,
        batch_size: int = 250,
    ) -> Iterator[AlertBatch]:
        """Yield stored alerts; see :meth:`gueststar.store.interface.Store.alert_batches`."""
        yield from _steps(self, Walk(nights, objects, lacking, columns, batch_size))

    def dead_letters(
        self: Transactions,
        *,
        reason: str | None = None,
        source: str | None = None,
        batch_size: int = 250,
    ) -> Iterator[pa.RecordBatch]:
        """Yield dead letters; see :meth:`gueststar.store.interface.Store.dead_letters`."""
        self._operators_only("dead letters")
        yield from _steps(self, Letters(reason, source, batch_size))


def _steps(store: Transactions, reader: Walk | Letters) -> Iterator[Any]:
    """Read on in short transactions: a long one keeps SQLite's WAL, or dead rows, from going."""
    while not reader.done:
        with store._reading() as connection:
            found = list(reader.step(connection))
        yield from found
