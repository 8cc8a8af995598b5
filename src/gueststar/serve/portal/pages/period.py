"""``/lightcurve/NAME.periodogram.json``: at which periods an object's curve may repeat."""

from __future__ import annotations

import threading
from typing import Any

import orjson
from litestar import Request, Response

from gueststar.lightcurve import LightCurve
from gueststar.periods import (
    CAVEAT,
    SHORTEST,
    Peak,
    Periodogram,
    TooFewPoints,
    aliases,
    periodogram,
)
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.pages.curve import position_of
from gueststar.serve.portal.parameters import Parameters

#: One at a time: a long curve takes about a second of one core, and pages must not wait for many.
_one_at_a_time = threading.Lock()


def answer(request: Request[Any, Any, Any], curve: LightCurve) -> Response[bytes]:
    """Answer power against frequency (1/d), the peaks, and what the probabilities mean.

    With too few points ``message`` says what is missing, and there are no peaks.
    """
    given = Parameters(request.query_params, ("shortest", "longest", "of"))
    shortest = given.number("shortest", 1e-3, 1e5) or SHORTEST
    longest = given.number("longest", 1e-3, 1e6)
    total = given.choice("of", ("difference", "total"), "difference") == "total"
    place = position_of(house_of(request), curve)
    shown = curve.total() if total else curve
    try:
        with _one_at_a_time:
            found = periodogram(shown, position=place, shortest=shortest, longest=longest)
    except TooFewPoints as few:
        body: dict[str, Any] = {"message": str(few), "peaks": []}
    else:
        body = _told(found)
    body = {
        "object_id": curve.object_id,
        "of": given.choice("of", ("difference", "total"), "difference"),
        **body,
    }
    return Response(
        orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY),
        media_type="application/json",
        headers={"Cache-Control": "private, no-cache"},
    )


def _told(found: Periodogram) -> dict[str, Any]:
    frequency, power = found.thinned()
    return {
        "message": None,
        "points": found.used,
        "span": found.span,
        "frequencies": len(found.frequency),
        "frequency": frequency.round(9),
        "power": power.round(5),
        "peaks": [_peak(one) for one in found.peaks],
        "caveat": CAVEAT,
    }


def _peak(peak: Peak) -> dict[str, Any]:
    return {
        "period": float(f"{peak.period:.9g}"),
        "frequency": peak.frequency,
        "power": round(peak.power, 4),
        "log10_fap": round(peak.log10_fap, 2),
        "note": peak.note,
        "aliases": aliases(peak.frequency),
    }
