"""What a visitor's form searches for: checked fields, as the store's own selections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gueststar.errors import BadInput
from gueststar.positions import DEFAULT_RADIUS, WIDEST_RADIUS, Position, parse_search
from gueststar.serve.api.fields import (
    AFTER,
    BAND,
    CELL,
    MAG_MAX,
    MAG_MIN,
    MAX_SCORE,
    MIN_SCORE,
    MODULE,
    NIGHT,
    SURVEY,
    since,
    until,
)
from gueststar.serve.api.operation import Field
from gueststar.serve.portal.form import Filled, fill
from gueststar.store.selection import (
    MAX_SELECTED_CONE_ARCSEC,
    AlertSelection,
    ObjectSelection,
    cell_span,
)

VIEWS = ("list", "stamps", "differences")
VIEW = Field("view", "choice", "how they are shown", among=VIEWS, default="list")
FIELDS = (
    Field("of", "choice", "what is listed", among=("alerts", "objects"), default="alerts"),
    Field("name", "text", "of an object; of objects, its beginning"),
    Field("position", "text", "as people write it"),
    Field("radius", "number", "arcsec", low=0.1, high=MAX_SELECTED_CONE_ARCSEC),
    since("since", "mid-exposure"),
    until("until", "mid-exposure"),
    NIGHT,
    MODULE,
    MIN_SCORE,
    MAX_SCORE,
    BAND,
    SURVEY,
    MAG_MIN,
    MAG_MAX,
    Field("min_detections", "whole", "at least so many detections", low=0, high=10**9),
    CELL,
    VIEW,
    AFTER,
)
_ALERTS_ONLY = (
    "night", "module", "min_score", "max_score", "band", "mag_min", "mag_max", "cell",
)  # fmt: skip
_OBJECTS_ONLY = ("min_detections",)
_RANGES = (("min_score", "max_score"), ("mag_min", "mag_max"), ("since", "until"))
_NOT_CONDITIONS = ("of", "view", "after")


def read(query: Mapping[str, str], modules: Mapping[str, str]) -> Filled:
    """Read and check the form; no fault is raised, each is kept beside its field.

    Parameters
    ----------
    query : mapping of str to str
        Of the request.
    modules : mapping of str to str
        Names that scores may be asked by.
    """
    form = fill(FIELDS, query)
    _check_place(form)
    _check_kind(form)
    module = form.values["module"]
    if module is not None and module not in modules:
        form.refuse("module", f"no alert was scored by {module[:40]!r}")
    for low, high in _RANGES:
        if form.given(low, high) == [low, high] and form.values[low] > form.values[high]:
            form.refuse(high, "is below the lower end of its range")
    return form


def _check_place(form: Filled) -> None:
    values = form.values
    if values["position"] is not None:
        _try_place(form, values["position"])
    elif values["radius"] is not None and "position" not in form.faults:
        form.refuse("position", "a radius needs a position")
    widest = WIDEST_RADIUS if values["of"] == "objects" else MAX_SELECTED_CONE_ARCSEC
    if values["radius"] is not None and values["radius"] > widest:
        form.refuse("radius", f"objects are listed within {widest:,.0f} arcsec at most")
    if values["cell"] is not None:
        try:
            cell_span(values["cell"])
        except BadInput as error:
            form.refuse("cell", str(error).removeprefix("cell: "))


def _try_place(form: Filled, text: str) -> None:
    try:
        place = parse_search(text, "position")
    except BadInput as error:
        form.refuse("position", str(error).removeprefix("position: "))
        return
    if isinstance(place, Position):
        form.values["position"] = place
    else:
        form.refuse("position", f"{text[:40]!r} is none: write 10:12:13.4 -02:03:04 or degrees")


def _check_kind(form: Filled) -> None:
    """Refuse conditions that what is listed does not have."""
    objects = form.values["of"] == "objects"
    for name in form.given(*(_ALERTS_ONLY if objects else _OBJECTS_ONLY)):
        kind, other = ("objects", "alerts") if objects else ("alerts", "objects")
        form.refuse(name, f"is no property of {kind}: list {other}, or leave it empty")


def asks_something(form: Filled) -> bool:
    """Tell whether any condition is given; a search for everything would be none."""
    return any(name not in _NOT_CONDITIONS for name in form.given(*form.values))


def alert_selection(form: Filled, module: str) -> AlertSelection:
    """Return the conditions on alerts; ``module`` where none is named."""
    values = form.values
    same = ("survey", "band", "night", "since", "until", "mag_min", "mag_max", "cell")
    return AlertSelection(
        **{name: values[name] for name in (*same, "min_score", "max_score")},
        object_id=values["name"],
        module=values["module"] or module,
        **_cone(form),
    )


def object_selection(form: Filled) -> ObjectSelection:
    """Return the conditions on objects: detected at some time between the two dates."""
    values = form.values
    return ObjectSelection(
        prefix=values["name"],
        survey=values["survey"],
        last_since=values["since"],
        first_until=values["until"],
        min_detections=values["min_detections"],
        **_cone(form),
    )


def _cone(form: Filled) -> dict[str, Any]:
    place = form.values["position"]
    if place is None:
        return {}
    radius = form.values["radius"] or DEFAULT_RADIUS
    return {"ra": place.ra, "dec": place.dec, "radius_arcsec": radius}


def api_query(form: Filled, module: str) -> tuple[str, dict[str, Any]]:
    """Return path and parameters of the same question to the API."""
    of_objects = form.values["of"] == "objects"
    chosen = object_selection(form) if of_objects else alert_selection(form, module)
    given = {name: value for name, value in vars(chosen).items() if value is not None}
    if "radius_arcsec" in given:
        given["radius"] = given.pop("radius_arcsec")
        given |= {"sort": "distance"} if of_objects else {}
    return f"/api/{form.values['of']}", given
