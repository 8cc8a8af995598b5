"""``/object/NAME`` and ``/alert/ID``: everything that is known of one object, or of one alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from gueststar.errors import BadInput
from gueststar.positions import alert_number
from gueststar.serve.effort import Effort
from gueststar.serve.portal import classes, formats, packet
from gueststar.serve.portal.house import House, house_of
from gueststar.serve.portal.links import links_out
from gueststar.serve.portal.pages import curve, period
from gueststar.serve.portal.pages.notes import notes_of
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.planets import planets_at
from gueststar.serve.portal.routing import reads
from gueststar.serve.portal.rows import AlertRow, alert_address, alert_rows
from gueststar.serve.portal.security import PLOT_POLICY
from gueststar.serve.portal.surroundings import surroundings
from gueststar.store import ObjectRecord
from gueststar.surveys import stamp_geometry

if TYPE_CHECKING:
    from gueststar.alert import Alert

_EXPORTS = {"csv": curve.as_csv, "json": curve.as_json, "vot": curve.as_votable}
_VIEWS = {".figure.json": curve.figure, ".periodogram.json": period.answer}


@reads("/object/{object_id:str}")
def object_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Show one object at one of its alerts; without ``alert``, the latest."""
    house = house_of(request)
    object_id = request.path_params["object_id"]
    wanted = Parameters(request.query_params, ("alert",)).text("alert")
    try:
        record = house.store.object(object_id)
    except BadInput as unknown:
        raise NotFoundException(str(unknown)) from None
    rows = alert_rows(scored(record))
    at = _position(rows, wanted)
    context = {
        **_object(record, rows, at),
        **_panel(house, rows[at]),
        **notes_of(house, object_id),
        **surroundings(house.store, object_id, record.ra, record.dec),
    }
    return house.page("object.html", policy=PLOT_POLICY, **context)


def scored(record: ObjectRecord) -> list[dict[str, Any]]:
    """Return an object's alerts, each with its newest score of the class ``real``."""
    best = classes.headline(record.scores.to_pylist())
    rows: list[dict[str, Any]] = record.alerts.to_pylist()
    for row in rows:
        if score := best.get(row["alert_id"]):
            row.update(module=score["module"], score=score["value"], reason=score["reason"])
    return rows


def _position(rows: Sequence[AlertRow], wanted: str | None) -> int:
    if wanted is None:
        return len(rows) - 1
    at = next((i for i, row in enumerate(rows) if row.alert_id == wanted), None)
    if at is None:
        raise NotFoundException(f"alert: this object has no alert {wanted!r}")
    return at


def _object(record: ObjectRecord, rows: Sequence[AlertRow], at: int) -> dict[str, Any]:
    first, last = formats.utc([record.first_mjd_tai, record.last_mjd_tai])
    known = record.first_mjd_tai is not None and record.last_mjd_tai is not None
    return {
        **_place(record.survey, record.object_id, record.ra, record.dec),
        "title": record.object_id,
        "detections": f"{record.n_detections:,}",
        "first": first,
        "last": last,
        "span": formats.age(record.last_mjd_tai - record.first_mjd_tai)  # type: ignore[operator]
        if known
        else formats.NOTHING,
        "alerts": rows,
        "before": rows[at - 1].href if at > 0 else None,
        "after": rows[at + 1].href if at + 1 < len(rows) else None,
        "curve": alert_address(record.object_id).replace("/object/", "/lightcurve/"),
        "walk": rows[at].href,
        **_classes(record),
    }


def _classes(record: ObjectRecord) -> dict[str, Any]:
    """Gather the scores of all alerts of an object."""
    scores = record.scores.to_pylist()
    mjd = dict(
        zip(*(record.alerts.column(n).to_pylist() for n in ("alert_id", "mjd_tai")), strict=True)
    )
    return {
        "class_series": classes.series(scores, mjd),
        "score_rows": scores[: -classes.MOST_ROWS - 1 : -1],
        "score_count": len(scores),
    }


def _place(survey: str, object_id: str | None, ra: float, dec: float) -> dict[str, Any]:
    return {
        "survey": survey,
        "object_id": object_id,
        "sexagesimal": formats.sexagesimal(ra, dec),
        "degrees": formats.degrees(ra, dec),
        "links": links_out(survey, object_id, ra, dec),
        "geometry": stamp_geometry(survey),
    }


def _panel(house: House, chosen: AlertRow) -> dict[str, Any]:
    """Gather what belongs to one alert."""
    number = int(chosen.alert_id)
    scores = house.store.scores(number)
    return {
        "chosen": chosen,
        "verdicts": classes.verdicts(scores),
        "older": classes.older(scores),
        "packet": house.store.native(number),
        "planets": planets_at(house.store, number),
    }


def _effort(path: str) -> Effort:
    return "search" if path.endswith(".periodogram.json") else "page"


@reads("/lightcurve/{file:str}", _effort)
def light_curve(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer a light curve: ``NAME.csv``, ``.json``, ``.vot``; two views of it for the page."""
    house = house_of(request)
    file = request.path_params["file"]
    for ending, view in _VIEWS.items():
        if file.endswith(ending):
            return view(request, curve.curve_of(house, file.removesuffix(ending)))
    name, _, form = file.rpartition(".")
    if form not in _EXPORTS:
        raise NotFoundException("light curves are /lightcurve/NAME.csv, NAME.json and NAME.vot")
    return _EXPORTS[form](curve.curve_of(house, name))


@reads("/alert/{alert_id:str}")
def alert_page(request: Request[Any, Any, Any]) -> Response[Any] | Redirect:
    """Send the visitor to the alert's object; show it alone where it has none."""
    house = house_of(request)
    alert_id = request.path_params["alert_id"]
    alert = _alert(house, alert_id)
    if alert.object_id is not None:
        return Redirect(alert_address(alert.object_id, alert.alert_id), status_code=303)
    row = alert_row(house, alert)
    return house.page(
        "object.html",
        **_place(alert.survey, None, alert.ra, alert.dec),
        title=f"alert {alert.alert_id}",
        alerts=[row],
        before=None,
        after=None,
        curve=None,
        walk=row.href,
        **_panel(house, row),
        **notes_of(house, None, alert.alert_id),
    )


@reads("/alert/{alert_id:str}/panel")
def alert_panel(request: Request[Any, Any, Any]) -> Response[str]:
    """Answer the scores and the packet of one alert, for a page that is open already."""
    house = house_of(request)
    alert_id = request.path_params["alert_id"]
    row = alert_row(house, _alert(house, alert_id))
    return house.page("panel.html", **_panel(house, row))


@reads("/alert/{alert_id:str}/packet/{field:str}")
def packet_part(request: Request[Any, Any, Any]) -> Response[str]:
    """Answer one table of a packet, for a page that opens it: they may hold 10^5 values."""
    house = house_of(request)
    alert = _alert(house, request.path_params["alert_id"])
    field = request.path_params["field"]
    part = house.store.native(alert.alert_id).get(field)
    if not isinstance(part, list) or not packet.is_table(part):
        raise NotFoundException("this packet has no such table")
    return house.page("part.html", records=part, survey=alert.survey, container=field)


@reads("/alert/{alert_id:str}/packet.json")
def packet_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the survey's own record; bytes as their length, long integers as strings."""
    house = house_of(request)
    alert_id = request.path_params["alert_id"]
    alert = _alert(house, alert_id)
    record = _for_json(house.store.native(alert.alert_id))
    return Response(orjson.dumps(record), media_type="application/json")


def alert_row(house: House, alert: Alert) -> AlertRow:
    """Make the line of one alert."""
    names = ("alert_id", "object_id", "survey", "band", "mjd_tai", "ra", "dec")
    row = {name: getattr(alert, name) for name in names}
    fluxes = {"flux": alert.flux.value, "flux_err": alert.flux_err.value}
    row |= {name: float(value) if value == value else None for name, value in fluxes.items()}
    row["published_rb"] = alert.published_rb
    real = next((s for s in house.store.scores(alert.alert_id) if s.label == "real"), None)
    if real is not None:
        row |= {"module": real.module, "score": real.value, "reason": real.reason}
    return alert_rows([row])[0]


def _alert(house: House, text: str) -> Alert:
    number = alert_number(text)
    if number is None:
        raise NotFoundException(f"{text!r} is no alert id: they are whole numbers")
    try:
        return house.store.alert(number)
    except BadInput as unknown:
        raise NotFoundException(str(unknown)) from None


def _for_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _for_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(one) for one in value]
    if isinstance(value, bytes):
        return formats.as_received(value)
    long = isinstance(value, int) and abs(value) > 2**53
    return str(value) if long else value
