"""SQL by anybody: read-only, over the public views, with limits that hold."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.store import answers
from gueststar.store.sqlite.connection import open_reader
from gueststar.store.tables import VIEW_NAMES

MAX_VALUE = 64 << 20  # bytes of one text or blob
MAX_HEAP = 1 << 30  # bytes that SQLite may use in this process, for all that it does
_OPS_BETWEEN_LOOKS = 20_000
_JSON = ("json_each", "json_tree")
_FORBIDDEN = {"load_extension", "fts3_tokenizer"}
_OTHER = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}


def run(path: Path, query: str, limit: int) -> pa.Table:
    """Run one query; see :meth:`gueststar.store.sqlite.store.SqliteStore.sql`."""
    answers.check_limit(limit)
    with closing(open_reader(path)) as connection:
        columns = _columns(connection)
        _fence(connection)
        try:
            with answers.in_time(connection.interrupt):
                cursor = connection.execute(query)
                if cursor.description is None:
                    raise BadInput(answers.ONLY_SELECT)
                rows = list(answers.fetched(cursor, limit + 1))
        except MemoryError:
            raise BadInput("the query needs too much memory: ask for less at once") from None
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise _meaning(error, query, columns) from error
    return answers.cut(rows, [column[0] for column in cursor.description], limit)


def _columns(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Columns of the public views, for messages."""
    return {
        view: [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
        for view in VIEW_NAMES
    }


def _fence(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA hard_heap_limit = {MAX_HEAP}")
    deadline = time.monotonic() + answers.MAX_SECONDS
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _OPS_BETWEEN_LOOKS)
    connection.set_authorizer(_allow)


def _allow(
    action: int, first: str | None, second: str | None, database: str | None, within: str | None
) -> int:
    """Allow reading the views (and what stands behind them, from within them), nothing else."""
    if action == sqlite3.SQLITE_READ:
        public = first in VIEW_NAMES or first in _JSON or within in VIEW_NAMES
        allowed = public or not first or not second  # no column: rows are counted only
    elif action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _FORBIDDEN
    else:
        allowed = action in _OTHER
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _meaning(error: Exception, query: str, columns: dict[str, list[str]]) -> Exception:
    """Turn SQLite's word into a sentence that names the nearest valid name."""
    text = str(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_INTERRUPT:
        return answers.took_too_long()
    if found := re.search(r"no such column: (?:\w+\.)?(\S+)", text):
        return BadInput(f"{text}.{did_you_mean(found[1], answers.columns_named(query, columns))}")
    if found := re.search(r"no such table: (\S+)|access to (\w+)\.", text):
        return BadInput(f"{text}.{did_you_mean(found[1] or found[2], columns)}")
    if isinstance(error, sqlite3.OperationalError) and code not in (sqlite3.SQLITE_ERROR, 0):
        return error
    if isinstance(error, sqlite3.DatabaseError) and code == sqlite3.SQLITE_AUTH:
        return BadInput(f"{text}: {answers.ONLY_SELECT}")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return error
    return BadInput(f"cannot run this query: {text}")
