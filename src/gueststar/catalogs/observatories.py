"""From where in space surveys and observatories look.

UT1 is taken for UTC: 0.9 s, which is 0.4 km at the equator.
"""

from __future__ import annotations

from dataclasses import dataclass

import erfa  # type: ignore[import-untyped]
import numpy as np

from gueststar.catalogs.solarsystem import MJD_ZERO, TT_MINUS_TAI
from gueststar.sites import SITES, Site
from gueststar.surveys import surveys
from gueststar.surveys.sky import tai_minus_utc

_AU_M = 149_597_870_700.0
_WGS84 = 1  # as ERFA counts ellipsoids


def site_of_survey(name: str) -> Site | None:
    """Return from where a survey looks; None, the centre of the Earth, where that is not known."""
    survey = surveys().get(name)
    return None if survey is None or survey.site is None else SITES[survey.site]


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


def observers(mjd_tai: np.ndarray, site: Site | None) -> Observers:
    """Return where a site is in space.

    Parameters
    ----------
    mjd_tai : numpy.ndarray, shape ``(n,)``
    site : Site or None
        None: the centre of the Earth.
    """
    moments, which = np.unique(np.asarray(mjd_tai, np.float64), return_inverse=True)
    tt = moments + TT_MINUS_TAI  # alerts of one exposure have one moment
    helio, bary = erfa.epv00(MJD_ZERO, tt)
    position = np.array(helio["p"], np.float64)
    if site is not None:
        position += _from_the_centre(moments, tt, site)
    return Observers(tt[which], position[which], np.array(bary["v"] - helio["v"])[which])


def _from_the_centre(mjd_tai: np.ndarray, tt: np.ndarray, site: Site) -> np.ndarray:
    """Vector from the Earth's centre to a site, au, shape ``(n, 3)``."""
    utc = mjd_tai - tai_minus_utc(mjd_tai) / 86_400.0
    angle = erfa.era00(MJD_ZERO, utc)
    x, y, z = erfa.gd2gc(_WGS84, *np.radians([site.lon, site.lat]), site.height)
    cos, sin = np.cos(angle), np.sin(angle)
    fixed = np.stack([x * cos - y * sin, x * sin + y * cos, np.full(len(tt), z)], axis=-1)
    to_earth = erfa.c2i06a(MJD_ZERO, tt)  # from the celestial frame to the true equator
    return np.asarray(np.einsum("nji,nj->ni", to_earth, fixed) / _AU_M)
