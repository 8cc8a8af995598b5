r"""Where the surveys' telescopes are, and from where in space they look.

A site is given as the Minor Planet Center gives it: longitude, and the parallax constants
:math:`\rho \cos \phi'`, :math:`\rho \sin \phi'` in equatorial radii of the Earth
(https://www.minorplanetcenter.net/iau/lists/ObsCodesF.html). UT1 is taken for UTC: 0.9 s, which
is 0.4 km at the equator.
"""

from __future__ import annotations

from dataclasses import dataclass

import erfa  # type: ignore[import-untyped]
import numpy as np

from gueststar.catalogs.solarsystem import MJD_ZERO, TT_MINUS_TAI
from gueststar.errors import BadInput, did_you_mean

_RADIUS = 6_378.137 / 149_597_870.7  # of the Earth, au


@dataclass(frozen=True)
class Site:
    """A telescope.

    Parameters
    ----------
    code : str
        Of the Minor Planet Center.
    name : str
    longitude : float
        deg, east.
    rho_cos, rho_sin : float
        Parallax constants.
    """

    code: str
    name: str
    longitude: float
    rho_cos: float
    rho_sin: float


GEOCENTRE = Site("500", "geocentre", 0.0, 0.0, 0.0)
PALOMAR = Site("I41", "palomar", 243.140_22, 0.836_325, 0.546_877)
RUBIN = Site("X05", "rubin", 289.250_58, 0.864_981, -0.500_958)

SITES = (PALOMAR, RUBIN, GEOCENTRE)
#: From where a survey looks; an unknown one is taken to look from the centre of the Earth.
OF_SURVEY = {"ztf": PALOMAR, "lsst": RUBIN}


def site_named(name: str) -> Site:
    """Return a site by its name or its code.

    Raises
    ------
    BadInput
        If it is not known; the message says which are.

    Examples
    --------
    >>> site_named("I41").name, site_named("Rubin").code
    ('palomar', 'X05')
    """
    known = {site.name: site for site in SITES} | {site.code.lower(): site for site in SITES}
    if name.lower() not in known:
        raise BadInput(
            f"site: {name[:40]!r} is not known; there are "
            f"{', '.join(f'{site.name} ({site.code})' for site in SITES)}."
            f"{did_you_mean(name.lower(), known)}"
        )
    return known[name.lower()]


@dataclass(frozen=True)
class Observers:
    """From where something is seen, at some moments.

    Parameters
    ----------
    mjd_tt : numpy.ndarray, shape ``(n,)``
    position : numpy.ndarray, shape ``(n, 3)``
        From the Sun, au, ICRS.
    sun_velocity : numpy.ndarray, shape ``(n, 3)``
        Of the Sun about the centre of mass of the Solar System, au/d.
    """

    mjd_tt: np.ndarray
    position: np.ndarray
    sun_velocity: np.ndarray


def observers(mjd_tai: np.ndarray, site: Site) -> Observers:
    """Return where a site is in space.

    Parameters
    ----------
    mjd_tai : numpy.ndarray, shape ``(n,)``
    site : Site
    """
    moments, which = np.unique(np.asarray(mjd_tai, np.float64), return_inverse=True)
    tt = moments + TT_MINUS_TAI  # alerts of one exposure have one moment
    helio, bary = erfa.epv00(MJD_ZERO, tt)
    position = np.array(helio["p"], np.float64)
    if site.rho_cos or site.rho_sin:
        position += _from_the_centre(moments, tt, site)
    return Observers(tt[which], position[which], np.array(bary["v"] - helio["v"])[which])


def _from_the_centre(mjd_tai: np.ndarray, tt: np.ndarray, site: Site) -> np.ndarray:
    """Vector from the Earth's centre to a site, au, shape ``(n, 3)``."""
    from gueststar.surveys.sky import tai_minus_utc

    utc = mjd_tai - tai_minus_utc(mjd_tai) / 86_400.0
    angle = erfa.era00(MJD_ZERO, utc) + np.radians(site.longitude)
    fixed = np.stack(
        [
            site.rho_cos * np.cos(angle),
            site.rho_cos * np.sin(angle),
            np.full(len(tt), site.rho_sin),
        ],
        axis=-1,
    )
    to_earth = erfa.c2i06a(MJD_ZERO, tt)  # from the celestial frame to the true equator
    return np.asarray(np.einsum("nji,nj->ni", to_earth, fixed) * _RADIUS)
