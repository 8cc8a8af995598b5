"""What to look for: alerts and objects by conditions, page by page behind a stable key."""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson
import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean

if TYPE_CHECKING:
    from gueststar.store.regions import Region

AlertSort = Literal["time", "score", "magnitude", "place", "distance"]
ObjectSort = Literal["name", "detections", "first", "last", "place", "distance"]
CountBy = Literal["night", "band", "survey", "class", "healpix"]
COUNT_BY = ("night", "band", "survey", "class", "healpix")
NEXT_KEY = b"gueststar.next"
MAX_PAGE = 10_000  # rows
MAX_MATCHES = 1_000_000  # rows of many cones
MAX_POSITIONS = 200_000
MAX_CONE_ARCSEC = 3_600.0  # of each of many cones
MAX_SELECTED_CONE_ARCSEC = 108_000.0  # 30 deg, of a cone that selects
MAX_SECONDS = 20.0  # of a search
MAX_ORDER = 12  # HEALPix cells of counts: 0.86 arcmin


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where on the sky; nothing for everywhere.

    Parameters
    ----------
    ra, dec, radius_arcsec : float, optional
        A cone: deg, deg, arcsec; all three or none.
    region : Region, optional
        A polygon, MOC or cone (:mod:`gueststar.store.regions`), in place of these three.
    """

    ra: float | None = None
    dec: float | None = None
    radius_arcsec: float | None = None
    region: Region | None = None

    def __post_init__(self) -> None:
        _check_numbers(self)
        cone = (self.ra, self.dec, self.radius_arcsec)
        if any(v is None for v in cone) and any(v is not None for v in cone):
            raise BadInput("ra, dec, radius: a cone needs all three")
        if self.radius_arcsec is not None and self.region is not None:
            raise BadInput("region: give it, or ra, dec and radius, not both")
        radius = self.radius_arcsec or getattr(self.region, "radius_arcsec", None)
        if radius is not None and radius > MAX_SELECTED_CONE_ARCSEC:
            raise BadInput(
                f"radius: {radius:g} arcsec is more than the "
                f"{MAX_SELECTED_CONE_ARCSEC:g} of a selection: give a MOC for more"
            )

    @property
    def place(self) -> Region | None:
        """The region, which may be a cone.

        Raises
        ------
        BadInput
            If there is no such cone.
        """
        if self.ra is None or self.dec is None or self.radius_arcsec is None:
            return self.region
        from gueststar.store.regions import Cone  # brings astropy

        return Cone(self.ra, self.dec, self.radius_arcsec)


@dataclass(frozen=True, kw_only=True)
class AlertSelection(Placed):
    """Conditions on alerts; None asks for nothing. Ranges hold their ends.

    Parameters
    ----------
    object_id, survey, band : str, optional
    night : int, optional
        YYYYMMDD.
    since, until : float, optional
        MJD TAI, d.
    mag_min, mag_max : float, optional
        AB magnitude of the difference; alerts without one are left out.
    module : str, optional
        Whose newest score: a module (its first class) or ``<module>_<class>``.
    min_score, max_score : float, optional
        Range of that score; ``module`` must be given.
    cell : str, optional
        A HEALPix cell (nested) as ``"order/number"``.
    ra, dec, radius_arcsec, region : optional
        See :class:`Placed`.
    """

    object_id: str | None = None
    survey: str | None = None
    band: str | None = None
    night: int | None = None
    since: float | None = None
    until: float | None = None
    mag_min: float | None = None
    mag_max: float | None = None
    module: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    cell: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell is not None:
            cell_span(self.cell)
        scored = self.min_score is not None or self.max_score is not None
        if scored and self.module is None:
            raise BadInput("module: a score range needs the module whose score is meant, as rb")

    @property
    def place(self) -> Region | None:
        """The region: the cell where nothing else is given."""
        region = super().place
        if region is not None or self.cell is None:
            return region
        from gueststar.store.regions import Moc

        return Moc(np.array([cell_span(self.cell)]))


@dataclass(frozen=True, kw_only=True)
class ObjectSelection(Placed):
    """Conditions on objects; None asks for nothing. Ranges hold their ends.

    Parameters
    ----------
    prefix : str, optional
        Beginning of the name.
    survey : str, optional
    first_since, last_since : float, optional
        First, last detection at this time or later, MJD TAI, d.
    first_until, last_until : float, optional
        At this time or earlier, MJD TAI, d.
    min_detections : int, optional
        Detections in the merged light curve.
    ra, dec, radius_arcsec, region : optional
        See :class:`Placed`.
    """

    prefix: str | None = None
    survey: str | None = None
    first_since: float | None = None
    first_until: float | None = None
    last_since: float | None = None
    last_until: float | None = None
    min_detections: int | None = None


def cell_span(cell: str) -> tuple[int, int]:
    """Return the cells of order 29 that lie in a HEALPix cell (nested): first, and end.

    Raises
    ------
    BadInput
        If there is no such cell.

    Examples
    --------
    >>> cell_span("0/1") == (1 << 58, 2 << 58)
    True
    """
    order, slash, number = cell.partition("/")
    digits = all(part.isascii() and part.isdigit() and len(part) < 20 for part in (order, number))
    if not (slash and digits and int(order) <= 29 and int(number) < 12 << 2 * int(order)):
        raise BadInput(f"cell: {cell[:40]!r} is none: give order/number (nested), such as 4/1234")
    shift = 2 * (29 - int(order))
    return int(number) << shift, (int(number) + 1) << shift


def _check_numbers(selection: Placed) -> None:
    for field in fields(selection):
        value = getattr(selection, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise BadInput(f"{field.name}: {value} is no number")
        if isinstance(value, int) and abs(value) >= 2**62:
            raise BadInput(f"{field.name}: {value} is too large")


def check_page(limit: int) -> None:
    """Check the size of a page.

    Raises
    ------
    BadInput
    """
    if not 1 <= limit <= MAX_PAGE:
        raise BadInput(f"limit: {limit} cannot be: give 1 to {MAX_PAGE}")


def check_count(by: str, order: int) -> None:
    """Check what is counted by.

    Raises
    ------
    BadInput
    """
    if by not in COUNT_BY:
        raise BadInput(f"by: {by!r} is not one of them.{did_you_mean(by, COUNT_BY)}")
    if not 0 <= order <= MAX_ORDER:
        raise BadInput(f"order: {order} cannot be: give 0 to {MAX_ORDER}")


def check_cones(ra: Any, dec: Any, radius_arcsec: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check many cones and give each its radius.

    Raises
    ------
    BadInput
        Naming the field and the first row that cannot be.
    """
    try:
        values = [np.atleast_1d(np.asarray(v, np.float64)) for v in (ra, dec, radius_arcsec)]
        ras, decs, radii = np.broadcast_arrays(*values)
    except (ValueError, TypeError, OverflowError):
        raise BadInput("ra, dec, radius: give numbers, as many of each (or one radius)") from None
    if ras.ndim != 1 or len(np.atleast_1d(ra)) != len(np.atleast_1d(dec)):
        raise BadInput("ra, dec: give two lists of one length")
    if np.ndim(radius_arcsec) and len(radius_arcsec) != len(np.atleast_1d(ra)):
        raise BadInput("radius: give one, or as many as there are positions")
    _refuse("ra", ras, (ras >= -360) & (ras <= 360), "in -360 to 360 degrees")
    _refuse("dec", decs, (decs >= -90) & (decs <= 90), "in -90 to 90 degrees")
    inside = (radii > 0) & (radii <= MAX_CONE_ARCSEC)
    _refuse("radius", radii, inside, f"above 0 and at most {MAX_CONE_ARCSEC:g} arcsec")
    return ras, decs, radii


def _refuse(name: str, values: np.ndarray, good: np.ndarray, wanted: str) -> None:
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise BadInput(f"{name}: {values[row]} in row {row} is not {wanted}")


def cursor_of(key: tuple[Any, ...]) -> str:
    """Write the key of a page's last row as an opaque text.

    Examples
    --------
    >>> read_cursor(cursor_of((20260101, 61041.5, 7)), (int, float, int))
    (20260101, 61041.5, 7)
    """
    return urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def read_cursor(text: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """Read a cursor back.

    Parameters
    ----------
    text : str
    kinds : tuple
        A type for each value of the key, or several.

    Raises
    ------
    BadInput
        If it is none of this kind of page.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        key = orjson.loads(urlsafe_b64decode(padded))
    except ValueError:  # orjson's and binascii's errors, and text that is not ASCII
        key = None
    many = [kind if isinstance(kind, tuple) else (kind,) for kind in kinds]
    fits = isinstance(key, list) and len(key) == len(many)
    fits = fits and all(type(v) in kind for v, kind in zip(key, many, strict=True))
    if not fits or any(isinstance(v, int) and abs(v) >= 2**63 for v in key):
        raise BadInput("after: this is no cursor of such pages: take `next` of the page before")
    return tuple(key)


def with_next(table: pa.Table, following: str | None) -> pa.Table:
    """Note in a page where the next one begins."""
    metadata = dict(table.schema.metadata or {})
    metadata.pop(NEXT_KEY, None)
    if following is not None:
        metadata[NEXT_KEY] = following.encode()
    return table.replace_schema_metadata(metadata)


def next_of(table: pa.Table) -> str | None:
    """Return where the page after this one begins; None when it is the last."""
    found = (table.schema.metadata or {}).get(NEXT_KEY)
    return found.decode() if found else None


def pages(find: Callable[[str | None], pa.Table]) -> Iterator[pa.Table]:
    """Yield all pages, one behind the other.

    Parameters
    ----------
    find : callable
        Gives the page that begins behind a cursor.
    """
    page = find(None)
    yield page
    while (after := next_of(page)) is not None:
        page = find(after)
        yield page
