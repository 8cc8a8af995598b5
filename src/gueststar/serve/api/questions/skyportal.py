"""``/skyportal``: the two routes that SkyPortal's generic broker asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from gueststar.alert import Alert
from gueststar.export.flat import plain, rows_of
from gueststar.lightcurve import LightCurve
from gueststar.serve.api.fields import ALERT_ID, DEC, LIMIT, RA
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.questions.alerts import number_of
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.selection import MAX_SELECTED_CONE_ARCSEC, AlertSelection
from gueststar.surveys import detection_of
from gueststar.surveys.sky import tai_to_utc
from gueststar.times import JD_0

_GROUP = "SkyPortal"
_LISTS = {"prv_candidates": "detection", "fp_hists": "forced", "prv_nondetections": "limit"}


@asks(
    Operation(
        "/skyportal/alerts",
        "skyportal_alerts",
        "Alerts of an object or a cone, as SkyPortal's generic broker asks for them",
        fields=(
            Field("objectId", "text", "only of this object"),
            RA,
            DEC,
            Field("radius", "number", "arcsec", low=1e-3, high=MAX_SELECTED_CONE_ARCSEC),
            LIMIT,
        ),
        forms=("json",),
        group=_GROUP,
        effort="search",
    )
)
def find(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer alerts with their candidates, without light curves."""
    selection = AlertSelection(
        object_id=given["objectId"],
        ra=given["ra"],
        dec=given["dec"],
        radius_arcsec=given["radius"],
    )
    found = store.find_alerts(selection, limit=given["limit"])
    jd = _jd(found.column("mjd_tai").to_numpy()).tolist()
    rows = [_listed(row, when) for row, when in zip(rows_of(found), jd, strict=True)]
    return lambda form: orjson.dumps(rows)


def _listed(row: dict[str, Any], jd: float) -> dict[str, Any]:
    names = ("ra", "dec", "band", "mag", "program", "score")
    candidate = {"jd": jd, **{name: row[name] for name in names}, "psfFlux": row["flux"]}
    return {"candid": row["alert_id"], "objectId": row["object_id"], "candidate": candidate}


@asks(
    Operation(
        "/skyportal/alerts/{alert_id}",
        "skyportal_alert",
        "One alert as SkyPortal's generic broker wants it",
        "`candidate` is the survey's own. Points have `jd` (UTC, mid-exposure), `band`, the signed "
        "difference flux `psfFlux` (nJy, AB zero point 31.4) and, where it is positive, `magpsf`.",
        places=(ALERT_ID,),
        forms=("json",),
        group=_GROUP,
        missing=True,
    )
)
def one(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer one alert with its light curve in three lists."""
    body = skyportal_alert(store.alert(number_of(given)))
    return lambda form: orjson.dumps(body)


def skyportal_alert(alert: Alert) -> dict[str, Any]:
    """Write an alert as SkyPortal's generic broker reads it."""
    facts = {"jd": float(_jd(np.array([alert.mjd_tai]))[0]), "ra": alert.ra, "dec": alert.dec}
    points = _points(alert.light_curve)
    return {
        "candid": str(alert.alert_id),
        "objectId": alert.object_id,
        "survey": alert.survey.upper(),
        "candidate": {**facts, "band": alert.band, **plain(detection_of(alert.native))},
        **{name: [point for of, point in points if of == kind] for name, kind in _LISTS.items()},
        "classifications": {name: score.value for name, score in alert.scores.items()},
    }


def _points(curve: LightCurve) -> list[tuple[str, dict[str, Any]]]:
    columns = {
        "jd": _jd(curve["mjd_tai"]),
        "band": curve["band"],
        "magpsf": curve.mag,
        "sigmapsf": curve.mag_err,
        "diffmaglim": curve["limit"],
        "psfFlux": curve["flux"],
        "psfFluxErr": curve["flux_err"],
    }
    rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
    programs = curve.points.column("program").to_pylist()
    return [
        (kind, {**dict(zip(columns, row, strict=True)), "programid": program})
        for kind, program, row in zip(curve["kind"].tolist(), programs, rows, strict=True)
    ]


def _jd(mjd_tai: np.ndarray) -> np.ndarray:
    return np.asarray(tai_to_utc(mjd_tai) + JD_0)
