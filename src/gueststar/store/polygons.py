"""Polygons on the sphere: sides are arcs of great circles, the border belongs to the polygon.

A polygon must lie within 85 degrees of some direction: seen along it (gnomonic projection), great
circles are straight lines, and inside and outside are those of the plane.
"""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
from cdshealpix.nested import healpix_to_lonlat

from gueststar.errors import BadInput
from gueststar.store.mocs import ORDER, joined

MAX_VERTICES = 2_000
_WIDEST = np.cos(np.radians(85.0))
_ON_BORDER = 5e-15  # rad, 1e-9 arcsec: what float64 degrees can tell apart
_DEEPEST = 13
_MAX_CELLS = 2_000  # of the cover, on the border
_AT_ONCE = 500_000  # pairs of a point and a side
#: Bound of the distance from a cell's centre to its corners, rad at order 0; it halves with each
#: order. healpy's max_pixrad approaches 1.07 from below.
_CELL_RADIUS = 1.1


def vectors(ra: Any, dec: Any) -> np.ndarray:
    """Return unit vectors, shape ``(n, 3)``, of positions in deg."""
    a, d = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], -1)


class Polygon:
    """A simple polygon.

    Parameters
    ----------
    vertices : array-like of float, shape ``(n, 2)``
        ``ra, dec`` of its corners in order, either way round, deg; the last may repeat the first.

    Raises
    ------
    BadInput
        If it has fewer than three corners, crosses or touches itself, or is too wide.
    """

    def __init__(self, vertices: Any) -> None:
        self.vertices = _checked(vertices)
        corners = vectors(*self.vertices.T)
        self._centre = _direction(corners)
        self._frame = _frame(self._centre)
        self._plane = self._project(corners)
        _refuse_crossings(self._plane)
        self._from, self._to = corners, np.roll(corners, -1, 0)

    def __repr__(self) -> str:
        return f"<Polygon of {len(self.vertices)} corners>"

    def as_json(self) -> dict[str, Any]:
        """Return it as a body of the REST API has it."""
        return {"polygon": self.vertices.tolist()}

    def _project(self, points: np.ndarray) -> np.ndarray:
        """Project points of the near hemisphere, shape ``(n, 2)``."""
        x, y, z = (points @ axis for axis in self._frame)
        return np.stack([x / z, y / z], 1)

    def holds(self, ra: np.ndarray, dec: np.ndarray, healpix29: Any = None) -> np.ndarray:
        """Tell which positions lie inside or on the border, shape ``(n,)``, bool."""
        points = vectors(ra, dec)
        inside = np.zeros(len(points), bool)
        near = np.flatnonzero(points @ self._centre > _WIDEST / 2)
        for some in np.array_split(near, len(near) * len(self._from) // _AT_ONCE + 1):
            inside[some] = self._inside(points[some])
        return inside

    def _inside(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(self._odd(points) | (self._distance(points) <= _ON_BORDER))

    def _odd(self, points: np.ndarray) -> np.ndarray:
        """Tell for which points a ray to the right crosses an odd number of sides."""
        x, y = self._project(points).T[:, :, None]
        (ax, ay), (bx, by) = self._plane.T, np.roll(self._plane, -1, 0).T
        spans = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            right = x < (bx - ax) * (y - ay) / (by - ay) + ax
        return np.asarray((spans & right).sum(1) % 2 == 1)

    def _distance(self, points: np.ndarray) -> np.ndarray:
        """Distance from the nearest side, rad."""
        normal = np.cross(self._from, self._to - self._from)  # exact where a side is short
        normal /= np.linalg.norm(normal, axis=1)[:, None]
        along = points @ np.cross(normal, self._from).T, points @ np.cross(self._to, normal).T
        beside = (along[0] >= 0) & (along[1] >= 0)
        apart = points[:, None] - self._from
        across = np.arcsin(np.clip(np.abs((apart * normal).sum(2)), 0, 1))
        to_corner = 2 * np.arcsin(np.clip(np.linalg.norm(apart, axis=2) / 2, 0, 1))
        return np.asarray(np.minimum(np.where(beside, across, np.pi), to_corner).min(1))

    def spans(self) -> np.ndarray:
        """Return ranges of cells (order 29) that cover it, shape ``(n, 2)``."""
        whole, cells = [], np.arange(12, dtype=np.int64)
        for order in range(_DEEPEST + 1):
            inside, border = self._sort(cells, order)
            whole.append(_ranges(inside, order))
            last = order == _DEEPEST or 4 * len(border) > _MAX_CELLS
            if last:
                whole.append(_ranges(border, order))
                break
            cells = (4 * border[:, None] + np.arange(4)).ravel()
        return joined(np.concatenate(whole))

    def _sort(self, cells: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the cells that lie inside, and those that the border may cross."""
        lon, lat = healpix_to_lonlat(cells.astype(np.uint64), order)
        points = vectors(lon.to_value(u.deg), lat.to_value(u.deg))
        parts = np.array_split(points, len(cells) * len(self._from) // _AT_ONCE + 1)
        reach = _CELL_RADIUS / (1 << order)
        border = np.concatenate([self._distance(some) <= reach for some in parts])
        inside = ~border & (points @ self._centre > _WIDEST / 2)
        inside[inside] = self._odd(points[inside])
        return cells[inside], cells[border]


def _ranges(cells: np.ndarray, order: int) -> np.ndarray:
    return np.stack([cells, cells + 1], 1) << 2 * (ORDER - order)


def _checked(vertices: Any) -> np.ndarray:
    try:
        given = np.array(vertices, np.float64)
        if given.ndim != 2 or given.shape[1] != 2:
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise BadInput("polygon: give its corners as a list of [ra, dec], in degrees") from None
    ra, dec = given.T
    for name, values, good, wanted in (
        ("ra", ra, (ra >= -360) & (ra <= 360), "-360 to 360"),
        ("dec", dec, (dec >= -90) & (dec <= 90), "-90 to 90"),
    ):
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            raise BadInput(f"polygon: {name} {values[row]:g} of corner {row} is not in {wanted}")
    points = vectors(ra, dec)
    new = np.linalg.norm(points - np.roll(points, 1, 0), axis=1) > _ON_BORDER
    given = given[new] if len(given) > 1 else given
    if len(given) < 3:
        raise BadInput(f"polygon: {len(given)} different corners are too few: give 3 or more")
    if len(given) > MAX_VERTICES:
        raise BadInput(
            f"polygon: {len(given):,} corners are more than {MAX_VERTICES:,}: give a MOC instead"
        )
    return given


def _direction(corners: np.ndarray) -> np.ndarray:
    """Find a direction that all corners lie within 85 deg of (the perceptron's rule)."""
    centre = corners.sum(0)
    for _ in range(2_000):
        length = np.linalg.norm(centre)
        if length > 0:
            centre = centre / length
        near = corners @ centre
        worst = int(near.argmin())
        if near[worst] > _WIDEST:
            return np.asarray(centre)
        centre = centre + 0.5 * corners[worst]
    raise BadInput(
        "polygon: it is wider than 170 degrees, so that inside and outside cannot be told apart: "
        "cut it into smaller ones, or give a MOC"
    )


def _frame(centre: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    other = np.eye(3)[np.abs(centre).argmin()]
    east = np.cross(other, centre)
    east /= np.linalg.norm(east)
    return east, np.cross(centre, east), centre


def _refuse_crossings(plane: np.ndarray) -> None:
    """Raise where two sides that are no neighbours meet."""
    a, b = plane, np.roll(plane, -1, 0)
    n = len(a)
    first = np.arange(n)
    for start in range(0, n, 500):
        i = first[start : start + 500, None]
        j = first[None, :]
        others = (j > i + 1) & ~((i == 0) & (j == n - 1))
        meets = others & _meet(a[i], b[i], a[j], b[j])
        if meets.any():
            one, other = (int(k) for k in np.argwhere(meets)[0])
            raise BadInput(
                f"polygon: its sides {one + start} and {other} cross or touch: give the corners "
                "in order round it, or a MOC"
            )


def _meet(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Tell whether segments ``ab`` and ``cd`` have a point in common."""

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        pq, pr = q - p, r - p
        return np.asarray(np.sign(pq[..., 0] * pr[..., 1] - pq[..., 1] * pr[..., 0]))

    low, high = np.minimum(a, b), np.maximum(a, b)
    apart = (low > np.maximum(c, d)).any(-1) | (np.minimum(c, d) > high).any(-1)
    across = (side(a, b, c) * side(a, b, d) <= 0) & (side(c, d, a) * side(c, d, b) <= 0)
    return np.asarray(~apart & across)
