"""Cone search: HEALPix ranges of the clustered table, then the exact distance."""

from __future__ import annotations

import math

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import cone_search

from gueststar.errors import BadInput
from gueststar.store.session import Session
from gueststar.store.tables import OBJECTS, columns_sql, typed

ORDER = 29
MAX_RADIUS_ARCSEC = 648_000.0  # 180 deg
_CELL_DEG = 58.6  # size of a base cell, deg: sqrt(41253 / 12)


def cone(connection: Session, ra: float, dec: float, radius_arcsec: float) -> pa.Table:
    """Return the objects within a radius; see :meth:`gueststar.store.engine.EngineStore.cone`."""
    check(ra, dec, radius_arcsec)
    query = f"""SELECT {columns_sql(OBJECTS)} FROM object_rows
                WHERE healpix29 >= ? AND healpix29 < ?"""
    rows = [
        row
        for span in ranges(ra, dec, radius_arcsec / 3600.0)
        for row in connection.execute(query, span)
    ]
    table = typed(rows, OBJECTS)
    distance = separation(ra, dec, table.column("ra").to_numpy(), table.column("dec").to_numpy())
    inside = np.flatnonzero(distance <= radius_arcsec)
    inside = inside[np.argsort(distance[inside], kind="stable")]
    near = table.take(pa.array(inside))
    return near.append_column("separation_arcsec", pa.array(distance[inside], pa.float64()))


def check(ra: float, dec: float, radius_arcsec: float) -> None:
    """Check a cone.

    Raises
    ------
    BadInput
        With the value and what it may be.
    """
    if not (math.isfinite(ra) and -360.0 <= ra <= 360.0):
        raise BadInput(f"ra = {ra} is no right ascension: give degrees, 0 to 360")
    if not (math.isfinite(dec) and -90.0 <= dec <= 90.0):
        raise BadInput(f"dec = {dec} is no declination: give degrees, -90 to 90")
    if not (math.isfinite(radius_arcsec) and 0 < radius_arcsec <= MAX_RADIUS_ARCSEC):
        raise BadInput(
            f"radius = {radius_arcsec} arcsec cannot be: it must be above 0 and at most "
            f"{MAX_RADIUS_ARCSEC:.0f}"
        )


def ranges(ra: float, dec: float, radius: float) -> list[tuple[int, int]]:
    """Return half-open ranges of HEALPix cells (nested, order 29) that cover a cone.

    Parameters
    ----------
    ra, dec, radius : float
        deg.
    """
    depth = int(np.clip(math.log2(_CELL_DEG / radius), 0, 27)) if radius < 90 else 0
    cells, depths, _ = cone_search(
        Longitude(ra % 360.0, u.deg), Latitude(dec, u.deg), radius * u.deg, depth, depth_delta=2
    )
    shift = 2 * (ORDER - depths.astype(np.int64))
    low = cells.astype(np.int64) << shift
    high = (cells.astype(np.int64) + 1) << shift
    order = np.argsort(low)
    return _joined(low[order], high[order])


def _joined(low: np.ndarray, high: np.ndarray) -> list[tuple[int, int]]:
    """Join neighbouring ranges."""
    first = np.ones(len(low), dtype=bool)
    first[1:] = low[1:] > high[:-1]
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(low)) - 1
    return list(zip(low[starts].tolist(), high[ends].tolist(), strict=True))


def separation(ra: float, dec: float, ras: np.ndarray, decs: np.ndarray) -> np.ndarray:
    """Angular distance, arcsec, by the Vincenty formula (exact at all distances).

    Parameters
    ----------
    ra, dec : float
        deg.
    ras, decs : numpy.ndarray, shape ``(n,)``
        deg.
    """
    a, b, d = math.radians(dec), np.radians(decs), np.radians(ras - ra)
    up = np.hypot(
        np.cos(b) * np.sin(d), math.cos(a) * np.sin(b) - math.sin(a) * np.cos(b) * np.cos(d)
    )
    down = math.sin(a) * np.sin(b) + math.cos(a) * np.cos(b) * np.cos(d)
    return np.asarray(np.degrees(np.arctan2(up, down)) * 3600.0)
