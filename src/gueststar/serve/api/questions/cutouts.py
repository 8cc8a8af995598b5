"""``/alerts/ID/cutouts``: as FITS, PNG and arrays."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from gueststar.batch import CUTOUTS
from gueststar.cutouts import Cutouts
from gueststar.errors import BadInput, did_you_mean
from gueststar.serve.api.fields import ALERT_ID
from gueststar.serve.api.forms import table_in
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.questions.alerts import number_of
from gueststar.serve.api.routing import PREFIX, asks
from gueststar.store import Store

_STRETCHES = ("auto", "asinh", "linear", "zscale", "log")
_KIND = Field("kind", "text", "science, template or difference")


@asks(
    Operation(
        "/alerts/{alert_id}/cutouts",
        "cutouts",
        "Which cutouts an alert has, and where",
        "The Arrow form has them all, as received (FITS, gzip'ed where the survey did so).",
        places=(ALERT_ID,),
        forms=("json", "arrow"),
        group="Cutouts",
        missing=True,
    )
)
def names(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer addresses as JSON, bytes as Arrow."""
    number = number_of(given)
    found = store.cutouts(number)
    table = pa.table({n: pa.array([getattr(found, n)], pa.binary()) for n in CUTOUTS})
    places = {n: f"{PREFIX}/alerts/{number}/cutouts/{n}" for n in found.names}
    return lambda form: orjson.dumps(places) if form == "json" else table_in(form, table)


@asks(
    Operation(
        "/alerts/{alert_id}/cutouts/{kind}",
        "cutout",
        "One cutout as FITS, PNG or array",
        "FITS is unpacked; row 0 of an array is the first row of the FITS image, null and NaN "
        "are masked pixels; a PNG has the first row at the top.",
        places=(ALERT_ID, _KIND),
        fields=(
            Field("stretch", "choice", "of a PNG", among=_STRETCHES, default="asinh"),
            Field("size", "whole", "of a PNG: pixels of its longer side", low=8, high=1024),
        ),
        forms=("fits", "png", "npy", "json"),
        group="Cutouts",
        missing=True,
    )
)
def one(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer one cutout."""
    kind = given["kind"]
    if kind not in CUTOUTS:
        raise BadInput(f"no cutout {kind[:64]!r}.{did_you_mean(kind, CUTOUTS)}")
    cutouts = store.cutouts(number_of(given))
    cutouts.array(kind)  # a stamp that is missing or damaged is refused here, whatever the form
    return lambda form: _IN[form](cutouts, kind, given)


def _npy(cutouts: Cutouts, kind: str, given: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, cutouts.array(kind), allow_pickle=False)
    return out.getvalue()


def _json(cutouts: Cutouts, kind: str, given: dict[str, Any]) -> bytes:
    image = cutouts.array(kind)
    body = {"kind": kind, "shape": image.shape, "values": image}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


_IN: dict[str, Callable[[Cutouts, str, dict[str, Any]], bytes]] = {
    "fits": lambda cutouts, kind, given: cutouts.fits(kind),
    "png": lambda cutouts, kind, given: cutouts.png(kind, given["stretch"], given["size"]),
    "npy": _npy,
    "json": _json,
}
