"""A sink over a store: everything between two flushes is one transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.batch import AlertBatch, is_dead_letters
from gueststar.errors import NotThere, did_you_mean
from gueststar.store.reports import WriteReport

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
    catalogs : collection of str, optional
        Catalogues that objects are matched with, all when None.

    Attributes
    ----------
    report : WriteReport
        What became of everything that was flushed.
    """

    def __init__(
        self,
        store: Store,
        archive: Archive | None = None,
        catalogs: Collection[str] | None = None,
    ) -> None:
        if catalogs:
            check_known(store, catalogs)
        self.store = store
        self.catalogs = catalogs
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
        self.report += self.store.write(
            self._alerts, self._dead, self.archive, catalogs=self.catalogs
        )
        self._alerts, self._dead = [], []


def check_known(store: Store, catalogs: Collection[str]) -> None:
    """Check names of catalogues and of orbits.

    Raises
    ------
    NotThere
        If the store has none of such a name; the message names the nearest.
    """
    known = store.catalogues().column("catalogue").to_pylist()
    known += store.orbit_files().column("orbits").to_pylist()
    for name in catalogs:
        if name not in known:
            raise NotThere(f"catalogs: there is no {name!r}.{did_you_mean(name, known)}")
