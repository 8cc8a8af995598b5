r"""Where minor planets are on the sky, how far, how bright and how fast.

The astrometric place, which is what surveys compare with their stars, is the direction from where
the telescope is at the moment :math:`t` to where the body was when the light left it,
:math:`t - \tau`, both from the centre of mass of the Solar System. Aberration and the bending of
light by the Sun are left out, for the stars have them too (nearly: bending differs by 1 mas at 90
degrees from the Sun).

Magnitudes follow Bowell et al. 1989 (Asteroids II, 524), the IAU's H, G system:

.. math::

   V = H + 5 \log_{10} (r \Delta) - 2.5 \log_{10} [(1 - G) \Phi_1(\alpha) + G \Phi_2(\alpha)],
   \quad \Phi_i = \exp [-A_i \tan^{B_i} (\alpha / 2)],

with :math:`A = 3.33, 1.87` and :math:`B = 0.63, 1.22`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gueststar.catalogs.angles import position_angle
from gueststar.catalogs.nbody import carried
from gueststar.catalogs.observatories import Observers, observers
from gueststar.catalogs.solarsystem import GM_SUN, LIGHT, Places, places_between
from gueststar.sites import Site

USUAL_SLOPE = 0.15  # of minor planets whose G is not known
STEP = 0.01  # d, over which motion is measured


@dataclass(frozen=True)
class Ephemeris:
    """Minor planets as seen from somewhere; every array has the shape ``(n,)``.

    Parameters
    ----------
    ra, dec : numpy.ndarray
        Astrometric, ICRS, deg.
    mag : numpy.ndarray
        V; NaN where H is not known.
    r_au, delta_au : numpy.ndarray
        From the Sun, and from the observer.
    phase_deg, elongation_deg : numpy.ndarray
        Sun, body, observer; and Sun, observer, body.
    motion : numpy.ndarray
        arcsec/h.
    motion_angle : numpy.ndarray
        Where it goes, deg, from north over east.
    """

    ra: np.ndarray
    dec: np.ndarray
    mag: np.ndarray
    r_au: np.ndarray
    delta_au: np.ndarray
    phase_deg: np.ndarray
    elongation_deg: np.ndarray
    motion: np.ndarray
    motion_angle: np.ndarray


def ephemeris(
    states: np.ndarray,
    epoch: np.ndarray | float,
    h: np.ndarray,
    g: np.ndarray,
    mjd_tai: np.ndarray,
    site: Site | None,
    places: Places | None = None,
) -> Ephemeris:
    """Return where minor planets are seen, each at a moment of its own.

    Parameters
    ----------
    states : numpy.ndarray, shape ``(n, 6)``
        From the Sun at ``epoch``, au and au/d, ICRS.
    epoch : numpy.ndarray, shape ``(n,)``, or float
        MJD, TT.
    h, g : numpy.ndarray, shape ``(n,)``
        Absolute magnitude and slope; where G is NaN, 0.15.
    mjd_tai : numpy.ndarray, shape ``(n,)``
    site : Site or None
        None: the centre of the Earth.
    places : Places, optional
        Of the planets over all these days.
    """
    mjd_tai = np.asarray(mjd_tai, np.float64)
    if not len(mjd_tai):
        return Ephemeris(*(np.empty(0) for _ in range(9)))
    seen = observers(mjd_tai, site)
    if places is None:
        every = (*np.ravel(epoch), *seen.mjd_tt)
        places = places_between(min(every), max(every))
    now = carried(states, np.asarray(epoch), seen.mjd_tt, places)
    line, there = seen_along(now, seen)
    later, _ = seen_along(shifted(now, STEP), observers(mjd_tai + STEP, site))
    return _described(line, there, later, seen.position, h, g)


def shifted(states: np.ndarray, dt: np.ndarray | float) -> np.ndarray:
    r"""Carry states over a fraction of a day round the Sun alone.

    The f and g series to the fourth order (Danby 1988, Fundamentals of Celestial Mechanics,
    section 6.10): over the time of light from the main belt within 1e-12 au.

    Parameters
    ----------
    states : numpy.ndarray, shape ``(n, 6)``
    dt : numpy.ndarray, shape ``(n,)``, or float
        d.
    """
    x, v = states[:, :3], states[:, 3:]
    r2 = np.einsum("ni,ni->n", x, x)
    u = GM_SUN / (r2 * np.sqrt(r2))
    p = np.einsum("ni,ni->n", x, v) / r2
    q = np.einsum("ni,ni->n", v, v) / r2 - u
    w = u * (3 * q - 15 * p**2 + u)
    f = 1 - u / 2 * dt**2 + u * p / 2 * dt**3 + w / 24 * dt**4
    g = dt - u / 6 * dt**3 + u * p / 4 * dt**4
    df = -u * dt + 1.5 * u * p * dt**2 + w / 6 * dt**3
    dg = 1 - u / 2 * dt**2 + u * p * dt**3
    return np.concatenate(
        [f[:, None] * x + g[:, None] * v, df[:, None] * x + dg[:, None] * v], axis=1
    )


def seen_along(now: np.ndarray, seen: Observers) -> tuple[np.ndarray, np.ndarray]:
    """Return the astrometric lines of sight.

    Parameters
    ----------
    now : numpy.ndarray, shape ``(n, 6)``
        States at the moments of the observers.
    seen : Observers

    Returns
    -------
    line : numpy.ndarray, shape ``(n, 3)``
        From the observer to where the light left, au.
    there : numpy.ndarray, shape ``(n, 3)``
        From the Sun to there, au.
    """
    tau = np.linalg.norm(now[:, :3] - seen.position, axis=1) / LIGHT
    for _ in range(3):  # each turn is better by the speed of the body over that of light
        there = shifted(now, -tau)[:, :3]
        line = there - seen.position - seen.sun_velocity * tau[:, None]
        tau = np.linalg.norm(line, axis=1) / LIGHT
    return line, there


def _described(
    line: np.ndarray,
    there: np.ndarray,
    later: np.ndarray,
    observer: np.ndarray,
    h: np.ndarray,
    g: np.ndarray,
) -> Ephemeris:
    ra, dec = _angles(line)
    r, delta = np.linalg.norm(there, axis=1), np.linalg.norm(line, axis=1)
    phase = _between(there, line)
    ra2, dec2 = _angles(later)
    return Ephemeris(
        ra,
        dec,
        magnitude(h, g, r, delta, phase),
        r,
        delta,
        np.degrees(phase),
        np.degrees(_between(line, -observer)),
        np.degrees(_between(line, later)) * 3_600.0 / (STEP * 24.0),
        position_angle(ra, dec, ra2, dec2),
    )


def _angles(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ra = np.degrees(np.arctan2(line[:, 1], line[:, 0])) % 360.0
    return ra, np.degrees(np.arctan2(line[:, 2], np.hypot(line[:, 0], line[:, 1])))


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between vectors, rad, exact for small ones too."""
    cross = np.linalg.norm(np.cross(a, b), axis=1)
    return np.asarray(np.arctan2(cross, np.einsum("ni,ni->n", a, b)))


def magnitude(
    h: np.ndarray, g: np.ndarray, r: np.ndarray, delta: np.ndarray, phase: np.ndarray
) -> np.ndarray:
    """V magnitude by the H, G system.

    Parameters
    ----------
    h, g : numpy.ndarray
        Absolute magnitude; slope, 0.15 where it is NaN.
    r, delta : numpy.ndarray
        From the Sun and from the observer, au.
    phase : numpy.ndarray
        rad. The system was made for less than 120 degrees.

    Examples
    --------
    >>> one = np.ones(1)
    >>> magnitude(10 * one, 0.15 * one, 2 * one, one, 0 * one).round(3)
    array([11.505])
    """
    slope = np.where(np.isnan(g), USUAL_SLOPE, g)
    half = np.tan(np.asarray(phase) / 2)
    light = (1 - slope) * np.exp(-3.33 * half**0.63) + slope * np.exp(-1.87 * half**1.22)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(h + 5 * np.log10(r * delta) - 2.5 * np.log10(light))
