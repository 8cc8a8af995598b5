"""Parameters that several questions share."""

from __future__ import annotations

from gueststar.serve.api.operation import Field
from gueststar.store.selection import MAX_PAGE

ALERT_ID = Field("alert_id", "text", "id of an alert: ZTF candid, LSST diaSourceId")
OBJECT_ID = Field("object_id", "text", "name of an object, percent-encoded")

SURVEY = Field("survey", "choice", "only of this survey", among=("ztf", "lsst"))
BAND = Field("band", "choice", "only in this filter", among=("u", "g", "r", "i", "z", "y"))
NIGHT = Field("night", "whole", "only of this night, YYYYMMDD", low=0, high=99_999_999)
MODULE = Field("module", "text", "whose newest score: a module (its first class) or MODULE_CLASS")
MIN_SCORE = Field("min_score", "number", "only with at least this score", low=0, high=1)

RA = Field("ra", "number", "right ascension, deg, ICRS", low=0, high=360)
DEC = Field("dec", "number", "declination, deg, ICRS", low=-90, high=90)

AFTER = Field("after", "text", "`next` of the page before", longest=4_000)
LIMIT = Field("limit", "whole", "rows of the page", low=1, high=MAX_PAGE, default=100, example=5)
_TIME = "MJD (TAI), JD (UTC), or a date as 2026-11-20T03:04:05 (UTC)"


def since(name: str, what: str) -> Field:
    """Return the parameter for the beginning of a range of times."""
    return Field(name, "time", f"{what} at this time or later: {_TIME}")


def until(name: str, what: str) -> Field:
    """Return the parameter for the end of a range of times."""
    return Field(name, "time", f"{what} at this time or earlier: {_TIME}")
