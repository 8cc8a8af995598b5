"""Where on the sky a packet lay that cannot be decoded whole, as far as its beginning tells.

A packet is broken most often in its stamps, which come last. It is read with fastavro up to the
record that holds the position.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa

from gueststar.errors import BadPacket
from gueststar.surveys import sky
from gueststar.surveys.avro.header import read_header
from gueststar.surveys.decode import CONTAINER

SYNC = 16  # bytes
Position = tuple[float, float]

#: What fastavro and Arrow raise on data that are cut or damaged.
_FAULTS = (
    EOFError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, MemoryError,
    RecursionError, OSError, zlib.error, pa.ArrowException, fastavro.schema.SchemaParseException,
    BadPacket,
)  # fmt: skip


def cells_of(packets: Sequence[bytes | None]) -> list[int | None]:
    """Return the HEALPix cell (nested, order 29) of each dead letter that tells its position."""
    found = [position_of(packet) or (np.nan, np.nan) for packet in packets]
    ra, dec = np.array(found, dtype=np.float64).reshape(-1, 2).T
    cells: list[int | None] = sky.healpix29(ra, dec).to_pylist()
    return cells


def position_of(packet: bytes | None) -> Position | None:
    """Read the position out of a dead letter.

    Parameters
    ----------
    packet : bytes or None
        An Avro container, or an alert as a one-row Arrow stream
        (:func:`gueststar.batch.stream_bytes`). Framed messages do not bring their schema.

    Returns
    -------
    ra, dec : float
        ICRS, deg; None where the packet does not tell a position on the sky.

    Examples
    --------
    >>> position_of(b"<html>") is None
    True
    """
    if not packet:
        return None
    try:
        found = _of_container(packet) if packet[:4] == CONTAINER else _of_row(packet)
    except _FAULTS:
        return None
    if found is None or None in found:
        return None
    ra, dec = float(found[0]), float(found[1])
    return (ra, dec) if sky.on_the_sky(np.array([ra]), np.array([dec]))[0] else None


def _of_container(packet: bytes) -> tuple[Any, Any] | None:
    _, header = read_header(memoryview(packet))
    schema = _up_to_position(header.writer.schema)
    body = _block(BytesIO(packet[header.length + SYNC :]), header.codec)
    if body is None or schema is None:
        return None
    record = fastavro.schemaless_reader(body, schema, None)
    return _position(record) if isinstance(record, dict) else None


def _block(file: BytesIO, codec: str) -> BytesIO | None:
    """Return the first block's bytes, as many as there are."""
    for _ in ("records", "bytes"):  # both may be lies
        fastavro.schemaless_reader(file, "long", None)
    rest = file.read()
    if codec == "deflate":
        return BytesIO(zlib.decompressobj(-15).decompress(rest))
    return BytesIO(rest) if codec == "null" else None


def _up_to_position(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Cut a record's schema after the first field that holds ``ra`` and ``dec``."""
    fields = schema.get("fields", [])
    for number, field in enumerate(fields, 1):
        kind = field["type"]
        kinds = kind if isinstance(kind, list) else [kind]
        if any(_has_position(one) for one in kinds):
            return {**schema, "fields": fields[:number]}
    return None


def _has_position(kind: Any) -> bool:
    if not isinstance(kind, dict):
        return False
    return {"ra", "dec"} <= {field["name"] for field in kind.get("fields", [])}


def _position(record: dict[str, Any]) -> tuple[Any, Any] | None:
    for part in (record, *record.values()):
        if isinstance(part, dict) and "ra" in part and "dec" in part:
            return part["ra"], part["dec"]
    return None


def _of_row(packet: bytes) -> tuple[Any, Any] | None:
    with pa.ipc.open_stream(pa.py_buffer(packet)) as stream:
        row = stream.read_next_batch().to_pylist()[0]
    native = row.get("native")
    return _position(row) or (_position(native) if isinstance(native, dict) else None)
