"""A night at a site: when it is dark, where the Moon is, how high positions stand.

Positions, Sun and Moon are astropy's (:class:`~astropy.coordinates.AltAz`, the ephemerides of
ERFA), without refraction, from what is installed: nothing is fetched, and for nights beyond the
tables of the Earth's rotation a prediction is good enough (a second of time is 15 arcsec).
astroplan does the same and more, but fetches its list of sites and tables of its own accord, and
what is needed here beyond astropy are the few lines below.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from gueststar.errors import BadInput
from gueststar.sites import Site

STEP_MIN = 5
POINTS = 24 * 60 // STEP_MIN + 1
DARK = -18.0  # deg, altitude of the Sun at which astronomical twilight ends
TWILIGHTS = {"civil": -6.0, "nautical": -12.0, "astronomical": DARK}
HIGHEST_AIRMASS = 2.0
_AT_ONCE = 500  # positions
_FIRST, _LAST = date(1973, 1, 2), date(2100, 1, 1)  # of the Earth's rotation, and of good sense


@contextmanager
def offline() -> Iterator[None]:
    """Let astropy fetch nothing, and be content with what it knows of the Earth's rotation."""
    from astropy.utils import iers

    settings = {
        "auto_download": False,
        "auto_max_age": None,
        "iers_degraded_accuracy": "ignore",
    }
    with warnings.catch_warnings(), ExitStack() as changed:
        warnings.simplefilter("ignore")  # of dates far away
        for name, value in settings.items():
            changed.enter_context(iers.conf.set_temp(name, value))
        yield


def airmass(altitude: Any) -> np.ndarray:
    """Return the airmass at an altitude, after Kasten & Young (1989, Applied Optics 28, 4735).

    Parameters
    ----------
    altitude : array-like of float
        Degrees above the horizon.

    Returns
    -------
    numpy.ndarray
        NaN below the horizon.

    Examples
    --------
    >>> airmass([90, 30, 0, -1]).round(2)
    array([ 1.  ,  1.99, 37.92,   nan])
    """
    above = np.asarray(altitude, np.float64)
    above = np.where(above >= 0, above, np.nan)
    sine = np.sin(np.radians(above))
    return np.asarray(1 / (sine + 0.50572 * (above + 6.07995) ** -1.6364))


def night_of(given: Any, site: Site) -> date:
    """Return the date of the evening on which a night begins at a site.

    Parameters
    ----------
    given : None, str, int, date, datetime or Time
        ``"2026-11-26"`` or 20261126; a moment means the night that it is in, by day the next one;
        None or ``"tonight"`` is now.
    site : Site

    Raises
    ------
    BadInput
        If it is no date, or before 1973 or after 2099.
    """
    if isinstance(given, str) and given.strip().lower() == "tonight":
        given = None
    if isinstance(given, int | np.integer) or (isinstance(given, str) and given.strip().isdigit()):
        text = f"{int(given):08d}"
        given = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if isinstance(given, str):
        found = _date(given)
    elif isinstance(given, date) and not isinstance(given, datetime):
        found = given
    else:
        found = _of_moment(given, site)
    if not _FIRST <= found <= _LAST:
        raise BadInput(f"night: {found} is not between {_FIRST} and {_LAST}")
    return found


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(
            f"night: {text[:40]!r} is no date: give the evening's, as 2026-11-26 or 20261126"
        ) from None


def _of_moment(given: Any, site: Site) -> date:
    from astropy.time import Time

    try:
        with offline():
            at: datetime = (Time.now() if given is None else Time(given)).utc.to_datetime()
    except (TypeError, ValueError, KeyError):  # whatever Time makes of it
        raise BadInput(f"night: {given!r} is no date: give one as 2026-11-26") from None
    return (at + timedelta(hours=_hours_east(site) - 12)).date()


def _hours_east(site: Site) -> float:
    return (site.lon + 180) % 360 / 15 - 12


@dataclass(frozen=True)
class Night:
    """From one mean noon at a site to the next, in steps of 5 minutes.

    Parameters
    ----------
    site : Site
    date : datetime.date
        Of the evening.
    """

    site: Site
    date: date

    @cached_property
    def utc(self) -> np.ndarray:
        """Times, shape ``(289,)``, ``datetime64[s]``, UTC."""
        noon = datetime(self.date.year, self.date.month, self.date.day, 12)
        noon -= timedelta(seconds=round(_hours_east(self.site) * 3600))
        steps = np.arange(POINTS) * np.timedelta64(STEP_MIN * 60, "s")
        return np.asarray(np.datetime64(noon, "s") + steps)

    @cached_property
    def _frame(self) -> Any:
        from astropy.coordinates import AltAz
        from astropy.time import Time

        times = Time(self.utc, format="datetime64", scale="utc")
        return AltAz(obstime=times, location=self.site.location)

    @cached_property
    def sun(self) -> np.ndarray:
        """Altitude of the Sun, deg, shape ``(289,)``."""
        from astropy.coordinates import get_sun

        with offline():
            return np.asarray(get_sun(self._frame.obstime).transform_to(self._frame).alt.deg)

    @cached_property
    def _moon(self) -> Any:
        from astropy.coordinates import get_body

        with offline():
            found = get_body("moon", self._frame.obstime, self.site.location, ephemeris="builtin")
            return found.transform_to(self._frame)

    @property
    def moon(self) -> np.ndarray:
        """Altitude of the Moon, deg, shape ``(289,)``."""
        return np.asarray(self._moon.alt.deg)

    @cached_property
    def illumination(self) -> float:
        """Illuminated part of the Moon's disk in the middle of the night, 0 to 1.

        From its phase angle: Meeus, Astronomical Algorithms, chapter 48.
        """
        from astropy.coordinates import get_body, get_sun

        at = self._frame.obstime[POINTS // 2]
        with offline():
            sun, moon = get_sun(at), get_body("moon", at, ephemeris="builtin")
            apart = sun.separation(moon).rad
        far, near = sun.distance.to_value("km"), moon.distance.to_value("km")
        phase = np.arctan2(far * np.sin(apart), near - far * np.cos(apart))
        return float((1 + np.cos(phase)) / 2)

    def altitudes(self, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """Return altitudes of positions, deg.

        Parameters
        ----------
        ra, dec : numpy.ndarray, shape ``(n,)``
            Degrees, ICRS.

        Returns
        -------
        numpy.ndarray, shape ``(n, 289)``
        """
        from astropy.coordinates import SkyCoord

        parts = []
        for start in range(0, len(ra), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            places = SkyCoord(ra[part, None], dec[part, None], unit="deg")
            with offline():
                parts.append(places.transform_to(self._frame).alt.deg)
        return np.concatenate(parts) if parts else np.zeros((0, POINTS))

    def moon_distances(self, ra: np.ndarray, dec: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return the Moon's distance from positions, deg, at a step of the night for each."""
        from astropy.coordinates import SkyCoord

        with offline():
            moon = self._moon[step]
            places = SkyCoord(ra, dec, unit="deg").transform_to(moon.replicate_without_data())
            return np.asarray(places.separation(moon).deg)

    def hours(self, *above: np.ndarray) -> np.ndarray:
        """Return for how long all of some curves are above zero, h, between steps by lines.

        Parameters
        ----------
        *above : numpy.ndarray, shape ``(..., 289)``
        """
        least = np.minimum.reduce(np.broadcast_arrays(*above))
        low = np.minimum(least[..., :-1], least[..., 1:])
        high = np.maximum(least[..., :-1], least[..., 1:])
        part = np.clip(high / np.where(high > low, high - low, 1.0), 0.0, 1.0)
        return np.asarray(np.where(low >= 0, 1.0, part).sum(-1) * STEP_MIN / 60)

    @cached_property
    def dark_hours(self) -> float:
        """Hours of astronomical darkness."""
        return float(self.hours(DARK - self.sun))

    @cached_property
    def twilight(self) -> tuple[datetime | None, datetime | None]:
        """When astronomical darkness begins and ends, UTC; None where it does not."""
        dark = self.sun < DARK
        turns = np.flatnonzero(dark[1:] != dark[:-1]).tolist()
        dusk = next((self._crossing(k) for k in turns if dark[k + 1]), None)
        dawn = next((self._crossing(k) for k in turns[::-1] if dark[k]), None)
        return dusk, dawn

    def _crossing(self, k: int) -> datetime:
        before, after = self.sun[k] - DARK, self.sun[k + 1] - DARK
        seconds = round(STEP_MIN * 60 * before / (before - after))
        return (self.utc[k] + np.timedelta64(seconds, "s")).item()  # type: ignore[no-any-return]
