"""``/sky``: where on the sky the alerts of a night lie."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response

from gueststar.serve.api.access import store_of
from gueststar.serve.portal import skymap
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.pages.night import neighbour, nights_of, position_of
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.routing import reads
from gueststar.store.mocs import CELL_DEG

ORDER = 4
LISTED = 40  # cells in the table that stands for the picture


@reads("/sky", "search")
def sky(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the sky of one night; without ``night``, of the latest."""
    house, store = house_of(request), store_of(request)
    given = Parameters(request.query_params, ("night", "order"))
    night = given.whole("night", 0, 99_991_231)
    orders = [str(one) for one in skymap.ORDERS]
    order = int(given.choice("order", orders, str(ORDER)))
    nights = nights_of(store)
    if not nights:
        why = "The store is there, and no alert is in it yet."
        return house.page("empty.html", why=why, store=house.store_url, here="sky")
    at = position_of(nights, night)
    night = nights[at]["night"]
    table = store.counts("healpix", night=night, order=order)
    counts = dict(zip(*(table[name].to_pylist() for name in ("cell", "n_alerts")), strict=True))
    cells = skymap.cells(counts, order)
    earlier, later = neighbour(nights, at + 1), neighbour(nights, at - 1)
    return house.page(
        "sky.html",
        here="sky",
        title=nights[at]["name"],
        nights=nights,
        night=night,
        order=order,
        orders=[(one, _link(night, one)) for one in skymap.ORDERS],
        earlier=earlier and _link(earlier, order),
        later=later and _link(later, order),
        count=sum(counts.values()),
        cells=cells,
        fullest=sorted(cells, key=lambda one: (-one.count, one.name))[:LISTED],
        lines=skymap.lines(),
        labels=skymap.labels(),
        size=f"{CELL_DEG / 2**order:.1f}",
    )


def _link(night: int, order: int) -> str:
    query: dict[str, int] = {"night": night}
    if order != ORDER:
        query["order"] = order
    return f"/sky?{urlencode(query)}"
