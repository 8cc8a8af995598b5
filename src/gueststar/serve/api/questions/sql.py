"""``/sql``: read-only SQL over the public views."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.serve.api.body import json_object
from gueststar.serve.api.operation import Body, Field, Operation
from gueststar.serve.api.routing import asks
from gueststar.store import Store, answers

MOST = 100_000  # rows
MOST_BYTES = 64 << 20  # of an answer: some of them are made at once
LONGEST = 20_000  # characters
_EXAMPLE = "SELECT object_id, ra, dec, n_detections FROM objects ORDER BY object_id LIMIT 5"
_TEXT = (
    "One SELECT over the views that docs/sql.md describes. It is stopped after 30 s; `truncated` "
    "says that there are more rows than the limit."
)
_LIMIT = Field("limit", "whole", "rows", low=1, high=MOST, default=10_000)


@asks(
    Operation(
        "/sql",
        "sql",
        "Read-only SQL",
        _TEXT,
        fields=(
            Field("query", "text", "one SELECT", _EXAMPLE, required=True, longest=LONGEST),
            _LIMIT,
        ),
        group="SQL",
        effort="search",
    )
)
def by_get(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer a query that stands in the address."""
    with answers.at_most(MOST_BYTES):
        return store.sql(given["query"], limit=given["limit"])


@asks(
    Operation(
        "/sql",
        "post_sql",
        "Read-only SQL, the query in the body",
        _TEXT,
        body=Body(
            {
                "type": "object",
                "required": ["query"],
                "additionalProperties": False,
                "properties": {
                    "query": {"type": "string", "maxLength": LONGEST},
                    "limit": {"type": "integer", "minimum": 1, "maximum": MOST},
                },
            },
            {"query": _EXAMPLE, "limit": 5},
            128 << 10,
        ),
        group="SQL",
        effort="search",
    )
)
def by_post(store: Store, given: dict[str, Any], body: bytes, media_type: str) -> pa.Table:
    """Answer a query that stands in the body."""
    sent = json_object(body, media_type, ("query", "limit"))
    query, limit = sent.get("query"), sent.get("limit", _LIMIT.default)
    if not isinstance(query, str) or not query.strip():
        raise BadInput("query: must be given: one SELECT")
    if len(query) > LONGEST:
        raise BadInput(f"query: {len(query)} characters are more than {LONGEST}")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST:
        raise BadInput(f"limit: {limit!r} is not in 1 to {MOST}")
    with answers.at_most(MOST_BYTES):
        return store.sql(query, limit=limit)
