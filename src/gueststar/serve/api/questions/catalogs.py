"""``/catalogs`` and ``/matches``: catalogues, what objects match in them, positions against one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from litestar.exceptions import NotFoundException

from gueststar.catalogs.declaration import MAX_RADIUS_ARCSEC, MODES
from gueststar.errors import NotThere
from gueststar.serve.api.body import CSV, JSON
from gueststar.serve.api.fields import OBJECT_ID
from gueststar.serve.api.operation import Body, Field, Operation
from gueststar.serve.api.questions.sky import (
    APART,
    LARGEST,
    NUMBERS,
    sent_positions,
    small_enough,
)
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.catalogues import CATALOGUES
from gueststar.store.crossmatch import MATCH, POSITION_MATCH
from gueststar.store.crossmatches import MAX_COUNTERPART_ARCSEC, RADIUS_ARCSEC
from gueststar.store.selection import MAX_POSITIONS
from gueststar.store.tables import OBJECTS

_GROUP = "Catalogues"


@asks(
    Operation(
        "/catalogs",
        "catalogs",
        "The catalogues that objects are matched with",
        "`n_matched` objects match in one, `n_waiting` have not been matched with it so far.",
        answer=CATALOGUES,
        group=_GROUP,
    )
)
def listing(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the catalogues."""
    return store.catalogues()


@asks(
    Operation(
        "/matches/{object_id}",
        "matches",
        "What an object matches in all catalogues",
        "In the order of catalogues, then of `rank`, 0 the best. `columns` is a JSON object of "
        "what the catalogue keeps. `context` says in a word what surrounds the object: agn, "
        "variable, star, nuclear or hosted.",
        places=(OBJECT_ID,),
        answer=MATCH,
        group=_GROUP,
        missing=True,
    )
)
def matches(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the matches."""
    return store.matches(given["object_id"])


@asks(
    Operation(
        "/counterparts/{object_id}",
        "counterparts",
        "The objects of other surveys at the place of an object, nearest first",
        places=(OBJECT_ID,),
        fields=(
            Field(
                "radius",
                "number",
                "arcsec",
                low=1e-3,
                high=MAX_COUNTERPART_ARCSEC,
                default=RADIUS_ARCSEC,
                example=2,
            ),
        ),
        answer=pa.schema([*OBJECTS, APART]),
        group=_GROUP,
        missing=True,
    )
)
def counterparts(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the objects."""
    return store.counterparts(given["object_id"], given["radius"])


@asks(
    Operation(
        "/catalogs/{catalog}/xmatch",
        "xmatch",
        "Your positions against a catalogue",
        f"Up to {MAX_POSITIONS:,} positions. As JSON, or as CSV with columns `ra` and `dec`. `row` "
        "of the answer says which position, from 0.",
        places=(Field("catalog", "text", "name of a catalogue"),),
        fields=(
            Field(
                "radius",
                "number",
                "arcsec; default that of the catalogue",
                low=1e-3,
                high=MAX_RADIUS_ARCSEC,
                example=2,
            ),
            Field("mode", "choice", "what matches; default that of the catalogue", among=MODES),
        ),
        answer=POSITION_MATCH,
        body=Body(
            {
                "type": "object",
                "required": ["ra", "dec"],
                "additionalProperties": False,
                "properties": {
                    "ra": {**NUMBERS, "description": "deg, ICRS"},
                    "dec": {**NUMBERS, "description": "deg, ICRS"},
                },
            },
            {"ra": [10.684, 83.822], "dec": [41.269, -5.391]},
            LARGEST,
            (JSON, CSV),
        ),
        group=_GROUP,
        missing=True,
        effort="search",
    )
)
def xmatch(store: Store, given: dict[str, Any], body: bytes, media_type: str) -> pa.Table:
    """Answer the matches."""
    sent = sent_positions(body, media_type)
    radius, mode = given["radius"], given["mode"]
    try:
        found = store.xmatch(sent["ra"], sent["dec"], given["catalog"], radius, mode)
    except NotThere as error:
        raise NotFoundException(str(error)) from None
    return small_enough(found, "mode=nearest")
