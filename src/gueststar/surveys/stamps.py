"""How a survey's stamps lie on the sky, where their FITS headers do not say it."""

from __future__ import annotations

from typing import NamedTuple


class StampGeometry(NamedTuple):
    """Scale and orientation of stamps; None where not known.

    Parameters
    ----------
    pixel : float or None
        Side of a pixel, arcsec.
    north, east : float or None
        Directions, deg, from that of increasing rows (up) to that of increasing columns (right).
    """

    pixel: float | None = None
    north: float | None = None
    east: float | None = None
