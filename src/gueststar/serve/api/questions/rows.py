"""``/rows``: rows of many alerts or objects in one question."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.positions import alert_number
from gueststar.serve.api.body import json_object
from gueststar.serve.api.operation import Body, Operation
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.bulk import KINDS, MOST_KEYS


@asks(
    Operation(
        "/rows",
        "rows",
        "Rows of many alerts or objects",
        f"In the order of the keys, at most {MOST_KEYS:,}; what is not there is left out. Keys are "
        "alert ids for `alerts` and `scores`, names for `objects` and `lightcurves`.",
        body=Body(
            {
                "type": "object",
                "required": ["what", "keys"],
                "additionalProperties": False,
                "properties": {
                    "what": {"type": "string", "enum": list(KINDS)},
                    "keys": {
                        "type": "array",
                        "items": {"type": "string"},
                        "maxItems": MOST_KEYS,
                    },
                },
            },
            {"what": "lightcurves", "keys": ["ZTF18abcdefg", "ZTF18abcdefh"]},
            4 << 20,
        ),
        effort="search",
    )
)
def rows(store: Store, given: dict[str, Any], body: bytes, media_type: str) -> pa.Table:
    """Answer the rows."""
    sent = json_object(body, media_type, ("what", "keys"))
    what, keys = sent.get("what"), sent.get("keys")
    if not isinstance(what, str):
        raise BadInput(f"what: must be given: one of {', '.join(KINDS)}")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise BadInput("keys: send a list of strings")
    of_numbers = what in KINDS and KINDS[what][0] is int
    return store.rows_of(what, [_number(key) for key in keys] if of_numbers else keys)


def _number(key: str) -> int:
    number = alert_number(key)
    if number is None:
        raise BadInput(f"keys: {key[:64]!r} is no alert id: they are whole numbers")
    return number
