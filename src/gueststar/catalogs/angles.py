"""Angles between positions on the sky: how far, and in which direction."""

from __future__ import annotations

import numpy as np


def position_angle(
    ra: np.ndarray, dec: np.ndarray, other_ra: np.ndarray, other_dec: np.ndarray
) -> np.ndarray:
    """Direction to other positions, deg, 0 to 360, from north over east.

    Parameters
    ----------
    ra, dec, other_ra, other_dec : numpy.ndarray, shape ``(n,)``
        deg.

    Examples
    --------
    >>> zero, one = np.zeros(2), np.array([0.0, 1e-3])
    >>> position_angle(zero, zero, one, 1e-3 - one)
    array([ 0., 90.])
    """
    a, b, d = np.radians(dec), np.radians(other_dec), np.radians(other_ra - ra)
    east = np.sin(d) * np.cos(b)
    north = np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(d)
    angle = np.degrees(np.arctan2(east, north)) % 360.0
    return np.where(angle == 360.0, 0.0, angle)  # a tiny negative angle becomes 360


def separation(
    ra: np.ndarray | float, dec: np.ndarray | float, ras: np.ndarray, decs: np.ndarray
) -> np.ndarray:
    """Angular distance, arcsec, by the Vincenty formula (exact at all distances).

    Parameters
    ----------
    ra, dec : float or numpy.ndarray, shape ``(n,)``
        deg.
    ras, decs : numpy.ndarray, shape ``(n,)``
        deg.
    """
    a, b, d = np.radians(dec), np.radians(decs), np.radians(ras - ra)
    up = np.hypot(np.cos(b) * np.sin(d), np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(d))
    down = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(d)
    return np.asarray(np.degrees(np.arctan2(up, down)) * 3600.0)
