"""The survey's own records, as the store keeps them: Arrow columns in small compressed chunks.

A chunk is an Arrow IPC stream of at most 64 records, compressed whole with zstd. Measured against
one JSON text an alert and against the Parquet archive in ``docs/store.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.errors import StoreError
from gueststar.store.session import Session
from gueststar.surveys import seen

CHUNK = 64
MAX_CHUNK_BYTES = 256 << 20  # a chunk that says it unpacks to more is damaged
_CODEC = "zstd"
_LEVEL = 1
_NO_NATIVE: tuple[None, None] = (None, None)


def insert(
    connection: Session, native: pa.StructArray | None, rows: int
) -> list[tuple[int | None, int | None]]:
    """Keep the records of some alerts.

    Parameters
    ----------
    connection : Session
        In a write transaction.
    native : pyarrow.StructArray or None
        One record an alert.
    rows : int
        How many alerts.

    Returns
    -------
    list of (chunk_id, row)
        Where each record is; (None, None) when there is no ``native``.
    """
    if native is None or rows == 0:
        return [_NO_NATIVE] * rows
    places: list[tuple[int | None, int | None]] = []
    for start in range(0, rows, CHUNK):
        part = native.slice(start, CHUNK)
        chunk_id = _insert_chunk(connection, part)
        places += [(chunk_id, row) for row in range(len(part))]
    return places


def _insert_chunk(connection: Session, part: pa.StructArray) -> int:
    batch = pa.RecordBatch.from_arrays([part], names=["native"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    plain = sink.getvalue()
    packed = pa.Codec(_CODEC, compression_level=_LEVEL).compress(plain)
    query = "INSERT INTO native_chunks (size, zstd) VALUES (?, ?) RETURNING chunk_id"
    return int(connection.execute(query, (plain.size, packed.to_pybytes())).fetchone()[0])


def read(connection: Session, chunk_id: int, row: int) -> dict[str, Any]:
    """Return one record.

    Raises
    ------
    StoreError
        If the chunk is missing or damaged.
    """
    return dict(read_rows(connection, chunk_id, [row])[0].as_py() or {})


def read_rows(connection: Session, chunk_id: int, rows: Sequence[int]) -> pa.StructArray:
    """Return some records of one chunk, without what this session may not see of them.

    Raises
    ------
    StoreError
        If the chunk is missing or damaged.
    """
    query = "SELECT size, zstd FROM native_chunks WHERE chunk_id = ?"
    found = connection.execute(query, (chunk_id,)).fetchone()
    if found is None:
        raise StoreError(f"the record of this alert is gone: no chunk {chunk_id} in the store")
    programs = connection.rights.programs
    try:
        records = picked(_unpack(*found).column(0), rows)
        return records if programs is None else seen(records, programs)
    except (pa.ArrowException, OSError, IndexError) as error:
        raise StoreError(f"chunk {chunk_id} of survey records is damaged: {error}") from error


def picked(array: pa.Array, rows: Sequence[int]) -> pa.Array:
    """Take some rows, also of types that Arrow cannot take rows of (views).

    Raises
    ------
    IndexError, pyarrow.ArrowException
        If there is no such row.
    """
    try:
        return array.take(pa.array(rows, pa.int64()))
    except pa.ArrowNotImplementedError:
        return pa.array([array[row].as_py() for row in rows], array.type)


def _unpack(size: int, packed: bytes) -> pa.RecordBatch:
    if size > MAX_CHUNK_BYTES:
        raise pa.ArrowInvalid(f"it says that it unpacks to {size} bytes")
    plain = pa.Codec(_CODEC).decompress(packed, decompressed_size=size)
    with pa.ipc.open_stream(plain) as stream:
        return stream.read_next_batch()


def native_of(batch: pa.RecordBatch, rows: np.ndarray) -> pa.StructArray | None:
    """Return the ``native`` column of some rows of a batch; None when it has none."""
    index = batch.schema.get_field_index("native")
    if index < 0:
        return None
    column = batch.column(index)
    return column if len(rows) == len(column) else column.take(pa.array(rows))
