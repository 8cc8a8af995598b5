"""The SQLite store: one file, one writer at a time, any number of readers."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from gueststar.errors import StoreError
from gueststar.store import recovery
from gueststar.store.engine import EngineStore, T
from gueststar.store.session import Session
from gueststar.store.sqlite import connection as connections
from gueststar.store.sqlite import query
from gueststar.store.sqlite.session import SqliteSession


class SqliteStore(EngineStore):
    """A store in one SQLite file; see :class:`gueststar.store.interface.Store`.

    Parameters
    ----------
    path : Path
        The file; made when it is not there, unless ``read_only``.
    read_only : bool
        Never write to it.
    busy_s : float
        How long a write waits while another process writes.

    Raises
    ------
    StoreError
        If it cannot be opened; the message says why and what to do.

    Notes
    -----
    Every thread that reads has its own connection. One connection writes, under a lock here and
    SQLite's lock between processes.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        busy_s: float = connections.BUSY_SECONDS,
    ) -> None:
        owner = hashlib.sha256(str(path).encode()).hexdigest()[:8]
        super().__init__(owner, read_only=read_only)
        self.path = path
        self._local = threading.local()
        self._readers: list[SqliteSession] = []
        self._closed = False
        self._writer = None if read_only else connections.open_writer(path, busy_s)
        if read_only:
            connections.bring_up_to_date(path)
            with self._reading():
                pass
        else:
            with connections.translated(path):
                recovery.finish_moves(self._writable())

    def __repr__(self) -> str:
        return f"<SqliteStore {self.path}{' read-only' if self.read_only else ''}>"

    def close(self) -> None:
        """Close all connections; closing twice is allowed."""
        with self._lock:
            self._closed = True
            for connection in (*self._readers, self._writer):
                if connection is not None:
                    connection.close()
            self._readers, self._writer = [], None

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """Give this thread's connection for reading."""
        connection = getattr(self._local, "connection", None)
        if self._closed:
            raise StoreError(f"the store {self.path} is closed")
        if connection is None:
            connection = connections.open_reader(self.path)
            self._local.connection = connection
            with self._lock:
                self._readers.append(connection)
        with connections.translated(self.path):
            connection.execute("BEGIN")  # one moment, also while another process writes
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def _commit(self, work: Callable[[Session], T]) -> T:
        with connections.translated(self.path):
            connection = self._writable()
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return done

    def _writable(self) -> SqliteSession:
        if self._writer is None:
            state = "closed" if self._closed else "opened for reading only"
            raise StoreError(f"the store {self.path} is {state}")
        return self._writer

    def _size(self, connection: Session) -> int:
        files = [self.path, self.path.with_name(self.path.name + "-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def sql(self, query_text: str, *, limit: int = 10_000) -> pa.Table:
        """Run a read-only query over the public views; see :meth:`EngineStore.sql`."""
        if not self.path.exists():
            raise StoreError(f"no store at {self.path}")
        with connections.translated(self.path):
            return query.run(self.path, query_text, limit)
