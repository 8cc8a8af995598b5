"""Which way north is on a stamp, where its FITS header says so (Rubin's do, ZTF's do not)."""

from __future__ import annotations

import math
import re
import zlib

GZIP = b"\x1f\x8b"
LARGEST_PIXEL = 3600.0  # arcsec; larger ones are no stamps
HEADER = 16 * 2880  # bytes of the file's beginning that are searched
_NUMBER = re.compile(rb"(CD[12]_[12]|PC[12]_[12]|CDELT[12]) *= *([-+.0-9EDed]+)")


def directions(stamp: bytes) -> tuple[float, float] | None:
    """Return the directions of north and east on a stamp.

    Parameters
    ----------
    stamp : bytes
        FITS, gzip'ed or plain.

    Returns
    -------
    north, east : float
        Angles from the direction of increasing rows (up) to increasing columns (right), deg; None
        when the header has no celestial matrix (FITS WCS paper II: ``CDi_j``, or ``PCi_j`` and
        ``CDELTi``).

    Examples
    --------
    >>> directions(b"CD1_1   = -0.1" + b"CD2_2   = 0.1")
    (0.0, -90.0)
    """
    matrix = _matrix(dict(_NUMBER.findall(_beginning(stamp))))
    if matrix is None:
        return None
    (a, b), (c, d) = matrix
    determinant = a * d - b * c
    if not math.isfinite(determinant) or determinant == 0:
        return None
    north = math.degrees(math.atan2(-b / determinant, a / determinant))
    east = math.degrees(math.atan2(d / determinant, -c / determinant))
    return round(north, 2) + 0.0, round(east, 2) + 0.0


def pixel_scale(stamp: bytes) -> float | None:
    """Return the side of a pixel, arcsec: the root of its area; None where the header is silent.

    Examples
    --------
    >>> pixel_scale(b"CD1_1   = -0.0002" + b"CD2_2   = 0.0002")
    0.72
    """
    matrix = _matrix(dict(_NUMBER.findall(_beginning(stamp))))
    if matrix is None:
        return None
    (a, b), (c, d) = matrix
    side = math.sqrt(abs(a * d - b * c)) * 3600
    return round(side, 5) if 0 < side < LARGEST_PIXEL else None


def _beginning(stamp: bytes) -> bytes:
    if not stamp.startswith(GZIP):
        return stamp[:HEADER]
    try:
        return zlib.decompressobj(wbits=31).decompress(stamp, HEADER)
    except zlib.error:
        return b""


def _matrix(cards: dict[bytes, bytes]) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the matrix from pixels to degrees (east, north), or None."""
    try:
        numbers = {key.decode(): float(text.replace(b"D", b"E")) for key, text in cards.items()}
    except ValueError:
        return None
    for prefix in ("CD", "PC"):
        if any(f"{prefix}{i}_{i}" in numbers for i in "12"):
            scale = {i: numbers.get(f"CDELT{i}", 1.0) if prefix == "PC" else 1.0 for i in "12"}
            rows = {
                i: [scale[i] * numbers.get(f"{prefix}{i}_{j}", _plain(prefix, i, j)) for j in "12"]
                for i in "12"
            }
            return (rows["1"][0], rows["1"][1]), (rows["2"][0], rows["2"][1])
    return None


def _plain(prefix: str, i: str, j: str) -> float:
    """Return what a missing card means: the unit matrix for PC, zero for CD."""
    return 1.0 if prefix == "PC" and i == j else 0.0
