"""Names of minor planets as the Minor Planet Center packs and writes them.

The packed forms: https://www.minorplanetcenter.net/iau/info/PackedDes.html and
https://www.minorplanetcenter.net/iau/info/PackedDates.html.
"""

from __future__ import annotations

import datetime
import re
import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CENTURIES = {"I": 1800, "J": 1900, "K": 2000, "L": 2100}
_SURVEYS = {"PLS": "P-L", "T1S": "T-1", "T2S": "T-2", "T3S": "T-3"}
_READABLE = re.compile(r"\((\d+)\)\s*(.*)")
_FIRST_LONG = 620_000  # numbers from here on are packed in base 62


def unpacked(text: str) -> str:
    """Return a packed designation as it is written.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> [unpacked(one) for one in ("00433", "D4341", "~0000", "K07Tf8A", "J95X00A", "PLS2040")]
    ['433', '134341', '620000', '2007 TA418', '1995 XA', '2040 P-L']
    """
    text = text.strip()
    try:
        return _unpacked(text)
    except ValueError:
        raise ValueError(f"{text!r} is no packed designation") from None


def _unpacked(text: str) -> str:
    if text.isdigit() and len(text) <= 6:
        return str(int(text))
    if len(text) == 5 and text[0] == "~":
        number = 0
        for letter in text[1:]:
            number = number * 62 + _DIGITS.index(letter)
        return str(_FIRST_LONG + number)
    if len(text) == 5 and text[1:].isdigit():
        return str(_DIGITS.index(text[0]) * 10_000 + int(text[1:]))
    if len(text) == 7 and text[:3] in _SURVEYS:
        return f"{int(text[3:])} {_SURVEYS[text[:3]]}"
    if len(text) == 7 and text[0] in _CENTURIES:
        year = _CENTURIES[text[0]] + int(text[1:3])
        cycle = _DIGITS.index(text[4]) * 10 + int(text[5])
        return f"{year} {text[3]}{text[6]}{cycle or ''}"
    raise ValueError


def epoch_of(text: str) -> float:
    """Return a packed date as MJD.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> epoch_of("K25BL")    # 2025 November 21
    61000.0
    """
    text = text.strip()
    try:
        year = _CENTURIES[text[:1]] + int(text[1:3])
        day = datetime.date(year, _DIGITS.index(text[3]), _DIGITS.index(text[4]))
    except (KeyError, ValueError, IndexError):
        raise ValueError(f"{text!r} is no packed date") from None
    return day.toordinal() - 678_576 + float("0." + (text[5:] or "0"))


def parts_of(readable: str) -> tuple[str, int | None, str | None]:
    """Take a name as MPCORB writes it apart.

    Returns
    -------
    designation : str
        The number where there is one, else the provisional designation.
    number : int or None
    name : str or None
        What stands behind a number: a name, or the provisional designation.

    Examples
    --------
    >>> parts_of("(433) Eros"), parts_of("2020 SJ88")
    (('433', 433, 'Eros'), ('2020 SJ88', None, None))
    """
    found = _READABLE.fullmatch(readable.strip())
    if found is None:
        return readable.strip(), None, None
    return str(int(found[1])), int(found[1]), found[2] or None


def looked_for(text: str) -> str:
    """Return what somebody means who writes ``(433) Eros``, ``433``, ``eros`` or ``2020 sj88``.

    Returns
    -------
    str
        A number, or else a name or designation in upper case.

    Examples
    --------
    >>> looked_for("(433) Eros"), looked_for(" eros"), looked_for("2020  sj88")
    ('433', 'EROS', '2020 SJ88')
    """
    text = " ".join(text.split())
    found = re.fullmatch(r"\(?(\d+)\)(?: .*)?|(\d+)", text)
    if found is not None:
        return str(int(found[1] or found[2]))
    return text.upper()


def called(number: int | None, name: str | None, designation: str) -> str:
    """Return how a minor planet is called in a sentence.

    Examples
    --------
    >>> called(433, "Eros", "433"), called(None, None, "2020 SJ88"), called(9, None, "9")
    ('(433) Eros', '2020 SJ88', '(9)')
    """
    if number is None:
        return designation
    return f"({number}) {name}" if name else f"({number})"
