"""How well objects can be observed in a night: a row of a table each, and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn

from gueststar.client.observing import (
    DARK,
    HIGHEST_AIRMASS,
    POINTS,
    Night,
    airmass,
    night_of,
)
from gueststar.client.places import place_of, positions_of, table_of
from gueststar.client.results import Result
from gueststar.errors import BadInput
from gueststar.positions import Position, on_sky
from gueststar.sites import site_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST = 20_000  # positions
#: What the columns of :attr:`Observability.table` mean.
COLUMNS = {
    "hours": "in astronomical darkness with an airmass of 2 at most",
    "best_utc": "when it stands highest in astronomical darkness, UTC",
    "best_altitude": "altitude then, without refraction",
    "best_airmass": "airmass then (Kasten & Young 1989)",
    "moon_distance": "distance of the Moon then",
    "moon_altitude": "altitude of the Moon then",
    "note": "why it cannot be observed, or always",
}


class Observability:
    """Positions in one night at one site; made by :meth:`gueststar.Broker.observability`.

    Parameters
    ----------
    night : Night
    names : sequence of str
    ra, dec : numpy.ndarray, shape ``(n,)``
        Degrees, ICRS.

    Attributes
    ----------
    site : Site
    altitude : numpy.ndarray, shape ``(n, 289)``
        Degrees, without refraction, at the times ``night.utc``: every 5 minutes.
    table : Result
        A row a position, see :data:`COLUMNS`; ``meta`` has what is the same for all.
    """

    def __init__(self, night: Night, names: list[str], ra: np.ndarray, dec: np.ndarray) -> None:
        self.night, self.site, self.names = night, night.site, names
        self.altitude = night.altitudes(ra, dec)
        self.table = self._summed_up(ra, dec)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        what = self.names[0] if len(self) == 1 else f"{len(self)} positions"
        said = f"<Observability of {what} at {self.site.name}, night of {self.night.date}"
        return f"{said}: {self._best()}>" if len(self) == 1 else f"{said}>"

    def _best(self) -> str:
        row = self.table[0]
        if not row["best_utc"]:
            return str(row["note"])
        told = f"{row['hours'].to_value('h'):.1f} h in the dark above airmass {HIGHEST_AIRMASS:g}"
        return f"{told}, best at {row['best_utc']} UTC, airmass {row['best_airmass']:.2f}"

    def curve(self, row: int = 0) -> Result:
        """Return the night of one position, every 5 minutes: altitude, airmass, Moon and Sun.

        Parameters
        ----------
        row : int
            Of ``table``.
        """
        place = self.table[row]
        ra, dec = (np.full(POINTS, place[name].to_value("deg")) for name in ("ra", "dec"))
        night, altitude = self.night, self.altitude[row]
        return Result(
            {
                "utc": np.datetime_as_string(night.utc),
                "altitude": altitude * u.deg,
                "airmass": airmass(altitude),
                "moon_distance": night.moon_distances(ra, dec, np.arange(POINTS)) * u.deg,
                "moon_altitude": night.moon * u.deg,
                "sun_altitude": night.sun * u.deg,
            }
        )

    def plot(self) -> Figure:
        """Draw altitudes against UTC, with twilight and Moon: at most 12 positions."""
        from gueststar.client.night_plot import night_figure

        return night_figure(self)

    def _repr_html_(self) -> str:
        from gueststar.client.night_plot import night_sketch

        meta = self.table.meta
        facts = f"Moon {100 * meta['moon_illumination']:.0f} % illuminated, "
        facts += f"{meta['dark_hours']:.1f} h of astronomical darkness"
        title = escape(f"{self.site.name}, night of {self.night.date}: {facts}")
        return f"<div><b>{title}</b><br>{night_sketch(self)}{self.table._repr_html_()}</div>"

    def _summed_up(self, ra: np.ndarray, dec: np.ndarray) -> Result:
        night, altitude = self.night, self.altitude
        dark = night.sun < DARK
        lit = np.where(dark, altitude, -np.inf)
        best = lit.argmax(1) if len(self) else np.zeros(0, int)
        top = altitude[np.arange(len(self)), best]
        good = (top > 0) & dark.any()
        hours = night.hours(altitude - _LOWEST, DARK - night.sun)
        shown = np.where(good, top, np.nan)
        table = Result(
            {"name": np.array(self.names, dtype=str), "ra": ra * u.deg, "dec": dec * u.deg}
        )
        table["hours"] = hours * u.h
        times = np.datetime_as_string(night.utc[best], unit="m")
        times = np.char.replace(times, "T", " ") if len(times) else times.astype(str)
        table["best_utc"] = MaskedColumn(np.where(good, times, ""), mask=~good)
        table["best_altitude"] = shown * u.deg
        table["best_airmass"] = airmass(shown)
        distances = night.moon_distances(ra, dec, best)
        table["moon_distance"] = np.where(good, distances, np.nan) * u.deg
        table["moon_altitude"] = np.where(good, night.moon[best], np.nan) * u.deg
        table["note"] = Column(self._notes(top, hours, bool(dark.any())))
        for name, text in COLUMNS.items():
            table[name].info.description = text
        for name in table.colnames:
            if table[name].dtype.kind == "f":  # more digits are not known
                table[name].info.format = ".6f" if name in ("ra", "dec") else ".3f"
        table.meta |= self._facts()
        return table

    def _notes(self, top: np.ndarray, hours: np.ndarray, dark: bool) -> np.ndarray:
        highest, lowest = self.altitude.max(1, initial=-90), self.altitude.min(1, initial=90)
        cases = {
            "never above the horizon": highest <= 0,
            "no astronomical darkness": np.full(len(top), not dark),
            "below the horizon in the dark": top <= 0,
            "never below airmass 2 in the dark": hours <= 0,
            "circumpolar": lowest > 0,
        }
        return np.select(list(cases.values()), list(cases), "")

    def _facts(self) -> dict[str, Any]:
        dusk, dawn = self.night.twilight
        return {
            "site": self.site.name,
            "night": self.night.date.isoformat(),
            "dusk_utc": None if dusk is None else dusk.isoformat(" "),
            "dawn_utc": None if dawn is None else dawn.isoformat(" "),
            "dark_hours": self.night.dark_hours,
            "moon_illumination": self.night.illumination,
        }


def _lowest_altitude() -> float:
    """Altitude of the highest airmass that counts, by halving."""
    low, high = 0.0, 90.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if airmass(middle) < HIGHEST_AIRMASS else (middle, high)
    return high


_LOWEST = _lowest_altitude()


def observability(names: Iterable[Any], ra: Any, dec: Any, site: Any, night: Any) -> Observability:
    """Work out how well positions can be observed.

    Parameters
    ----------
    names : iterable
    ra, dec : array-like
        Degrees, ICRS.
    site, night
        See :func:`gueststar.sites.site_of`, :func:`gueststar.client.observing.night_of`.

    Raises
    ------
    BadInput
        If one of them cannot be, or there are too many.
    """
    longitude, latitude = (np.atleast_1d(np.asarray(one, np.float64)) for one in (ra, dec))
    if len(longitude) > MOST:
        raise BadInput(f"positions: {len(longitude):,} are too many: at most {MOST:,} at once")
    for one in zip(longitude, latitude, strict=True):
        on_sky(*map(float, one))
    where = site_of(site)
    held = Night(where, night_of(night, where))
    return Observability(held, [str(name) for name in names], longitude, latitude)


def named_positions(given: Any, find: Any) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return names and positions of what was given.

    Parameters
    ----------
    given : table, SkyCoord, str, (ra, dec) or list of them
    find : callable
        Gives the place of an object by its name.

    Raises
    ------
    BadInput
        If there are none in it.
    """
    if hasattr(given, "icrs") and not given.isscalar:
        ra, dec = np.ravel(given.icrs.ra.deg), np.ravel(given.icrs.dec.deg)
        return [str(k) for k in range(len(ra))], ra, dec
    if hasattr(given, "colnames") or hasattr(given, "column_names") or hasattr(given, "iloc"):
        table = table_of(given)
        assert table is not None
        ra, dec = (np.atleast_1d(one) for one in positions_of(table))
        names = next((table[n] for n in ("object_id", "name", "id") if n in table.colnames), None)
        return [str(n) for n in (range(len(ra)) if names is None else names)], ra, dec
    one = isinstance(given, str) or hasattr(given, "icrs") or _is_pair(given)
    listed = [given] if one else list(given)
    places = [place_of(item) for item in listed]
    found = [place if isinstance(place, Position) else find(place) for place in places]
    names = [
        item if isinstance(item, str) else _spelled(p)
        for item, p in zip(listed, found, strict=True)
    ]
    return names, np.array([p.ra for p in found]), np.array([p.dec for p in found])


def _is_pair(given: Any) -> bool:
    """Tell two numbers from a list of places."""
    try:
        return len(given) == 2 and not any(isinstance(one, str) or np.ndim(one) for one in given)
    except (TypeError, ValueError):
        return False


def _spelled(place: Position) -> str:
    return f"{place.ra:.5f} {place.dec:+.5f}"
