"""``/objects`` and ``/lightcurves``: objects by conditions, one by name, its light curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from gueststar.lightcurve import KINDS
from gueststar.points import HISTORY_SCHEMA
from gueststar.serve.api.fields import AFTER, LIMIT, OBJECT_ID, SURVEY, since, until
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.questions import regions
from gueststar.serve.api.questions.alerts import single
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.pages import SEPARATION
from gueststar.store.records import object_table
from gueststar.store.selection import ObjectSelection, ObjectSort
from gueststar.store.tables import ALERTS, OBJECTS, SCORES

_ONE = pa.schema(
    [
        *(f for f in OBJECTS if f.name not in ("n_alerts", "n_points", "healpix29")),
        pa.field("alerts", pa.list_(pa.struct(list(ALERTS)))),
        pa.field("scores", pa.list_(pa.struct(list(SCORES)))),
        pa.field("history", pa.list_(pa.struct(list(HISTORY_SCHEMA)))),
    ]
)
_MAGS = [pa.field("mag", pa.float64()), pa.field("mag_err", pa.float64())]


_FIELDS = (
    Field("prefix", "text", "only names that begin so"),
    SURVEY,
    since("first_since", "first detected"),
    until("first_until", "first detected"),
    since("last_since", "last detected"),
    until("last_until", "last detected"),
    Field("min_detections", "whole", "at least so many detections", low=0, high=10**9),
    *regions.FIELDS,
    regions.sort_of(ObjectSort, "name"),
    regions.WAY,
    AFTER,
    LIMIT,
)
_FOUND = pa.schema([*OBJECTS, SEPARATION])


@asks(
    Operation(
        "/objects",
        "find_objects",
        "Objects by conditions, page by page",
        "In the order of names, or by `sort`; `first` and `last` are times of detections. A page "
        "names the `next` one.",
        fields=_FIELDS,
        answer=_FOUND,
        effort="search",
    )
)
def find(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer one page."""
    conditions, shown = regions.asked(given)
    return store.find_objects(ObjectSelection(**conditions), **shown)


@asks(
    Operation(
        "/objects",
        "find_objects_in",
        "Objects in a region that is sent",
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
    selection = ObjectSelection(**regions.sent(conditions, body, media_type))
    return store.find_objects(selection, **shown)


@asks(
    Operation(
        "/objects/{object_id}",
        "object",
        "One object with its alerts, scores and light curve",
        places=(OBJECT_ID,),
        answer=_ONE,
        forms=("json", "arrow"),
        missing=True,
    )
)
def one(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer one object: an object in JSON, a table of one row in Arrow."""
    return single(object_table(store.object(given["object_id"])))


@asks(
    Operation(
        "/lightcurves/{object_id}",
        "light_curve",
        "The light curve of an object, merged from all its packets",
        "With `flux=total`, `flux` is that of reference and difference together, and points "
        "whose total is unknown are left out.",
        places=(OBJECT_ID,),
        fields=(
            Field(
                "flux", "choice", "which flux", among=("difference", "total"), default="difference"
            ),
            Field("kind", "choice", "only points of this kind", among=KINDS),
            Field("band", "text", "only in this filter"),
        ),
        answer=pa.schema([*HISTORY_SCHEMA, *_MAGS]),
        missing=True,
    )
)
def light_curve(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the points."""
    curve = store.light_curve(given["object_id"])
    if given["flux"] == "total":
        curve = curve.total()
    for name in ("kind", "band"):
        if given[name] is not None:
            curve = curve[curve[name] == given[name]]
    table = pa.Table.from_batches([curve.points])
    for field, values in zip(_MAGS, (curve.mag, curve.mag_err), strict=True):
        table = table.append_column(field, pa.array(values, from_pandas=True))
    return table.replace_schema_metadata({"survey": curve.survey or ""})
