"""Which minor planets are where alerts are.

All orbits are carried to the middle of a night once (:class:`Night`). For an alert, the bodies
that may have come to its place since are looked up in bands of declination, their places at its
own moment are estimated to an arcsecond, and the few that are left are followed exactly, as seen
from the survey's site.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numba import njit

from gueststar.catalogs.angles import position_angle, separation
from gueststar.catalogs.ephemeris import Ephemeris, ephemeris
from gueststar.catalogs.nbody import carried
from gueststar.catalogs.observatories import observers, site_of_survey
from gueststar.catalogs.orbits import Orbits
from gueststar.catalogs.solarsystem import (
    GM_PLANETS,
    GM_SUN,
    LIGHT,
    TT_MINUS_TAI,
    Places,
    places_between,
)
from gueststar.sites import Site

MIDDLE = 0.28  # of a day, between midnight at Palomar and on Cerro Pachon
STATION_D = 16.0  # orbits are carried to one of these days first, and from there to nights
NIGHTS_KEPT = 2
FASTEST_SLOW = 0.8  # deg/d: what moves faster is looked at one by one for every alert
NEAREST_SLOW = 0.2  # au: what is nearer too
PARALLAX_DEG = 60.0 / 3_600.0  # at 0.2 au, from anywhere on Earth: 44 arcsec
ESTIMATE_ARCSEC = 2.0
ERRATIC_AU = 0.02  # nearer than this, motion in the middle of the night says little
BAND_DEG = 0.25
LATER = 0.1  # d, over which motion is measured
RAD = np.pi / 180.0
ARCSEC = RAD / 3_600.0
_PULL = GM_PLANETS[2] / 2  # of the Earth, which estimates leave out

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Encounters:
    """Minor planets near positions, nearest first for each; all arrays have the shape ``(n,)``.

    Parameters
    ----------
    row : numpy.ndarray of int
        Which position.
    body : numpy.ndarray of int
        Which orbit.
    rank : numpy.ndarray of int
        0 the nearest.
    separation : numpy.ndarray
        arcsec.
    angle : numpy.ndarray
        From the position to the body, deg, from north over east.
    seen : Ephemeris
        Where it is predicted.
    """

    row: np.ndarray
    body: np.ndarray
    rank: np.ndarray
    separation: np.ndarray
    angle: np.ndarray
    seen: Ephemeris


def middle_of(mjd_tai: np.ndarray) -> np.ndarray:
    """Return the middle (MJD, TAI) of the night that each moment lies in, of any survey.

    Examples
    --------
    >>> middle_of(np.array([61105.09, 61105.6, 61105.9]))
    array([61105.28, 61105.28, 61106.28])
    """
    return np.floor(np.asarray(mjd_tai) - MIDDLE + 0.5) + MIDDLE


@dataclass(frozen=True)
class Night:
    """All bodies in the middle of a night.

    Parameters
    ----------
    middle : float
        MJD, TT.
    states : numpy.ndarray, shape ``(n, 6)``
    delta : numpy.ndarray, shape ``(n,)``
        From the centre of the Earth, au.
    ra, dec : numpy.ndarray, shape ``(slow,)``
        Of the slow bodies, deg, sorted by bands of declination, within them by right ascension.
    order : numpy.ndarray of int, shape ``(slow,)``
        Which bodies these are.
    starts : numpy.ndarray of int
        Where each band begins.
    fast : numpy.ndarray of int
        The other bodies.
    line : numpy.ndarray, shape ``(fast, 3)``
        Where these are, unit vectors.
    speed : numpy.ndarray, shape ``(fast,)``
        How fast, rad/d; infinite for those that are very near.
    places : Places
        Of the planets.
    """

    middle: float
    states: np.ndarray
    delta: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    fast: np.ndarray
    line: np.ndarray
    speed: np.ndarray
    places: Places


def night_of(states: np.ndarray, middle: float) -> Night:
    """Sort bodies by their places.

    Parameters
    ----------
    states : numpy.ndarray, shape ``(n, 6)``
        In the middle of the night; NaN for bodies that are lost.
    middle : float
        MJD, TT.
    """
    lines = np.empty((2, len(states), 3))
    for at, moment in enumerate((0.0, LATER)):
        seen = observers(np.array([middle - TT_MINUS_TAI + moment]), None)
        _look(states, moment, seen.position[0], seen.sun_velocity[0], lines[at])
    delta = np.linalg.norm(lines[0], axis=1)
    units = lines / np.linalg.norm(lines, axis=2)[:, :, None]
    rate = np.linalg.norm(units[1] - units[0], axis=1) / LATER / RAD
    there_is = np.isfinite(rate)
    slow = there_is & (rate <= FASTEST_SLOW) & (delta >= NEAREST_SLOW)
    fast = np.flatnonzero(there_is & ~slow)
    rows = np.flatnonzero(slow)
    x, y, z = units[0][rows].T
    ra, dec = np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(np.clip(z, -1, 1)))
    band = np.floor((dec + 90.0) / BAND_DEG).astype(np.int64)
    order = np.lexsort((ra, band))
    starts = np.searchsorted(band[order], np.arange(int(180.0 / BAND_DEG) + 2))
    places = places_between(middle - 2.0, middle + 1.0)
    speed = np.where(delta[fast] < ERRATIC_AU, np.inf, rate[fast] * RAD)
    return Night(
        middle, states, delta, ra[order], dec[order], rows[order], starts,
        fast, np.ascontiguousarray(units[0][fast]), speed, places,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _line(y: np.ndarray, dt: float, tau: float, observer: np.ndarray, drift: np.ndarray,
          out: np.ndarray) -> float:  # fmt: skip
    """Write the line of sight to a body whose light takes ``tau``; return its length, au.

    As :func:`gueststar.catalogs.ephemeris.shifted`, for one body.
    """
    t = dt - tau
    r2 = y[0] * y[0] + y[1] * y[1] + y[2] * y[2]
    u = GM_SUN / (r2 * np.sqrt(r2))
    p = (y[0] * y[3] + y[1] * y[4] + y[2] * y[5]) / r2
    q = (y[3] * y[3] + y[4] * y[4] + y[5] * y[5]) / r2 - u
    t2 = t * t
    f = 1.0 - 0.5 * u * t2 + 0.5 * u * p * t2 * t + u / 24.0 * (3 * q - 15 * p * p + u) * t2 * t2
    g = t - u / 6.0 * t2 * t + 0.25 * u * p * t2 * t2
    for k in range(3):
        out[k] = f * y[k] + g * y[3 + k] - observer[k] - drift[k] * tau
    return float(np.sqrt(out[0] * out[0] + out[1] * out[1] + out[2] * out[2]))


@njit(cache=True, nogil=True)
def _look(states: np.ndarray, dt: float, observer: np.ndarray, drift: np.ndarray,
          out: np.ndarray) -> None:  # fmt: skip
    """Write the lines of sight to all bodies."""
    for body in range(len(states)):
        tau = 0.0
        for _ in range(3):
            tau = _line(states[body], dt, tau, observer, drift, out[body]) / LIGHT


@njit(cache=True, nogil=True)
def _apart(body: int, states: np.ndarray, delta: np.ndarray, dt: float, line: np.ndarray,
           observer: np.ndarray, drift: np.ndarray, d: np.ndarray) -> float:  # fmt: skip
    """Estimate how far a body is from a line of sight, rad, less what it may be off."""
    far = _line(states[body], dt, delta[body] / LIGHT, observer, drift, d)
    c0 = d[1] * line[2] - d[2] * line[1]
    c1 = d[2] * line[0] - d[0] * line[2]
    c2 = d[0] * line[1] - d[1] * line[0]
    angle = np.arctan2(
        np.sqrt(c0 * c0 + c1 * c1 + c2 * c2), d[0] * line[0] + d[1] * line[1] + d[2] * line[2]
    )
    near = max(min(far, delta[body]), 1e-4)
    return float(angle - _PULL * dt * dt / (near * near * near))


@njit(cache=True, nogil=True)
def _near(ra, dec, lines, dt, observer, drift, radius, states, delta, body_ra, order, starts, fast,  # type: ignore[no-untyped-def]
          fast_line, fast_speed, found):  # fmt: skip
    """Write pairs of position and body that may be near each other; return how many there are."""
    count = 0
    d = np.empty(3)
    for row in range(len(ra)):
        for k in range(len(fast)):
            cos = (fast_line[k, 0] * lines[row, 0] + fast_line[k, 1] * lines[row, 1]
                   + fast_line[k, 2] * lines[row, 2])  # fmt: skip
            reach = 2.0 * fast_speed[k] * abs(dt[row]) + 0.01 + radius
            if 2.0 - 2.0 * cos > reach * reach:
                continue
            body = fast[k]
            if (
                _apart(body, states, delta, dt[row], lines[row], observer[row], drift[row], d)
                <= radius
            ):
                if count < len(found):
                    found[count, 0], found[count, 1] = row, body
                count += 1
        wide = FASTEST_SLOW * abs(dt[row]) + PARALLAX_DEG + radius / RAD
        low = max(int((dec[row] - wide + 90.0) / BAND_DEG), 0)
        high = min(int((dec[row] + wide + 90.0) / BAND_DEG), len(starts) - 2)
        steep = max(abs(dec[row] - wide), abs(dec[row] + wide))
        across = 180.0 if steep >= 89.0 else wide / np.cos(steep * RAD)
        for band in range(low, high + 1):
            first, last = starts[band], starts[band + 1]
            begin = first + np.searchsorted(body_ra[first:last], (ra[row] - across) % 360.0)
            for k in range(last - first):
                at = begin + k
                if at >= last:
                    at -= last - first
                east = (body_ra[at] - ra[row] + across) % 360.0
                if across < 180.0 and east > 2 * across:
                    break
                body = order[at]
                if (
                    _apart(body, states, delta, dt[row], lines[row], observer[row], drift[row], d)
                    <= radius
                ):
                    if count < len(found):
                        found[count, 0], found[count, 1] = row, body
                    count += 1
    return count


def _candidates(
    night: Night,
    ra: np.ndarray,
    dec: np.ndarray,
    mjd_tai: np.ndarray,
    site: Site | None,
    radius: float,
) -> np.ndarray:
    """Pairs of position and body, shape ``(n, 2)``."""
    seen = observers(mjd_tai, site)
    a, d = np.radians(ra), np.radians(dec)
    lines = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)
    given = (ra, dec, lines, seen.mjd_tt - night.middle, seen.position, seen.sun_velocity,
             (radius + ESTIMATE_ARCSEC) * ARCSEC, night.states, night.delta, night.ra, night.order,
             night.starts, night.fast, night.line, night.speed)  # fmt: skip
    found = np.empty((len(ra) + 1_000, 2), np.int64)
    count = _near(*given, found)
    if count > len(found):
        found = np.empty((count, 2), np.int64)
        _near(*given, found)
    return found[:count]


class MinorPlanets:
    """Orbits, and the nights to which they have been carried so far; for many threads.

    Parameters
    ----------
    orbits : Orbits
    """

    def __init__(self, orbits: Orbits) -> None:
        self.orbits = orbits
        self._lock = threading.Lock()
        self._station: tuple[float, np.ndarray] | None = None
        self._nights: OrderedDict[float, Night] = OrderedDict()

    def night(self, middle: float, progress: Progress | None = None) -> Night:
        """Return all bodies in the middle of a night, which is worked out once.

        Parameters
        ----------
        middle : float
            MJD, TAI, as :func:`middle_of` gives it.
        progress : callable, optional
            Called with numbers of bodies on the way to the night.
        """
        with self._lock:
            found = self._nights.get(middle)
            if found is None:
                at = middle + TT_MINUS_TAI
                station = round(at / STATION_D) * STATION_D
                if self._station is None or self._station[0] != station:
                    states, epoch = self.orbits.states(), self.orbits.epoch
                    self._station = station, carried(states, epoch, station, progress=progress)
                found = night_of(carried(self._station[1], station, at), at)
                self._nights[middle] = found
                if len(self._nights) > NIGHTS_KEPT:
                    self._nights.popitem(last=False)
            self._nights.move_to_end(middle)
            return found

    def near(
        self,
        ra: np.ndarray,
        dec: np.ndarray,
        mjd_tai: np.ndarray,
        surveys: np.ndarray,
        radius: float,
    ) -> Encounters:
        """Return the minor planets near positions, each at its own moment.

        Parameters
        ----------
        ra, dec : numpy.ndarray, shape ``(n,)``
            ICRS, deg.
        mjd_tai : numpy.ndarray, shape ``(n,)``
        surveys : numpy.ndarray of str, shape ``(n,)``
            Who looked; says from where.
        radius : float
            arcsec.
        """
        ra, dec, mjd_tai = (np.asarray(one, np.float64) for one in (ra, dec, mjd_tai))
        middles, surveys = middle_of(mjd_tai), np.asarray(surveys)
        parts = []
        for middle in np.unique(middles[np.isfinite(middles)]):
            night = self.night(float(middle))
            for survey in np.unique(surveys):
                rows = np.flatnonzero((middles == middle) & (surveys == survey))
                if len(rows):
                    site = site_of_survey(str(survey))
                    parts.append(self._followed(night, rows, ra, dec, mjd_tai, site, radius))
        return _ranked([part for part in parts if len(part.row)])

    def _followed(self, night: Night, rows: np.ndarray, ra: np.ndarray, dec: np.ndarray,
                  mjd_tai: np.ndarray, site: Site | None, radius: float) -> Encounters:  # fmt: skip
        """Follow the candidates exactly, and keep what is within the radius."""
        pairs = _candidates(night, ra[rows], dec[rows], mjd_tai[rows], site, radius)
        row, body = rows[pairs[:, 0]], pairs[:, 1]
        h, g = self.orbits.h[body], self.orbits.g[body]
        seen = ephemeris(night.states[body], night.middle, h, g, mjd_tai[row], site, night.places)
        apart = separation(ra[row], dec[row], seen.ra, seen.dec)
        kept = np.flatnonzero(apart <= radius)
        seen = Ephemeris(*(getattr(seen, f.name)[kept] for f in fields(seen)))
        row = row[kept]
        angle = position_angle(ra[row], dec[row], seen.ra, seen.dec)
        return Encounters(row, body[kept], np.zeros(len(row), np.int64), apart[kept], angle, seen)


def _ranked(parts: list[Encounters]) -> Encounters:
    """Join, sort by position and separation, and number what each position has."""
    whole, none = np.empty(0, np.int64), np.empty(0)
    if not parts:
        return Encounters(whole, whole, whole, none, none, Ephemeris(*(none for _ in range(9))))
    row, body, _, apart, angle = (
        np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Encounters)[:-1]
    )
    columns = [np.concatenate([getattr(part.seen, f.name) for part in parts])
               for f in fields(Ephemeris)]  # fmt: skip
    order = np.lexsort((body, apart, row))
    row = row[order]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    rank = np.arange(len(row)) - np.repeat(first, np.diff(np.append(first, len(row))))
    seen = Ephemeris(*(column[order] for column in columns))
    return Encounters(row, body[order], rank, apart[order], angle[order], seen)
