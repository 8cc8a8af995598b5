"""Temporary views of one SQLite connection: what a viewer sees, and what a query may read."""

from __future__ import annotations

import secrets
import sqlite3

from gueststar.rights import Rights
from gueststar.store.shadows import Place, public, shadows
from gueststar.store.sqlite.schema import VIEWS
from gueststar.store.tables import VIEW_NAMES
from gueststar.store.views import bodies

_POINTS = """SELECT '[' || coalesce(group_concat(p.value, ','), '') || ']'
             FROM json_each(t.points) AS p WHERE {which}"""
_PROGRAM = "json_extract(p.value, '$[9]')"


def restrict(connection: sqlite3.Connection, rights: Rights) -> None:
    """Put views in front of all tables, for as long as the connection is open."""
    views = _shadows(connection, rights) | _public(connection, rights)
    for name, select in views.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {select}")


def fence(connection: sqlite3.Connection, rights: Rights) -> str:
    """Make the public views anew, so that what they read can be told from what a query reads.

    SQLite's authorizer is told the name of the view that reads. A query may give any name to a
    part of its own (``WITH alerts AS (SELECT * FROM alert_rows)``), but not one that ends in a
    word which it cannot know.

    Returns
    -------
    str
        That word.
    """
    word = secrets.token_hex(16)
    ours = _shadows(connection, rights) if rights.restricted else _private(connection)
    views = ours | _public(connection, rights)
    for name, select in views.items():
        connection.execute(f"CREATE TEMP VIEW {name}_{word} AS {select}")
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {name}_{word}")
    return word


def _shadows(connection: sqlite3.Connection, rights: Rights) -> dict[str, str]:
    return shadows(rights, Place("main", columns_of(connection), _POINTS, _PROGRAM))


def _private(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the SELECTs of views that are not public."""
    query = "SELECT sql FROM main.sqlite_master WHERE type = 'view'"
    found = bodies(";".join(sql for (sql,) in connection.execute(query)))
    return {name: body for name, body in found.items() if name not in VIEW_NAMES}


def _public(connection: sqlite3.Connection, rights: Rights) -> dict[str, str]:
    nulls = {
        view: [f'NULL AS "{name}"' for name in _columns(connection, view)] for view in VIEW_NAMES
    }
    return public(VIEWS, rights, nulls)


def _columns(connection: sqlite3.Connection, name: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA main.table_info({name})")]


def columns_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of all tables of the file, and of views that are not public."""
    query = """SELECT name FROM main.sqlite_master WHERE type IN ('table', 'view')
               AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"""
    names = [name for (name,) in connection.execute(query) if name not in VIEW_NAMES]
    return {name: _columns(connection, name) for name in names}
