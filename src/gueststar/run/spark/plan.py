"""Which worker reads which files, and which rounds of files are done already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from gueststar.errors import BadInput
from gueststar.run.spark.worker import Recipe
from gueststar.sinks.archive import FORMAT_KEY
from gueststar.sources.files import BATCH_BYTES, FileSource

GROUP_FILES = 2_000
Kind = Literal["files", "shipped", "archive", "url"]


@dataclass(frozen=True)
class Round:
    """Files that are worked on together.

    Parameters
    ----------
    kind : str
        ``files`` (what a FileSource reads), ``shipped`` (one file that is larger than a round:
        the driver reads it and ships its packets), ``archive`` (our own Parquet), ``url``.
    groups : tuple of tuple of str
        One group a task.
    size : int
        Bytes in all; 0 when unknown.
    """

    kind: Kind
    groups: tuple[tuple[str, ...], ...]
    size: int


@dataclass(frozen=True)
class Plan:
    """All rounds, and the files that hold no alerts."""

    rounds: tuple[Round, ...]
    ignored: tuple[str, ...]


def plan(paths: Sequence[str | Path], round_bytes: int) -> Plan:
    """Lay out the work.

    Parameters
    ----------
    paths : sequence of path
        See :func:`gueststar.run.spark.run_batch`.
    round_bytes : int
        Size of a round.

    Raises
    ------
    BadInput
        If a path does not exist or is no alert file.
    """
    urls = [str(path) for path in paths if "://" in str(path)]
    found = FileSource([path for path in paths if "://" not in str(path)])
    archived = [path for path in found.ignored if _is_archive(path)]
    ignored = tuple(str(path) for path in found.ignored if path not in set(archived))
    rounds = [
        *_rounds("files", found.files, round_bytes),
        *_rounds("archive", archived, round_bytes),
        *(Round("url", ((url,),), 0) for url in urls),
    ]
    if not rounds:
        raise BadInput(f"no alerts in {', '.join(map(str, paths)) or 'nothing'}")
    return Plan(tuple(rounds), ignored)


def _is_archive(path: Path) -> bool:
    if path.suffix != ".parquet":
        return False
    try:
        return FORMAT_KEY in (pq.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError):
        return False


def _rounds(kind: Kind, files: Iterable[Path], most: int) -> Iterator[Round]:
    groups: list[tuple[str, ...]] = []
    held = 0
    for group, size in _groups(files, min(BATCH_BYTES, most // 2)):
        if groups and held + size > most:
            yield Round(kind, tuple(groups), held)
            groups, held = [], 0
        if size > most and kind == "files":
            yield Round("shipped", (group,), size)
            continue
        groups.append(group)
        held += size
    if groups:
        yield Round(kind, tuple(groups), held)


def _groups(files: Iterable[Path], most: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Neighbours together, as many as make a decoder's batch; a large file stands alone."""
    group: list[str] = []
    held = 0
    for path in files:
        size = path.stat().st_size
        if group and (held + size > most or len(group) >= GROUP_FILES):
            yield tuple(group), held
            group, held = [], 0
        group.append(str(path))
        held += size
    if group:
        yield tuple(group), held


class Notes:
    """Remembers which rounds are done.

    Parameters
    ----------
    folder : path, optional
        Made when the first round is done; nothing is remembered without it.
    recipe : Recipe
        Another module or version is other work.
    """

    def __init__(self, folder: str | Path | None, recipe: Recipe) -> None:
        self._folder = None if folder is None else Path(folder)
        self._recipe = recipe

    def has(self, part: Round) -> bool:
        """Tell whether a round of these very files is done."""
        return part.kind != "url" and self._folder is not None and self._note(part).exists()

    def add(self, part: Round) -> None:
        """Note that every sink has flushed a round.

        Raises
        ------
        BadInput
            If the folder cannot be written.
        """
        if self._folder is None or part.kind == "url":  # what lies at a URL may have changed
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._note(part).touch()
        except OSError as error:
            raise BadInput(f"the checkpoint {self._folder} cannot be written: {error}") from error

    def _note(self, part: Round) -> Path:
        digest = hashlib.sha256(repr((part.kind, self._recipe.modules)).encode())
        for name in (name for group in part.groups for name in group):
            seen = Path(name).stat()
            digest.update(repr((name, seen.st_size, seen.st_mtime_ns)).encode())
        assert self._folder is not None
        return self._folder / f"{digest.hexdigest()[:24]}.done"
