"""Archive files that a killed process has left between the commit of their rows and their name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gueststar.store.moves import Move
from gueststar.store.session import Session

if TYPE_CHECKING:
    from gueststar.sinks.archive import Archive


def finish_moves(connection: Session) -> list[Move]:
    """Rename those files whose rows are committed.

    Returns
    -------
    list of Move
        Those that are done with; those that are not here (a folder away for now, the disk of
        another machine) must wait.
    """
    query = "SELECT temporary, final FROM archive_moves" + connection.skip_locked
    rows = connection.execute(query).fetchall()
    moves = [Move(Path(temporary), Path(final)) for temporary, final in rows]
    there = [move for move in moves if move.temporary.exists() or move.final.exists()]
    for move in there:
        if move.temporary.exists():
            move.finish()
    return there


def recover(connection: Session, archive: Archive, owner: str, *, first: bool) -> bool:
    """Rename what is committed and, the first time, drop what is not.

    Returns
    -------
    bool
        Whether it was dropped, or had been: where another process has files of this store in the
        making, it must wait.
    """
    alone = first and connection.only("archive")
    if not alone:
        connection.share("archive")
    settled = [(str(move.temporary),) for move in finish_moves(connection)]
    connection.executemany("DELETE FROM archive_moves WHERE temporary = ?", settled)
    if alone:
        archive.clean(owner)
    return alone or not first
