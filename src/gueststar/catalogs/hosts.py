r"""How far a position lies from a galaxy: in kiloparsecs, and in light radii of the galaxy.

Projected distance: the angular separation times the angular diameter distance at the galaxy's
redshift, in the cosmology of Planck 2018 (:data:`astropy.cosmology.Planck18`).

Directional light radius (Sullivan et al. 2006, ApJ 648, 868; in this form Gupta et al. 2016,
AJ 152, 154): :math:`d_{DLR}` is the separation over the galaxy's radius in the direction of the
position,

.. math:: DLR = \frac{a b}{\sqrt{(a \sin \phi)^2 + (b \cos \phi)^2}},

with the semi-axes :math:`a, b` and the angle :math:`\phi` between the major axis and the line
from the galaxy to the position.
"""

from __future__ import annotations

import numpy as np

from gueststar.distances import FARTHEST, comoving

MAX_DLR = 4.0  # light radii, as Gupta et al. 2016


def kpc(separation: np.ndarray, redshift: np.ndarray) -> np.ndarray:
    """Projected distance.

    Parameters
    ----------
    separation : numpy.ndarray
        arcsec.
    redshift : numpy.ndarray
        NaN where it is not known.

    Returns
    -------
    numpy.ndarray
        kpc (proper); NaN where the redshift tells no distance (0, negative, unknown, above 20).

    Examples
    --------
    >>> kpc(np.array([1.0, 1.0]), np.array([0.1, -0.001])).round(3)
    array([1.906,   nan])
    """
    known = (redshift > 0) & (redshift <= FARTHEST)
    z = np.where(known, redshift, 0.0)
    across = 1e3 * comoving(z) / (1 + z)  # angular diameter distance, kpc
    return np.where(known, separation * np.radians(1 / 3600) * across, np.nan)


def light_radii(
    separation: np.ndarray, angle: np.ndarray, a: np.ndarray, b: np.ndarray, major: np.ndarray
) -> np.ndarray:
    """Separation in directional light radii.

    Parameters
    ----------
    separation : numpy.ndarray
        arcsec.
    angle : numpy.ndarray
        Position angle of the line between galaxy and position, deg; its direction does not matter.
    a, b : numpy.ndarray
        Semi-axes, arcsec.
    major : numpy.ndarray
        Position angle of the major axis, deg, from north over east.

    Returns
    -------
    numpy.ndarray
        NaN where the shape is not known.

    Examples
    --------
    >>> one = np.ones(2)
    >>> light_radii(6 * one, np.array([30.0, 120.0]), 3 * one, one, 30 * one).round(3)
    array([2., 6.])
    """
    phi = np.radians(angle - major)
    known = (a > 0) & (b > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        radius = a * b / np.hypot(a * np.sin(phi), b * np.cos(phi))
        return np.where(known, separation / radius, np.nan)
