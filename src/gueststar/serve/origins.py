"""Keeps pages of other sites from writing with a visitor's browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.exceptions import PermissionDeniedException

from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.security import is_loopback
from gueststar.serve.visitors import visitor


def refuse_other_sites(request: Request[Any, Any, Any], *, browser: bool = False) -> None:
    """Refuse what a page of another site makes a visitor's browser send.

    Browsers say where a page comes from (``Origin``), with everything that writes; programs do
    not, and send no cookie. A site that was allowed may write with a token, which no browser adds
    by itself.

    Parameters
    ----------
    request : Request
    browser : bool
        Only a browser sends this; so is what comes with a cookie.

    Raises
    ------
    litestar.exceptions.PermissionDeniedException
        403.
    """
    origin = request.headers.get("origin")
    if origin is None and not (browser or visitor().browses):
        return
    if not browser and _shows_a_token(request) and origin in house_of(request).origins.named:
        return
    if origin is None or not _is_ours(request, origin):
        raise PermissionDeniedException(
            "origin: pages of another site may not write here; open the portal itself"
        )


def _shows_a_token(request: Request[Any, Any, Any]) -> bool:
    return house_of(request).accounts and "authorization" in request.headers


def _is_ours(request: Request[Any, Any, Any], origin: str) -> bool:
    told, host = house_of(request).site.origin, request.headers.get("host")
    if origin == told:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.netloc == host and (told is None or is_loopback(parts.hostname or ""))
