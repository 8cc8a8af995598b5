"""``/search``: from what a person typed to an object; from a form to a list with thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from gueststar.errors import BadInput, StoreError
from gueststar.positions import (
    DEFAULT_RADIUS,
    WIDEST_RADIUS,
    Position,
    alert_number,
    on_sky,
    parse_search,
)
from gueststar.serve.api.access import store_of
from gueststar.serve.api.forms import MEDIA_TYPES, table_in
from gueststar.serve.portal import formats, sought
from gueststar.serve.portal.form import Filled
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.routing import reads
from gueststar.serve.portal.rows import alert_address, alert_rows, object_rows
from gueststar.store import Store
from gueststar.store.nightly import DEFAULT_MODULE
from gueststar.store.selection import MAX_PAGE, ObjectSelection, next_of

PAGE = 60
NEAR = 6  # names that are offered in place of one that is not there


@dataclass(frozen=True)
class Found:
    """What a search gives: lines of a list, and where it goes on."""

    table: pa.Table
    following: str | None = None


@reads("/search", "search")
def search(request: Request[Any, Any, Any]) -> Response[Any] | Redirect:
    """Send the visitor on to what was meant (``q``), or answer the form."""
    if "q" in request.query_params:
        Parameters(request.query_params, ("q",), longest=10**6)
        return Redirect(_meant(store_of(request), request.query_params["q"]), status_code=303)
    return _page(request)


@reads("/cone")
def cone(request: Request[Any, Any, Any]) -> Redirect:
    """Send old addresses of a position's objects on to the search."""
    given = Parameters(request.query_params, ("ra", "dec", "radius"))
    ra, dec = given.number("ra", 0, 360), given.number("dec", -90, 90)
    if ra is None or dec is None:
        raise BadInput("ra, dec: a position needs both, in degrees")
    radius = given.number("radius", 0.1, WIDEST_RADIUS) or DEFAULT_RADIUS
    return Redirect(_around(on_sky(ra, dec), radius), status_code=303)


def _around(place: Position, radius: float = DEFAULT_RADIUS) -> str:
    position = formats.degrees(place.ra, place.dec)
    query = {"of": "objects", "position": position, "radius": f"{radius:g}"}
    return f"/search?{urlencode(query)}"


def _meant(store: Store, text: str) -> str:
    """Return the address of what a person typed: a place, an object, an alert, a beginning."""
    meant = parse_search(text)
    if isinstance(meant, Position):
        return _around(meant)
    try:
        store.light_curve(meant)
    except BadInput as unknown:
        number = alert_number(meant)
        if number is not None and (address := _alert_named(store, number)):
            return address
        if _begins(store, meant):
            return f"/search?{urlencode({'of': 'objects', 'name': meant})}"
        raise NotFoundException(f"{unknown}{_offer(nearest_names(store, meant))}") from None
    return alert_address(meant)


def _alert_named(store: Store, alert_id: int) -> str | None:
    try:
        alert = store.alert(alert_id)
    except BadInput:
        return None
    return alert_address(alert.object_id, alert_id)


def _begins(store: Store, text: str) -> bool:
    return bool(_names(store, text, 1))


def nearest_names(store: Store, name: str) -> list[str]:
    """Return names of objects that are spelt much like one that is not there, nearest first."""
    for length in range(min(len(name), 64) - 1, 0, -1):
        if found := _names(store, name[:length], 1_000):
            return get_close_matches(name, found, NEAR, 0.5)
    return []


def _names(store: Store, prefix: str, limit: int) -> list[str]:
    found = store.find_objects(ObjectSelection(prefix=prefix), limit=limit)
    return [str(name) for name in found.column("object_id").to_pylist()]


def _offer(names: list[str]) -> str:
    return f". Nearest names: {', '.join(names)}" if names else ""


def _page(request: Request[Any, Any, Any]) -> Response[str]:
    house, store = house_of(request), store_of(request)
    modules = score_choices(store)
    form = sought.read(request.query_params, modules)
    module = form.values["module"] or _usual(modules)
    found, trouble = None, None
    if not form.faults and sought.asks_something(form):
        try:
            found = _results(store, form, module, PAGE)
        except (BadInput, StoreError) as error:  # shown where the results would be
            trouble = error
    failed = 503 if isinstance(trouble, StoreError) else 400
    nothing = found is not None and not found.table.num_rows
    return house.page(
        "search.html",
        status=failed if form.faults or trouble else 200,
        here="search",
        form=form,
        found=found,
        trouble=None if trouble is None else str(trouble),
        rows=[] if found is None else _rows(store, form, found.table),
        near=_near(store, form) if nothing else [],
        module=module,
        modules=modules,
        **_links(form, module, found),
        **_words(form),
    )


def _results(store: Store, form: Filled, module: str, limit: int) -> Found:
    if form.values["of"] == "objects":
        return _objects(store, form, limit)
    return _alerts(store, form, module, limit)


@reads("/search.csv", "search")
def search_csv(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the same search as CSV, at most 10,000 rows; ``X-Next`` says where it goes on."""
    store = store_of(request)
    modules = score_choices(store)
    form = sought.read(request.query_params, modules)
    for name, sentence in form.faults.items():
        raise BadInput(f"{name}: {sentence}")
    if not sought.asks_something(form):
        raise BadInput("name, position, ...: give something to search for")
    found = _results(store, form, form.values["module"] or _usual(modules), MAX_PAGE)
    headers = {"Content-Disposition": f'attachment; filename="{form.values["of"]}.csv"'}
    if found.following is not None:
        headers["X-Next"] = found.following
    return Response(table_in("csv", found.table), media_type=MEDIA_TYPES["csv"], headers=headers)


def _usual(modules: dict[str, str]) -> str:
    return next(iter(modules), DEFAULT_MODULE)


def _alerts(store: Store, form: Filled, module: str, limit: int) -> Found:
    selection = sought.alert_selection(form, module)
    table = store.find_alerts(selection, after=form.values["after"], limit=limit)
    return Found(table, next_of(table))


def _objects(store: Store, form: Filled, limit: int) -> Found:
    table = store.find_objects(
        sought.object_selection(form),
        sort="name" if form.values["position"] is None else "distance",
        after=form.values["after"],
        limit=limit,
    )
    return Found(table, next_of(table))


def _with_alerts(store: Store, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name one alert of each object, whose stamps stand for it: the newest by id."""
    if not rows:
        return rows
    names = ", ".join("'" + row["object_id"].replace("'", "''") + "'" for row in rows)
    found = store.sql(
        "SELECT object_id, max(alert_id) AS alert_id FROM alerts "
        f"WHERE object_id IN ({names}) GROUP BY object_id"
    )
    newest = {row["object_id"]: row["alert_id"] for row in found.to_pylist()}
    return [{**row, "alert_id": newest.get(row["object_id"])} for row in rows]


def _rows(store: Store, form: Filled, table: pa.Table) -> list[Any]:
    if form.values["of"] == "objects":
        return object_rows(_with_alerts(store, table.to_pylist()))
    return alert_rows(table.to_pylist())


def _near(store: Store, form: Filled) -> list[tuple[str, str]]:
    """Offer names near one that nothing was found by, with their addresses."""
    name = form.values["name"]
    names = nearest_names(store, name) if name else []
    return [(one, alert_address(one)) for one in names if one != name]


def score_choices(store: Store) -> dict[str, str]:
    """Return how scores may be asked for, and how a person reads it; the usual one first."""
    choices: dict[str, str] = {}
    seen: set[str] = set()
    for module, label in store.classes():
        choices[f"{module}_{label}" if module in seen else module] = f"{module}: {label}"
        seen.add(module)
    usual = {DEFAULT_MODULE: choices[DEFAULT_MODULE]} if DEFAULT_MODULE in choices else {}
    return {**usual, **choices}


def _links(form: Filled, module: str, found: Found | None) -> dict[str, Any]:
    kept = {name: value for name, value in form.typed.items() if name != "after"}
    views = [(one, f"/search?{urlencode({**kept, 'view': one})}") for one in sought.VIEWS]
    links: dict[str, Any] = {
        "views": views,
        "first": f"/search?{urlencode(kept)}",
        "widened": lambda radius: f"/search?{urlencode({**kept, 'radius': radius})}",
    }
    if found is None:
        return {**links, "following": None, "csv": None, "api": None}
    after = found.following
    path, question = sought.api_query(form, module)
    return {
        **links,
        "following": after and f"/search?{urlencode({**kept, 'after': after})}",
        "api": f"{path}?{urlencode(question)}",
        "csv": f"/search.csv?{urlencode(kept)}",
    }


def _words(form: Filled) -> dict[str, Any]:
    """Say where a cone is, in both ways that people write it."""
    place = form.values["position"]
    if not isinstance(place, Position):
        return {"sexagesimal": None, "degrees": None, "radius": None}
    return {
        "sexagesimal": formats.sexagesimal(place.ra, place.dec),
        "degrees": formats.degrees(place.ra, place.dec),
        "radius": form.values["radius"] or DEFAULT_RADIUS,
    }
