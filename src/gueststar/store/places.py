"""Where packs of cutouts lie: a folder, or a bucket (:mod:`gueststar.store.buckets`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from gueststar.errors import BadInput, CutoutsLost, StoreError, StoreUnavailable, may_pass
from gueststar.store.moves import sync_folder

DATABASE = "database"
#: A file that says that a folder or a bucket is the one meant, and no empty mount point.
MARK = "gueststar-cutouts.txt"
MARK_TEXT = b"Packs of cutouts of a gueststar store; its database says which are used.\n"

Span = tuple[int, int]  # first byte, and behind the last


class Place(Protocol):
    """Holds packs by name; any thread may use it."""

    url: str

    def prepare(self) -> None:
        """Make it ready, and prove that it may be written and read.

        Raises
        ------
        StoreError
        """
        ...

    def put(self, name: str, data: bytes) -> None:
        """Write a pack; it survives a power failure when this returns.

        Raises
        ------
        StoreError
            :class:`~gueststar.errors.StoreUnavailable` where waiting may help.
        """
        ...

    def read(self, name: str, spans: Sequence[Span]) -> list[bytes]:
        """Read ranges of a pack; what lies behind its end is left out.

        Raises
        ------
        CutoutsLost
            If there is no such pack here.
        StoreUnavailable
            If the place is away.
        """
        ...

    def size(self, name: str) -> int:
        """Return how many bytes a pack has; raises as :meth:`read`."""
        ...

    def delete(self, name: str) -> None:
        """Remove a pack, if it is there.

        Raises
        ------
        StoreError
            If it is there and stays.
        """
        ...


@lru_cache(maxsize=32)
def place_of(url: str) -> Place:
    """Return the place that a URL names.

    Raises
    ------
    BadInput
        If it names none.
    MissingExtra
        If it is a bucket, and obstore is not installed.
    """
    if url.startswith("s3://"):
        from gueststar.store.buckets import Bucket

        return Bucket(url)
    return Folder(url)


def place_url(text: str) -> str | None:
    """Return the URL of a place as people write it; None for the database itself.

    Parameters
    ----------
    text : str
        ``database``, a folder, ``file:///folder`` or ``s3://bucket/prefix``.

    Raises
    ------
    BadInput
        If it is something else, or holds a password.

    Examples
    --------
    >>> place_url("s3://alerts/stamps/?region=eu-west-1")
    's3://alerts/stamps?region=eu-west-1'
    >>> place_url("database") is None
    True
    """
    if text == DATABASE:
        return None
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise BadInput(
            "cutouts: a URL with a name or a password in it would be kept in the store: leave it "
            "out, and give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
        )
    if parts.scheme == "s3":
        end = f"?{parts.query}" if parts.query else ""
        return f"s3://{parts.netloc}{parts.path.rstrip('/')}{end}"
    if parts.scheme == "file" and not parts.netloc:
        text = unquote(parts.path)
    elif "://" in text or not text or "\0" in text:
        raise BadInput(
            f"cutouts: {text!r} is no place for them: give a folder, s3://bucket/prefix, or "
            f"{DATABASE}"
        )
    return f"file://{quote(str(Path(text).expanduser().absolute()))}"


class Folder:
    """A folder of packs.

    Parameters
    ----------
    url : str
        ``file:///folder``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.folder = Path(unquote(urlsplit(url).path))

    def prepare(self) -> None:
        """Make the folder and its mark."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / MARK, MARK_TEXT)
        except OSError as error:
            raise self._unwritable(error) from error

    def put(self, name: str, data: bytes) -> None:
        """Write a file, and flush it and its folder to the disk."""
        path = self.folder / name
        self._check_there()
        try:
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                sync_folder(self.folder)
            _write(path, data)
        except OSError as error:
            with suppress(StoreError):
                self.delete(name)
            raise self._unwritable(error) from error

    def read(self, name: str, spans: Sequence[Span]) -> list[bytes]:
        """Read ranges of a file."""
        found = []
        try:
            with (self.folder / name).open("rb", buffering=0) as file:
                for start, end in spans:
                    file.seek(start)
                    found.append(_all_of(file, end - start))
        except OSError as error:
            raise self._unreadable(error, name) from error
        return found

    def size(self, name: str) -> int:
        """Return the length of a file."""
        try:
            return (self.folder / name).stat().st_size
        except OSError as error:
            raise self._unreadable(error, name) from error

    def delete(self, name: str) -> None:
        """Remove a file, and its folder when that is empty."""
        path = self.folder / name
        try:
            path.unlink(missing_ok=True)
            if path.parent.exists() and not any(path.parent.iterdir()):
                path.parent.rmdir()
        except OSError as error:
            raise self._unwritable(error) from error

    def _check_there(self) -> None:
        """Refuse to write beside a disk that is not mounted."""
        if not (self.folder / MARK).exists():
            raise StoreUnavailable(
                f"the folder of cutouts {self.folder} is away, or its {MARK} is: mount it, or name "
                "another with `gueststar store cutouts --to`"
            )

    def _unwritable(self, error: OSError) -> StoreError:
        kind = StoreUnavailable if may_pass(error) else StoreError
        return kind(
            f"cannot write cutouts to {self.folder}: {error.strerror or error}; nothing was "
            "written: free some space or change its permissions, and run the same command again"
        )

    def _unreadable(self, error: OSError, name: str) -> StoreError:
        if isinstance(error, FileNotFoundError):
            self._check_there()
            return lost(f"{self.folder / name}")
        return StoreUnavailable(f"cannot read {self.folder / name}: {error.strerror or error}")


def lost(where: str) -> CutoutsLost:
    """Say that a pack is gone."""
    return CutoutsLost(f"the pack of cutouts {where} is not there: restore it from a copy")


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _all_of(file: object, size: int) -> bytes:
    """Read on until there are so many bytes, or the end."""
    parts: list[bytes] = []
    while size and (part := file.read(size)):  # type: ignore[attr-defined]
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
