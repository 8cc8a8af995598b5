"""A batch as Avro, column by column: the same bytes as a writer of records gives.

Every column becomes the pieces of bytes that its rows have in Avro, made by NumPy for the whole
column; Arrow joins the pieces of each row. The items of an array lie one after another in their
own column, so an alert's items are a longer slice of it, and nothing is copied for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Numbers of seven bits in a long.
_GROUPS = 10
_NULL, _VALUE = 0, 2  # branches 0 and 1 of ["null", ...], as Avro writes them


def pieces(column: pa.Array, kind: str) -> pa.BinaryArray:
    """Encode a column of one of Avro's plain types, without nulls.

    Parameters
    ----------
    column : pyarrow.Array
    kind : {'int', 'long', 'float', 'double', 'string'}

    Returns
    -------
    pyarrow.BinaryArray
        The bytes of every row.
    """
    return _words(column) if kind == "string" else _flattened(*_matrix(column, kind))


def nullable(column: pa.Array, kind: str) -> pa.BinaryArray:
    """Encode a column of the type ``["null", kind]``."""
    if column.null_count == len(column):
        return _fixed(np.full((len(column), 1), _NULL, np.uint8))
    if kind == "string":
        return pc.fill_null(_words(column, bytes([_VALUE])), bytes([_NULL]))
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    body, used = _matrix(column.fill_null(0), kind)
    branch = np.where(valid, _VALUE, _NULL).astype(np.uint8)[:, None]
    used = np.hstack([np.ones((len(column), 1), bool), used & valid[:, None]])
    return _flattened(np.hstack([branch, body]), used)


def record(columns: Sequence[pa.BinaryArray]) -> pa.BinaryArray:
    """Join the fields of each row."""
    return pc.binary_join_element_wise(*columns, b"")


def array(items: pa.BinaryArray, offsets: np.ndarray) -> pa.BinaryArray:
    """Encode arrays in one block each.

    Parameters
    ----------
    items : pyarrow.BinaryArray
        The items of all rows, one row after another.
    offsets : numpy.ndarray of int, shape ``(rows + 1,)``
        Where the items of each row begin, and where the last end.
    """
    counts = np.diff(offsets)
    ends = np.frombuffer(items.buffers()[1], np.int32)[items.offset :][: len(items) + 1]
    whole = _binary(ends[offsets], items.buffers()[2])
    body = record([longs(counts), whole, _constant(b"\0", len(counts))])
    return body if counts.all() else pc.if_else(pa.array(counts > 0), body, b"\0")


def longs(values: np.ndarray) -> pa.BinaryArray:
    """Encode numbers: zigzag, seven bits a byte, the lowest first."""
    return _flattened(*_varints(values))


def _varints(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    signed = np.asarray(values, np.int64)
    zigzag = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    groups = zigzag[:, None] >> (np.arange(_GROUPS, dtype=np.uint64) * np.uint64(7))
    used = groups > 0
    used[:, 0] = True
    body = (groups & np.uint64(127)).astype(np.uint8)
    body[:, :-1] |= np.where(used[:, 1:], 128, 0).astype(np.uint8)
    return body, used


def _floats(column: pa.Array, kind: str) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(over="ignore"):
        values = column.to_numpy(zero_copy_only=False).astype(kind)
    body = np.ascontiguousarray(values).view(np.uint8).reshape(len(column), values.itemsize)
    return body, np.ones(body.shape, bool)


def _matrix(column: pa.Array, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Give bytes in a matrix with a row for each row, and which of them count."""
    if kind in ("float", "double"):
        return _floats(column, "<f4" if kind == "float" else "<f8")
    return _varints(column.to_numpy(zero_copy_only=False))


def _words(column: pa.Array, before: bytes = b"") -> pa.BinaryArray:
    """Encode strings; each distinct one once, nulls stay."""
    encoded = column.dictionary_encode()
    words = [word.encode() for word in encoded.dictionary.to_pylist()]
    sizes = longs(np.array([len(word) for word in words], np.int64)).to_pylist()
    table = [before + size + word for size, word in zip(sizes, words, strict=True)]
    return pa.array(table, pa.binary()).take(encoded.indices)


def _flattened(body: np.ndarray, used: np.ndarray) -> pa.BinaryArray:
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    return _binary(ends, pa.py_buffer(body[used]))


def _fixed(body: np.ndarray) -> pa.BinaryArray:
    return _binary(np.arange(len(body) + 1) * body.shape[1], pa.py_buffer(body))


def _constant(value: bytes, rows: int) -> pa.BinaryArray:
    return _fixed(np.tile(np.frombuffer(value, np.uint8), (rows, 1)))


def _binary(ends: np.ndarray, data: Any) -> pa.BinaryArray:
    offsets = pa.py_buffer(np.ascontiguousarray(ends, np.int32))
    return pa.Array.from_buffers(pa.binary(), len(ends) - 1, [None, offsets, data])
