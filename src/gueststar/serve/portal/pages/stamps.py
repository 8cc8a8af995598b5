"""``/cutouts/…``: stamps as PNG for lists, as raw float32 for the object page."""

from __future__ import annotations

import struct
from html import escape
from typing import Any

import orjson
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.batch import CUTOUTS
from gueststar.cutouts import Cutouts
from gueststar.errors import BadInput, CutoutsLost, StoreUnavailable
from gueststar.positions import alert_number
from gueststar.serve.portal.assets import digest
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.orientation import directions, pixel_scale
from gueststar.serve.portal.routing import reads
from gueststar.serve.visitors import visitor

FORMS = {"png": "image/png", "f32": "application/octet-stream"}
_EMPTY = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 63 63" width="63" height="63">'
    '<path d="M20 20 43 43M43 20 20 43" stroke="#8a93a1" stroke-width="1.5"/></svg>'
)


@reads("/cutouts/{alert_id:str}/{file:str}")
def stamp(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send one stamp.

    ``KIND.f32`` is rows and columns as two uint32, then float32 values row by row from the first
    row of the FITS image; all little endian, NaN where masked. ``X-North`` and ``X-East``
    are directions in degrees from up to the right, ``X-Scale`` arcsec a pixel, where the FITS
    header gives them.
    """
    house = house_of(request)
    alert_id = request.path_params["alert_id"]
    file = request.path_params["file"]
    kind, _, form = file.partition(".")
    number = alert_number(alert_id)
    if kind not in CUTOUTS or form not in FORMS or number is None:
        raise NotFoundException("stamps are /cutouts/ALERT/{science,template,difference}.{png,f32}")
    try:
        cutouts = house.store.cutouts(number)
        return _answer(request, cutouts, kind, form)
    except BadInput as error:
        return missing(form, str(error))
    except (CutoutsLost, StoreUnavailable) as error:
        return missing(form, str(error), 503)


def _answer(
    request: Request[Any, Any, Any], cutouts: Cutouts, kind: str, form: str
) -> Response[bytes]:
    etag = f'"{digest(getattr(cutouts, kind) or b"")}.{form}"'
    headers = {"ETag": etag, "Cache-Control": keeping(request)}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    if form == "f32":
        headers |= _measures(getattr(cutouts, kind) or b"")
    body = cutouts.png(kind, "auto") if form == "png" else raw_stamp(cutouts, kind)
    return Response(body, media_type=FORMS[form], headers=headers)


def _measures(stamp: bytes) -> dict[str, str]:
    found, scale = directions(stamp), pixel_scale(stamp)
    headers = {"X-North": str(found[0]), "X-East": str(found[1])} if found else {}
    return headers | ({"X-Scale": str(scale)} if scale else {})


def keeping(request: Request[Any, Any, Any]) -> str:
    """With the server's own mark in the address the browser need not ask again.

    What a logged-in visitor sees it asks for each time: the next one may not see it.
    """
    if visitor().browses or "v" not in request.query_params:
        return "private, no-cache"
    return "private, max-age=86400, immutable"


def raw_stamp(cutouts: Cutouts, kind: str) -> bytes:
    """Pack one stamp for the browser: rows, columns (uint32), then float32, little endian."""
    image = cutouts.array(kind)
    return struct.pack("<II", *image.shape) + image.astype("<f4").tobytes()


def missing(form: str, reason: str, status: int = 404) -> Response[bytes]:
    """Answer that a stamp is not there: as a picture where one was asked for."""
    if form == "png":  # browsers draw the picture of an error, too
        svg = _EMPTY.replace("<path", f"<title>{escape(reason)}</title><path", 1)
        return Response(svg.encode(), status_code=status, media_type="image/svg+xml")
    body = orjson.dumps({"error": reason})
    return Response(body, status_code=status, media_type="application/json")
