"""A sink over a store: everything between two flushes is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.batch import AlertBatch, is_dead_letters
from gueststar.store.interface import WriteReport

if TYPE_CHECKING:
    from gueststar.sinks.archive import Archive
    from gueststar.store import Store


class StoreSink:
    """Writes alerts and dead letters into a store, and into an archive beside it.

    Parameters
    ----------
    store : Store
    archive : Archive, optional
        Gets those alerts that are new to the store.

    Attributes
    ----------
    report : WriteReport
        What became of everything that was flushed.
    """

    def __init__(self, store: Store, archive: Archive | None = None) -> None:
        self.store = store
        self.archive = archive
        self.report = WriteReport()
        self._alerts: list[AlertBatch] = []
        self._dead: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; it is in the store after :meth:`flush`."""
        if is_dead_letters(batch):
            self._dead.append(batch)
        else:
            self._alerts.append(AlertBatch(batch))

    def flush(self) -> None:
        """Commit everything since the last flush, whole or not at all.

        Raises
        ------
        StoreError, ArchiveError
            Nothing was written; the batches wait for the next flush.
        """
        if not self._alerts and not self._dead:
            return
        self.report += self.store.write(self._alerts, self._dead, self.archive)
        self._alerts, self._dead = [], []
