"""Regions and orders of ``/alerts`` and ``/objects``, in the query or in a body."""

from __future__ import annotations

from typing import Any, get_args

from litestar.exceptions import HTTPException

from gueststar.errors import BadInput
from gueststar.serve.api.body import JSON, json_object
from gueststar.serve.api.fields import DEC, RA, RADIUS
from gueststar.serve.api.operation import LONGEST, Body, Field
from gueststar.store.mocs import LARGEST
from gueststar.store.regions import region_of

FITS = "application/fits"

FIELDS = (
    RA,
    DEC,
    RADIUS,
    Field(
        "polygon",
        "text",
        "only inside: corners in degrees, as `10 20, 11 20, 11 21`; sides are great circles",
        longest=LONGEST,
    ),
    Field(
        "moc", "text", "only inside a MOC: ASCII (`5/1-3 8 6/40`) or JSON", longest=LONGEST
    ),
)  # fmt: skip
WAY = Field(
    "order", "choice", "largest or smallest first; each sort has its own default",
    among=("down", "up"),
)  # fmt: skip

BODY = Body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "polygon": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "number"}},
                "description": "corners in order, [ra, dec] in degrees, 3 to 2,000",
            },
            "moc": {
                "anyOf": [{"type": "string"}, {"type": "object"}],
                "description": "MOC, ASCII or JSON",
            },
            "cone": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 3,
                "maxItems": 3,
                "description": "[ra, dec, radius]: degrees, degrees, arcsec",
            },
            "cells": {
                "type": "object",
                "required": ["order", "cells"],
                "properties": {
                    "order": {"type": "integer", "minimum": 0, "maximum": 29},
                    "cells": {"type": "array", "items": {"type": "integer"}},
                },
                "description": "HEALPix cells, nested, of one order",
            },
        },
    },
    {"polygon": [[10, 20], [11, 20], [11, 21]]},
    LARGEST,
    (JSON, FITS),
)


def sort_of(kinds: Any, default: str) -> Field:
    """Return the parameter of an order."""
    return Field("sort", "choice", "by what", among=get_args(kinds), default=default)


def asked(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide a query into conditions of a selection, and what says how it is shown.

    Raises
    ------
    BadInput
        If the region cannot be read.
    """
    way = given.pop("order")
    shown = {name: given.pop(name) for name in ("sort", "after", "limit")}
    shown["descending"] = None if way is None else way == "down"
    region = region_of(given.pop("polygon"), given.pop("moc"))
    radius = given.pop("radius")
    return {**given, "radius_arcsec": radius, "region": region}, shown


def sent(given: dict[str, Any], body: bytes, media_type: str) -> dict[str, Any]:
    """Return the conditions of a query with the region that a body holds.

    Raises
    ------
    BadInput
        If it cannot be read, or there is one in the query too.
    litestar.exceptions.HTTPException
        415, if the body is of another type.
    """
    if given["region"] is not None:
        raise BadInput("polygon, moc: send the region in the body, or in the query, not in both")
    if media_type == FITS:
        region = region_of(moc=body)
    elif media_type in ("", JSON):
        region = region_of(**json_object(body, media_type, ("polygon", "moc", "cells", "cone")))
    else:
        raise HTTPException(
            f"content-type: send {JSON} or {FITS}, not {media_type}", status_code=415
        )
    if region is None:
        raise BadInput("body: send a region: polygon, moc, cells or cone")
    return {**given, "region": region}
