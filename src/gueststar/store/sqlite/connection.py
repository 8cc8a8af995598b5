"""Connections to one SQLite file, and what its errors mean for a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from gueststar.errors import StoreBusy, StoreError, StoreUnavailable, may_pass
from gueststar.rights import UNRESTRICTED, Rights
from gueststar.store.sqlite import schema, seen
from gueststar.store.sqlite.session import SqliteSession

BUSY_SECONDS = 60.0
OLDEST_SQLITE = (3, 35, 0)
CACHE_KIB = 65_536  # a batch of 1,000 alerts with cutouts does not spill
CHECKPOINT_PAGES = 8_000  # 64 MB: one or two batches of 1,000 alerts with cutouts
JOURNAL_LIMIT = 128 << 20  # bytes that the WAL file keeps after a large transaction


def open_writer(path: Path, busy_s: float = BUSY_SECONDS) -> SqliteSession:
    """Open a store for writing; create or migrate it when needed.

    A write waits for ``busy_s`` seconds while another process writes.

    ``synchronous=FULL`` makes a commit survive a power failure, so that a source position that
    is acknowledged after it is never ahead of the store. It costs nothing measurable at batches
    of hundreds of alerts (docs/store.md).
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, "rwc", busy_s)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if schema.identify(connection, path) == 0:
        connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
    schema.upgrade(connection, path)


def open_reader(
    path: Path, rights: Rights = UNRESTRICTED, *, fenced: bool = False
) -> SqliteSession:
    """Open a store for reading only; it must exist and be of this version.

    Parameters
    ----------
    path : Path
    rights : Rights
        Whose eyes read.
    fenced : bool
        For SQL by anybody, as :func:`gueststar.store.sqlite.seen.fence` says; the connection's
        ``fence`` is the word.
    """
    connection = _open_for_reading(path)
    with translated(path):
        try:
            _show(connection, rights, fenced)
        except BaseException:
            connection.close()
            raise
    return connection


def _show(connection: SqliteSession, rights: Rights, fenced: bool) -> None:
    connection.rights = rights
    connection.execute("PRAGMA temp_store = memory")
    if fenced:
        connection.fence = seen.fence(connection, rights)
    elif rights.restricted:
        seen.restrict(connection, rights)
    connection.execute("PRAGMA query_only = 1")


def _open_for_reading(path: Path) -> SqliteSession:
    if not path.exists():
        raise StoreError(f"no store at {path}: fill one with `gueststar ingest`, or name another")
    with translated(path):
        connection = _connect(path, "ro")
        try:
            _check_readable(connection, path)
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN:
                raise
            # A store on a read-only medium has no place for the WAL's index: read the file alone.
            connection = _connect(path, "ro&immutable=1")
            _check_readable(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def bring_up_to_date(path: Path) -> None:
    """Migrate a store of an older version, so that it can be opened for reading.

    Raises
    ------
    StoreError
        If it is of an older version and may not be written.
    """
    if not path.exists():
        return
    with translated(path):
        connection = _connect(path, "ro")
        try:
            old = 0 < schema.identify(connection, path) < schema.VERSION
        except sqlite3.OperationalError:  # read-only medium: open_reader knows what to do
            old = False
        finally:
            connection.close()
    if old:
        open_writer(path).close()


def _check_readable(connection: sqlite3.Connection, path: Path) -> None:
    version = schema.identify(connection, path)
    if version < schema.VERSION:
        raise StoreError(
            f"{path} has store version {version}, this gueststar reads {schema.VERSION}, and it "
            "cannot be brought up to date where it is: copy it to a place that can be written"
        )


def _connect(path: Path, mode: str, busy_s: float = BUSY_SECONDS) -> SqliteSession:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=SqliteSession,
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into a sentence with the way out."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(error, path) from error
    except OSError as error:
        kind = StoreUnavailable if may_pass(error) else StoreError
        raise kind(f"cannot use the store {path}: {error.strerror or error}") from error


def _meaning(error: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(
            f"another process is writing to {path} and does not end; nothing was written: "
            "run the same command again when it is done"
        )
    text = _SENTENCES.get(code)
    if text is None:
        return StoreError(f"the store {path} failed: {error}")
    kind = StoreUnavailable if code in _PASSING else StoreError
    return kind(f"{text.format(path=path)} ({error})")


_PASSING = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


_SENTENCES = {
    sqlite3.SQLITE_FULL: "no space left for {path}; the last batch was not written and nothing "
    "before it is harmed: free some space and run the same command again",
    sqlite3.SQLITE_IOERR: "the disk of {path} failed or is full; the last batch was not written: "
    "free some space, check the disk and run the same command again",
    sqlite3.SQLITE_READONLY: "{path} is read-only: change its permissions (and its folder's), or "
    "give --store a file elsewhere",
    sqlite3.SQLITE_CANTOPEN: "cannot open or create {path}: check that its folder exists and "
    "that you may write there",
    sqlite3.SQLITE_PERM: "no permission for {path}",
    sqlite3.SQLITE_NOTADB: "{path} is not a gueststar store (not a SQLite file)",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged: move it away and ingest again, or restore a copy; "
    "`sqlite3 FILE .recover` may save the rest",
    sqlite3.SQLITE_TOOBIG: "a value is larger than SQLite allows (1 GB) for {path}",
}
