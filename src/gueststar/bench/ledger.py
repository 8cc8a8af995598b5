"""When alerts became stored, seen from outside: the store's public ledger, again and again.

Another process writes the store. This one opens the file for reading only and asks which offsets
of a topic have come. An answer is late by the time between two looks at most, and never early.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from urllib.parse import quote

from gueststar.streams import SOURCE

LOOK_S = 0.1

_NEW = """SELECT "offset" FROM ledger WHERE source = ? AND partition = ? AND "offset" > ?
          ORDER BY "offset" """


class LedgerWatch:
    """Notes when offsets of a topic are first seen in a store's ledger.

    Parameters
    ----------
    file : Path
        The SQLite store; it may not be there yet.
    topic : str
    partitions : int
        Each is stored in the order of its offsets, so what is new lies after what was seen.

    Attributes
    ----------
    seen : dict of (str, int) to float
        When each (partition, offset) was first seen, s since 1970.
    """

    def __init__(self, file: Path, topic: str, partitions: int) -> None:
        self.seen: dict[tuple[str, int], float] = {}
        self._file, self._source = file, SOURCE + topic
        self._last = {str(number): -1 for number in range(partitions)}
        self._connection: sqlite3.Connection | None = None

    def look(self) -> int:
        """Ask once; return how many have been seen by now."""
        if self._connection is None and not self._open():
            return 0
        assert self._connection is not None
        for partition, last in self._last.items():
            rows = self._connection.execute(_NEW, (self._source, partition, last)).fetchall()
            now = time.time()  # after the answer: never early
            if rows:
                self._last[partition] = rows[-1][0]
                self.seen.update({(partition, offset): now for (offset,) in rows})
        return len(self.seen)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> bool:
        if not self._file.exists():
            return False
        connection = open_file(self._file)
        try:
            connection.execute("SELECT 1 FROM ledger LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # its tables are not made yet
            connection.close()
            return False
        self._connection = connection
        return True


def open_file(file: Path) -> sqlite3.Connection:
    """Open a store's file for reading only."""
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=30)


def ledger_counts(file: Path) -> dict[str, int]:
    """Count the lines of a store's ledger by state."""
    with closing(open_file(file)) as connection:
        return dict(connection.execute("SELECT state, count(*) FROM ledger GROUP BY state"))


def compared(files: Sequence[Path], view: str, order: str) -> tuple[int, str | None]:
    """Compare a view of two stores row for row.

    Parameters
    ----------
    files : sequence of Path
        Two stores.
    view, order : str
        A public view, and columns that put its rows in an order of their own.

    Returns
    -------
    rows : int
        How many are the same, from the first on.
    difference : str or None
        The first row that differs; None when all are the same.
    """
    query = f"SELECT * FROM {view} ORDER BY {order}"
    with closing(open_file(files[0])) as one, closing(open_file(files[1])) as other:
        pairs = zip_longest(one.execute(query), other.execute(query))
        number = 0
        for number, (first, second) in enumerate(pairs, 1):
            if first != second:
                return number - 1, f"row {number} of {view}: {first} and {second}"
    return number, None
