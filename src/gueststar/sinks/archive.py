"""The archive: every alert with its record, cutouts and scores as Parquet files by night.

``DIR/night=YYYYMMDD/<survey>-<digest>.parquet``: the digest is that of the input positions of the
rows, so that a repeated batch replaces its own file. A file appears whole or not at all: it is
written aside, flushed to the disk and renamed. Rows are sorted by HEALPix.

With a store, files are renamed after the store has committed their rows (two steps, see
:class:`~gueststar.store.moves.Move`): a killed process leaves no file of alerts that the store
does not know.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gueststar.batch import (
    CUTOUTS,
    MODULES_KEY,
    POSITION_NAMES,
    VOCABULARY,
    AlertBatch,
    is_dead_letters,
)
from gueststar.errors import ArchiveError
from gueststar.score import SCORES, long_scores
from gueststar.store.moves import Move, unwritable

if TYPE_CHECKING:
    from gueststar.alert import Alert

FORMAT_KEY = b"gueststar.archive"
FORMAT = 2  # 1: points of light curves without their program
STALE_SECONDS = 86_400.0
ROW_GROUP = 1_000
_ASIDE = ".writing"
_DICTIONARY = ["object_id", "survey", "band", "source", "partition"]

#: One score of an alert in the archive's column ``scores``.
SCORE = pa.struct([field for field in SCORES if field.name != "alert_id"])


class Archive:
    """A folder of Parquet files by night.

    Parameters
    ----------
    folder : path-like
        Made when the first file is written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()

    def files(self, night: int | None = None) -> list[Path]:
        """Return the files of one night, or of all, in order of name."""
        pattern = f"night={night}/*.parquet" if night is not None else "night=*/*.parquet"
        return sorted(self.folder.glob(pattern))

    def write(self, batches: Sequence[AlertBatch]) -> list[Path]:
        """Write alerts, one file a batch and night, and return the files.

        Raises
        ------
        ArchiveError
            If the folder cannot be written or the disk is full; no file is left half-written.
        """
        moves = self.prepare(batches)
        for move in moves:
            move.finish()
        return [move.final for move in moves]

    def prepare(self, batches: Sequence[AlertBatch], owner: str = "sink") -> list[Move]:
        """Write files aside; they are safe on the disk when this returns.

        Raises
        ------
        ArchiveError
            As :meth:`write`; what was written aside is removed.
        """
        moves: list[Move] = []
        try:
            for batch in batches:
                for night, rows in _by_night(batch):
                    move = self._move(night, batch, rows, owner)
                    moves.append(move)
                    _write_file(_rows(batch, rows), move.temporary)
        except OSError as error:
            self.forget(moves)
            raise unwritable(error, self.folder) from error
        return moves

    def _move(self, night: int, batch: AlertBatch, rows: np.ndarray, owner: str) -> Move:
        survey = batch.column("survey")[int(rows[0])].as_py()
        digest = _digest(batch.arrow.select(POSITION_NAMES).take(pa.array(rows)))
        aside = self.folder / _ASIDE
        aside.mkdir(parents=True, exist_ok=True)
        return Move(
            aside / f"{owner}-{uuid.uuid4().hex}.parquet",
            self.folder / f"night={night}" / f"{survey}-{digest}.parquet",
        )

    def forget(self, moves: Iterable[Move]) -> None:
        """Remove files that were written aside."""
        for move in moves:
            move.temporary.unlink(missing_ok=True)

    def clean(self, owner: str) -> None:
        """Remove what killed writers have left aside.

        Parameters
        ----------
        owner : str
            Whose files have no living writer now: they go at once, those of others after a day.
        """
        for path in (self.folder / _ASIDE).glob("*.parquet"):
            if path.name.startswith(f"{owner}-") or _age(path) > STALE_SECONDS:
                path.unlink(missing_ok=True)

    def sql(self, query: str, *, limit: int = 10_000) -> pa.Table:
        """Run SQL (DuckDB) over the views of ``docs/sql.md``; see :mod:`gueststar.sinks.search`."""
        from gueststar.sinks.search import run_sql

        return run_sql(self, query, limit)

    def alert(self, alert_id: int) -> Alert:
        """Return one alert; see :func:`gueststar.sinks.search.find_alert`."""
        from gueststar.sinks.search import find_alert

        return find_alert(self, alert_id)

    def batches(self, night: int | None = None) -> Iterator[AlertBatch]:
        """Yield the alerts of the files, a row group at a time.

        Raises
        ------
        ArchiveError
            If a file is damaged or of a newer format.
        """
        for path in self.files(night):
            with opened(path) as file:
                for batch in file.iter_batches(ROW_GROUP):
                    yield AlertBatch(batch)


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open one file of an archive.

    Raises
    ------
    ArchiveError
        If it is no such file, damaged, or of a newer format.
    """
    try:
        with pq.ParquetFile(path) as file:
            check_format(path, file.schema_arrow)
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise ArchiveError(
            f"{path} cannot be read: {error}; move it away and ingest its alerts again"
        ) from error


def check_format(path: Path, schema: pa.Schema) -> None:
    """Refuse a file of a newer format, and one that is not ours.

    Raises
    ------
    ArchiveError
    """
    form = (schema.metadata or {}).get(FORMAT_KEY)
    if form is None:
        raise ArchiveError(f"{path} was not written by gueststar: move it out of the archive")
    if not form.isdigit() or int(form) > FORMAT:
        raise ArchiveError(
            f"{path} has archive format {form.decode(errors='replace')}, this gueststar reads "
            f"{FORMAT}: pip install --upgrade gueststar"
        )


class ArchiveSink:
    """A sink that writes an archive alone, without a store.

    Parameters
    ----------
    folder : path-like or Archive

    Notes
    -----
    Without a store nothing knows which alerts were archived before: a repeated batch replaces
    its own file, and an alert that comes twice from different positions stands twice. Dead
    letters are not archived.
    """

    def __init__(self, folder: str | os.PathLike[str] | Archive) -> None:
        self.archive = folder if isinstance(folder, Archive) else Archive(folder)
        self._waiting: list[AlertBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; it is on the disk after :meth:`flush`."""
        if batch.num_rows and not is_dead_letters(batch):
            self._waiting.append(AlertBatch(batch))

    def flush(self) -> None:
        """Write what waits.

        Raises
        ------
        ArchiveError
            If the folder cannot be written; what waits is kept for the next try.
        """
        if self._waiting:
            self.archive.write(self._waiting)
            self.archive.clean("none")
            self._waiting = []


def _by_night(batch: AlertBatch) -> Iterator[tuple[int, np.ndarray]]:
    nights, cells = batch.numpy("night"), batch.numpy("healpix29")
    order = np.lexsort((batch.numpy("alert_id"), cells))
    for night in np.unique(nights):
        yield int(night), order[nights[order] == night]


def _digest(positions: pa.RecordBatch) -> str:
    """Digest of a set of input positions, whatever their order."""
    rows = sorted(zip(*(column.to_pylist() for column in positions.columns), strict=True))
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:24]


def _rows(batch: AlertBatch, rows: np.ndarray) -> pa.Table:
    """Columns of the archive for some rows: vocabulary, scores, native."""
    names = [name for name in (*VOCABULARY.names, "native") if name in batch.names]
    picked = pa.Table.from_batches([batch.arrow.select(names)]).take(pa.array(rows))
    at = min(len(VOCABULARY), picked.num_columns)
    scores = _nested_scores(batch).take(pa.array(rows))
    metadata = {FORMAT_KEY: str(FORMAT).encode()}
    if modules := (batch.arrow.schema.metadata or {}).get(MODULES_KEY):
        metadata[MODULES_KEY] = modules
    return picked.add_column(at, "scores", scores).replace_schema_metadata(metadata)


def _nested_scores(batch: AlertBatch) -> pa.ListArray:
    """Scores of every alert as a list, so that all files have one schema beside ``native``."""
    rows = len(batch)
    scores = long_scores(batch)
    kinds = scores.num_rows // rows if rows else 0
    order = np.arange(kinds * rows).reshape(kinds, rows).T.ravel()
    values = scores.take(pa.array(order, pa.int64()))
    struct = pa.StructArray.from_arrays(
        [values.column(field.name) for field in SCORE], fields=list(SCORE)
    )
    offsets = np.arange(rows + 1, dtype=np.int32) * kinds
    return pa.ListArray.from_arrays(pa.array(offsets), struct)


def _write_file(table: pa.Table, path: Path) -> None:
    """Write and flush to the disk. Stamps are gzip'ed already and get no dictionary."""
    narrow = [n for n in table.column_names if n not in CUTOUTS]
    with path.open("xb") as file:
        pq.write_table(
            table,
            file,
            row_group_size=ROW_GROUP,
            compression=_codecs(table.schema),
            use_dictionary=[n for n in _DICTIONARY if n in narrow],
            write_statistics=[n for n in narrow if n not in {"native", "history", "scores"}],
        )
        file.flush()
        os.fsync(file.fileno())


def _codecs(schema: pa.Schema) -> dict[str, str]:
    """Codec of every leaf column: zstd, but for stamps, which are gzip'ed already."""
    leaves = [leaf for field in schema for leaf in _leaves(field.type, field.name)]
    return {leaf: "none" if leaf in CUTOUTS else "zstd" for leaf in leaves}


def _leaves(kind: pa.DataType, path: str) -> list[str]:
    """Paths of the leaves of a column, as Parquet writes them."""
    if pa.types.is_struct(kind):
        return [leaf for f in kind for leaf in _leaves(f.type, f"{path}.{f.name}")]
    if pa.types.is_map(kind):
        parts = {"key": kind.key_type, "value": kind.item_type}
        return [leaf for n, t in parts.items() for leaf in _leaves(t, f"{path}.key_value.{n}")]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _leaves(kind.value_type, f"{path}.list.element")
    return [path]


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
