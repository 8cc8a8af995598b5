"""Cone search: HEALPix ranges of the clustered table, then the exact distance."""

from __future__ import annotations

import math
from operator import itemgetter
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import cone_search

from gueststar.catalogs.angles import separation
from gueststar.errors import BadInput
from gueststar.store.mocs import CELL_DEG, ORDER, joined
from gueststar.store.selection import MAX_SECONDS
from gueststar.store.session import Session
from gueststar.store.tables import OBJECTS, columns_sql, typed

MAX_RADIUS_ARCSEC = 648_000.0  # 180 deg
_SMALL = 0.1  # deg: larger cones are covered with cells of a tenth of their radius and less
_FINER = 4

#: Types of the objects of a cone.
NEAR = OBJECTS.append(pa.field("separation_arcsec", pa.float64()))


def cone(connection: Session, ra: float, dec: float, radius_arcsec: float) -> pa.Table:
    """Return the objects within a radius; see :meth:`gueststar.store.engine.EngineStore.cone`."""
    check(ra, dec, radius_arcsec)
    rows = _rows_in(connection, ranges(ra, dec, radius_arcsec / 3600.0))
    places = np.array([(row[_RA], row[_DEC]) for row in rows]).reshape(-1, 2)
    apart = separation(ra, dec, places[:, 0], places[:, 1])
    inside = np.flatnonzero(apart <= radius_arcsec)
    inside = inside[np.argsort(apart[inside], kind="stable")]
    return typed([(*rows[k], apart[k]) for k in inside.tolist()], NEAR)


def objects_in(connection: Session, spans: np.ndarray) -> pa.Table:
    """Return the objects in ranges of cells, sorted by cell and name."""
    return typed(_rows_in(connection, spans), OBJECTS)


def _rows_in(connection: Session, spans: np.ndarray) -> list[tuple[Any, ...]]:
    query = f"""SELECT {columns_sql(OBJECTS, "o")} FROM {connection.spans}
                CROSS JOIN object_rows AS o
                WHERE o.healpix29 >= span.low AND o.healpix29 < span.high"""
    with connection.within(MAX_SECONDS):
        rows: list[tuple[Any, ...]] = connection.execute(
            query, connection.pack_spans(spans)
        ).fetchall()
    rows.sort(key=_PLACE)  # texts by code points, which is the order of their bytes
    return rows


_PLACE = itemgetter(OBJECTS.get_field_index("healpix29"), OBJECTS.get_field_index("object_id"))
_RA, _DEC = OBJECTS.get_field_index("ra"), OBJECTS.get_field_index("dec")


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


def ranges(ra: float, dec: float, radius: float, whole: bool = False) -> np.ndarray:
    """Return half-open ranges of HEALPix cells (nested, order 29) that cover a cone.

    Parameters
    ----------
    ra, dec, radius : float
        deg.
    whole : bool
        Only cells that lie in the cone as a whole.

    Returns
    -------
    numpy.ndarray of int64, shape ``(n, 2)``
    """
    finer = _FINER if radius > _SMALL else 0
    depth = min(max(int(math.log2(CELL_DEG / radius) + finer), 0), 27)
    cells, depths, full = cone_search(
        Longitude(ra % 360.0, u.deg), Latitude(dec, u.deg), radius * u.deg, depth, depth_delta=2
    )
    shift = 2 * (ORDER - depths.astype(np.int64))
    low = cells.astype(np.int64) << shift
    high = (cells.astype(np.int64) + 1) << shift
    found = np.stack([low, high], 1)
    return joined(found[full.astype(bool)] if whole else found)
