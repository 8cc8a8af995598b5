"""Avro bytes (specification 1.11.1) from arrays: records of fixed width, many at a time.

A nullable float that is not null is always five bytes, so a run of them is a NumPy record. That
writes the hundreds of fields of an alert's history without touching each of them in Python;
fastavro writes the rest.
"""

from __future__ import annotations

import hashlib
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from fastavro import schemaless_writer

from gueststar.simulate.schema import fields, parsed, schema_json

_FORMS = {"float": "<f4", "double": "<f8", "int": "u1"}
_NOT_NULL = 2  # branch 1 of a union, zigzag


def long(value: int) -> bytes:
    """Write an Avro long: zigzag, then seven bits a byte."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    """Write an Avro string or bytes."""
    raw = value.encode() if isinstance(value, str) else value
    return long(len(raw)) + raw


def part(name: str, datum: dict[str, Any]) -> bytes:
    """Write one part of the schema with fastavro."""
    out = BytesIO()
    schemaless_writer(out, parsed(name), datum)
    return out.getvalue()


class FixedPart:
    """A run of fields whose encoding has one width, written from columns.

    Parameters
    ----------
    table : str
        Lines of ``name type description``; types float, double, int (0 to 63), string.
    constants : dict
        Value of each string field, the same in every row.
    """

    def __init__(self, table: str, constants: dict[str, str] | None = None) -> None:
        forms: list[tuple[str, str]] = []
        self._fill: list[tuple[str, Any]] = []
        for field in fields(table):
            name, kind = field["name"], field["type"]
            if isinstance(kind, list):
                kind = kind[1]
                forms.append((f"{name}?", "u1"))
                self._fill.append((f"{name}?", _NOT_NULL))
            if kind == "string":
                raw = text((constants or {})[name])
                forms.append((name, f"V{len(raw)}"))
                self._fill.append((name, np.void(raw)))
            else:
                forms.append((name, _FORMS[kind]))
        self._integers = {f[0] for f in forms if f[1] == "u1" and not f[0].endswith("?")}
        self._form = np.dtype(forms)

    def rows(self, columns: dict[str, Any], n: int) -> list[bytes]:
        """Write ``n`` rows from arrays (or one value for all rows)."""
        out = np.zeros(n, self._form)
        for name, value in self._fill:
            out[name] = value
        for name, value in columns.items():
            out[name] = np.multiply(value, 2) if name in self._integers else value
        raw, width = out.tobytes(), self._form.itemsize
        return [raw[i * width : (i + 1) * width] for i in range(n)]


def optional_list(items: list[bytes]) -> bytes:
    """Write a nullable array that is not null."""
    if not items:
        return b"\x02\x00"
    return b"\x02" + long(len(items)) + b"".join(items) + b"\x00"


@cache
def _container_head() -> tuple[bytes, bytes]:
    schema = schema_json()
    sync = hashlib.blake2b(schema, digest_size=16).digest()
    meta = long(2) + text("avro.codec") + text("null") + text("avro.schema") + text(schema)
    return b"Obj\x01" + meta + b"\x00" + sync, sync


def container(body: bytes) -> bytes:
    """Wrap one record as an Avro container file with one block, codec null."""
    head, sync = _container_head()
    return b"".join([head, long(1), long(len(body)), body, sync])
