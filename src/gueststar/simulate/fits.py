"""A small writer of the one kind of FITS that cutouts are: gzipped, 2-D, float32.

Only primary arrays without extensions are written, with the keywords of the public cutouts
(FITS standard 4.0: 80-character cards, 2880-byte blocks, big-endian data).
"""

from __future__ import annotations

from functools import cache

import cramjam
import numpy as np

BLOCK = 2880


@cache
def header(rows: int, columns: int) -> bytes:
    """Write the primary header of a float32 image of this shape, one block."""
    cards = [
        f"SIMPLE  = {'T':>20}",
        f"BITPIX  = {-32:>20}",
        f"NAXIS   = {2:>20}",
        f"NAXIS1  = {columns:>20}",
        f"NAXIS2  = {rows:>20}",
        "BUNIT   = 'DN      '",
        "END",
    ]
    return "".join(card.ljust(80) for card in cards).ljust(BLOCK).encode("ascii")


def fits_bytes(image: np.ndarray) -> bytes:
    """Write an image as FITS.

    Parameters
    ----------
    image : numpy.ndarray, shape ``(rows, columns)``
        Pixels, DN; the first row is the lowest.
    """
    data = np.ascontiguousarray(image, ">f4").tobytes()
    rows, columns = image.shape
    return header(rows, columns) + data + bytes(-len(data) % BLOCK)


def stamp_bytes(image: np.ndarray) -> bytes:
    """Write an image as a cutout of an alert packet: gzipped FITS, level 1.

    Noise hardly shrinks, so a higher level costs time and saves 1 %.
    """
    return bytes(cramjam.gzip.compress(fits_bytes(image), level=1))
