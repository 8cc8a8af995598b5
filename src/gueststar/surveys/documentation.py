"""What the fields of surveys' packets mean, and their units: read from ``fields/SURVEY.txt``."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import NamedTuple

_BAND = re.compile("^[ugrizy]_")
_UNIT = re.compile(r" \[([^]]+)\]$")


class FieldNote(NamedTuple):
    """Meaning and unit of a field.

    Parameters
    ----------
    text : str
    unit : str
        Empty where it has none.
    """

    text: str
    unit: str

    def __str__(self) -> str:
        return f"{self.text} [{self.unit}]" if self.unit else self.text


def describe(survey: str, name: str, container: str | None = None) -> FieldNote | None:
    """Say what a field of a packet means.

    Parameters
    ----------
    survey : str
        ``ztf`` or ``lsst``; others have no documentation here.
    name : str
        Of the field, as in the packet.
    container : str, optional
        Field that holds it, such as ``fp_hists``: the same name may mean another thing in it.

    Returns
    -------
    FieldNote or None
        None where nothing is known of it.

    Examples
    --------
    >>> describe("ztf", "magpsf").unit, describe("ztf", "distnr").unit
    ('mag', 'pixel')
    >>> describe("ztf", "distnr", "fp_hists").unit
    'arcsec'
    >>> describe("lsst", "g_psfFluxMean").unit
    'nJy'
    >>> describe("ztf", "nonsense")
    """
    notes = _notes(survey)
    return notes.get(f"{container}.{name}") or notes.get(name) or notes.get(_BAND.sub("", name))


@cache
def _notes(survey: str) -> dict[str, FieldNote]:
    file = resources.files("gueststar.surveys").joinpath("fields", f"{survey}.txt")
    if not (survey.isalnum() and file.is_file()):
        return {}
    lines = (line for line in file.read_text(encoding="utf-8").splitlines() if line[:1] != "#")
    return dict(_note(line) for line in lines if line)


def _note(line: str) -> tuple[str, FieldNote]:
    name, text = line.split(" ", 1)
    unit = _UNIT.search(text)
    return name, FieldNote(_UNIT.sub("", text), unit[1] if unit else "")
