"""``/health``: proof that what came in went out, for people and for machines."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from litestar import Request, Response

from gueststar.serve.api.access import operators_store_of
from gueststar.serve.metrics import CONTENT_TYPE, text_of
from gueststar.serve.portal import formats, skymap
from gueststar.serve.portal.house import House, house_of
from gueststar.serve.portal.routing import reads
from gueststar.store import store_name
from gueststar.store.unprocessed import Unprocessed

ORDER = 4  # HEALPix cells of the map: 3.7 deg
PATIENCE_S = 0.2  # for the first count of a server, which reads a large store for seconds


@reads("/health", "search")
def health(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the ledger's sums, dead letters by reason, and sizes; or that they are being counted."""
    house = _for_operators(request)
    counted = house.health.now(PATIENCE_S)
    if counted is None:
        return house.page("counting.html", here="health", store=store_name(house.store_url))
    (state, lost), at, renewing = counted
    return house.page(
        "health.html",
        here="health",
        health=state,
        at=at,
        renewing=renewing,
        lost=lost.as_dict(),
        cells=_cells(lost),
        lines=skymap.lines(),
        labels=skymap.labels(),
        store=store_name(house.store_url),
        tiles=_tiles(state),
    )


def _cells(lost: Unprocessed) -> list[skymap.Cell]:
    """Draw where alerts were not fully processed."""
    numbers, counts = np.unique(lost.cells >> 2 * (29 - ORDER), return_counts=True)
    return skymap.cells(dict(zip(numbers.tolist(), counts.tolist(), strict=True)), ORDER)


@reads("/health.json", "search")
def health_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer what ``gueststar health --json`` prints."""
    house = _for_operators(request)
    body = orjson.dumps(house.whole.health(), option=orjson.OPT_SERIALIZE_NUMPY, default=str)
    return Response(
        body, media_type="application/json", headers={"Cache-Control": "private, no-cache"}
    )


@reads("/metrics", "search")
def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer what Prometheus reads."""
    house = _for_operators(request)
    body = text_of(house.metrics)
    return Response(body, media_type=CONTENT_TYPE, headers={"Cache-Control": "private, no-cache"})


def _for_operators(request: Request[Any, Any, Any]) -> House:
    """Return the house, if an operator asks.

    Raises
    ------
    NotAllowed
        If not.
    """
    operators_store_of(request)
    return house_of(request)


def _tiles(state: dict[str, Any]) -> list[tuple[str, str]]:
    tiles = [(name, f"{state.get(name, 0):,}") for name in ("alerts", "objects", "nights")]
    return [*tiles, ("on disk", formats.size(state.get("size_mb")))]
