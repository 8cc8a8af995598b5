"""An export as bytes, made while they are taken: no file, and the memory of one page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO, cast

import pyarrow as pa

from gueststar.export.jobs import title_of
from gueststar.export.rows import MOST_SQL, Readable, rows
from gueststar.export.wanted import Wanted
from gueststar.export.writers import WRITERS, About

#: What can be written without going back, and without a file beside.
STREAMED = ("csv", "jsonl", "arrow", "parquet", "votable")
PIECE = 256 << 10  # bytes


class _Gathered:
    """A file that is read while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: memoryview) -> int:
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def taken(self, least: int) -> Iterator[bytes]:
        """Yield what is there in pieces, if it is enough."""
        if self._size < least or not self._size:
            return
        whole = memoryview(b"".join(self._parts))
        self._parts, self._size = [], 0
        for start in range(0, len(whole), PIECE):
            yield bytes(whole[start : start + PIECE])


def pieces(
    store: Readable, wanted: Wanted, form: str, *, most_sql: int = MOST_SQL
) -> Iterator[bytes]:
    """Read the first page at once, and return the file in pieces; the next are read when needed.

    Parameters
    ----------
    store : Readable
    wanted : Wanted
    form : str
        One of :data:`STREAMED`.
    most_sql : int
        Rows of a query at most.

    Raises
    ------
    BadInput
        If that cannot be selected.
    """
    schema, tables = rows(store, wanted, most_sql=most_sql)
    return _pieces(schema, tables, wanted, form)


def _pieces(
    schema: pa.Schema, tables: Iterator[pa.Table], wanted: Wanted, form: str
) -> Iterator[bytes]:
    file = _Gathered()
    made = WRITERS[form](cast(BinaryIO, file), schema, About(title_of(wanted)), None)
    with closing(made) as writer:
        for table in tables:
            writer.write(table)
            yield from file.taken(PIECE)
        writer.finish()
        yield from file.taken(1)
