"""Times as people give them, as the one time of this package: MJD, TAI."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np

from gueststar.errors import BadInput
from gueststar.surveys.sky import utc_to_tai

if TYPE_CHECKING:
    from astropy.time import Time

JD_0 = 2_400_000.5
_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)


def mjd_tai_of(value: Time | datetime | date | float | str, what: str = "time") -> float:
    """Read a time.

    Parameters
    ----------
    value : astropy.time.Time, datetime, date, float or str
        A ``Time`` of any scale; a date or an ISO 8601 text (UTC where it names no zone); a
        number or its text: MJD in TAI below 1e6, JD in UTC from 2.4e6 on.
    what : str
        What error messages call it.

    Returns
    -------
    float
        MJD, TAI, d.

    Raises
    ------
    BadInput
        If it is no time.

    Examples
    --------
    >>> mjd_tai_of("2026-11-20T00:00:00"), mjd_tai_of(61364.5), mjd_tai_of("2461364.5")
    (61364.00042824074, 61364.5, 61364.00042824074)
    """
    if isinstance(value, str):
        value = _read(value.strip(), what)
    if isinstance(value, date):
        return _utc((_aware(value) - _EPOCH).total_seconds() / 86_400)
    if isinstance(value, int | float | np.number):
        return _number(float(value), what)
    try:
        return float(value.tai.mjd)
    except (AttributeError, TypeError, ValueError):
        raise BadInput(f"{what}: {value!r} is no time{_WAYS}") from None


_WAYS = ": give MJD (TAI), JD (UTC), or a date as 2026-11-20 or 2026-11-20T03:04:05 (UTC)"


def _read(text: str, what: str) -> float | datetime:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{what}: {text[:40]!r} is no time{_WAYS}") from None


def _aware(value: date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _number(value: float, what: str) -> float:
    if math.isfinite(value) and abs(value) < 1e6:
        return value
    if 2.4e6 <= value < 3.4e6:
        return _utc(value - JD_0)
    raise BadInput(f"{what}: {value} is no time{_WAYS}")


def _utc(mjd: float) -> float:
    return float(utc_to_tai(np.array([mjd]))[0])


def in_words(seconds: float | None) -> str:
    """Write a span of time with the unit that a person would choose; nothing for None.

    Examples
    --------
    >>> in_words(0.3512), in_words(95.0), in_words(400.0), in_words(90_000.0)
    ('0.35 s', '95.00 s', '6.7 min', '25.0 h')
    """
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2f} s"
