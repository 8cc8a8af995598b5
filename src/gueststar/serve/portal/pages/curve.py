"""``/lightcurve/NAME.figure.json``, ``.csv``, ``.json``, ``.vot``: one object's light curve."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
from astropy.table import MaskedColumn
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.distances import FARTHEST
from gueststar.errors import BadInput
from gueststar.lightcurve import DESCRIPTIONS, LightCurve
from gueststar.periods import Fold, barycentric
from gueststar.serve.portal.house import House, house_of
from gueststar.serve.portal.parameters import Parameters

COLUMNS = (
    ("mjd_tai", "d"),
    ("band", ""),
    ("kind", ""),
    ("flux", "nJy"),
    ("flux_err", "nJy"),
    ("mag", "AB"),
    ("mag_err", "mag"),
    ("total_flux", "nJy"),
    ("total_flux_err", "nJy"),
    ("limit", "AB, 5 sigma"),
    ("exposure_id", ""),
    ("program", ""),
)


def curve_of(house: House, object_id: str) -> LightCurve:
    """Return an object's curve, or answer 404."""
    try:
        return house.store.light_curve(object_id)
    except BadInput as unknown:
        raise NotFoundException(str(unknown)) from None


def figure(request: Request[Any, Any, Any], curve: LightCurve) -> Response[bytes]:
    """Answer the figure that ``lc.plot()`` shows in a notebook, as JSON for Plotly."""
    names = ("of", "unit", "limits", "forced", "period", "epoch", "redshift")
    given = Parameters(request.query_params, names)
    total = given.choice("of", ("difference", "total"), "difference") == "total"
    mag = given.choice("unit", ("flux", "mag"), "flux") == "mag"
    redshift = given.number("redshift", 0, FARTHEST)
    if redshift == 0:
        raise BadInput("redshift: 0 gives no distance")
    drawn = curve.plot(
        total=total,
        y="mag" if mag else "flux",
        forced=given.choice("forced", ("yes", "no"), "yes") == "yes",
        limits=given.choice("limits", ("yes", "no"), "yes") == "yes",
        fold=_fold(house_of(request), given, curve),
        redshift=redshift if mag else None,
    )
    drawn.layout.template = None  # the page brings its own colours
    return Response(
        drawn.to_json(validate=False, engine="json").encode(),
        media_type="application/json",
        headers={"Cache-Control": "private, no-cache"},
    )


def _fold(house: House, given: Parameters, curve: LightCurve) -> Fold | None:
    """Fold at the period that is asked for, from the first measured point on."""
    period = given.number("period", 1e-4, 1e6)
    epoch = given.number("epoch", -1e6, 1e7)
    if period is None:
        return None
    place = position_of(house, curve)
    if epoch is None:
        measured = curve[np.isfinite(curve["flux"])]["mjd_tai"][:1]
        epoch = float(barycentric(measured, *place)[0]) if len(measured) else 0.0
    return Fold(period, epoch, place)


def position_of(house: House, curve: LightCurve) -> tuple[float, float]:
    """Return where a curve's object is, ICRS, deg."""
    record = house.store.object(str(curve.object_id))
    return record.ra, record.dec


def table(curve: LightCurve) -> list[dict[str, Any]]:
    """Return the points with magnitudes, one mapping a point, None for null."""
    rows = curve.points.to_pylist()
    extra = zip(curve.mag.tolist(), curve.mag_err.tolist(), strict=True)
    for row, (mag, mag_err) in zip(rows, extra, strict=True):
        row["mag"] = None if mag != mag else mag
        row["mag_err"] = None if mag_err != mag_err else mag_err
        row["exposure_id"] = None if row["exposure_id"] is None else str(row["exposure_id"])
    return [{name: row[name] for name, _ in COLUMNS} for row in rows]


def as_json(curve: LightCurve) -> Response[bytes]:
    """Answer the points as JSON with their units."""
    body = {
        "object_id": curve.object_id,
        "survey": curve.survey,
        "flux": "difference flux, nJy, AB zero point 31.4",
        "units": {name: unit for name, unit in COLUMNS if unit},
        "points": table(curve),
    }
    return _download(orjson.dumps(body), curve, "json", "application/json")


def as_csv(curve: LightCurve) -> Response[bytes]:
    """Answer the points as CSV; units stand in the comment above the names."""
    out = io.StringIO()
    out.write("# " + ", ".join(f"{name} [{unit}]" for name, unit in COLUMNS if unit) + "\n")
    writer = csv.DictWriter(out, [name for name, _ in COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table(curve))
    return _download(out.getvalue().encode(), curve, "csv", "text/csv; charset=utf-8")


def as_votable(curve: LightCurve) -> Response[bytes]:
    """Answer the points as VOTable, with units and descriptions."""
    table = curve.to_table()
    table.replace_column("time", MaskedColumn(curve["mjd_tai"], unit="d"))
    table.rename_column("time", "mjd_tai")
    table["mjd_tai"].info.description = DESCRIPTIONS["mjd_tai"]
    out = io.BytesIO()
    table.write(out, format="votable")
    return _download(out.getvalue(), curve, "vot", "application/x-votable+xml")


def _download(body: bytes, curve: LightCurve, form: str, media_type: str) -> Response[bytes]:
    name = quote(f"{curve.object_id or 'object'}.{form}", safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "private, no-cache",
    }
    return Response(body, media_type=media_type, headers=headers)
