"""Packets as fastavro reads them: the reference that the mappings are held to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest

Records = Callable[[Path], list[dict[str, Any]]]


def _records(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        return list(fastavro.reader(file))


@pytest.fixture(scope="session")
def records() -> Records:
    """Read all records of an Avro file, one dict each."""
    return _records


@pytest.fixture(scope="session")
def records_batch() -> Callable[[pa.Table], pa.RecordBatch]:
    """Make of a table what a source of Parquet gives: ``native`` and the positions."""

    def make(table: pa.Table) -> pa.RecordBatch:
        n = table.num_rows
        [rows] = table.combine_chunks().to_batches()
        columns = {
            "native": pa.StructArray.from_arrays(rows.columns, fields=list(rows.schema)),
            "source": pa.array(["table"] * n),
            "partition": pa.array([""] * n),
            "offset": pa.array(np.arange(n)),
            "record": pa.array(np.zeros(n, np.int32)),
        }
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    return make
