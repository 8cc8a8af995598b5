"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gueststar.errors import BadInput, ExportError, ExportUnavailable, may_pass


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write; it gets its name when all is on the disk.

    Raises
    ------
    BadInput
        If there is a file of this name already, or a folder, and it may not be replaced.
    ExportError
        If it cannot be written; :class:`~gueststar.errors.ExportUnavailable` for a full disk.
        Nothing is left behind.
    """
    aside = _aside(path)
    with told(path):
        check_free(path, overwrite, folder=False)
        try:
            with aside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to fill; it gets its name at the end. See :func:`new_file`."""
    aside = _aside(path)
    with told(path):
        check_free(path, overwrite, folder=True)
        try:
            aside.mkdir()
            yield aside
            _put(aside, path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _put(aside: Path, path: Path) -> None:
    for file in aside.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    if path.exists():
        old = _aside(path)
        path.rename(old)
        aside.rename(path)
        shutil.rmtree(old)
    else:
        aside.rename(path)


def check_free(path: Path, overwrite: bool, *, folder: bool) -> None:
    """Check that a name may be taken.

    Raises
    ------
    BadInput
    """
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent}: no such folder: make it first, or name another place")
    if not path.exists():
        return
    kind = "folder" if path.is_dir() else "file"
    if path.is_dir() != folder:
        raise BadInput(f"{path} is a {kind}: name another place")
    if not overwrite:
        raise BadInput(f"{path} is there already: give --overwrite to replace it, or another name")
    if folder and any(path.iterdir()) and not (path / "hats.properties").exists():
        raise BadInput(f"{path} is a folder of something else: name another place")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the system's errors into a sentence with the way out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        if may_pass(error):
            raise ExportUnavailable(
                f"cannot write {path}: {reason}; nothing was left there: free some space and run "
                "the same command again"
            ) from error
        raise ExportError(f"cannot write {path}: {reason}; name another place") from error


def _aside(path: Path) -> Path:
    """Return a hidden name beside, on the same disk, that no reader takes for the whole."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
