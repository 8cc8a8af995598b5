"""``/static/…``: styles, scripts and pictures, packed and kept by the browser."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.serve.portal.assets import FOREVER
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.routing import reads


@reads("/static/{version:str}/{name:str}", "free")
def static_file(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send a file by its exact name and version."""
    house = house_of(request)
    version = request.path_params["version"]
    name = request.path_params["name"]
    asset = house.assets.get(version, name)
    if asset is None:
        raise NotFoundException("there is no such file; reload the page that asked for it")
    body, encoding = asset.packed(request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": FOREVER, "ETag": f'"{asset.digest}"', "Vary": "Accept-Encoding"}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=asset.media_type, headers=headers)


@reads("/favicon.ico", "free")
def favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the star to browsers that ask by habit."""
    house = house_of(request)
    asset = house.assets.get(house.assets.version, "star.svg")
    assert asset is not None
    return Response(asset.body, media_type=asset.media_type, headers={"Cache-Control": FOREVER})
