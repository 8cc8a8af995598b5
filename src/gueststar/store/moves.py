"""Files of the archive that get their name once the store has committed their rows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from gueststar.errors import ArchiveError, ArchiveUnavailable, may_pass


class Move(NamedTuple):
    """A file that is written aside, and the name that it shall have."""

    temporary: Path
    final: Path

    def finish(self) -> None:
        """Give the file its name; whoever comes second finds it done."""
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self.temporary.replace(self.final)
        except FileNotFoundError:
            if not self.final.exists():
                raise ArchiveError(
                    f"{self.temporary} has vanished before it became {self.final}: restore it, or "
                    "ingest its alerts into a new store"
                ) from None
        except OSError as error:
            raise unwritable(error, self.final) from error
        sync_folder(self.final.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power failure, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unwritable(error: OSError, path: Path) -> ArchiveError:
    """Say why the archive cannot be written, and what to do."""
    kind = ArchiveUnavailable if may_pass(error) else ArchiveError
    return kind(
        f"cannot write the archive {path}: {error.strerror or error}; nothing is half-written: "
        "free some space or change its permissions, and run the same command again"
    )
