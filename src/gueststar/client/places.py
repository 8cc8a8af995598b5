"""Positions and radii as astronomers hold them, as degrees and arcsec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from gueststar.client.results import Result
from gueststar.errors import BadInput, did_you_mean
from gueststar.positions import Position, alert_number, parse_search
from gueststar.store.regions import Cone, Moc, Polygon, Region, region_of

#: What tables call their positions, in lower case, the likeliest first.
RA_NAMES = ("ra", "ra_icrs", "raj2000", "_raj2000", "ra_deg", "radeg", "meanra", "ra_j2000")
DEC_NAMES = ("dec", "de_icrs", "dec_icrs", "dej2000", "_dej2000", "decj2000", "dec_deg", "dedeg",
             "decdeg", "meandec", "dec_j2000", "decl", "de")  # fmt: skip


def place_of(position: Any) -> Position | str:
    """Read one position.

    Parameters
    ----------
    position : SkyCoord, str or (ra, dec)
        A scalar coordinate of any frame; a text in any usual form; degrees or Quantities.

    Returns
    -------
    Position or str
        The position, ICRS; a text that is none comes back, for it may name an object.

    Raises
    ------
    BadInput
    """
    if isinstance(position, str):
        return parse_search(position, "position")
    if isinstance(position, SkyCoord):
        if not position.isscalar:
            raise BadInput("position: one is needed here; for many there is xmatch")
        return Position(float(position.icrs.ra.deg), float(position.icrs.dec.deg))
    try:
        ra, dec = (float(u.Quantity(value, u.deg).value) for value in position)
    except (TypeError, ValueError, u.UnitConversionError):
        raise BadInput(
            f"position: {position!r} is none: give a SkyCoord, '10:12:13.4 -02:03:04' or degrees"
        ) from None
    return Position(ra, dec)


def region_given(region: Any) -> Region | None:
    """Return a region as astronomers hold it.

    Parameters
    ----------
    region : mocpy.MOC, SkyCoord, str, path, bytes, mapping, list or Region
        A MOC (an object of mocpy, ASCII or JSON text, FITS bytes, a ``.fits`` file, a mapping of
        order to cells); a polygon (a SkyCoord of its corners, a list of ``(ra, dec)`` in degrees,
        or its text ``"10 20, 11 20, 11 21"``).

    Raises
    ------
    BadInput
        If it is none of them.
    """
    if region is None or isinstance(region, Cone | Moc | Polygon):
        return region
    if isinstance(region, SkyCoord):
        return Polygon(np.stack([np.ravel(region.icrs.ra.deg), np.ravel(region.icrs.dec.deg)], 1))
    if hasattr(region, "to_depth29_ranges"):  # mocpy
        return Moc.read(region.to_string("json"))
    if isinstance(region, PathLike) or (isinstance(region, str) and region.endswith(".fits")):
        return Moc.read(_content(region))
    if isinstance(region, bytes | Mapping):
        return Moc.read(region)
    if isinstance(region, str):
        return region_of(moc=region) if "/" in region or "{" in region else region_of(region)
    return Polygon(region)


def _content(path: Any) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"region: cannot read {path}: {error.strerror or error}") from None


def arcsec(radius: Any) -> Any:
    """Return a radius, or many, in arcsec; numbers are arcsec already.

    Raises
    ------
    BadInput
        If its unit is no angle.
    """
    try:
        value = u.Quantity(radius, u.arcsec).value
    except (TypeError, ValueError, u.UnitConversionError):
        raise BadInput(f"radius: {radius!r} is no angle: give a Quantity, or arcsec") from None
    return value if np.ndim(value) else float(value)


def table_of(table: Any) -> QTable | None:
    """Return a table of astropy's, pandas' or Arrow's as a QTable; None for bare positions.

    Raises
    ------
    BadInput
        If it is none of them.
    """
    if isinstance(table, SkyCoord):
        return None
    if isinstance(table, Table):
        return QTable(table)
    if isinstance(table, pa.Table | pa.RecordBatch):
        return Result.from_arrow(pa.table(table))
    if hasattr(table, "iloc"):
        return QTable(Table.from_pandas(table))
    raise BadInput(
        f"table: {type(table).__name__} is none: give an astropy Table, a pandas DataFrame, an "
        "Arrow table or a SkyCoord"
    )


def positions_of(
    table: QTable, ra: str | None = None, dec: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the positions of a table, deg.

    Parameters
    ----------
    table : QTable
    ra, dec : str, optional
        Names of the columns; else the first of the usual ones, or a SkyCoord column.

    Raises
    ------
    BadInput
        If there are none; the message says which columns there are.
    """
    if ra is None and dec is None:
        for column in table.itercols():
            if isinstance(column, SkyCoord):
                return column.icrs.ra.deg, column.icrs.dec.deg
    return _degrees(table, ra, RA_NAMES, "ra"), _degrees(table, dec, DEC_NAMES, "dec")


def _degrees(table: QTable, name: str | None, usual: Sequence[str], what: str) -> np.ndarray:
    by_lower = {column.lower(): column for column in table.colnames}
    found = name or next((by_lower[one] for one in usual if one in by_lower), None)
    if found is None or found not in table.colnames:
        hint = did_you_mean(name or what, table.colnames)
        raise BadInput(f"{what}: no such column; name it with {what}='...'.{hint}")
    column = table[found]
    try:
        value = u.Quantity(column, column.unit or u.deg, dtype=float).to_value(u.deg)
    except (TypeError, ValueError, u.UnitConversionError):
        raise BadInput(f"{what}: column {found!r} holds no degrees; give numbers") from None
    return np.asarray(value)


def alert_id_of(alert_id: int | str) -> int:
    """Return the number of an alert, given as one or as a text.

    Raises
    ------
    BadInput
        If it is none.
    """
    number = alert_number(str(alert_id).strip())
    if number is None:
        raise BadInput(f"{alert_id!r} is no alert id: they are whole numbers")
    return number
