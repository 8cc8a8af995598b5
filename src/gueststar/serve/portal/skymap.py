"""The whole sky as one picture: HEALPix cells in the Mollweide projection, drawn as SVG paths.

Equal areas stay equal (Mollweide, Snyder 1987, eqs. 31-1 to 31-4), so that the shade of a cell is
the number of its alerts on the sky. East is left, RA 0h is in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from cdshealpix.nested import healpix_to_lonlat, vertices
from markupsafe import Markup, escape

from gueststar.serve.portal.formats import sexagesimal

WIDTH, HEIGHT = 720.0, 360.0  # of the oval
SHADES = 7
ORDERS = (2, 3, 4, 5)
_EDGE_STEPS = {2: 4, 3: 3, 4: 2, 5: 1}  # points on each side of a cell, for its curved edges
_NEWTON = 12  # steps; the slowest, near the poles, needs about ten for 0.1 px


@dataclass(frozen=True)
class Cell:
    """A cell that holds something.

    Parameters
    ----------
    name : str
        ``order/number``.
    count : int
    shade : int
        1 to :data:`SHADES`, by the logarithm of the count.
    path : str
        Of SVG.
    x, y : float
        Its middle on the picture.
    place : str
        Its middle on the sky, to the minute.
    """

    name: str
    count: int
    shade: int
    path: str
    x: float
    y: float
    place: str


def mollweide(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project positions.

    Parameters
    ----------
    lon, lat : numpy.ndarray, shape ``(n,)``
        deg; longitudes from the middle, east positive, and drawn to the left. Beyond 180 they
        go on outside the oval, for cells that its edge cuts.

    Returns
    -------
    x, y : numpy.ndarray, shape ``(n,)``
        Of SVG: from the oval's upper left corner.
    """
    phi = np.radians(lat)
    theta = phi.copy()
    for _ in range(_NEWTON):
        slope = np.maximum(2 + 2 * np.cos(2 * theta), 1e-9)
        theta -= (2 * theta + np.sin(2 * theta) - np.pi * np.sin(phi)) / slope
    theta = np.where(np.abs(lat) > 89.999, phi, np.clip(theta, -np.pi / 2, np.pi / 2))
    x = WIDTH / 2 * (1 - lon / 180 * np.cos(theta))
    return x, HEIGHT / 2 * (1 - np.sin(theta))


def cells(counts: Mapping[int, int], order: int) -> list[Cell]:
    """Draw cells.

    Parameters
    ----------
    counts : mapping of int to int
        Number by HEALPix cell (nested); those with none are left out.
    order : int
        Of the cells, one of :data:`ORDERS`.
    """
    shapes = _shapes(order)
    most = max(counts.values(), default=1)
    return [
        Cell(f"{order}/{number}", counts[number], _shade(counts[number], most), *shapes[number])
        for number in sorted(counts)
    ]


def drawn(some: Iterable[Cell], href: str, noun: str) -> Markup:
    """Write cells as SVG, links where ``href`` is given; a template needs 20 times as long.

    Parameters
    ----------
    some : iterable of Cell
    href : str
        Address of a cell without its name; empty where there is nothing to show.
    noun : str
        What is counted.
    """
    to = escape(href)
    return Markup("\n".join(_link(one, to, noun, k) for k, one in enumerate(some)))


def _link(cell: Cell, href: str, noun: str, place: int) -> str:
    path = f'<path class="c{cell.shade}" d="{cell.path}"'
    if not href:
        return f'{path} aria-hidden="true"/>'
    told = f"{cell.place}: {cell.count:,} {noun}{'' if cell.count == 1 else 's'}"
    walked = ' tabindex="-1"' if place else ""  # arrow keys walk from the first
    return (
        f'<a href="{href}{cell.name}" data-cell data-x="{cell.x}" data-y="{cell.y}"{walked}'
        f' aria-label="{told}">{path}/></a>'
    )


def warm_up(orders: Sequence[int] = (4,)) -> None:
    """Draw what the first visitor of a map would wait for; 4 is the usual one."""
    for order in orders:
        cells({}, order)
    lines()


@cache
def _shapes(order: int) -> list[tuple[str, float, float, str]]:
    """Return path, middle on the picture and middle on the sky of all cells of an order."""
    numbers = np.arange(12 << 2 * order, dtype=np.uint64)
    lon, lat = vertices(numbers, order, step=_EDGE_STEPS[order])
    middle_lon, middle_lat = (one.to_value(u.deg) for one in healpix_to_lonlat(numbers, order))
    middles = _centred(middle_lon)
    corners = _beside(lon.to_value(u.deg), middles[:, None])
    xs, ys = mollweide(corners.ravel(), lat.to_value(u.deg).ravel())
    xs, ys = xs.reshape(corners.shape), ys.reshape(corners.shape)
    at_x, at_y = (np.round(one, 1).tolist() for one in mollweide(middles, middle_lat))
    places = [_place(*one) for one in zip(middles.tolist(), middle_lat.tolist(), strict=True)]
    paths = [_outline(*one) for one in zip(xs, ys, corners, strict=True)]
    return list(zip(paths, at_x, at_y, places, strict=True))


def _place(lon: float, lat: float) -> str:
    ra, dec = sexagesimal(lon % 360, lat).split()
    return f"{ra[:5]} {dec[:6]}"


def _shade(count: int, most: int) -> int:
    """Shades go by the logarithm: nights are dense in the plane and thin elsewhere."""
    if most <= 1:
        return SHADES
    return 1 + min(SHADES - 1, int(SHADES * math.log(count) / math.log(most)))


def _centred(lon: np.ndarray) -> np.ndarray:
    """Bring longitudes to [-180, 180)."""
    return np.asarray((lon + 180) % 360 - 180)


def _beside(lon: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Bring longitudes within 180 deg of the middle of their cell."""
    return np.asarray(middle + _centred(lon - middle))


def _outline(x: np.ndarray, y: np.ndarray, lon: np.ndarray) -> str:
    """Close a cell; one that the edge cuts is drawn at both edges, and clipped by the oval."""
    path = _path(x, y) + "z"
    turn = 360 if lon.min() < -180 else -360 if lon.max() > 180 else 0
    if not turn:
        return path
    half = (x - WIDTH / 2) / np.where(lon == 0, 1, lon)
    return path + _path(WIDTH / 2 + half * (lon + turn), y) + "z"


def _path(x: np.ndarray, y: np.ndarray) -> str:
    points = (f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    return "M" + "L".join(points)


@cache
def lines() -> dict[str, str]:
    """Return the lines under the cells: ``grid``, ``galaxy`` and ``ecliptic``, as SVG paths."""
    along = np.linspace(-180, 180, 361)
    galaxy = SkyCoord(along, 0 * along, unit="deg", frame="galactic").icrs
    ecliptic = SkyCoord(along, 0 * along, unit="deg", frame="barycentrictrueecliptic").icrs
    up = np.linspace(-90, 90, 91)
    meridians = [_strokes(np.full(91, float(lon)), up) for lon in range(-150, 180, 30)]
    parallels = [_strokes(along, np.full(361, float(lat))) for lat in (-60, -30, 0, 30, 60)]
    return {
        "grid": "".join([*meridians, *parallels]),
        "galaxy": _strokes(_centred(galaxy.ra.deg), galaxy.dec.deg),
        "ecliptic": _strokes(_centred(ecliptic.ra.deg), ecliptic.dec.deg),
    }


def _strokes(lon: np.ndarray, lat: np.ndarray) -> str:
    """Draw a line, interrupted where it leaves the oval at one edge and comes in at the other."""
    breaks = np.flatnonzero(np.abs(np.diff(lon)) > 180) + 1
    return "".join(_pieces(np.split(lon, breaks), np.split(lat, breaks)))


def _pieces(lons: list[np.ndarray], lats: list[np.ndarray]) -> Iterator[str]:
    for lon, lat in zip(lons, lats, strict=True):
        if len(lon) > 1:
            yield _path(*mollweide(lon, lat))


@cache
def labels() -> tuple[tuple[float, float, str], ...]:
    """Return where the hours of right ascension stand along the equator, and degrees beside."""
    hours = np.arange(-150, 180, 30)
    x, y = mollweide(hours.astype(float), np.zeros(len(hours)))
    names = [f"{int(lon % 360 / 15)}h" for lon in hours]
    decs = np.array([-60.0, -30.0, 30.0, 60.0])
    dx, dy = mollweide(np.zeros(4), decs)
    at = [*zip(x.tolist(), (y + 11).tolist(), names, strict=True)]
    at += zip((dx + 3).tolist(), (dy - 3).tolist(), [f"{d:+.0f}°" for d in decs], strict=True)
    return tuple((round(a, 1), round(b, 1), name) for a, b, name in at)
