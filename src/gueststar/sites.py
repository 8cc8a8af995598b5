"""Observatories: where they are. The list is ours, so that nothing is fetched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gueststar.errors import BadInput, did_you_mean


@dataclass(frozen=True)
class Site:
    """A place from which is observed.

    Parameters
    ----------
    name : str
    lon, lat : float
        Degrees, east and north, WGS 84.
    height : float
        Above the ellipsoid or the sea, m: tens of metres between them change nothing here.
    mpc : str or None
        Code of the Minor Planet Center.
    zone : str or None
        Time zone (IANA).
    """

    name: str
    lon: float
    lat: float
    height: float
    mpc: str | None = None
    zone: str | None = None

    def __post_init__(self) -> None:
        for what, value, most in (("lon", self.lon, 360.0), ("lat", self.lat, 90.0)):
            if not abs(value) <= most:
                raise BadInput(f"site: {what} {value:g} is not in -{most:g} to {most:g} degrees")
        if not -1_000 <= self.height <= 20_000:
            raise BadInput(f"site: a height of {self.height:g} m is on no mountain: give metres")

    @property
    def location(self) -> Any:
        """The same as an :class:`astropy.coordinates.EarthLocation`."""
        from astropy.coordinates import EarthLocation

        return EarthLocation.from_geodetic(self.lon, self.lat, self.height)

    def local(self, at: datetime) -> str:
        """Return the local time of a moment in UTC, as ``21:05``; without a zone nothing."""
        try:
            zone = ZoneInfo(self.zone or "")
        except (ZoneInfoNotFoundError, ValueError):  # none given; no database on this machine
            return ""
        return at.replace(tzinfo=UTC).astimezone(zone).strftime("%H:%M")


_CHILE, _HAWAII, _ARIZONA = "America/Santiago", "Pacific/Honolulu", "America/Phoenix"
_PACIFIC, _CANARY = "America/Los_Angeles", "Atlantic/Canary"

#: Well-known sites by the name that is typed; positions as astropy's list of sites, the
#: observatories' own pages, and the parallax constants of the Minor Planet Center have them. Those
#: of the surveys, palomar (ZTF's telescope) and rubin, are these constants, exact to 10 m.
SITES: dict[str, Site] = {
    "palomar": Site("Palomar Mountain", -116.85978, 33.35734, 1687, "I41", _PACIFIC),
    "rubin": Site("Rubin Observatory, Cerro Pachon", -70.74942, -30.24460, 2684, "X05", _CHILE),
    "gemini-south": Site("Gemini South, Cerro Pachon", -70.7367, -30.2407, 2750, "I11", _CHILE),
    "soar": Site("SOAR, Cerro Pachon", -70.7337, -30.2379, 2738, "I33", _CHILE),
    "ctio": Site("Cerro Tololo", -70.8065, -30.1691, 2207, "807", _CHILE),
    "la-silla": Site("La Silla", -70.7300, -29.2567, 2347, "809", _CHILE),
    "paranal": Site("Paranal", -70.4050, -24.6274, 2669, "309", _CHILE),
    "las-campanas": Site("Las Campanas", -70.7017, -29.0033, 2282, "304", _CHILE),
    "keck": Site("Keck, Mauna Kea", -155.4783, 19.8283, 4160, "568", _HAWAII),
    "mauna-kea": Site("Mauna Kea", -155.4717, 19.8267, 4215, "568", _HAWAII),
    "haleakala": Site("Haleakala (Pan-STARRS, ATLAS)", -156.2559, 20.7072, 3055, "F51", _HAWAII),
    "la-palma": Site("Roque de los Muchachos, La Palma", -17.8800, 28.7583, 2327, "950", _CANARY),
    "teide": Site("Teide, Tenerife", -16.5097, 28.3000, 2390, "954", _CANARY),
    "calar-alto": Site("Calar Alto", -2.5463, 37.2236, 2168, "493", "Europe/Madrid"),
    "haute-provence": Site("Haute-Provence", 5.7133, 43.9308, 665, "511", "Europe/Paris"),
    "asiago": Site("Asiago, Cima Ekar", 11.5711, 45.8486, 1413, "098", "Europe/Rome"),
    "saao": Site("SAAO, Sutherland", 20.8108, -32.3760, 1798, "B31", "Africa/Johannesburg"),
    "wise": Site("Wise", 34.7625, 30.5958, 875, "097", "Asia/Jerusalem"),
    "hanle": Site("Hanle (IAO)", 78.9641, 32.7794, 4500, "N50", "Asia/Kolkata"),
    "xinglong": Site("Xinglong", 117.5750, 40.3933, 950, "327", "Asia/Shanghai"),
    "siding-spring": Site("Siding Spring", 149.0612, -31.2734, 1149, "413", "Australia/Sydney"),
    "kitt-peak": Site("Kitt Peak", -111.6000, 31.9633, 2120, "695", _ARIZONA),
    "mmt": Site("MMT, Mount Hopkins", -110.8850, 31.6883, 2608, "696", _ARIZONA),
    "lbt": Site("LBT, Mount Graham", -109.8892, 32.7014, 3221, "G83", _ARIZONA),
    "lick": Site("Lick", -121.6367, 37.3433, 1290, "662", _PACIFIC),
    "mcdonald": Site("McDonald", -104.0217, 30.6717, 2075, "711", "America/Chicago"),
    "apache-point": Site("Apache Point", -105.8200, 32.7800, 2798, "705", "America/Denver"),
}
_ALSO = {
    "lsst": "rubin", "cerro-pachon": "rubin", "gemini": "gemini-south", "cerro-tololo": "ctio",
    "eso": "la-silla", "vlt": "paranal", "magellan": "las-campanas", "lco": "las-campanas",
    "maunakea": "mauna-kea", "gemini-north": "mauna-kea", "subaru": "mauna-kea",
    "not": "la-palma", "gtc": "la-palma", "wht": "la-palma", "salt": "saao",
    "sutherland": "saao", "aao": "siding-spring", "sso": "siding-spring", "kpno": "kitt-peak",
    "ztf": "palomar", "apo": "apache-point", "pan-starrs": "haleakala", "ohp": "haute-provence",
}  # fmt: skip
_BY_CODE = {str(site.mpc).lower(): site for site in reversed(SITES.values())}


def site_of(given: Any) -> Site:
    """Return a site.

    Parameters
    ----------
    given : str, Site, EarthLocation or (lon, lat, height)
        A name of :data:`SITES`, or a code of the Minor Planet Center;
        ``"lon,lat,height"`` in degrees (east, north) and metres.

    Raises
    ------
    BadInput
        If it is none; the message names the nearest.

    Examples
    --------
    >>> site_of("Palomar").mpc, site_of("La Silla").mpc, site_of("LSST").mpc
    ('I41', '809', 'X05')
    >>> site_of("-70.75,-30.24,2663").lat
    -30.24
    """
    if isinstance(given, Site):
        return given
    if hasattr(given, "geodetic"):
        return _of_location(given)
    if not isinstance(given, str):
        return _of_numbers(given)
    if given.count(",") == 2:
        return _of_numbers(given.split(","))
    key = "-".join(given.lower().replace("_", " ").replace("-", " ").split())
    found = SITES.get(_ALSO.get(key, key)) or _BY_CODE.get(key)
    if found is None:
        raise BadInput(
            f"site: {given[:80]!r} is not in the list; 'lon,lat,height' (degrees, m) or an "
            f"EarthLocation will do, too.{did_you_mean(key, SITES)}"
        )
    return found


def _of_location(given: Any) -> Site:
    if not given.isscalar:
        raise BadInput("site: give one EarthLocation")
    lon, lat, height = given.to_geodetic("WGS84")
    name = getattr(given.info, "name", None) or "site"
    return Site(str(name), float(lon.deg), float(lat.deg), float(height.to_value("m")))


def _of_numbers(given: Any) -> Site:
    try:
        lon, lat, height = (float(one) for one in given)
        if not all(math.isfinite(one) for one in (lon, lat, height)):
            raise ValueError
    except (TypeError, ValueError):
        raise BadInput(
            f"site: {given!r} is none: give a name, an EarthLocation, or 'lon,lat,height' in "
            "degrees (east, north) and metres"
        ) from None
    return Site(f"{lon:g}, {lat:g}", lon, lat, height)
