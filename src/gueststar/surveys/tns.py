"""What the Transient Name Server calls the instruments and filters of surveys, and its words.

The numbers are those of its list of values (``/api/get/values``), as brokers use them: of ZTF
Fink, AMPEL and ALeRCE, of LSST the documentation of Lasair's assistants (checked November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AT_TYPES = {"Other": "0", "PSN": "1", "PNV": "2", "AGN": "3", "NUC": "4", "FRB": "5"}
ARCHIVES = {"Other": "0", "SDSS": "1", "DSS": "2"}
AB_MAGNITUDE = "1"  # of flux_units
ASTEROID_ARCSEC = 5.0


@dataclass(frozen=True)
class Instrument:
    """A survey as the TNS knows it.

    Parameters
    ----------
    label : str
    instrument : str
        ``instrument_value``.
    filters : mapping
        Band to ``filter_value``.
    source : str or None
        ``discovery_data_source_id``, where it is settled.
    exposure : str
        Of one visit, s; empty where it is not always the same.
    """

    label: str
    instrument: str
    filters: Mapping[str, str]
    source: str | None = None
    exposure: str = ""


INSTRUMENTS = {
    "ztf": Instrument("ZTF", "196", {"g": "110", "r": "111", "i": "112"}, "48"),
    "lsst": Instrument("LSST", "287", dict(zip("ugrizy", map(str, range(160, 166)), strict=True))),
}


_NAME = re.compile(r"(?:SN|AT|TDE|FRB)?[ _]?((?:19|20)\d\d)([A-Za-z]{1,6})", re.IGNORECASE)


def tns_name(text: str) -> str | None:
    """Return the name of an object of the TNS as it writes it, without its prefix; None for others.

    Examples
    --------
    >>> tns_name("SN2023ixf"), tns_name("at 2026ABC"), tns_name("1987a"), tns_name("ZTF18abc")
    ('2023ixf', '2026abc', '1987A', None)
    """
    found = _NAME.fullmatch(text.strip())
    if found is None:
        return None
    year, letters = found.groups()
    return year + (letters.upper() if len(letters) == 1 else letters.lower())


def asteroid_near(native: Mapping[str, Any]) -> str | None:
    """Return the name of a known Solar-System object that a record of a survey is about.

    Parameters
    ----------
    native : mapping
        Of ZTF, whose nearest one counts within 5 arcsec, or of LSST.

    Returns
    -------
    str or None

    Examples
    --------
    >>> asteroid_near({"candidate": {"ssdistnr": 0.7, "ssnamenr": "1234"}})
    '1234'
    >>> asteroid_near({"candidate": {"ssdistnr": -999.0, "ssnamenr": "null"}})
    >>> asteroid_near({"diaSource": {"ssObjectId": 7}})
    'ssObjectId 7'
    """
    candidate, source = native.get("candidate") or {}, native.get("diaSource") or {}
    apart = candidate.get("ssdistnr")
    if apart is not None and 0 <= apart <= ASTEROID_ARCSEC:
        return str(candidate.get("ssnamenr") or "an asteroid")
    if source.get("ssObjectId"):
        return f"ssObjectId {source['ssObjectId']}"
    return None
