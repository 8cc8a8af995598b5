"""Connections to one PostgreSQL database, and what its errors mean for a person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from gueststar.errors import (
    BadInput,
    GueststarError,
    MissingExtra,
    StoreBusy,
    StoreError,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")
OLDEST_SERVER = 150_000
BUSY_SECONDS = 60.0
CONNECT_SECONDS = 10
IDLE = 8  # connections that are kept for the next reader
SCHEMES = ("postgresql://", "postgres://")


class Database:
    """The database that a URL names.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database``, as libpq reads it.

    busy_s : float
        How long a statement waits for what another process holds.
    prepare : callable, optional
        Given each new connection.

    Attributes
    ----------
    place : str
        The URL without the password, for messages.

    Raises
    ------
    MissingExtra
        If psycopg is not installed.
    BadInput
        If libpq cannot read the URL.
    """

    def __init__(
        self,
        url: str,
        busy_s: float = BUSY_SECONDS,
        prepare: Callable[[Connection[Any]], None] | None = None,
    ) -> None:
        try:
            from psycopg import Error
            from psycopg.conninfo import conninfo_to_dict
        except ImportError as error:
            raise MissingExtra("psycopg", "postgres") from error
        try:
            given = conninfo_to_dict(url)
        except Error as error:
            raise BadInput(
                "this URL of a store cannot be read: give postgresql://user:password@host:port/"
                f"database ({_line(error).replace(url, 'the URL')})"
            ) from None
        host, port = given.get("host") or "localhost", given.get("port") or 5432
        self.place = f"postgresql://{host}:{port}/{given.get('dbname') or given.get('user') or ''}"
        self._url = url
        self._busy_s = busy_s
        self._prepare = prepare
        self._idle: list[Connection[Any]] = []
        self._lock = threading.Lock()

    def connect(self) -> Connection[Any]:
        """Open a connection.

        Raises
        ------
        StoreError
            If the server does not answer, or is too old.
        """
        import psycopg

        with self.translated():
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="gueststar",
                keepalives_idle=30,
            )
            if connection.info.server_version < OLDEST_SERVER:
                version = connection.info.server_version // 10_000
                connection.close()
                raise StoreError(f"{self.place} is PostgreSQL {version}: 15 or newer is needed")
            connection.execute(f"SET lock_timeout = {self._busy_s * 1000:.0f}")
            connection.execute("SET client_min_messages = warning")
            connection.execute("SET jit = off")  # compiling takes longer than our queries
            if self._prepare is not None:
                try:
                    self._prepare(connection)
                except BaseException:
                    connection.close()
                    raise
        return connection

    @contextmanager
    def borrowed(self, begin: str) -> Iterator[Connection[Any]]:
        """Give a connection in a new transaction, which is rolled back in the end.

        A connection that has died while nobody used it (a server that was started again) is
        replaced.
        """
        with self.translated():
            connection = self._begun(begin)
            try:
                yield connection
                connection.execute("ROLLBACK")
            except BaseException:
                rolled_back(connection)
                raise
            finally:
                self._give_back(connection)

    def asked(self, work: Callable[[Connection[Any]], T]) -> T:
        """Do some work without a transaction: one statement, which may be asked twice.

        A connection that has died while nobody used it is replaced.
        """
        import psycopg

        with self.translated():
            while (connection := self._take()) is not None:
                try:
                    return work(connection)
                except psycopg.OperationalError:
                    if not connection.closed:
                        raise
                finally:
                    self._give_back(connection)
            connection = self.connect()
            try:
                return work(connection)
            finally:
                self._give_back(connection)

    def _begun(self, begin: str) -> Connection[Any]:
        import psycopg

        while (connection := self._take()) is not None:
            try:
                connection.execute(begin)
            except psycopg.OperationalError:
                connection.close()
            else:
                return connection
        connection = self.connect()
        connection.execute(begin)
        return connection

    def _take(self) -> Connection[Any] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: Connection[Any]) -> None:
        with self._lock:
            if not connection.closed and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into a sentence with the way out."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: Any) -> GueststarError:
        from psycopg import DataError, OperationalError, errors

        code = error.sqlstate or ""
        if isinstance(error, errors.LockNotAvailable):
            return StoreBusy(
                f"another process holds {self.place} and does not end; nothing was "
                "written: run the same command again when it is done"
            )
        text = next((text for start, text in _SENTENCES.items() if code.startswith(start)), None)
        if text is None and isinstance(error, OperationalError):
            text = _REFUSED if _refused(error) else _AWAY
        if text is not None:
            kind = StoreUnavailable if text is _AWAY or code.startswith("53") else StoreError
            return kind(f"{text.format(place=self.place)} ({_line(error)})")
        if isinstance(error, DataError):
            return BadInput(f"PostgreSQL cannot take this value: {_line(error)}")
        return StoreError(f"the store {self.place} failed: {_line(error)}")


def rolled_back(connection: Connection[Any]) -> bool:
    """Roll back what a failure has left; tell whether the connection is of further use."""
    import psycopg

    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()
        return False
    return True


def _refused(error: object) -> bool:
    """Tell a server that lets us not in (no such database, wrong password) from one that is away.

    libpq gives no code for what happens before a session begins, only words.
    """
    words = str(error)
    return "FATAL" in words and not any(passing in words for passing in _PASSING)


#: Of a server that starts or stops, or has all its connections in use.
_PASSING = ("the database system is", "too many", "remaining connection slots", "terminating")


def _line(error: object) -> str:
    """First line of an error: the rest is a repetition of the query."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


_AWAY = (
    "the server of {place} does not answer, or went away; a write that was under way is undone: "
    "check that it runs, and do the same again"
)
_REFUSED = "the server of {place} lets us not in: check database, user and password in the URL"

#: By the beginning of PostgreSQL's code of the error.
_SENTENCES = {
    "57P": _AWAY,
    "08": _AWAY,
    "53100": "no space left for {place}; the last batch was not written and nothing before it is "
    "harmed: free some space and run the same command again",
    "53200": "{place} is out of memory or locks; the last batch was not written: run fewer workers "
    "or raise max_locks_per_transaction, and run the same command again",
    "53300": "{place} has no connection left: run fewer workers or raise max_connections",
    "25006": "{place} is a read-only server (a replica): write to the primary, or open it for "
    "reading only",
    "42501": "no permission for this in {place}",
    "XX001": "{place} is damaged: restore a copy",
    "XX002": "{place} has a damaged index: REINDEX it",
}
