"""Many cones at once: cells of all positions together, one query, exact distances in NumPy."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix, neighbours

from gueststar.catalogs.angles import separation
from gueststar.errors import BadInput
from gueststar.store.cells import pairs, spans_of
from gueststar.store.mocs import CELL_DEG
from gueststar.store.selection import MAX_MATCHES, MAX_POSITIONS, check_cones
from gueststar.store.session import Session
from gueststar.store.sky import objects_in
from gueststar.store.tables import OBJECTS

#: Width of a base cell, deg. The narrowest way across a cell is above two thirds of the nominal,
#: so a cone of half the nominal width stays within the cell of its centre and that cell's ring.
_DEEPEST = 12  # smaller cells make more ranges and hold no fewer objects
_AT_ONCE = 20_000  # positions

#: What many cones answer: which position, and the object.
MATCHES = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        *OBJECTS,
        pa.field("separation_arcsec", pa.float64(), nullable=False),
    ]
)


def cones(connection: Session, ra: Any, dec: Any, radius_arcsec: Any, nearest: bool) -> pa.Table:
    """Return the objects of many cones; see :meth:`gueststar.store.interface.Store.cones`."""
    ras, decs, radii = check_cones(ra, dec, radius_arcsec)
    if len(ras) > MAX_POSITIONS:
        raise BadInput(f"{len(ras):,} positions are more than the {MAX_POSITIONS:,} of one call")
    parts = []
    found = 0
    for start in range(0, len(ras), _AT_ONCE):
        at = slice(start, start + _AT_ONCE)
        part = _matches(connection, ras[at], decs[at], radii[at], nearest)
        found += part.num_rows
        if found > MAX_MATCHES:
            raise BadInput(
                f"more than {MAX_MATCHES:,} objects lie in these cones: give a smaller radius, "
                "fewer positions, or ask for the nearest only"
            )
        rows = pa.array(part.column("row").to_numpy() + start)
        parts.append(part.set_column(0, MATCHES.field("row"), rows))
    return pa.concat_tables(parts) if parts else MATCHES.empty_table()


def _matches(
    connection: Session,
    ra: np.ndarray,
    dec: np.ndarray,
    radius: np.ndarray,
    nearest: bool,
) -> pa.Table:
    if not len(ra):
        return MATCHES.empty_table()
    depth = depth_for(float(radius.max()) / 3600.0)
    cells, asked = cells_of(ra, dec, depth)
    objects = objects_in(connection, spans_of(cells, depth))
    row, target = pairs(cells, asked, objects.column("healpix29").to_numpy(), depth)
    apart = separation(ra[row], dec[row], *(objects.column(n).to_numpy()[target] for n in _SKY))
    inside = np.flatnonzero(apart <= radius[row])
    inside = inside[np.lexsort((apart[inside], row[inside]))]
    if nearest:
        inside = inside[np.unique(row[inside], return_index=True)[1]]
    table = objects.take(pa.array(target[inside]))
    columns = [pa.array(row[inside]), *table.columns, pa.array(apart[inside])]
    return pa.table(columns, schema=MATCHES)


_SKY = ("ra", "dec")


def depth_for(radius: float, deepest: int = _DEEPEST) -> int:
    """Return the HEALPix order whose cells are at least two radii wide; ``radius`` in deg."""
    return int(np.clip(np.floor(np.log2(CELL_DEG / (2 * radius))), 0, deepest))


def cells_of(ra: np.ndarray, dec: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells that cones may touch, and which cone each is for.

    The cell of the centre and its ring; next to the eight corners of base cells a cell has seven
    neighbours, and the missing one is left out.
    """
    centre = lonlat_to_healpix(
        Longitude(np.mod(ra, 360.0), u.deg), Latitude(dec, u.deg), depth
    ).astype(np.int64)
    unique, back = np.unique(centre, return_inverse=True)
    ring = neighbours(unique.astype(np.uint64), depth).astype(np.int64)[back]
    asked = np.repeat(np.arange(len(ra)), ring.shape[1])
    cells = ring.ravel()
    there = cells >= 0
    return cells[there], asked[there]
