"""Keeps SQLite's write-ahead log short while others read without a pause.

SQLite copies the log into the file after a commit, as far as the oldest reader lets it, and
begins it anew when nobody reads it any more. Where readers overlap all the time, that moment never
comes, and the log grows by all that is written. So a log that is too long waits for readers.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gueststar.store.sqlite.session import SqliteSession

log = logging.getLogger(__name__)

LONG = 256 << 20  # bytes
WAIT_S = 2.0  # for the readers of the moment; those that come meanwhile read the file
EVERY_S = 10.0  # a try that was in vain is not repeated sooner


class Wal:
    """The log of one store.

    Parameters
    ----------
    path : Path
        The store's file.
    """

    def __init__(self, path: Path) -> None:
        self.file = path.with_name(path.name + "-wal")
        self._tried = -math.inf

    def shorten(self, connection: SqliteSession) -> None:
        """Begin a log that is too long anew; called between transactions.

        Readers are waited for, :data:`WAIT_S` at most; nothing is lost when they do not end.
        """
        if time.monotonic() - self._tried < EVERY_S or not self._is_long():
            return
        (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute(f"PRAGMA busy_timeout = {WAIT_S * 1000:.0f}")
        busy = 1
        try:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        except sqlite3.Error as error:  # what was written is safe in the log
            log.warning("the log of the store stays long: %s", error)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {before}")
        self._tried = time.monotonic() if busy else -math.inf

    def _is_long(self) -> bool:
        try:
            return self.file.stat().st_size > LONG
        except OSError:
            return False
