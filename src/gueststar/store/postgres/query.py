"""SQL by anybody: read-only, over the public views, with limits that hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.store import answers
from gueststar.store.postgres import guard
from gueststar.store.tables import VIEW_NAMES

if TYPE_CHECKING:
    from psycopg import Connection

    from gueststar.store.postgres.connection import Database

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def run(database: Database, query: str, limit: int) -> pa.Table:
    """Run one query; see :meth:`gueststar.store.engine.EngineStore.sql`."""
    from psycopg import Error

    answers.check_limit(limit)
    with database.borrowed(BEGIN) as connection:
        schema, columns = _columns(connection)
        text = guard.checked(query, columns, schema)
        connection.execute(f"SET LOCAL statement_timeout = {answers.MAX_SECONDS * 1000:.0f}")
        try:
            with (
                answers.in_time(connection.cancel),
                connection.cursor("answer", binary=True) as cursor,
            ):
                cursor.execute(text.encode())
                names = [column.name for column in cursor.description or ()]
                rows = [tuple(map(_plain, row)) for row in answers.fetched(cursor, limit + 1)]
        except Error as error:
            raise _meaning(error, query, columns) from error
    return answers.cut(rows, names, limit)


def _columns(connection: Connection[Any]) -> tuple[str, dict[str, list[str]]]:
    """Return the schema of the views, and their columns."""
    query = """SELECT current_schema()::text, c.relname::text, array_agg(a.attname::text)
               FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE c.relname = ANY(%s) AND c.relkind = 'v' AND c.relnamespace =
                   (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
               GROUP BY c.relname"""
    found = connection.execute(query, (list(VIEW_NAMES),)).fetchall()
    return found[0][0], {view: columns for _, view, columns in found}


def _plain(value: Any) -> Any:
    """Give PostgreSQL's exact numbers, which sums of integers are, as numbers of Arrow."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _meaning(error: Any, query: str, columns: dict[str, list[str]]) -> Exception:
    """Turn PostgreSQL's word into a sentence that names the nearest valid name."""
    from psycopg import errors

    text = str(error.diag.message_primary or error).splitlines()[0]
    if isinstance(error, errors.QueryCanceled):
        return answers.took_too_long()
    if isinstance(error, errors.UndefinedColumn) and (
        found := re.search(r"column \"?([^\s\"]+)", text)
    ):
        name = found[1].rpartition(".")[2]
        return BadInput(f"{text}.{did_you_mean(name, answers.columns_named(query, columns))}")
    if (error.sqlstate or "57")[:2] in ("57", "08", "53", "58", "XX"):
        return error if isinstance(error, Exception) else BadInput(text)
    return BadInput(f"cannot run this query: {text}")
