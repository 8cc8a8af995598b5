"""Times and positions of a batch: leap seconds, nights, HEALPix cells. Arrays in, arrays out."""

from __future__ import annotations

import erfa  # type: ignore[import-untyped]
import numpy as np
import pyarrow as pa

ORDER = 29
LAST_MJD = 1e6  # year 4596
_DAY = 86_400.0
_MJD_ORIGIN = np.datetime64("1858-11-17", "D")


def tai_minus_utc(mjd_utc: np.ndarray) -> np.ndarray:
    """Leap seconds in force, s (IERS Bulletin C, the table that ships with ERFA).

    Parameters
    ----------
    mjd_utc : numpy.ndarray, shape ``(n,)``
        MJD, UTC, 1972 or later.

    Examples
    --------
    >>> tai_minus_utc(np.array([57753.9, 57754.0, 60000.0]))
    array([36., 37., 37.])
    """
    table = erfa.leap_seconds.get()
    steps = table[table["year"] >= 1972]
    months = (steps["year"] - 1970) * 12 + steps["month"] - 1
    days = months.astype("M8[M]").astype("M8[D]") - _MJD_ORIGIN
    index = np.searchsorted(days.astype(np.float64), mjd_utc, side="right") - 1
    return np.asarray(steps["tai_utc"][np.maximum(index, 0)])


def utc_to_tai(mjd_utc: np.ndarray) -> np.ndarray:
    """MJD in TAI of an MJD in UTC, d; within a second in the days that have a leap second."""
    return np.asarray(mjd_utc + tai_minus_utc(mjd_utc) / _DAY)


def tai_to_utc(mjd_tai: np.ndarray) -> np.ndarray:
    """MJD in UTC of an MJD in TAI, d; within a second in the days that have a leap second."""
    guess = mjd_tai - tai_minus_utc(mjd_tai) / _DAY
    return np.asarray(mjd_tai - tai_minus_utc(guess) / _DAY)


def plausible(mjd: np.ndarray) -> np.ndarray:
    """Keep times of our era, MJD 0 to 1e6 (years 1858 to 4596); others become NaN."""
    return np.where((mjd > 0) & (mjd < LAST_MJD), mjd, np.nan)


def date_number(mjd: np.ndarray) -> pa.Array:
    """Calendar date of an MJD as the int32 YYYYMMDD; null where the MJD is no time.

    Examples
    --------
    >>> date_number(np.array([58315.99, np.nan])).to_pylist()
    [20180716, None]
    """
    missing = np.isnan(plausible(mjd))
    days = _MJD_ORIGIN + np.floor(np.where(missing, 0.0, mjd)).astype(np.int64)
    months = days.astype("M8[M]")
    year = months.astype("M8[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (days - months.astype("M8[D]")).astype(np.int64) + 1
    return pa.array((year * 10_000 + month * 100 + day).astype(np.int32), mask=missing)


def healpix29(ra: np.ndarray, dec: np.ndarray) -> pa.Array:
    """HEALPix cell, nested, order 29; null where the position is no position.

    Parameters
    ----------
    ra, dec : numpy.ndarray, shape ``(n,)``
        deg, ICRS.
    """
    import astropy.units as u  # takes half a second, which commands without positions save
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    good = on_the_sky(ra, dec)
    lon = Longitude(np.where(good, ra, 0.0) * u.deg)
    lat = Latitude(np.where(good, dec, 0.0) * u.deg)
    cells = lonlat_to_healpix(lon, lat, ORDER).astype(np.int64)
    return pa.array(cells, mask=~good)


def on_the_sky(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Tell true positions from sentinels and NaN: ``0 <= ra <= 360``, ``-90 <= dec <= 90``."""
    return np.asarray((ra >= 0) & (ra <= 360) & (np.abs(dec) <= 90))
