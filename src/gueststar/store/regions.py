"""Regions of the sky: HEALPix ranges that cover one, and who lies inside exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gueststar.catalogs.angles import separation
from gueststar.errors import BadInput
from gueststar.store import mocs, sky
from gueststar.store.mocs import CELLS
from gueststar.store.polygons import Polygon

__all__ = ["Cone", "Moc", "Polygon", "Region", "part_of_sky", "region_of"]

MAX_SPANS = 20_000  # ranges of one cover


class Region(Protocol):
    """A region of the sky."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a body of the REST API has it."""
        ...

    def spans(self) -> np.ndarray:
        """Return sorted half-open ranges of cells (nested, order 29) that cover it, ``(n, 2)``."""
        ...

    def holds(self, ra: np.ndarray, dec: np.ndarray, healpix29: np.ndarray) -> np.ndarray:
        """Tell which positions (deg) in which cells (order 29) lie in it, shape ``(n,)``, bool."""
        ...


@dataclass(frozen=True)
class Cone:
    """All positions within a radius.

    Parameters
    ----------
    ra, dec : float
        deg.
    radius_arcsec : float

    Raises
    ------
    BadInput
    """

    ra: float
    dec: float
    radius_arcsec: float

    def __post_init__(self) -> None:
        sky.check(self.ra, self.dec, self.radius_arcsec)

    def as_json(self) -> dict[str, Any]:
        """Return it as a body of the REST API has it."""
        return {"cone": [self.ra, self.dec, self.radius_arcsec]}

    def spans(self) -> np.ndarray:
        """Return ranges that cover it."""
        return sky.ranges(self.ra, self.dec, self.radius_arcsec / 3600.0)

    def distance(self, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """Return the distance of positions from its centre, arcsec."""
        return separation(self.ra, self.dec, ra, dec)

    def holds(self, ra: np.ndarray, dec: np.ndarray, healpix29: np.ndarray) -> np.ndarray:
        """Tell which positions lie within the radius."""
        return np.asarray(self.distance(ra, dec) <= self.radius_arcsec)


@dataclass(frozen=True, eq=False)
class Moc:
    """Some HEALPix cells; a position lies in it when its cell of order 29 does.

    Parameters
    ----------
    ranges : numpy.ndarray of int64, shape ``(n, 2)``
        Sorted half-open ranges of order 29.
    """

    ranges: np.ndarray

    @classmethod
    def read(cls, value: Any, what: str = "moc") -> Moc:
        """Read ASCII, JSON or FITS; see :func:`gueststar.store.mocs.read`."""
        return cls(mocs.read(value, what))

    @classmethod
    def of_cells(cls, order: Any, cells: Any) -> Moc:
        """Take HEALPix cells (nested) of one order.

        Raises
        ------
        BadInput
            If there is no such order or cell, or no cell at all.
        """
        ranges = mocs.of_cells(order, cells)
        if not len(ranges):
            raise BadInput("cells: give one or more")
        return cls(ranges)

    def __repr__(self) -> str:
        return f"<Moc, {part_of_sky(self.ranges):.3g} of the sky>"

    def as_json(self) -> dict[str, Any]:
        """Return it as a body of the REST API has it: ASCII, in cells of the largest order."""
        bits = np.bitwise_or.reduce(self.ranges.ravel())
        free = 0 if not bits else (int(bits) & -int(bits)).bit_length() - 1
        order = max(0, mocs.ORDER - free // 2)
        cells = self.ranges >> 2 * (mocs.ORDER - order)
        words = [f"{a}-{b - 1}" if b - a > 1 else f"{a}" for a, b in cells.tolist()]
        return {"moc": f"{order}/{' '.join(words)}"}

    def spans(self) -> np.ndarray:
        """Return its ranges; of larger cells where there are very many."""
        found, shift = self.ranges, 2
        while len(found) > MAX_SPANS:
            whole = np.stack([found[:, 0] >> shift, -(-found[:, 1] >> shift)], 1)
            found, shift = mocs.joined(whole << shift), shift + 2
        return found

    def holds(self, ra: np.ndarray, dec: np.ndarray, healpix29: np.ndarray) -> np.ndarray:
        """Tell which cells are in it."""
        at = np.searchsorted(self.ranges[:, 0], healpix29, side="right") - 1
        return np.asarray((at >= 0) & (healpix29 < self.ranges[at, 1]))


def part_of_sky(spans: np.ndarray) -> float:
    """Return which part of the sky some ranges are, 0 to 1."""
    return float((spans[:, 1] - spans[:, 0]).sum() / CELLS)


def region_of(
    polygon: Any = None, moc: Any = None, cells: Any = None, cone: Any = None
) -> Region | None:
    """Return the region that somebody has given, or None.

    Parameters
    ----------
    polygon : str or array-like, optional
        ``"10 20, 11 20, 11 21"``, or a list of ``[ra, dec]``; deg.
    moc : str, bytes or mapping, optional
        ASCII, JSON or FITS.
    cells : mapping, optional
        ``{"order": 6, "cells": [1, 2]}``.
    cone : sequence of float, optional
        ``[ra, dec, radius]``: deg, deg, arcsec.

    Raises
    ------
    BadInput
        If it cannot be read, or two are given.
    """
    given = {"polygon": polygon, "moc": moc, "cells": cells, "cone": cone}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise BadInput(f"{', '.join(names)}: give one region only")
    if polygon is not None:
        return Polygon(_corners(polygon) if isinstance(polygon, str) else polygon)
    if moc is not None:
        return Moc.read(moc)
    if cells is not None:
        if not isinstance(cells, dict) or set(cells) != {"order", "cells"}:
            raise BadInput("cells: give an object with order and cells")
        return Moc.of_cells(cells["order"], cells["cells"])
    return None if cone is None else _cone(cone)


def _cone(numbers: Any) -> Cone:
    try:
        ra, dec, radius = (float(number) for number in numbers)
    except (TypeError, ValueError, OverflowError):
        raise BadInput("cone: give [ra, dec, radius]: degrees, degrees, arcsec") from None
    return Cone(ra, dec, radius)


def _corners(text: str) -> list[list[float]]:
    try:
        return [[float(word) for word in part.split()] for part in text.split(",")]
    except ValueError:
        raise BadInput(
            "polygon: write its corners in degrees as 10 20, 11 20, 11 21 (ra dec, ra dec, ...)"
        ) from None
