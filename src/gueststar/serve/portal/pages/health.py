"""``/health``: proof that what came in went out, for people and for machines."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Request, Response

from gueststar.serve.metrics import CONTENT_TYPE, text_of
from gueststar.serve.portal import formats
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.routing import reads


@reads("/health")
def health(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the ledger's sums, dead letters by reason, and sizes."""
    house = house_of(request)
    state = house.store.health()
    return house.page(
        "health.html",
        here="health",
        health=state,
        lost=house.store.unprocessed().as_dict(),
        store=house.store_url,
        tiles=_tiles(state),
    )


@reads("/health.json")
def health_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer what ``gueststar health --json`` prints."""
    house = house_of(request)
    body = orjson.dumps(house.store.health(), option=orjson.OPT_SERIALIZE_NUMPY, default=str)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


@reads("/metrics")
def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer what Prometheus reads."""
    house = house_of(request)
    body = text_of(house.metrics)
    return Response(body, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-cache"})


def _tiles(state: dict[str, Any]) -> list[tuple[str, str]]:
    tiles = [(name, f"{state.get(name, 0):,}") for name in ("alerts", "objects", "nights")]
    return [*tiles, ("on disk", formats.size(state.get("size_mb")))]
