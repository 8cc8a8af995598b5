"""Limits of SQL by anybody, which are those of every engine, and the names that messages tell."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any

import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.store.tables import inferred

MAX_SECONDS = 30.0
MAX_ROWS = 1_000_000
MAX_RESULT = 512 << 20  # bytes of an answer
A_NUMBER = 32  # bytes of one as Python holds it
TRUNCATED_KEY = b"gueststar.truncated"
ONLY_SELECT = "only one SELECT is allowed here; the store is not changed by queries"


def check_limit(limit: int) -> None:
    """Check how many rows are asked for.

    Raises
    ------
    BadInput
    """
    if not 1 <= limit <= MAX_ROWS:
        raise BadInput(f"limit = {limit} cannot be: give 1 to {MAX_ROWS}")


_largest: ContextVar[int | None] = ContextVar("largest", default=None)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Refuse answers of more bytes, in this thread or task."""
    before = _largest.set(size)
    try:
        yield
    finally:
        _largest.reset(before)


@contextmanager
def in_time(interrupt: Callable[[], None]) -> Iterator[None]:
    """Interrupt a query whose time is over.

    An engine looks at its clock between steps and forgets it between fetches; a step may be long.
    """
    watch = threading.Timer(MAX_SECONDS, interrupt)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        watch.join()


def fetched(cursor: Any, limit: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows of an open answer, at most ``limit``.

    Raises
    ------
    BadInput
        If it is too large, or takes too long.
    """
    size, most, deadline = 0, _largest.get() or MAX_RESULT, time.monotonic() + MAX_SECONDS
    for row in islice(cursor, limit):  # one by one: the next may be large
        size += sum(map(_bytes_of, row))
        if size > most:
            raise BadInput(
                f"the answer is larger than {most >> 20} MB: ask for fewer rows or columns"
            )
        if time.monotonic() > deadline:
            raise took_too_long()
        yield row


def _bytes_of(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes)) else A_NUMBER


def cut(rows: Sequence[Sequence[Any]], names: Sequence[str], limit: int) -> pa.Table:
    """Build the answer, which says whether there were more rows than ``limit``."""
    table = inferred(rows[:limit], names)
    return table.replace_schema_metadata({TRUNCATED_KEY: b"%d" % (len(rows) > limit)})


def took_too_long() -> BadInput:
    """Return what a query is told that was stopped."""
    return BadInput(f"the query took longer than {MAX_SECONDS:.0f} s: narrow it down")


def columns_named(query: str, columns: Mapping[str, Sequence[str]]) -> set[str]:
    """Columns of the views that a query names; of all views when it names none."""
    words = set(re.findall(r"\w+", query.lower()))
    views = [view for view in columns if view in words] or list(columns)
    return {column for view in views for column in columns[view]}
