"""What is known of an object, summed for each set of programs that somebody may see of it.

``object_sums`` has a row of an object for each part of its programs (its ``mask``, see
:mod:`gueststar.rights`) that holds an alert; ``present`` is all of them. Hardly any object has
alerts or points of more than one program, and so more than one row. Whoever may see the programs
``allowed`` reads the row with ``mask = present & allowed``, which holds nothing of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gueststar.rights import UNKNOWN
from gueststar.store import curves
from gueststar.store.session import Session

COLUMNS = (
    "healpix29", "object_id", "survey", "ra", "dec", "n_detections", "first_mjd_tai",
    "last_mjd_tai", "n_alerts", "n_points", "best_snr", "best_alert_id", "mask", "present",
)  # fmt: skip


class Best(NamedTuple):
    """The alert that gives an object its place."""

    healpix29: int
    survey: str
    ra: float
    dec: float
    snr: float
    alert_id: int

    @property
    def rank(self) -> tuple[float, int]:
        """Highest signal to noise first, the least id of equals."""
        return -self.snr, self.alert_id


class Alerts(NamedTuple):
    """Alerts of one program of an object: how many, and the best."""

    n: int
    best: Best

    def __add__(self, other: Alerts) -> Alerts:  # type: ignore[override]
        return Alerts(self.n + other.n, min(self.best, other.best, key=lambda best: best.rank))


class Curve(NamedTuple):
    """Numbers of a light curve."""

    n_points: int
    n_detections: int
    first: float | None
    last: float | None


class Sum(NamedTuple):
    """A row of ``object_sums``."""

    healpix29: int
    object_id: str
    survey: str
    ra: float
    dec: float
    n_detections: int
    first_mjd_tai: float | None
    last_mjd_tai: float | None
    n_alerts: int
    n_points: int
    best_snr: float
    best_alert_id: int
    mask: int
    present: int

    @property
    def alerts(self) -> Alerts:
        """The alerts of this row."""
        place = (self.healpix29, self.survey, self.ra, self.dec)
        return Alerts(self.n_alerts, Best(*place, self.best_snr, self.best_alert_id))


Sums = dict[int, Sum]  # of one object, by mask


def read(connection: Session, keys: Sequence[str]) -> dict[str, Sums]:
    """Return all rows of some objects."""
    query = f"""SELECT {", ".join(f"o.{name}" for name in COLUMNS)}
                FROM {connection.wanted("text")}
                CROSS JOIN object_sums AS o WHERE o.object_id = wanted.value"""
    found: dict[str, Sums] = defaultdict(dict)
    for row in connection.execute(query, (connection.pack(keys),)):
        one = Sum(*row)
        found[one.object_id][one.mask] = one
    return found


def write(connection: Session, before: dict[str, Sums], after: Sequence[Sum]) -> None:
    """Write what has changed of some objects."""
    same = {row for rows in before.values() for row in rows.values()} & set(after)
    gone = [row for rows in before.values() for row in rows.values() if row not in same]
    connection.executemany(
        "DELETE FROM object_sums WHERE healpix29 = ? AND object_id = ? AND mask = ?",
        [_key(row) for row in gone],
    )
    changed = sorted((row for row in after if row not in same), key=_key)
    connection.insert("object_sums", COLUMNS, changed)


def _key(row: Sum) -> tuple[int, str, int]:
    return row.healpix29, row.object_id, row.mask


def alerts_before(sums: Sums) -> dict[int, Alerts]:
    """Return the alerts of each single program, by its bit."""
    return {mask: row.alerts for mask, row in sums.items() if not mask & (mask - 1)}


def masks_of(alert_bits: int, present: int) -> list[int]:
    """Return the parts of an object's programs that have a row.

    Each single program with an alert, from which the others are summed; all; and what viewers
    with restricted rights may see, which is never the unknown.

    Examples
    --------
    >>> masks_of(4, 4), masks_of(4, 12), masks_of(12, 12), masks_of(4, 260)
    ([4], [4, 12], [4, 8, 12], [4, 260])
    """
    singles = set(_bits(alert_bits))
    parts = {m for m in _parts(present & ~UNKNOWN) if m & alert_bits}
    return sorted(singles | parts | {present})


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield mask & -mask
        mask &= mask - 1


def _parts(mask: int) -> Iterator[int]:
    part = mask
    while part:
        yield part
        part = (part - 1) & mask


def curve_numbers(
    owner: np.ndarray, points: pa.RecordBatch, bits: np.ndarray, masks: Sequence[Sequence[int]]
) -> list[dict[int, Curve]]:
    """Return the numbers of curves for each part of their programs.

    Parameters
    ----------
    owner : numpy.ndarray of int64, shape ``(points,)``
        Sorted.
    points : pyarrow.RecordBatch
        Columns of :data:`gueststar.batch.HISTORY`.
    bits : numpy.ndarray of int64, shape ``(points,)``
        Program of each point.
    masks : sequence of sequence of int
        Of each owner.
    """
    found: list[dict[int, Curve]] = [{} for _ in masks]
    whole = _numbers(owner, points, np.arange(len(masks)))
    wanted: dict[int, list[int]] = defaultdict(list)
    for place, (mine, numbers) in enumerate(zip(masks, whole, strict=True)):
        found[place][mine[-1]] = numbers  # all programs: the largest mask
        for mask in mine[:-1]:
            wanted[mask].append(place)
    for mask, places in wanted.items():
        seen = (bits & mask) != 0
        some = points.filter(pa.array(seen))
        for place, numbers in zip(
            places, _numbers(owner[seen], some, np.array(places)), strict=True
        ):
            found[place][mask] = numbers
    return found


def _numbers(owner: np.ndarray, points: pa.RecordBatch, owners: np.ndarray) -> list[Curve]:
    return [Curve(*row) for row in zip(*curves.statistics(owner, points, owners), strict=True)]


def sums_of(
    object_id: str, alerts: dict[int, Alerts], numbers: dict[int, Curve], present: int
) -> Iterator[Sum]:
    """Yield the rows of one object."""
    for mask, curve in numbers.items():
        mine = [some for bit, some in alerts.items() if bit & mask]
        total = mine[0]
        for some in mine[1:]:
            total += some
        best = total.best
        yield Sum(
            best.healpix29, object_id, best.survey, best.ra, best.dec, curve.n_detections,
            curve.first, curve.last, total.n, curve.n_points, best.snr, best.alert_id,
            mask, present,
        )  # fmt: skip
