"""Parameters that several questions share."""

from __future__ import annotations

from gueststar.serve.api.operation import Field
from gueststar.store.selection import MAX_PAGE, MAX_SELECTED_CONE_ARCSEC

ALERT_ID = Field("alert_id", "text", "id of an alert: ZTF candid, LSST diaSourceId")
OBJECT_ID = Field("object_id", "text", "name of an object, percent-encoded")

SURVEY = Field("survey", "choice", "only of this survey", among=("ztf", "lsst"))
BAND = Field("band", "choice", "only in this filter", among=("u", "g", "r", "i", "z", "y"))
NIGHT = Field("night", "whole", "only of this night, YYYYMMDD", low=0, high=99_999_999)
MODULE = Field("module", "text", "whose newest score: a module (its first class) or MODULE_CLASS")
MIN_SCORE = Field("min_score", "number", "only with at least this score", low=0, high=1)
MAX_SCORE = Field("max_score", "number", "only with at most this score", low=0, high=1)
MAG_MIN = Field("mag_min", "number", "only as faint as this or fainter, AB mag", low=-50, high=99)
MAG_MAX = Field("mag_max", "number", "only as bright as this or brighter, AB mag", low=-50, high=99)
AGE_MIN = Field("age_min", "number", "only so old or older, d", low=0, high=1e6)
AGE_MAX = Field("age_max", "number", "only so old or younger, d", low=0, high=1e6)

RA = Field("ra", "number", "right ascension, deg, ICRS", low=0, high=360)
DEC = Field("dec", "number", "declination, deg, ICRS", low=-90, high=90)
RADIUS = Field(
    "radius",
    "number",
    "of a cone round ra, dec; arcsec",
    low=1e-3,
    high=MAX_SELECTED_CONE_ARCSEC,
)
CELL = Field("cell", "text", "in this HEALPix cell (nested): order/number", "4/1234")

AFTER = Field("after", "text", "`next` of the page before", longest=4_000)
LIMIT = Field("limit", "whole", "rows of the page", low=1, high=MAX_PAGE, default=100, example=5)
_TIME = "MJD (TAI), JD (UTC), or a date as 2026-11-20T03:04:05 (UTC)"


def since(name: str, what: str) -> Field:
    """Return the parameter for the beginning of a range of times."""
    return Field(name, "time", f"{what} at this time or later: {_TIME}")


def until(name: str, what: str) -> Field:
    """Return the parameter for the end of a range of times."""
    return Field(name, "time", f"{what} at this time or earlier: {_TIME}")
