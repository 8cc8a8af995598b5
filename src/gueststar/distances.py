"""Distances from redshifts."""

from __future__ import annotations

from math import isfinite, log10

import numpy as np

from gueststar.errors import BadInput

FARTHEST = 20.0  # redshift


def absolute_offset(redshift: float) -> float:
    """Return what is taken from an apparent AB magnitude to make it absolute.

    Parameters
    ----------
    redshift : float
        Above 0, at most 20. Below about 0.01 a galaxy's own motion makes it a poor distance.

    Returns
    -------
    float
        ``DM(z) - 2.5 log10(1 + z)``, mag: the distance modulus of Planck 2018 (astropy's
        ``Planck18``), and the K correction of a source that is flat in f_nu, which only accounts
        for the stretched bandwidth (Hogg et al. 2002, astro-ph/0210394). No extinction,
        Galactic or in the host.

    Raises
    ------
    BadInput
        If it is out of range.

    Examples
    --------
    >>> round(absolute_offset(0.05), 3)
    36.755
    """
    if not (isfinite(redshift) and 0 < redshift <= FARTHEST):
        raise BadInput(f"a redshift is above 0 and at most {FARTHEST:g}, not {redshift:g}")
    return 5 * log10((1 + redshift) * float(comoving(redshift))) + 25 - 2.5 * log10(1 + redshift)


def comoving(redshift: np.ndarray | float) -> np.ndarray:
    """Return the comoving distance in the cosmology of Planck 2018, Mpc.

    Parameters
    ----------
    redshift : array-like of float
        0 to 20.

    Notes
    -----
    astropy's own integral would need SciPy.
    """
    from astropy.cosmology import Planck18

    nodes, weights = np.polynomial.legendre.leggauss(48)
    half = np.asarray(redshift, np.float64)[..., None] / 2
    integral = half[..., 0] * (Planck18.inv_efunc(half * (nodes + 1)) @ weights)
    return np.asarray(Planck18.hubble_distance.to_value("Mpc") * integral)
