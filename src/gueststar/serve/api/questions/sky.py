"""``/cone`` and ``/cones``: objects round one position, round many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from litestar.exceptions import HTTPException

from gueststar.errors import BadInput
from gueststar.positions import Position, parse_search
from gueststar.serve.api.body import CSV, JSON, csv_columns, json_object
from gueststar.serve.api.fields import AFTER, DEC, LIMIT, RA
from gueststar.serve.api.operation import Body, Field, Operation
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.selection import (
    MAX_CONE_ARCSEC,
    MAX_POSITIONS,
    MAX_SELECTED_CONE_ARCSEC,
    ObjectSelection,
    next_of,
)
from gueststar.store.tables import OBJECTS

MOST_MATCHES = 300_000  # rows of one answer
LARGEST = 24 << 20  # bytes: 200,000 positions with 17 digits
APART = pa.field("separation_arcsec", pa.float64(), nullable=False)
_ROW = pa.field("row", pa.int64(), nullable=False)


@asks(
    Operation(
        "/cone",
        "cone",
        "Objects round a position, nearest first",
        "Page by page, up to 30 degrees; `truncated` says that more lie there. The nearest alone: "
        "`limit=1`.",
        fields=(
            RA,
            DEC,
            Field(
                "position",
                "text",
                "instead of ra and dec, as people write it",
                example="10:12:13.4 -02:03:04",
            ),
            Field(
                "radius",
                "number",
                "arcsec",
                low=1e-3,
                high=MAX_SELECTED_CONE_ARCSEC,
                default=5.0,
                example=60,
            ),
            AFTER,
            LIMIT,
        ),
        answer=pa.schema([*OBJECTS, APART]),
        group="Sky",
    )
)
def cone(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the objects."""
    place = _place(given)
    selection = ObjectSelection(ra=place.ra, dec=place.dec, radius_arcsec=given["radius"])
    page = store.find_objects(
        selection, sort="distance", after=given["after"], limit=given["limit"]
    )
    truncated = "0" if next_of(page) is None else "1"
    metadata = {**(page.schema.metadata or {}), "gueststar.truncated": truncated}
    return page.replace_schema_metadata(metadata)


def _place(given: dict[str, Any]) -> Position:
    text, ra, dec = given["position"], given["ra"], given["dec"]
    if text is not None:
        if ra is not None or dec is not None:
            raise BadInput("position: give it, or ra and dec, not both")
        place = parse_search(text, "position")
        if not isinstance(place, Position):
            raise BadInput(f"position: {text[:64]!r} is none: write 10:12:13.4 -02:03:04")
        return place
    if ra is None or dec is None:
        raise BadInput("ra, dec: a position needs both, in degrees; or give position")
    return Position(ra, dec)


NUMBERS = {"type": "array", "items": {"type": "number"}, "maxItems": MAX_POSITIONS}


@asks(
    Operation(
        "/cones",
        "cones",
        "Objects round many positions in one question",
        f"Up to {MAX_POSITIONS:,} positions. As JSON, or as CSV with columns `ra`, `dec` and, if "
        "it differs, `radius`. `row` of the answer says which position, from 0.",
        fields=(
            Field(
                "radius",
                "number",
                "of all positions, arcsec, unless the body has its own",
                low=1e-3,
                high=MAX_CONE_ARCSEC,
                default=2.0,
                example=2,
            ),
            Field("nearest", "yes or no", "only the nearest object of each position"),
        ),
        answer=pa.schema([_ROW, *OBJECTS, APART]),
        body=Body(
            {
                "type": "object",
                "required": ["ra", "dec"],
                "additionalProperties": False,
                "properties": {
                    "ra": {**NUMBERS, "description": "deg, ICRS"},
                    "dec": {**NUMBERS, "description": "deg, ICRS"},
                    "radius": {
                        "anyOf": [{"type": "number"}, NUMBERS],
                        "description": "arcsec, one for all or one each",
                    },
                    "nearest": {"type": "boolean"},
                },
            },
            {"ra": [10.684, 83.822], "dec": [41.269, -5.391], "radius": 2},
            LARGEST,
            (JSON, CSV),
        ),
        group="Sky",
        effort="search",
    )
)
def cones(store: Store, given: dict[str, Any], body: bytes, media_type: str) -> pa.Table:
    """Answer the matches."""
    sent = sent_positions(body, media_type, ("radius",), ("nearest",))
    nearest = sent.get("nearest", bool(given["nearest"]))
    if not isinstance(nearest, bool):
        raise BadInput("nearest: true or false")
    radius = sent.get("radius", given["radius"])
    found = store.cones(sent["ra"], sent["dec"], radius, nearest=nearest)
    return small_enough(found, "nearest=yes")


def sent_positions(
    body: bytes, media_type: str, numbers: Sequence[str] = (), others: Sequence[str] = ()
) -> dict[str, Any]:
    """Read the positions of a body, JSON or CSV, and what else it may name.

    Raises
    ------
    BadInput
        If there are none.
    litestar.exceptions.HTTPException
        415, if it is something else.
    """
    if media_type == CSV:
        sent: dict[str, Any] = csv_columns(body, ("ra", "dec"), numbers)
    elif media_type in ("", JSON):
        sent = json_object(body, media_type, ("ra", "dec", *numbers, *others))
    else:
        raise HTTPException(
            f"content-type: send {JSON} or {CSV}, not {media_type}", status_code=415
        )
    for name in ("ra", "dec"):
        if not isinstance(sent.get(name), list):
            raise BadInput(f"{name}: send a list of degrees")
    return sent


def small_enough(found: pa.Table, instead: str) -> pa.Table:
    """Return matches that are no more than one answer may hold.

    Raises
    ------
    BadInput
    """
    if found.num_rows > MOST_MATCHES:
        raise BadInput(
            f"radius: {found.num_rows:,} match, more than {MOST_MATCHES:,}: give a smaller one, "
            f"fewer positions, or {instead}"
        )
    return found
