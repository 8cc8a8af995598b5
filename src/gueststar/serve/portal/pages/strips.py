"""``/strips/…``: the three stamps of an alert as one small picture, for lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.batch import CUTOUTS
from gueststar.cutouts import Cutouts
from gueststar.errors import BadInput, CutoutsLost, StoreUnavailable
from gueststar.pictures import strip_png
from gueststar.positions import alert_number
from gueststar.serve.api.access import store_of
from gueststar.serve.portal.assets import digest
from gueststar.serve.portal.pages.stamps import keeping, missing
from gueststar.serve.portal.routing import reads

SIDE, GAP = 63, 2  # pixels of a stamp, and between two


@reads("/strips/{file:str}")
def strip(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send science, template and difference side by side as one PNG."""
    name, _, form = request.path_params["file"].partition(".")
    number = alert_number(name)
    if form != "png" or number is None:
        raise NotFoundException("strips of stamps are /strips/ALERT.png")
    try:
        cutouts = store_of(request).cutouts(number)
    except BadInput as error:
        return missing("png", str(error))
    except (CutoutsLost, StoreUnavailable) as error:
        return missing("png", str(error), 503)
    etag = f'"{digest(b"".join(getattr(cutouts, kind) or b"-" for kind in CUTOUTS))}.strip"'
    headers = {"ETag": etag, "Cache-Control": keeping(request)}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    images = [_image(cutouts, kind) for kind in CUTOUTS]
    if all(image is None for image in images):
        return missing("png", "no stamp of this alert can be read")
    return Response(strip_png(images, "auto", SIDE, GAP), media_type="image/png", headers=headers)


def _image(cutouts: Cutouts, kind: str) -> np.ndarray | None:
    try:
        return cutouts.array(kind)
    except BadInput:
        return None
