"""A connection to PostgreSQL that speaks the store's own language.

Many sessions write at once. Each takes what it needs in one order, so that none waits in a circle:
the positions it reads, its alerts, the curves of their objects, the minute of its streams; keys of
one kind in ascending order. Whoever needs the same waits until the other has committed, and
then reads what it has written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

import numpy as np

from gueststar.rights import UNRESTRICTED, Rights
from gueststar.store.postgres import schema
from gueststar.store.selection import MAX_SECONDS
from gueststar.store.session import Kind, too_long

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

NAMESPACE = 1735746932  # first number of our advisory locks
BUCKETS = 256  # locks on positions that one transaction may hold: the lock table is small
SPAN = 4096  # neighbouring offsets that share a lock
COPIED = 32  # from so many rows on, COPY is faster than INSERT
_BY_INDEX = "; ".join(
    f"SET LOCAL enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin")
)
_PLACEHOLDER = re.compile(r"\?(\d*)|(?<![:\w]):([a-z_]\w*)")


@lru_cache(maxsize=512)
def translated(query: str) -> str:
    """Return a query of ours with psycopg's placeholders.

    Examples
    --------
    >>> translated("SELECT ?::bigint[] WHERE a = :a")
    'SELECT %s::bigint[] WHERE a = %(a)s'
    """
    return _PLACEHOLDER.sub(_placeholder, query.replace("%", "%%"))


def _placeholder(found: re.Match[str]) -> str:
    number, name = found.groups()
    return f"%({name or 'p' + number})s" if name or number else "%s"


class PostgresSession:
    """See :class:`gueststar.store.session.Session`.

    Parameters
    ----------
    connection : psycopg.Connection
        In a transaction.
    rights : Rights
        Whose eyes read.
    """

    keys: ClassVar[str] = "alert_keys"
    by_id: ClassVar[str] = "alert_by_id"
    same_night: ClassVar[str] = " AND s.night = a.night"
    skip_locked: ClassVar[str] = " FOR UPDATE SKIP LOCKED"
    spans: ClassVar[str] = "unnest(:low::bigint[], :high::bigint[]) AS span(low, high)"

    def __init__(self, connection: Connection[Any], rights: Rights = UNRESTRICTED) -> None:
        self._connection = connection
        self.rights = rights

    def execute(self, query: str, values: Any = (), /) -> Cursor[Any]:
        """Run one statement; return a cursor."""
        return self._connection.cursor(binary=True).execute(translated(query), _given(values))

    def executemany(self, query: str, rows: Iterable[Any], /) -> None:
        """Run one statement for each row of values, without waiting for each answer."""
        if given := [_given(row) for row in rows]:
            self._connection.cursor().executemany(translated(query), given)

    def wanted(self, kind: Kind, name: str = "") -> str:
        """Return a table of one parameter, which is an array."""
        return (
            f"unnest({':' + name if name else '?'}::{kind}[]) WITH ORDINALITY AS wanted(value, key)"
        )

    def pack(self, values: Iterable[Any], /) -> list[Any]:
        """Return the parameter of :meth:`wanted`."""
        return [_word(value) for value in values]

    def pack_spans(self, spans: np.ndarray, /) -> dict[str, Any]:
        """Return the parameters of :attr:`spans`."""
        return {"low": spans[:, 0].tolist(), "high": spans[:, 1].tolist()}

    @contextmanager
    def within(self, seconds: float, whole: bool = False) -> Iterator[None]:
        """Stop each statement that takes longer.

        Of a range of cells that comes from another table PostgreSQL believes that it holds
        1 row in 200, and reads whole tables instead of indexes, unless that is forbidden.
        """
        from psycopg.errors import QueryCanceled

        limit = f"SET LOCAL statement_timeout = {max(1, round(1000 * seconds))}"
        self._connection.execute(limit if whole else f"{limit}; {_BY_INDEX}")
        try:
            yield
        except QueryCanceled:
            raise too_long(seconds) from None

    def index(self, name: str) -> str:
        """Return nothing: PostgreSQL chooses its indexes."""
        return ""

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        key: Sequence[str] = (),
        renew: Sequence[str] = (),
    ) -> None:
        """Insert many rows, by binary COPY; through a temporary table where keys may meet."""
        given = _unique(rows, len(key)) if key else list(rows)
        if not given:
            return
        if not key and len(given) >= COPIED:
            self._copy(table, table, columns, given)
            return
        end = _on_conflict(schema.KEYS.get(table, key), renew)
        names = ", ".join(columns)
        if len(given) < COPIED:
            marks = ", ".join("?" * len(columns))
            self.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks}){end}", given)
            return
        self.execute(
            f"""CREATE TEMPORARY TABLE IF NOT EXISTS new_{table} ON COMMIT DELETE ROWS
                AS SELECT {names} FROM {table} WITH NO DATA"""
        )
        self.execute(f"TRUNCATE new_{table}")
        self._copy(f"new_{table}", table, columns, given)
        order = ", ".join(key)
        self.execute(
            f"""INSERT INTO {table} ({names})
                SELECT {names} FROM new_{table} ORDER BY {order}{end}"""
        )

    def _copy(
        self, into: str, like: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        query = f"COPY {into} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        types = self._types(like)
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            copy.set_types([types[column.strip('"')] for column in columns])
            for row in rows:
                copy.write_row(_given(row))

    def _types(self, table: str) -> dict[str, int]:
        """Return the types of a table's columns, asked once a table and process."""
        if table not in _TYPES:
            query = """SELECT attname, atttypid::bigint FROM pg_attribute
                       WHERE attrelid = %s::regclass AND attnum > 0"""
            _TYPES[table] = dict(self._connection.execute(query, (table,)).fetchall())
        return _TYPES[table]

    def claim_positions(self, positions: Iterable[tuple[str, str, int]]) -> None:
        """Keep others off these input positions (source, partition, offset).

        Notes
        -----
        Positions share :data:`BUCKETS` locks, so that a batch of a thousand small files takes
        no thousand locks. A stream's batch takes one or two.
        """
        keys = {
            crc32(f"{source}\0{partition}\0{offset // SPAN}".encode()) % BUCKETS
            for source, partition, offset in positions
        }
        query = "SELECT pg_advisory_xact_lock(%s, k) FROM unnest(%s::int[]) AS k"
        self._connection.execute(query, (NAMESPACE, sorted(keys)))

    def claim_alerts(self, alerts: Mapping[int, tuple[int, str]]) -> dict[int, str]:
        """Enter new alerts, which waits for others that enter the same; lock those that are there.

        Returns
        -------
        dict of int to str
            Survey of those that are there.
        """
        ids = sorted(alerts)
        nights, surveys = [alerts[i][0] for i in ids], [_word(alerts[i][1]) for i in ids]
        query = """INSERT INTO alert_keys (alert_id, night, survey)
                   SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS k(i, n, s)
                   ORDER BY i ON CONFLICT DO NOTHING RETURNING alert_id"""
        entered = {row[0] for row in self._connection.execute(query, (ids, nights, surveys))}
        there = [i for i in ids if i not in entered]
        query = """SELECT alert_id, survey FROM alert_keys WHERE alert_id = ANY(%s::bigint[])
                   ORDER BY alert_id FOR NO KEY UPDATE"""
        return dict(self._connection.execute(query, (there,)).fetchall()) if there else {}

    def claim_curves(self, table: str, key: str, owners: Sequence[Any]) -> None:
        """Make and lock the rows of these curves, so that merges of one object take turns."""
        kind: Kind = "text" if key == "object_id" else "bigint"
        names = sorted(self.pack(owners), key=lambda k: k.encode() if isinstance(k, str) else k)
        query = f"""INSERT INTO {table} ({key}, points)
                    SELECT k, '[]' FROM unnest(%s::{kind}[]) AS k ON CONFLICT DO NOTHING"""
        self._connection.execute(query, (names,))
        query = f"""SELECT FROM {table} WHERE {key} = ANY(%s::{kind}[])
                    ORDER BY {key} FOR NO KEY UPDATE"""
        self._connection.execute(query, (names,))

    def only(self, word: str) -> bool:
        """Tell whether nobody else says a word, and keep others off as :meth:`alone` does."""
        query = "SELECT pg_try_advisory_xact_lock(%s, %s)"
        (alone,) = self._connection.execute(query, (NAMESPACE, _number(word))).fetchone() or (
            False,
        )
        return bool(alone)

    def share(self, word: str) -> None:
        """Say a word that others may say too, but not alone."""
        query = "SELECT pg_advisory_xact_lock_shared(%s, %s)"
        self._connection.execute(query, (NAMESPACE, _number(word)))

    def alone(self, word: str) -> None:
        """Keep others that say the same word off until the end of the transaction."""
        query = "SELECT pg_advisory_xact_lock(%s, %s)"
        self._connection.execute(query, (NAMESPACE, _number(word)))


class PostgresQuestion(PostgresSession):
    """A session for single statements: its connection is bound once, instead of each time."""

    @staticmethod
    def prepare(connection: Connection[Any]) -> None:
        """Bind a new connection."""
        limit = f"SET statement_timeout = {1000 * MAX_SECONDS:.0f}"
        connection.execute(f"{_BY_INDEX.replace(' LOCAL', '')}; {limit}")

    @contextmanager
    def within(self, seconds: float, whole: bool = False) -> Iterator[None]:
        """Say so when it took longer than :data:`~gueststar.store.selection.MAX_SECONDS`."""
        from psycopg.errors import QueryCanceled

        try:
            yield
        except QueryCanceled:
            raise too_long(MAX_SECONDS) from None


_TYPES: dict[str, dict[str, int]] = {}


def _number(word: str) -> int:
    """Return the lock of a word; it is none of a position, and two words may share one."""
    return BUCKETS + crc32(word.encode()) % (2**31 - BUCKETS)


def _on_conflict(key: Sequence[str], renew: Sequence[str]) -> str:
    if not key:
        return ""
    if not renew:
        return " ON CONFLICT DO NOTHING"
    news = ", ".join(f"{name} = excluded.{name}" for name in renew)
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {news}"


def _unique(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Keep the last row of each key, which comes first in every row."""
    return list({tuple(row[:width]): row for row in rows}.values())


def _given(values: Any) -> Any:
    """Give values as PostgreSQL can keep them: NaN is null, as in SQLite."""
    if isinstance(values, Mapping):
        return {name: _word(value) for name, value in values.items()}
    return [None if value != value else _word(value) for value in values]


def _word(value: Any) -> Any:
    """PostgreSQL's text has no NUL: the sign for it (U+2400) stands in its place."""
    return value.replace("\0", "\u2400") if isinstance(value, str) and "\0" in value else value
