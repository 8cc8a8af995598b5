"""``/object/NAME.figure.json``, ``.csv``, ``.json``: one object's light curve."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import orjson
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.errors import BadInput
from gueststar.lightcurve import LightCurve
from gueststar.serve.portal.house import House
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
    given = Parameters(request.query_params, ("of", "unit", "limits", "forced"))
    drawn = curve.plot(
        total=given.choice("of", ("difference", "total"), "difference") == "total",
        y="mag" if given.choice("unit", ("flux", "mag"), "flux") == "mag" else "flux",
        forced=given.choice("forced", ("yes", "no"), "yes") == "yes",
        limits=given.choice("limits", ("yes", "no"), "yes") == "yes",
    )
    drawn.layout.template = None  # the page brings its own colours
    return Response(
        drawn.to_json(validate=False, engine="json").encode(),
        media_type="application/json",
        headers={"Cache-Control": "no-cache"},
    )


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


def _download(body: bytes, curve: LightCurve, form: str, media_type: str) -> Response[bytes]:
    name = quote(f"{curve.object_id or 'object'}.{form}", safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "no-cache",
    }
    return Response(body, media_type=media_type, headers=headers)
