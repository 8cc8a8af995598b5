"""``/health``: proof that what came in went out, for people and for machines."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, get

from gueststar.serve.portal import formats
from gueststar.serve.portal.house import House


@get("/health", sync_to_thread=True)
def health(house: House) -> Response[str]:
    """Show the ledger's sums, dead letters by reason, and sizes."""
    state = house.store.health()
    return house.page(
        "health.html", here="health", health=state, store=house.store_url, tiles=_tiles(state)
    )


@get("/health.json", sync_to_thread=True)
def health_json(house: House) -> Response[bytes]:
    """Answer what ``gueststar health --json`` prints."""
    body = orjson.dumps(house.store.health(), option=orjson.OPT_SERIALIZE_NUMPY, default=str)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


def _tiles(state: dict[str, Any]) -> list[tuple[str, str]]:
    tiles = [(name, f"{state.get(name, 0):,}") for name in ("alerts", "objects", "nights")]
    return [*tiles, ("on disk", formats.size(state.get("size_mb")))]
