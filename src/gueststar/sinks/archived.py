"""The archive as a source: its alerts under their first positions, with the scores they had."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from gueststar.batch import VOCABULARY, AlertBatch, whole_history
from gueststar.errors import ArchiveError, BadInput
from gueststar.score import score_schema
from gueststar.sinks.archive import ROW_GROUP, Archive, opened

#: Module, version and class of one score.
Kind = tuple[str, str, str]


class ArchivedAlerts:
    """A source of the alerts of an archive.

    Parameters
    ----------
    archive : Archive or path-like
    nights : collection of int
        YYYYMMDD; all when empty.
    batch_size : int
        Alerts a batch at most.
    scores : bool
        With the scores that they had; without, modules begin anew.

    Attributes
    ----------
    size, done : int
        Bytes of the files, and of those that have been read, for a progress bar.

    Raises
    ------
    BadInput
        If there is no archive, or nothing of a night.
    """

    def __init__(
        self,
        archive: Archive | str | os.PathLike[str],
        nights: Collection[int] = (),
        batch_size: int = 250,
        *,
        scores: bool = True,
    ) -> None:
        self.archive = archive if isinstance(archive, Archive) else Archive(archive)
        self.batch_size, self.scores = batch_size, scores
        self.files = _files(self.archive, nights)
        self.size = sum(path.stat().st_size for path in self.files)
        self.done = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of the vocabulary, ``native`` and scores.

        Raises
        ------
        ArchiveError
            If a file is damaged, of a newer format, or lacks a column.
        """
        self.done = 0
        for path in self.files:
            before, size = self.done, path.stat().st_size
            for batch, share in archived_batches(path, self.batch_size, scores=self.scores):
                self.done = before + int(size * share)
                yield batch.arrow
            self.done = before + size

    def commit(self, batch: pa.RecordBatch) -> None:
        """Do nothing: the ledger knows what was done."""


def archived_batches(
    path: Path, batch_size: int, *, scores: bool = False
) -> Iterator[tuple[AlertBatch, float]]:
    """Yield the alerts of one file of an archive, and how much of it has been read, 0 to 1.

    Raises
    ------
    ArchiveError
        If the file is damaged, of a newer format, or lacks a column.
    """
    with opened(path) as file:
        rows, done = max(1, file.metadata.num_rows), 0
        wanted = [*VOCABULARY.names, "native", *(["scores"] if scores else [])]
        names = [name for name in wanted if name in file.schema_arrow.names]
        for part in file.iter_batches(min(ROW_GROUP, batch_size), columns=names):
            done += part.num_rows
            for batch in unfolded(part.select(names), path):
                yield batch, done / rows


def _files(archive: Archive, nights: Collection[int]) -> list[Path]:
    every = archive.files()
    if not every:
        raise BadInput(
            f"no archive at {archive.folder}: `gueststar ingest --archive` makes one, a folder "
            "with Parquet files by night"
        )
    if not nights:
        return every
    there = sorted({path.parent.name.removeprefix("night=") for path in every})
    for night in nights:
        if str(night) not in there:
            raise BadInput(f"{archive.folder} has no night {night}; it has {', '.join(there)}")
    return [path for night in sorted(set(nights)) for path in archive.files(night)]


def unfolded(batch: pa.RecordBatch, path: Path) -> Iterator[AlertBatch]:
    """Turn rows of a file into alerts with a column a score, as a pipeline gives them.

    Rows whose scores are of other modules or versions make batches of their own.
    """
    plain = _vocabulary(batch, path)
    if "scores" not in batch.schema.names:
        yield plain
        return
    scores = batch.column("scores")
    for kinds, rows in _groups(scores).items():
        some = plain if len(rows) == len(plain) else AlertBatch(plain.arrow.take(pa.array(rows)))
        yield _with_scores(some, scores.take(pa.array(rows)), kinds, path)


def _vocabulary(batch: pa.RecordBatch, path: Path) -> AlertBatch:
    """Return the columns of the vocabulary; a file of an older gueststar may lack some."""
    names, arrays, fields = batch.schema.names, [], list(VOCABULARY)
    for field in VOCABULARY:
        if field.name in names and field.name != "arrived":  # latencies are those of streams
            column = batch.column(field.name)
            arrays.append(whole_history(column) if field.name == "history" else column)
        elif field.nullable:
            arrays.append(pa.nulls(batch.num_rows, field.type))
        else:
            raise ArchiveError(f"{path} has no column {field.name!r}: it is no file of alerts")
    if "native" in names:
        arrays.append(batch.column("native"))
        fields.append(pa.field("native", arrays[-1].type))
    return AlertBatch(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)))


def _groups(scores: pa.ListArray) -> dict[tuple[Kind, ...], list[int]]:
    """Group rows by the kinds of scores that they have, in order."""
    flat = scores.flatten()
    columns = (flat.field(name).to_pylist() for name in ("module", "version", "class"))
    kinds = list(zip(*columns, strict=True))
    found: dict[tuple[Kind, ...], list[int]] = defaultdict(list)
    at = 0
    for row, length in enumerate(scores.value_lengths().fill_null(0).to_pylist()):
        found[tuple(kinds[at : at + length])].append(row)
        at += length
    return found


def _with_scores(
    batch: AlertBatch, scores: pa.ListArray, kinds: Sequence[Kind], path: Path
) -> AlertBatch:
    flat, k = scores.flatten(), len(kinds)
    for module in dict.fromkeys(kind[0] for kind in kinds):
        mine = [j for j, kind in enumerate(kinds) if kind[0] == module]
        versions = {kinds[j][1] for j in mine}
        if len(versions) > 1:
            raise ArchiveError(f"{path} has scores of {module} in several versions for one alert")
        places = [pa.array(np.arange(len(batch)) * k + j) for j in mine]
        arrays = [flat.field("value").take(place) for place in places]
        arrays.append(flat.field("reason").take(places[0]))
        schema = score_schema(module, [kinds[j][2] for j in mine])
        added = pa.RecordBatch.from_arrays(arrays, schema=schema)
        batch = batch.with_columns(added).with_module(module, versions.pop())
    return batch
