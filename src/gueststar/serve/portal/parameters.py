"""Query parameters: bounded, checked, and refused with the field named."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

from gueststar.errors import BadInput, did_you_mean

LONGEST = 200  # characters of one value
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Parameters:
    """The query of one request.

    Parameters
    ----------
    given : mapping of str to str
        As the request has it.
    known : collection of str
        Names that the page understands; any other is refused, so that a typing error does not
        pass for an answer.
    longest : int
        Characters of one value.

    Raises
    ------
    BadInput
        If a name is unknown or a value is too long. Every method raises it too, for a value that
        it cannot use; the message begins with the field.

    Examples
    --------
    >>> Parameters({"min_score": "0.5"}, {"min_score"}).number("min_score", 0, 1)
    0.5
    """

    def __init__(
        self, given: Mapping[str, str], known: Collection[str], longest: int = LONGEST
    ) -> None:
        for name, value in given.items():
            if name not in known:
                raise BadInput(f"{name[:64]!r} is no parameter here.{did_you_mean(name, known)}")
            if len(value) > longest:
                raise BadInput(f"{name}: {len(value)} characters are too many")
        self._given = {name: value.strip() for name, value in given.items() if value.strip()}

    def text(self, name: str) -> str | None:
        """Return a value as it came, or None."""
        return self._given.get(name)

    def number(self, name: str, low: float, high: float) -> float | None:
        """Return a finite number in [low, high], or None when it is not given."""
        text = self._given.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            raise BadInput(f"{name}: {text[:40]!r} is not a number") from None
        if not (math.isfinite(value) and low <= value <= high):
            raise BadInput(f"{name}: {text} is not in {low:g} to {high:g}")
        return value

    def whole(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number in [low, high], or None when it is not given."""
        text = self._given.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise BadInput(f"{name}: {text!r} is not a whole number")
        if not low <= int(text) <= high:
            raise BadInput(f"{name}: {text} is not in {low} to {high}")
        return int(text)

    def choice(self, name: str, among: Sequence[str], default: str) -> str:
        """Return one of some words."""
        text = self._given.get(name, default)
        if text not in among:
            raise BadInput(f"{name}: {text!r} is not one of them.{did_you_mean(text, among)}")
        return text

    def word(self, name: str) -> str | None:
        """Return a name of letters, digits, ``_``, ``.`` and ``-``, or None."""
        text = self._given.get(name)
        if text is not None and not _WORD.fullmatch(text):
            raise BadInput(f"{name}: {text!r} is not a name")
        return text
