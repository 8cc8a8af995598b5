"""Examples to learn from and to be judged on; real ones are split by object, never by alert."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.errors import BadInput
from gueststar.features.stamps import SIZE, Norm, triplets

READ = 256  # alerts read at once
PER_NIGHT = 160  # alerts drawn from one simulated night: many nights, many kinds of weather

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Examples:
    """Triplets with labels.

    Parameters
    ----------
    images : numpy.ndarray of float16, shape ``(n, size, size, 3)``
        As :func:`gueststar.features.stamps.triplets` gives them; half precision, as training
        runs in it anyway and a night then fits into memory.
    labels : numpy.ndarray of float32, shape ``(n,)``
        1 real, 0 bogus; of real alerts the survey's own score.
    objects : numpy.ndarray of str, shape ``(n,)``
        What must not be divided between learning and judging.
    """

    images: np.ndarray
    labels: np.ndarray
    objects: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, mask: np.ndarray) -> Examples:
        """Return the examples that a mask chooses."""
        return Examples(self.images[mask], self.labels[mask], self.objects[mask])

    def beside(self, other: Examples) -> Examples:
        """Return these and others as one."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return Examples(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.images, self.labels, self.objects


def simulated_examples(
    n: int, seed: int, norm: Norm = "image", progress: Progress | None = None
) -> Examples:
    """Draw simulated cutouts and read them as the stream would.

    Parameters
    ----------
    n : int
        How many; those whose cutouts cannot be used (masked altogether) are left out.
    seed : int
        Of the first simulated night; each night gives 160 alerts, then follows the next seed.
        An "object" of these examples is a whole night.
    norm : {"image", "row"}
        See :func:`gueststar.features.stamps.triplets`.
    progress : callable, optional
        Called with the number done and ``n``.
    """
    alerts = _cutouts(n, seed)
    images = np.empty((n, SIZE, SIZE, len(CUTOUTS)), np.float16)
    labels, good = np.empty(n, np.float32), np.zeros(n, bool)
    done = 0
    while rows := list(islice(alerts, READ)):
        stamps = dict(zip(CUTOUTS, zip(*(row[:3] for row in rows), strict=True), strict=True))
        at = slice(done, done + len(rows))
        images[at], reasons = triplets(AlertBatch.from_columns(**stamps), norm)
        labels[at] = [row[3] for row in rows]
        good[at] = [reason is None for reason in reasons]
        done += len(rows)
        if progress:
            progress(done, n)
    objects = np.array([f"simulate:{seed + k // PER_NIGHT}" for k in range(n)])
    every = Examples(images, labels, objects)
    return every if good.all() else every.where(good)


def _cutouts(n: int, seed: int) -> Iterator[tuple[bytes, bytes, bytes, int, str]]:
    from gueststar.simulate.night import Night

    for number, at in enumerate(range(0, n, PER_NIGHT)):
        yield from Night(alerts=min(PER_NIGHT, n - at), seed=seed + number).cutouts()


def real_examples(paths: Sequence[Path], norm: Norm = "image") -> Examples:
    """Read real alerts that carry the survey's own score; that score is their label.

    Parameters
    ----------
    paths : sequence of path
        Avro files, Parquet files, tar archives or folders of these.

    Raises
    ------
    BadInput
        If there is no alert with a published score and three good cutouts.
    """
    found: dict[int, tuple[np.ndarray, float, str]] = {}
    for batch in _alerts(paths):
        images, reasons = triplets(batch, norm)
        scores = batch.column("published_rb").to_pylist()
        ids, objects = (batch.column(n).to_pylist() for n in ("alert_id", "object_id"))
        for row, (score, reason) in enumerate(zip(scores, reasons, strict=True)):
            if score is not None and reason is None:
                found[ids[row]] = (images[row].astype(np.float16), score, str(objects[row]))
    if not found:
        raise BadInput(
            f"no alert with a published score and three good cutouts in "
            f"{', '.join(map(str, paths))}"
        )
    stamps, labels, names = zip(*(found[key] for key in sorted(found)), strict=True)
    return Examples(np.stack(stamps), np.array(labels, np.float32), np.array(names))


def _alerts(paths: Sequence[Path]) -> Iterator[AlertBatch]:
    from gueststar.sources.files import FileSource
    from gueststar.surveys.decode import decode

    for batch in FileSource(list(paths)):
        for alerts in decode(batch).alerts:
            for at in range(0, len(alerts), READ):
                yield alerts.slice(at, READ)


def in_share(objects: np.ndarray, share: float, salt: str = "") -> np.ndarray:
    """Choose a share of the objects by a hash of their names: the same ones at every run.

    Parameters
    ----------
    objects : numpy.ndarray of str, shape ``(n,)``
        All rows of an object are chosen, or none.
    share : float
        About this share of the objects, 0 to 1.
    salt : str
        Another salt makes another choice.

    Returns
    -------
    numpy.ndarray of bool, shape ``(n,)``

    Examples
    --------
    >>> in_share(np.array(["a", "b", "a"]), 0.5).tolist()
    [False, True, False]
    """
    names, member = np.unique(objects, return_inverse=True)
    digests = [hashlib.sha256(f"{salt}:{name}".encode()).digest()[:8] for name in names]
    chosen = np.array([int.from_bytes(d, "big") / 2**64 < share for d in digests], dtype=bool)
    return np.asarray(chosen[member])
