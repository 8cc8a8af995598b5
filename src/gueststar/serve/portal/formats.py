"""How numbers look to a person: positions, times, magnitudes, ages, the survey's own values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from astropy.time import Time

from gueststar.batch import magnitude, magnitude_error

#: Values that surveys write where they have none; shown as they came, and marked.
SENTINELS = (-9999.0, -999.0, -99.0, -99999.0)
NOTHING = "–"
FIRST_UTC = 41_317.0  # MJD of 1972-01-01, when leap seconds begin
LAST_DATE = 2_973_483.0  # MJD of the year 9999


def sexagesimal(ra: float, dec: float) -> str:
    """Write a position as hours and degrees, 0.01 s and 0.1 arcsec.

    Parameters
    ----------
    ra, dec : float
        Degrees, ICRS.

    Examples
    --------
    >>> sexagesimal(153.055833, -2.051111)
    '10:12:13.40 -02:03:04.0'
    """
    hundredths = round(ra / 15 * 360_000) % (24 * 360_000)
    tenths = round(abs(dec) * 36_000)
    sign = "-" if dec < 0 and tenths else "+"
    h, m, s = _split(hundredths, 100)
    d, arcmin, arcsec = _split(tenths, 10)
    return f"{h:02d}:{m:02d}:{s:05.2f} {sign}{d:02d}:{arcmin:02d}:{arcsec:04.1f}"


def degrees(ra: float, dec: float) -> str:
    """Write a position in degrees to 0.004 arcsec, as every search box takes it."""
    return f"{ra:.6f} {dec:+.6f}"


def utc(mjd_tai: Sequence[float | None]) -> list[str]:
    """Write times as UTC to the second.

    Parameters
    ----------
    mjd_tai : sequence of float or None
        Modified Julian dates, TAI, d.

    Returns
    -------
    list of str
        A dash where there is no time; outside of the calendar the date as it came.

    Examples
    --------
    >>> utc([58849.5, None])
    ['2020-01-01 11:59:23', '–']
    """
    given = np.array([np.nan if one is None else one for one in mjd_tai], dtype=np.float64)
    dated = (given > FIRST_UTC) & (given < LAST_DATE)
    moments = Time(np.where(dated, given, FIRST_UTC + 1), format="mjd", scale="tai", precision=0)
    texts = np.atleast_1d(moments.utc.iso)
    odd = [NOTHING if math.isnan(one) else f"MJD {one:g}" for one in given]
    return [str(text) if ok else other for text, ok, other in zip(texts, dated, odd, strict=True)]


def moment(unix: float | None) -> str:
    """Write a Unix time as UTC to the second.

    Examples
    --------
    >>> moment(0.0), moment(None)
    ('1970-01-01 00:00:00', '–')
    """
    return NOTHING if unix is None else f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M:%S}"


def night_name(night: int | None) -> str:
    """Write ``20261120`` as ``20 Nov 2026``.

    Examples
    --------
    >>> night_name(20261120)
    '20 Nov 2026'
    """
    try:
        return datetime.strptime(str(night), "%Y%m%d").replace(tzinfo=UTC).strftime("%-d %b %Y")
    except ValueError:
        return str(night)


def age(days: float | None) -> str:
    """Write a span of time with the unit a person would choose.

    Examples
    --------
    >>> age(0.0), age(0.01), age(0.3), age(12.34), age(800)
    ('new', '14 min', '7.2 h', '12.3 d', '2.2 yr')
    """
    if days is None or not math.isfinite(days):
        return NOTHING
    if days < 1 / 1440:
        return "new"
    span = timedelta(days=min(days, 1e6))
    if span < timedelta(hours=1):
        return f"{days * 1440:.0f} min"
    if span < timedelta(days=1):
        return f"{days * 24:.1f} h"
    return f"{days:.1f} d" if span < timedelta(days=730) else f"{days / 365.25:.1f} yr"


def flux(nanojansky: float | None) -> str:
    """Write a flux with its sign and a readable unit.

    Examples
    --------
    >>> flux(-36200.0), flux(512.3)
    ('−36.2 µJy', '+512 nJy')
    """
    if nanojansky is None or not math.isfinite(nanojansky):
        return NOTHING
    unit, scale = _unit(nanojansky)
    return f"{_three_digits(nanojansky / scale)} {unit}"


def _unit(nanojansky: float) -> tuple[str, float]:
    units = (("mJy", 1e6), ("µJy", 1e3))
    return next((unit for unit in units if abs(nanojansky) >= unit[1]), ("nJy", 1.0))


def _three_digits(value: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:+.{min(digits, 6)}f}".replace("-", "−")


def difference(nanojansky: float | None, error: float | None = None) -> tuple[str, str, str]:
    """Say how an alert differs from its reference.

    A negative flux has no magnitude: it is shown as the flux it is, never as ``mag(|flux|)``.

    Parameters
    ----------
    nanojansky, error : float or None
        Difference flux and its error, nJy.

    Returns
    -------
    sign : str
        ``brighter``, ``fainter`` or ``unknown``.
    text : str
        A magnitude, or a flux where it is negative.
    error : str
        In the text's unit; empty when unknown.

    Examples
    --------
    >>> difference(36307.8, 1000.0), difference(-36200.0, 470.0)
    (('brighter', '20.00', '0.03'), ('fainter', '−36.2 µJy', '0.470'))
    """
    if nanojansky is None or not math.isfinite(nanojansky):
        return "unknown", NOTHING, ""
    if error is not None and not (math.isfinite(error) and error > 0):
        error = None
    if nanojansky <= 0:
        spread = _three_digits(error / _unit(nanojansky)[1])[1:] if error else ""
        return "fainter", flux(nanojansky), spread
    spread = f"{float(magnitude_error(nanojansky, error)):.2f}" if error else ""
    return "brighter", f"{float(magnitude(nanojansky)):.2f}", spread


def kind_of(value: Any) -> str:
    """Say what a value of the survey's own record is: ``null``, ``nan``, ``sentinel``, ...

    Examples
    --------
    >>> kind_of(-999.0), kind_of(None), kind_of(b"ab"), kind_of(17)
    ('sentinel', 'null', 'bytes', 'number')
    """
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return "bytes"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return "text"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return "sentinel" if value in SENTINELS else "number"


def as_received(value: Any) -> str:
    """Write a value of the survey's own record, unrounded; bytes as their length.

    Numbers come in the fewest digits that read back as the same number; those that fit a
    float32, as surveys write most of theirs, in the fewest that read back as that float32.

    Examples
    --------
    >>> as_received(20.708454132080078), as_received(2458684.6873495), as_received(b"abc")
    ('20.708454', '2458684.6873495', '3 bytes')
    """
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            short = np.float32(value)
        return str(short) if float(short) == value else repr(value)
    return str(value)


def size(megabytes: float | None) -> str:
    """Write a size on disk.

    Examples
    --------
    >>> size(0.4), size(2048)
    ('0.4 MB', '2.0 GB')
    """
    if megabytes is None:
        return NOTHING
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.1f} MB"


def _split(count: int, parts: int) -> tuple[int, int, float]:
    seconds, rest = divmod(count, parts)
    minutes, seconds = divmod(seconds, 60)
    whole, minutes = divmod(minutes, 60)
    return whole, minutes, seconds + rest / parts
