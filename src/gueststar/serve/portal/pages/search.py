"""``/search`` and ``/cone``: from what a person typed to an object, or to a list of objects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from gueststar.errors import BadInput
from gueststar.positions import (
    DEFAULT_RADIUS,
    WIDEST_RADIUS,
    Position,
    alert_number,
    on_sky,
    parse_search,
)
from gueststar.serve.portal import formats
from gueststar.serve.portal.house import House, house_of
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.routing import reads
from gueststar.serve.portal.rows import alert_address, object_rows

MOST = 200  # objects on a page


@reads("/search")
def search(request: Request[Any, Any, Any]) -> Redirect:
    """Send the visitor on to what was meant."""
    house = house_of(request)
    meant = parse_search(request.query_params.get("q", ""))
    if isinstance(meant, Position):
        query = urlencode({"ra": f"{meant.ra:.7f}", "dec": f"{meant.dec:.7f}"})
        return Redirect(f"/cone?{query}", status_code=303)
    return Redirect(_named(house, meant), status_code=303)


def _named(house: House, name: str) -> str:
    """Return the address of an object or, failing that, of an alert."""
    try:
        house.store.light_curve(name)
    except BadInput as unknown:
        number = alert_number(name)
        if number is None:
            raise NotFoundException(f"{unknown}") from None
        return _alert_named(house, number)
    return alert_address(name)


def _alert_named(house: House, alert_id: int) -> str:
    try:
        alert = house.store.alert(alert_id)
    except BadInput:
        raise NotFoundException(f"neither an object nor an alert is called {alert_id}") from None
    return alert_address(alert.object_id, alert_id)


@reads("/cone")
def cone(request: Request[Any, Any, Any]) -> Response[str]:
    """List the objects round a position, nearest first."""
    house = house_of(request)
    given = Parameters(request.query_params, ("ra", "dec", "radius"))
    ra, dec = given.number("ra", 0, 360), given.number("dec", -90, 90)
    if ra is None or dec is None:
        raise BadInput("ra, dec: a position needs both, in degrees")
    radius = given.number("radius", 0.1, WIDEST_RADIUS) or DEFAULT_RADIUS
    place = on_sky(ra, dec)
    found = house.store.cone(place.ra, place.dec, radius)
    return house.page(
        "cone.html",
        ra=place.ra,
        dec=place.dec,
        sexagesimal=formats.sexagesimal(place.ra, place.dec),
        degrees=formats.degrees(place.ra, place.dec),
        radius=radius,
        widest=WIDEST_RADIUS,
        count=found.num_rows,
        rows=object_rows(_with_alerts(house, found.slice(0, MOST).to_pylist())),
        q=formats.degrees(place.ra, place.dec),
    )


def _with_alerts(house: House, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name one alert of each object, whose stamps stand for it: the newest by id."""
    if not rows:
        return rows
    names = ", ".join("'" + row["object_id"].replace("'", "''") + "'" for row in rows)
    found = house.store.sql(
        "SELECT object_id, max(alert_id) AS alert_id FROM alerts "
        f"WHERE object_id IN ({names}) GROUP BY object_id"
    )
    newest = {row["object_id"]: row["alert_id"] for row in found.to_pylist()}
    return [{**row, "alert_id": newest.get(row["object_id"])} for row in rows]
