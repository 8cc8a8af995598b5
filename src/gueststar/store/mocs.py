"""MOCs as people have them (ASCII, JSON, FITS, lists of cells), as ranges of cells of order 29.

Read here, and not by mocpy: its readers take cells that do not exist, and a FITS header that
promises terabytes ends the process.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from gueststar.errors import BadInput

ORDER = 29
CELLS = 12 << 2 * ORDER  # of order 29 on the whole sky
CELL_DEG = 58.6  # size of a cell of order 0: sqrt(41253 / 12)
LARGEST = 8 << 20  # bytes of a MOC
_ITEM = re.compile(r"(?:(\d{1,2})/)?(?:(\d{1,19})(?:-(\d{1,19}))?)?")


def joined(ranges: np.ndarray) -> np.ndarray:
    """Sort half-open ranges and join those that touch, shape ``(n, 2)``, int64.

    Examples
    --------
    >>> joined(np.array([[8, 9], [1, 4], [2, 5], [5, 6]])).tolist()
    [[1, 6], [8, 9]]
    """
    if not len(ranges):
        return np.empty((0, 2), np.int64)
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ranges[:, 1])
    later = np.flatnonzero(ranges[1:, 0] > reach[:-1])  # each begins behind the one before
    found = np.empty((len(later) + 1, 2), np.int64)
    found[0, 0], found[1:, 0] = ranges[0, 0], ranges[later + 1, 0]
    found[:-1, 1], found[-1, 1] = reach[later], reach[-1]
    return found


def without(ranges: np.ndarray, less: np.ndarray) -> np.ndarray:
    """Take ranges out of others; both sorted and joined.

    Examples
    --------
    >>> without(np.array([[0, 9], [20, 30]]), np.array([[2, 4], [8, 25]])).tolist()
    [[0, 2], [4, 8], [25, 30]]
    """
    edges = np.concatenate([ranges.ravel(), less.ravel()])
    order = np.argsort(edges, kind="stable")
    step = np.concatenate([np.tile([1, -1], len(ranges)), np.tile([-2, 2], len(less))])[order]
    there = np.cumsum(step) == 1
    edges = edges[order]
    found = np.stack([edges[:-1], edges[1:]], 1)[there[:-1]]
    return joined(found[found[:, 1] > found[:, 0]])


def of_cells(order: Any, cells: Any, what: str = "cells") -> np.ndarray:
    """Return the ranges of HEALPix cells (nested).

    Parameters
    ----------
    order : int
        0 to 29.
    cells : array-like of int
    what : str
        What error messages call them.

    Raises
    ------
    BadInput
        If there is no such order or cell.
    """
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or not 0 <= order <= 29:
        raise BadInput(f"{what}: order {order!r} cannot be: give 0 to 29")
    try:
        given = np.asarray(cells)
        whole = given.astype(np.int64)
        if given.ndim != 1 or given.dtype.kind not in "iuf" or (whole != given).any():
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        if isinstance(cells, list | tuple) and not len(cells):
            return np.empty((0, 2), np.int64)
        raise BadInput(f"{what}: give a list of cell numbers") from None
    bad = (whole < 0) | (whole >= 12 << 2 * int(order))
    if bad.any():
        raise BadInput(f"{what}: cell {whole[bad][0]} is none of order {order}")
    return joined(np.stack([whole, whole + 1], 1) << 2 * (ORDER - int(order)))


def read(value: Any, what: str = "moc") -> np.ndarray:
    """Return the ranges of a MOC.

    Parameters
    ----------
    value : str, bytes or mapping
        ASCII (``5/1-3 8 6/40``), JSON (``{"5": [1, 2]}``), as text or as a dict, or FITS.
    what : str
        What error messages call it.

    Returns
    -------
    numpy.ndarray of int64, shape ``(n, 2)``
        Sorted half-open ranges of order 29.

    Raises
    ------
    BadInput
        If it is no MOC of the sky, or empty.
    """
    if isinstance(value, str | bytes) and len(value) > LARGEST:
        raise BadInput(f"{what}: {len(value):,} bytes are more than {LARGEST:,}")
    if isinstance(value, bytes) and value.startswith(b"SIMPLE"):
        found = _fits(value, what)
    elif isinstance(value, bytes | str):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        found = _json_text(text, what) if text.lstrip().startswith("{") else _ascii(text, what)
    elif isinstance(value, Mapping):
        found = _json(value, what)
    else:
        raise BadInput(f"{what}: {type(value).__name__} is none: give ASCII, JSON or FITS")
    if not len(found):
        raise BadInput(f"{what}: it is empty: no cell of the sky is in it")
    return found


def _ascii(text: str, what: str) -> np.ndarray:
    order: int | None = None
    spans = []
    for word in re.split(r"[\s,]+", text.strip()):
        found = _ITEM.fullmatch(word)
        if not word or found is None or (found[1] is None and order is None):
            raise BadInput(
                f"{what}: {word[:40]!r} is no part of a MOC: write it as 5/1-3 8 6/40 (order/cells)"
            )
        if found[1] is not None:
            order = int(found[1])
        if found[2] is not None and order is not None:
            spans.append(_span(order, int(found[2]), int(found[3] or found[2]), what))
    return joined(np.array(spans, np.int64).reshape(-1, 2))


def _span(order: int, first: int, last: int, what: str) -> tuple[int, int]:
    if not 0 <= order <= ORDER:
        raise BadInput(f"{what}: order {order} cannot be: give 0 to 29")
    if not first <= last < 12 << 2 * order:
        raise BadInput(f"{what}: {first}-{last} are no cells of order {order}")
    shift = 2 * (ORDER - order)
    return first << shift, (last + 1) << shift


def _json_text(text: str, what: str) -> np.ndarray:
    try:
        return _json(orjson.loads(text), what)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{what}: this is no JSON: {error}") from None


def _json(value: Mapping[Any, Any], what: str) -> np.ndarray:
    parts = []
    for order, cells in value.items():
        if not re.fullmatch(r"\d{1,2}", str(order)):
            raise BadInput(f"{what}: {str(order)[:40]!r} is no order: a MOC is {{'5': [1, 2]}}")
        parts.append(of_cells(int(order), cells, what))
    return joined(np.concatenate(parts)) if parts else np.empty((0, 2), np.int64)


#: What a broken file makes of astropy.
_BROKEN = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError,
)  # fmt: skip


def _fits(value: bytes, what: str) -> np.ndarray:
    from astropy.io import fits

    try:
        with (
            warnings.catch_warnings(action="ignore"),  # before the file is opened: that warns, too
            fits.open(io.BytesIO(value), memmap=False) as hdus,
        ):
            header = hdus[1].header
            if header["NAXIS1"] * header["NAXIS2"] > len(value):
                raise ValueError("it is cut off")
            column = np.asarray(hdus[1].data.field(0)).ravel().astype(np.int64)
            ordering = str(header.get("ORDERING", "NUNIQ")).strip().upper()
    except (*_BROKEN, fits.VerifyError) as error:
        raise BadInput(f"{what}: this FITS file holds no MOC: {error}") from error
    if ordering == "RANGE" and not len(column) % 2:
        ranges = column.reshape(-1, 2)
        good = (ranges >= 0).all() and (ranges <= CELLS).all()
        if good and (ranges[:, 0] < ranges[:, 1]).all():
            return joined(ranges)
    if ordering == "NUNIQ" and (column >= 4).all():
        order = (np.log2(column.astype(np.longdouble)).astype(np.int64) >> 1) - 1
        cell = column - (np.int64(4) << 2 * order)
        if (order <= ORDER).all() and (cell < np.int64(12) << 2 * order).all():
            shift = 2 * (ORDER - order)
            return joined(np.stack([cell << shift, (cell + 1) << shift], 1))
    raise BadInput(f"{what}: the table of this FITS file is no MOC of the sky")
