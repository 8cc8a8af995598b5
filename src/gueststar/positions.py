"""What a person may write: an object, an alert, or a position in any of the usual forms."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gueststar.errors import BadInput

LONGEST = 200  # characters; a name or a position is far shorter
INT64 = 2**63 - 1
DEFAULT_RADIUS = 10.0  # arcsec; what blends into one object in ZTF, with room for a typed position
WIDEST_RADIUS = 10_800.0  # arcsec, 3 degrees: a page lists objects, it does not export the sky

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_DEGREES = re.compile(rf"({_NUMBER})[°d]?[\s,]+({_NUMBER})[°d]?")
_SEXAGESIMAL = re.compile(
    r"(\d{1,3})[:h\s]+(\d{1,2})[:m\s]+(\d{1,2}(?:\.\d*)?)s?[\s,]*"
    r"([+-])\s*(\d{1,2})[:d°\s]+(\d{1,2})[:m'′\s]+(\d{1,2}(?:\.\d*)?)[s\"″]?"
)


@dataclass(frozen=True)
class Position:
    """A place on the sky: ``ra``, ``dec`` in degrees ICRS."""

    ra: float
    dec: float


def parse_search(text: str, what: str = "q") -> Position | str:
    """Tell a position from a name.

    Parameters
    ----------
    text : str
        ``"10:12:13.4 -02:03:04"``, ``"10h12m13.4s -02d03m04s"``, ``"153.05 -2.05"`` (degrees),
        or a name: an object or an alert id.
    what : str
        What error messages call it.

    Returns
    -------
    Position or str
        The position, or the name without the space around it.

    Raises
    ------
    BadInput
        If the text is empty, too long, or a position that is not on the sky.

    Examples
    --------
    >>> parse_search("10:12:13.4 -02:03:04")
    Position(ra=153.0558333..., dec=-2.0511111...)
    >>> parse_search(" ZTF18abcdefg ")
    'ZTF18abcdefg'
    """
    text = " ".join(text.replace("−", "-").split())
    if not text:
        raise BadInput(f"{what}: nothing to search for; type an object, an alert id or a position")
    if len(text) > LONGEST:
        raise BadInput(
            f"{what}: {len(text)} characters are too many; {LONGEST} are enough for a name"
        )
    if found := _SEXAGESIMAL.fullmatch(text):
        return _sexagesimal(found)
    if found := _DEGREES.fullmatch(text):
        return on_sky(float(found[1]), float(found[2]))
    return text


def on_sky(ra: float, dec: float) -> Position:
    """Check a position.

    Parameters
    ----------
    ra, dec : float
        Degrees.

    Raises
    ------
    BadInput
        If ``ra`` is outside [0, 360] or ``dec`` outside [-90, 90].
    """
    if not (math.isfinite(ra) and 0 <= ra <= 360):
        raise BadInput(f"ra: {ra:g} is not in 0 to 360 degrees")
    if not (math.isfinite(dec) and -90 <= dec <= 90):
        raise BadInput(f"dec: {dec:g} is not in -90 to 90 degrees")
    return Position(ra % 360.0, dec)


def alert_number(text: str) -> int | None:
    """Return the alert id that a text spells, or None; ids fit 64 signed bits.

    Examples
    --------
    >>> alert_number("2630155241315015005"), alert_number("ZTF18abc"), alert_number("9" * 40)
    (2630155241315015005, None, None)
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if number <= INT64 else None


def _sexagesimal(found: re.Match[str]) -> Position:
    hours, minutes, seconds, sign, degrees, arcmin, arcsec = found.groups()
    if int(hours) >= 24:
        raise BadInput(f"ra: {hours} hours are not in 0 to 24; degrees go as '153.05 -2.05'")
    for name, value in (("ra", minutes), ("ra", seconds), ("dec", arcmin), ("dec", arcsec)):
        if float(value) >= 60:
            raise BadInput(f"{name}: {value} is not in 0 to 60 minutes or seconds")
    ra = 15 * (int(hours) + int(minutes) / 60 + float(seconds) / 3600)
    dec = int(degrees) + int(arcmin) / 60 + float(arcsec) / 3600
    return on_sky(ra, -dec if sign == "-" else dec)
