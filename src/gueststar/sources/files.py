"""Alerts from files: Avro packets and containers, folders, tar archives, Parquet.

What a folder holds beside alerts is named and left out; what looks like an alert file and cannot
be read becomes a dead letter. The same files give the same batches at every run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from gueststar.batch import POSITION, dead_letters, packets_batch
from gueststar.errors import BadInput
from gueststar.sources.containers import SMALL_FILE, blocks
from gueststar.sources.tables import holds_alerts, parquet_batches
from gueststar.sources.tar import members, plain

TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")
BATCH_BYTES = 16_000_000  # some of them are in flight at once, and memory is to stay small
FINGERPRINT_BYTES = 65536

#: One packet and where it was: packet, source, partition, offset, reason it cannot be used.
Item = tuple[bytes, str, str, int, str | None]


def kind_of(path: Path) -> str | None:
    """Tell how a file will be read: ``avro``, ``tar``, ``parquet``, or None for "no alerts".

    Examples
    --------
    >>> kind_of(Path("ztf_public_20240101.tar.gz")), kind_of(Path("index.csv"))
    ('tar', None)
    """
    name = path.name.lower()
    if name.endswith(TAR_SUFFIXES):
        return "tar"
    return {".avro": "avro", ".parquet": "parquet", ".parq": "parquet"}.get(path.suffix.lower())


def fingerprint(path: Path) -> str:
    """Name a file by its path and a digest of its size and first 64 kB.

    A file that was replaced by another is another source, so its alerts are read again.
    """
    with path.open("rb") as file:
        head = file.read(FINGERPRINT_BYTES)
    return fingerprint_of(_place(path), head, path.stat().st_size)


def fingerprint_of(name: str, head: bytes, size: int) -> str:
    """Name a file whose first :data:`FINGERPRINT_BYTES` and size somebody else has read."""
    digest = hashlib.sha256(head[:FINGERPRINT_BYTES])
    digest.update(str(size).encode())
    return f"{name}#{digest.hexdigest()[:8]}"


def _place(path: Path) -> str:
    return plain(Path(os.path.realpath(path)).as_posix())


class FileSource:
    """Packets from files and folders.

    Parameters
    ----------
    paths : sequence of path
        Files (``.avro``, ``.tar.gz``, ``.parquet``) and folders of them.
    batch_size : int
        Packets a batch at most; a batch also ends at 16 MB.

    Attributes
    ----------
    size, done : int
        Bytes in all and bytes read so far, for a progress bar.
    ignored : list of pathlib.Path
        Files in the folders that are no alert files, and links to other folders.

    Raises
    ------
    BadInput
        If a path does not exist or is no alert file.

    Examples
    --------
    >>> FileSource(["no-such-night"])
    Traceback (most recent call last):
    ...
    gueststar.errors.BadInput: no file or folder 'no-such-night'
    """

    def __init__(self, paths: Sequence[str | Path], batch_size: int = 250) -> None:
        self.batch_size = batch_size
        self.ignored: list[Path] = []
        self.files: list[Path] = []
        for path in map(Path, paths):
            self.files.extend(self._expand(path))
        self.size = sum(map(_size, self.files))
        self.done = 0

    def _expand(self, path: Path) -> list[Path]:
        if path.is_dir():
            return self._walk(path)
        if not path.exists():
            raise BadInput(f"no file or folder {str(path)!r}")
        if _is_device(path):
            raise BadInput(f"{str(path)!r} is a pipe or a device, not a file: save it to a file")
        if kind_of(path) is None:
            raise BadInput(
                f"{str(path)!r} is no alert file: give .avro, .tar.gz or .parquet files, "
                "or a folder of them"
            )
        if not _is_alerts(path):
            raise BadInput(f"{str(path)!r} holds no alerts: no survey that we know has its columns")
        return [path]

    def _walk(self, folder: Path) -> list[Path]:
        found: list[Path] = []
        for parent, folders, names in os.walk(folder):
            folders.sort()
            # A link to a folder is not followed, for it may lead round in a circle.
            self.ignored.extend(p for p in (Path(parent, f) for f in folders) if p.is_symlink())
            for name in sorted(names):
                path = Path(parent, name)
                (found if _is_alerts(path) else self.ignored).append(path)
        return found

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches; Parquet files give batches of their own."""
        self.done = 0
        waiting: list[Item] = []
        for path in self.files:
            if kind_of(path) == "parquet":
                yield from batches(waiting, self.batch_size)
                waiting = []
                yield from self._parquet(path)
                continue
            for item in self._items(path):
                waiting.append(item)
                if len(waiting) >= self.batch_size or _bytes(waiting) >= BATCH_BYTES:
                    yield from batches(waiting, self.batch_size)
                    waiting = []
        yield from batches(waiting, self.batch_size)

    def commit(self, batch: pa.RecordBatch) -> None:
        """Do nothing: a file is read again from its start, and the ledger knows the rest."""

    def _items(self, path: Path) -> Iterator[Item]:
        size, before = _size(path), self.done
        try:
            source = fingerprint(path)
            if kind_of(path) == "tar":
                for member, offset, packet, reason, position in members(path):
                    self.done = before + min(position, size)
                    yield packet, source, member, offset, reason
            elif size <= SMALL_FILE:
                yield path.read_bytes(), source, "", 0, None
            else:
                for offset, packet, reason in blocks(path):
                    self.done = before + min(size, self.done - before + len(packet))
                    yield packet, source, "", offset, reason
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror or error}"
            yield b"", _place(path), "", 0, reason
        self.done = before + size

    def _parquet(self, path: Path) -> Iterator[pa.RecordBatch]:
        size, before = _size(path), self.done
        source = fingerprint(path) if size else _place(path)
        for batch, share in parquet_batches(path, source, self.batch_size):
            self.done = before + int(size * share)
            yield batch
        self.done = before + size


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_alerts(path: Path) -> bool:
    if _is_device(path):  # to open a pipe without a writer is to wait for ever
        return False
    kind = kind_of(path)
    return holds_alerts(path) if kind == "parquet" else kind is not None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _bytes(items: Sequence[Item]) -> int:
    return sum(len(item[0]) for item in items)


def batches(items: Sequence[Item], batch_size: int) -> Iterator[pa.RecordBatch]:
    """Pack items: first those that can be decoded, then those that could not be read."""
    good = [item for item in items if item[4] is None]
    bad = [item for item in items if item[4] is not None]
    for start in range(0, len(good), batch_size):
        yield _pack(good[start : start + batch_size])
    if bad:
        packed = _pack(bad)
        positions = packed.select(POSITION.names)
        yield dead_letters(positions, packed.column("packet"), [str(item[4]) for item in bad])


def _pack(items: Iterable[Item]) -> pa.RecordBatch:
    packets, sources, partitions, offsets, _ = zip(*items, strict=True)
    return packets_batch(packets, sources, partitions, offsets)
