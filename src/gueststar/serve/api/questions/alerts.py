"""``/alerts``: by conditions, one by id, its scores, the survey's own record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as pa

from gueststar.batch import CUTOUTS, HISTORY
from gueststar.errors import BadInput
from gueststar.export.flat import plain, rows_of
from gueststar.positions import alert_number
from gueststar.score import SCORES
from gueststar.serve.api.fields import (
    AFTER,
    ALERT_ID,
    BAND,
    CELL,
    LIMIT,
    MAG_MAX,
    MAG_MIN,
    MAX_SCORE,
    MIN_SCORE,
    MODULE,
    NIGHT,
    SURVEY,
    since,
    until,
)
from gueststar.serve.api.forms import table_in
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.questions import regions
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.pages import SEPARATION
from gueststar.store.records import alert_table
from gueststar.store.selection import AlertSelection, AlertSort
from gueststar.store.tables import ALERTS, FOUND

_ONE = pa.schema(
    [
        *(f for f in ALERTS if f.name not in ("night", "healpix29")),
        pa.field("scores", pa.list_(pa.struct([f for f in SCORES if f.name != "alert_id"]))),
        pa.field("history", pa.list_(HISTORY)),
    ]
)


_FIELDS = (
    Field("object_id", "text", "only of this object"),
    SURVEY,
    BAND,
    NIGHT,
    since("since", "mid-exposure"),
    until("until", "mid-exposure"),
    MAG_MIN,
    MAG_MAX,
    MODULE,
    MIN_SCORE,
    MAX_SCORE,
    *regions.FIELDS,
    CELL,
    regions.sort_of(AlertSort, "time"),
    regions.WAY,
    AFTER,
    LIMIT,
)
_FOUND = pa.schema([*FOUND, SEPARATION])


@asks(
    Operation(
        "/alerts",
        "find_alerts",
        "Alerts by conditions, page by page",
        "In the order of night, time and id, or by `sort`; rows that lack the value come last. A "
        "page names the `next` one, which begins behind its last alert: alerts that come meanwhile "
        "move nothing. `place` is the order in which pages of a large region cost least.",
        fields=_FIELDS,
        answer=_FOUND,
        effort="search",
    )
)
def find(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer one page."""
    conditions, shown = regions.asked(given)
    return store.find_alerts(AlertSelection(**conditions), **shown)


@asks(
    Operation(
        "/alerts",
        "find_alerts_in",
        "Alerts in a region that is sent",
        "As GET, with a polygon, a MOC or HEALPix cells as the body; a MOC also as FITS.",
        fields=_FIELDS,
        answer=_FOUND,
        body=regions.BODY,
        effort="search",
    )
)
def find_in(store: Store, given: dict[str, Any], body: bytes, media_type: str) -> pa.Table:
    """Answer one page."""
    conditions, shown = regions.asked(given)
    selection = AlertSelection(**regions.sent(conditions, body, media_type))
    return store.find_alerts(selection, **shown)


def number_of(given: dict[str, Any]) -> int:
    """Return the alert id of a path.

    Raises
    ------
    BadInput
        If it is no number of 64 bits.
    """
    number = alert_number(given["alert_id"])
    if number is None:
        raise BadInput(f"{given['alert_id'][:64]!r} is no alert id: they are whole numbers")
    return number


@asks(
    Operation(
        "/alerts/{alert_id}",
        "alert",
        "One alert with its scores, light curve and the survey's own record",
        "The light curve (`history`) is that of the whole object. The Arrow form also has the "
        "three cutouts as received.",
        places=(ALERT_ID,),
        answer=_ONE,
        forms=("json", "arrow"),
        missing=True,
    )
)
def one(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer one alert: an object in JSON, a table of one row in Arrow."""
    table = alert_table(store.alert(number_of(given)))
    return single(table, without=CUTOUTS)


def single(table: pa.Table, without: tuple[str, ...] = ()) -> Callable[[str], bytes]:
    """Answer a table of one row: in JSON the row alone, without some columns."""

    def make(form: str) -> bytes:
        if form == "json":
            return orjson.dumps(rows_of(table.drop_columns(list(without)))[0])
        return table_in(form, table)

    return make


@asks(
    Operation(
        "/alerts/{alert_id}/scores",
        "scores",
        "All scores of an alert, of every module and version",
        places=(ALERT_ID,),
        answer=SCORES,
        missing=True,
    )
)
def scores(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the scores."""
    number = number_of(given)
    rows = [(number, s.module, s.version, s.label, s.value, s.reason) for s in store.scores(number)]
    names = SCORES.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], SCORES)


@asks(
    Operation(
        "/alerts/{alert_id}/native",
        "native",
        "The survey's own record of an alert, its own names and units",
        "Integers that a JSON number cannot hold are strings; bytes are hexadecimal digits.",
        places=(ALERT_ID,),
        forms=("json",),
        missing=True,
    )
)
def native(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer the record."""
    record = plain(store.native(number_of(given)))
    return lambda form: orjson.dumps(record)
