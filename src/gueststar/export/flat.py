"""Columns as flat formats can hold them: text for bytes and lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

from gueststar.columns import IDS
from gueststar.surveys import id_names

EXACT = 2**53  # above, a JSON number is not exact for everybody


def flattened(table: pa.Table) -> pa.Table:
    """Return a table of numbers, truth values and texts alone.

    Bytes become hexadecimal digits, lists and structs JSON, columns without a type empty texts.
    """
    return pa.table(
        [flat(column) for column in table.columns],
        pa.schema([flat_field(field) for field in table.schema]),
    )


def flat_field(field: pa.Field) -> pa.Field:
    """Return the field that :func:`flattened` makes of one."""
    return field.with_type(pa.string()) if _is_odd(field.type) else field


def flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of numbers, truth values or texts."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not _is_odd(column.type):
        return column
    values = [None if v is None else _text_of(v) for v in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.string())])


def _is_odd(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_nested(kind)
        or pa.types.is_null(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _text_of(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else orjson.dumps(plain(value)).decode()


def plain(value: Any, name: str = "") -> Any:
    """Return a nested value for JSON, ids and large integers as strings, bytes as digits."""
    if isinstance(value, Mapping):
        return {str(key): plain(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, name) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if name in IDS | id_names() or abs(value) > EXACT else value
    return value


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows for JSON: ids as strings, float32 in its own digits, bytes as digits."""
    columns = [
        _column(name, table.column(name)).to_pylist()
        if not pa.types.is_nested(table.column(name).type)
        else [plain(value, name) for value in table.column(name).to_pylist()]
        for name in table.column_names
    ]
    names = table.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _column(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_integer(column.type) and (name in IDS or _exceeds(column)):
        return column.cast(pa.string())
    if pa.types.is_float32(column.type):
        return column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_binary(column.type):
        return pa.chunked_array([[None if v is None else v.hex() for v in column.to_pylist()]])
    return column


def _exceeds(column: pa.ChunkedArray) -> bool:
    bounds = pa.compute.min_max(column).as_py()
    return any(v is not None and abs(v) > EXACT for v in bounds.values())
