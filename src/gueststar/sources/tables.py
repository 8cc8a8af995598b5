"""Alerts that are columns already: Parquet as broker samples store them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gueststar.batch import POSITION, dead_letters
from gueststar.surveys import recognise

ROWS_PER_BATCH = 200  # rows with cutouts are large


def holds_alerts(path: Path) -> bool:
    """Tell whether a Parquet file has the columns of some survey's alerts.

    A file that cannot be read counts as one that should have: it becomes a dead letter.
    """
    try:
        return recognise(pq.read_schema(path).names) is not None
    except (pa.ArrowException, OSError):
        return True


def parquet_batches(
    path: Path, source: str, batch_size: int
) -> Iterator[tuple[pa.RecordBatch, float]]:
    """Yield rows as a ``native`` struct column with their positions.

    Parameters
    ----------
    path : pathlib.Path
    source : str
        Stands in the ledger; the offset is the row number.
    batch_size : int
        Rows a batch at most.

    Yields
    ------
    batch : pyarrow.RecordBatch
        ``native`` and the columns of :data:`gueststar.batch.POSITION`. A file that breaks off
        ends with a batch of one dead letter.
    share : float
        How much of the file has been read, 0 to 1.
    """
    done = 0
    try:
        with pq.ParquetFile(path) as file:
            rows = max(file.metadata.num_rows, 1)
            for part in file.iter_batches(batch_size=min(batch_size, ROWS_PER_BATCH)):
                yield _with_positions(part, source, done), (done + part.num_rows) / rows
                done += part.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = f"Parquet cannot be read after row {done}: {error}"
        yield dead_letters(_positions(source, done, 1), [b""], [reason]), 1.0


def _with_positions(part: pa.RecordBatch, source: str, start: int) -> pa.RecordBatch:
    native = pa.StructArray.from_arrays(part.columns, fields=list(part.schema))
    positions = _positions(source, start, part.num_rows)
    schema = pa.schema([pa.field("native", native.type), *POSITION])
    return pa.RecordBatch.from_arrays([native, *positions.columns], schema=schema)


def _positions(source: str, start: int, rows: int) -> pa.RecordBatch:
    arrays = [
        pa.array([source] * rows, pa.string()),
        pa.array([""] * rows, pa.string()),
        pa.array(np.arange(start, start + rows, dtype=np.int64)),
        pa.array(np.zeros(rows, np.int32)),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION)
