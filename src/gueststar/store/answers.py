"""Limits of SQL by anybody, which are those of every engine, and the names that messages tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.store.tables import inferred

MAX_SECONDS = 30.0
MAX_ROWS = 1_000_000
MAX_RESULT = 512 << 20  # bytes of all texts and blobs
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


def fetched(cursor: Any, limit: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows of an open answer, at most ``limit``.

    Raises
    ------
    BadInput
        If it is too large.
    """
    size = 0
    while limit > 0 and (rows := cursor.fetchmany(min(limit, 100))):
        size += sum(len(v) for row in rows for v in row if isinstance(v, (str, bytes)))
        if size > MAX_RESULT:
            raise BadInput(
                f"the answer is larger than {MAX_RESULT >> 20} MB: ask for fewer rows or columns"
            )
        limit -= len(rows)
        yield from rows


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
