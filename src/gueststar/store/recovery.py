"""Archive files that a killed process has left between the commit of their rows and their name."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from gueststar.store.moves import Move

if TYPE_CHECKING:
    from gueststar.sinks.archive import Archive


def finish_moves(connection: sqlite3.Connection) -> list[Move]:
    """Rename those files whose rows are committed.

    Returns
    -------
    list of Move
        Those that are done with; those in a folder that is not there now must wait.
    """
    rows = connection.execute("SELECT temporary, final FROM archive_moves").fetchall()
    moves = [Move(Path(temporary), Path(final)) for temporary, final in rows]
    there = [move for move in moves if move.temporary.parent.exists()]
    for move in there:
        if move.temporary.exists():
            move.finish()
    return there


def recover(connection: sqlite3.Connection, archive: Archive, owner: str, *, first: bool) -> None:
    """Rename what is committed and, the first time, drop what is not.

    The caller holds the write lock, so no other process has files of this store in the making.
    """
    settled = [(str(move.temporary),) for move in finish_moves(connection)]
    connection.executemany("DELETE FROM archive_moves WHERE temporary = ?", settled)
    if first:
        archive.clean(owner)
