"""SQL by anybody: read-only, over the public views, with limits that hold."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.rights import Rights
from gueststar.store import answers
from gueststar.store.sqlite.connection import open_reader
from gueststar.store.sqlite.session import OPS_BETWEEN_LOOKS, SqliteSession
from gueststar.store.tables import VIEW_NAMES

MAX_VALUE = 64 << 20  # bytes of one text or blob
MAX_HEAP = 512 << 20  # bytes that SQLite may use in this process, for all that it does
_JSON = ("json_each", "json_tree")
_FORBIDDEN = {"load_extension", "fts3_tokenizer"}
_OTHER = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}


def run(connection: SqliteSession, query: str, limit: int) -> pa.Table:
    """Run one query; see :meth:`gueststar.store.sqlite.store.SqliteStore.sql`.

    Parameters
    ----------
    connection : SqliteSession
        That of :func:`opened`.
    query : str
    limit : int
    """
    answers.check_limit(limit)
    deadline = time.monotonic() + answers.MAX_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, OPS_BETWEEN_LOOKS)
    try:
        with (
            answers.in_time(connection.interrupt),
            closing(connection.execute(query)) as cursor,
        ):
            if cursor.description is None:
                raise BadInput(answers.ONLY_SELECT)
            rows = list(answers.fetched(cursor, limit + 1))
            names = [column[0] for column in cursor.description]
    except MemoryError:
        raise BadInput("the query needs too much memory: ask for less at once") from None
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise _meaning(error, query, connection) from error
    finally:
        connection.set_progress_handler(None, 0)
    return answers.cut(rows, names, limit)


def opened(path: Path, rights: Rights) -> SqliteSession:
    """Open a connection that reads the public views and nothing else."""
    connection = open_reader(path, rights, fenced=True)
    connection.views = _columns(connection)
    connection.execute(f"PRAGMA hard_heap_limit = {MAX_HEAP}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(Guard(connection.fence))
    return connection


def _columns(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Columns of the public views, for messages."""
    return {
        view: [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
        for view in VIEW_NAMES
    }


@dataclass(frozen=True)
class Guard:
    """Allows reading the public views, and what stands behind them from within, nothing else.

    Parameters
    ----------
    word : str
        End of the names of views that only :func:`gueststar.store.sqlite.seen.fence` knows.
    """

    word: str

    def __call__(
        self,
        action: int,
        first: str | None,
        second: str | None,
        database: str | None,
        within: str | None,
    ) -> int:
        """Answer SQLite's question whether a query may do something."""
        if action == sqlite3.SQLITE_READ:
            allowed = self._may_read(first or "", second or "", database, within or "")
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").lower() not in _FORBIDDEN
        else:
            allowed = action in _OTHER
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def _may_read(self, table: str, column: str, database: str | None, within: str) -> bool:
        if within.endswith(self.word) or table.endswith(self.word) or table in _JSON:
            return True
        if table == "sqlite_master":
            return column == "ROWID"  # asked for each table that is a function, such as json_each
        if not column:  # rows are counted only; without a schema that is what temp has
            return not database and not table.startswith(_SYSTEM)
        return table in VIEW_NAMES and database == "temp"


_SYSTEM = ("sqlite_", "pragma_", "dbstat")


def _meaning(error: Exception, query: str, connection: SqliteSession) -> Exception:
    """Turn SQLite's word into a sentence that names the nearest valid name."""
    text, columns = str(error).replace(f"_{connection.fence}", ""), connection.views
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
