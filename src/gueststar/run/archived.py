"""Alerts of our own Parquet archive as a source: they are scored again, not decoded again.

Their positions are those of their first reading, so a store that has them knows them, and only
takes the scores of modules and versions that it lacks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from gueststar.batch import VOCABULARY, AlertBatch
from gueststar.errors import BadInput
from gueststar.sinks.archive import ROW_GROUP, Archive, opened
from gueststar.surveys.decode import decode


class ArchiveSource:
    """Alerts of an archive, as columns.

    Parameters
    ----------
    folder : path-like
    night : int, optional
        One night of it, YYYYMMDD.
    batch_size : int
        Alerts a batch at most.

    Attributes
    ----------
    size, done : int
        Bytes in all and bytes read so far, for a progress bar.

    Raises
    ------
    BadInput
        If there is no such archive or night.
    """

    def __init__(
        self, folder: str | os.PathLike[str], night: int | None = None, *, batch_size: int = 500
    ) -> None:
        self.files = Archive(folder).files(night)
        if not self.files:
            when = "" if night is None else f" of night {night}"
            raise BadInput(f"no archive{when} at {Path(folder)}: it has no night=.../*.parquet")
        self.batch_size = batch_size
        self.size = sum(path.stat().st_size for path in self.files)
        self.done = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield alerts without their scores.

        Raises
        ------
        ArchiveError
            If a file is damaged or of a newer format.
        """
        self.done = 0
        for path in self.files:
            for batch in archived_batches(path, self.batch_size):
                yield batch.arrow
            self.done += path.stat().st_size

    def commit(self, batch: pa.RecordBatch) -> None:
        """Do nothing: a file is read again from its start, and the ledger knows the rest."""


def archived_batches(path: Path, batch_size: int) -> Iterator[AlertBatch]:
    """Yield the alerts of one file of an archive, vocabulary and ``native``, without scores.

    Raises
    ------
    ArchiveError
        If the file is damaged or of a newer format.
    """
    with opened(path) as file:
        there = set(file.schema_arrow.names)
        names = [name for name in (*VOCABULARY.names, "native") if name in there]
        for batch in file.iter_batches(min(ROW_GROUP, batch_size), columns=names):
            yield AlertBatch(_whole(batch.select(names)))


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Add what a file of an earlier version does not have yet."""
    fields = [*VOCABULARY, batch.schema.field("native")]
    arrays = [
        batch.column(f.name) if f.name in batch.schema.names else pa.nulls(len(batch), f.type)
        for f in fields
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def decode_or_pass(batch: pa.RecordBatch) -> tuple[Sequence[AlertBatch], pa.RecordBatch | None]:
    """Decode what a source gives; what is alerts already stays as it is."""
    if "alert_id" in batch.schema.names:
        return [AlertBatch(batch)], None
    decoding = decode(batch)
    return decoding.alerts, decoding.dead
