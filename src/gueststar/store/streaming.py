"""Long readings of a store: step by step, each a short transaction of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.store.letters import Letters
from gueststar.store.session import Session
from gueststar.store.walk import Walk


class _Store(Protocol):
    def _reading(self) -> AbstractContextManager[Session]: ...

    def _operators_only(self, what: str) -> None: ...


class Streaming:
    """Gives a store its streaming reads; the store gives ``_reading``."""

    def alert_batches(
        self: _Store,
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
        self: _Store, *, reason: str | None = None, source: str | None = None, batch_size: int = 250
    ) -> Iterator[pa.RecordBatch]:
        """Yield dead letters; see :meth:`gueststar.store.interface.Store.dead_letters`."""
        self._operators_only("dead letters")
        yield from _steps(self, Letters(reason, source, batch_size))


def _steps(store: _Store, reader: Walk | Letters) -> Iterator[Any]:
    """Read on in short transactions: a long one keeps SQLite's WAL, or dead rows, from going."""
    while not reader.done:
        with store._reading() as connection:
            found = list(reader.step(connection))
        yield from found
