"""The PostgreSQL store: many writers and readers, on many machines."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import AlertBatch
from gueststar.errors import StoreError, UnknownCommit
from gueststar.rights import UNRESTRICTED, Rights
from gueststar.store import ledger, recovery
from gueststar.store.engine import EngineStore, T
from gueststar.store.postgres import query, schema, seen
from gueststar.store.postgres.connection import BUSY_SECONDS, Database, rolled_back
from gueststar.store.postgres.session import PostgresQuestion, PostgresSession
from gueststar.store.reports import WriteReport
from gueststar.store.session import Session

if TYPE_CHECKING:
    from psycopg import Connection

    from gueststar.sinks.archive import Archive

READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ATTEMPTS = 8  # of a transaction that another one has made impossible


class PostgresStore(EngineStore):
    """A store in a PostgreSQL database; see :class:`gueststar.store.interface.Store`.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database``. The tables are made in the current
        schema of this connection, unless ``read_only``.
    read_only : bool
        Never write to it.
    busy_s : float
        How long a write waits for what another process holds.
    rights : Rights
        Whose eyes read; restricted ones need ``read_only``, and a server that is no replica.

    Raises
    ------
    StoreError
        If it cannot be opened; the message says why and what to do.

    Notes
    -----
    One connection writes, under a lock here; any number of other processes may write
    (:mod:`gueststar.store.postgres.session`). Readers take a connection for each question. When
    the server goes away, methods raise :class:`~gueststar.errors.StoreError`, and work again when
    it is back.
    """

    def __init__(
        self,
        url: str,
        *,
        read_only: bool = False,
        busy_s: float = BUSY_SECONDS,
        rights: Rights = UNRESTRICTED,
    ) -> None:
        self._url, self._busy_s = url, busy_s
        self._database = Database(url, busy_s)
        self.place = self._database.place
        owner = hashlib.sha256(self.place.encode()).hexdigest()[:8]
        super().__init__(owner, read_only=read_only, rights=rights)
        self._closed = False
        self._writer: Connection[Any] | None = None
        self._months: set[int] = set()
        self._bring_up_to_date()
        self._questions = Database(url, busy_s, self._ready_for_questions)
        if rights.restricted:
            self._database = Database(url, busy_s, lambda one: seen.restrict(one, rights))
            with self._reading():
                pass
        if not read_only:
            with self._lock:
                self._commit(recovery.finish_moves)

    def __repr__(self) -> str:
        return f"<PostgresStore {self.place}{' read-only' if self.read_only else ''}>"

    def _bring_up_to_date(self) -> None:
        connection = self._database.connect()
        with self._database.translated():
            try:
                version = schema.identify(connection, self.place)
                if self.read_only and version == 0:
                    raise StoreError(
                        f"no store at {self.place}: fill one with `gueststar ingest`, or name "
                        "another"
                    )
                schema.upgrade(connection, self.place)
            finally:
                connection.close()

    def _opened_for(self, rights: Rights) -> Self:
        return type(self)(self._url, read_only=True, busy_s=self._busy_s, rights=rights)

    def close(self) -> None:
        """Close all connections; closing twice is allowed."""
        self._close_seen()
        with self._lock:
            self._closed = True
            self._drop_writer()
            self._database.close()
            self._questions.close()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        if self._closed:
            raise StoreError(f"the store {self.place} is closed")
        with self._database.borrowed(READ) as connection:
            yield PostgresSession(connection, self.rights)

    def _ready_for_questions(self, connection: Connection[Any]) -> None:
        if self.rights.restricted:
            seen.restrict(connection, self.rights)
        PostgresQuestion.prepare(connection)

    def _asked(self, work: Callable[[Session], T]) -> T:
        """Ask by one message to the server: its connection has the bounds, and no transaction."""
        if self._closed:
            raise StoreError(f"the store {self.place} is closed")
        return self._questions.asked(lambda one: work(PostgresQuestion(one, self.rights)))

    def write(
        self,
        alerts: Sequence[AlertBatch],
        dead: Sequence[pa.RecordBatch] = (),
        archive: Archive | None = None,
        *,
        catalogs: Collection[str] | None = None,
    ) -> WriteReport:
        """Write alerts, dead letters and their ledger; see :meth:`EngineStore.write`."""
        self._make_partitions(alerts)
        plain = [_without_nul(batch) for batch in alerts]
        return super().write(plain, dead, archive, catalogs=catalogs)

    def _make_partitions(self, alerts: Sequence[AlertBatch]) -> None:
        nights = {n for batch in alerts for n in batch.column("night").unique().to_pylist() if n}
        lacking = {night for night in nights if night // 100 not in self._months}
        if not lacking:
            return
        with self._lock, self._database.translated():
            schema.make_partitions(self._writable(), lacking)
            self._months |= {night // 100 for night in lacking}

    def _claim(
        self, connection: Session, alerts: Sequence[AlertBatch], dead: Sequence[pa.RecordBatch]
    ) -> None:
        if isinstance(connection, PostgresSession):
            every = [*(batch.arrow for batch in alerts), *dead]
            connection.claim_positions(p for batch in every for p in ledger.places_of(batch))

    def _commit(self, work: Callable[[Session], T]) -> T:
        """Do some work in one transaction, again if another one has made it impossible.

        Raises
        ------
        UnknownCommit
            If the server went away while it committed.
        """
        from psycopg.errors import DeadlockDetected, SerializationFailure

        with self._database.translated():
            for attempt in range(1, ATTEMPTS + 1):
                connection = self._begun()
                try:
                    done = work(PostgresSession(connection))
                    self._end(connection)
                except (DeadlockDetected, SerializationFailure):
                    self._undo(connection)
                    self._cleaned.clear()
                    if attempt == ATTEMPTS:
                        raise
                    time.sleep(random.uniform(0.0, 0.05) * attempt)
                except BaseException:
                    self._undo(connection)
                    raise
                else:
                    return done
        raise AssertionError("not reached: the last attempt returns or raises")

    def _begun(self) -> Connection[Any]:
        """Begin a transaction; a connection that died since the last one is replaced once."""
        from psycopg import OperationalError

        connection = self._writable()
        try:
            connection.execute("BEGIN")
        except OperationalError:
            self._drop_writer()
            connection = self._writable()
            connection.execute("BEGIN")
        return connection

    def _end(self, connection: Connection[Any]) -> None:
        from psycopg import OperationalError

        try:
            connection.execute("COMMIT")
        except OperationalError as error:
            if connection.closed:
                raise UnknownCommit(
                    f"the server of {self.place} went away while it committed: the last batch is "
                    "there whole or not at all. Run the same command again when it is back: what "
                    "is there is known"
                ) from error
            raise

    def _undo(self, connection: Connection[Any]) -> None:
        if not rolled_back(connection):
            self._writer = None

    def _writable(self) -> Connection[Any]:
        if self._closed or self.read_only:
            state = "closed" if self._closed else "opened for reading only"
            raise StoreError(f"the store {self.place} is {state}")
        if self._writer is None or self._writer.closed:
            self._writer = self._database.connect()
        return self._writer

    def _size(self, connection: Session) -> int:
        found = connection.execute(
            """SELECT CAST(coalesce(sum(pg_table_size(oid) + pg_indexes_size(oid)), 0) AS BIGINT)
               FROM pg_class WHERE relkind IN ('r', 'm')
                   AND relnamespace = (SELECT oid FROM pg_namespace
                                       WHERE nspname = current_schema())"""
        )
        return int(found.fetchone()[0])

    def sql(self, query_text: str, *, limit: int = 10_000) -> pa.Table:
        """Run a read-only query over the public views; see :meth:`EngineStore.sql`."""
        if self._closed:
            raise StoreError(f"the store {self.place} is closed")
        return query.run(self._database, query_text, limit, self.rights)


def _without_nul(batch: AlertBatch) -> AlertBatch:
    """Put the sign for NUL (U+2400) where a name has the character: PostgreSQL cannot keep it."""
    arrow = batch.arrow
    for name in ("object_id", "survey", "band"):
        column = batch.column(name)
        if pc.any(pc.match_substring(column, "\0")).as_py():
            at = arrow.schema.get_field_index(name)
            plain = pc.replace_substring(column, "\0", "\u2400")
            arrow = arrow.set_column(at, arrow.schema.field(at), plain)
    return batch if arrow is batch.arrow else AlertBatch(arrow)


def exists(url: str) -> bool:
    """Tell whether there is a store in the database that a URL names.

    Raises
    ------
    StoreError
        If the server does not answer.
    """
    database = Database(url)
    with database.borrowed(READ) as connection:
        there = schema.identify(connection, database.place) > 0
    database.close()
    return there
