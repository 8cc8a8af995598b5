"""Temporary views of one PostgreSQL connection: what a viewer with restricted rights sees."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from gueststar.rights import Rights
from gueststar.store.postgres.schema import VIEWS
from gueststar.store.shadows import Place, public, shadows
from gueststar.store.tables import VIEW_NAMES

if TYPE_CHECKING:
    from psycopg import Connection

_POINTS = """SELECT coalesce(json_agg(p.value ORDER BY p.place), '[]'::JSON)::TEXT
             FROM json_array_elements(t.points::JSON) WITH ORDINALITY AS p(value, place)
             WHERE {which}"""
_PROGRAM = "(p.value ->> 9)::BIGINT"


def restrict(connection: Connection[Any], rights: Rights) -> None:
    """Put views in front of all tables, for as long as the connection is open.

    PostgreSQL looks for a name among the temporary relations first. A replica takes no temporary
    views, so restricted rights need the primary.
    """
    with connection.transaction():
        schema, columns = _columns(connection)
        place = Place(schema, columns, _POINTS, _PROGRAM)
        hidden = shadows(rights, place)
        for name in sorted(hidden, key=_order):
            connection.execute(f"CREATE TEMP VIEW {name} AS {hidden[name]}")
        for name, select in public(VIEWS, rights, _nulls(connection)).items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {select}")


#: A view is bound to what stands under a name when it is made: those first that others read.
_FIRST = (
    "alert_rows", "object_rows", "score_rows", "ledger_rows", "parts", "annotation_rows",
)  # fmt: skip


def _order(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST)), name


def _nulls(connection: Connection[Any]) -> dict[str, list[str]]:
    """Return the columns of the public views, each as a null of its type."""
    query = """SELECT c.relname::text,
                      format('NULL::%%s AS %%I', format_type(a.atttypid, a.atttypmod), a.attname)
               FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
               WHERE a.attnum > 0 AND c.relname = ANY(%s)
                   AND c.relnamespace = current_schema()::regnamespace
               ORDER BY c.relname, a.attnum"""
    found: dict[str, list[str]] = defaultdict(list)
    for name, null in connection.execute(query, (list(VIEW_NAMES),)):
        found[name].append(null)
    return found


def _columns(connection: Connection[Any]) -> tuple[str, dict[str, list[str]]]:
    """Return the schema, quoted, and the columns of all its tables and of views of ours."""
    query = """SELECT quote_ident(current_schema()), c.relname::text, a.attname::text
               FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
               WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v')
                   AND NOT c.relispartition AND c.relname <> ALL(%s) AND c.relnamespace =
                       (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
               ORDER BY c.relname, a.attnum"""
    rows = connection.execute(query, (list(VIEW_NAMES),)).fetchall()
    found: dict[str, list[str]] = defaultdict(list)
    for _, name, column in rows:
        found[name].append(column)
    return rows[0][0], found
