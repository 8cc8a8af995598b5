"""The one place that decides which rows a request may see, and who it is that writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.exceptions import PermissionDeniedException

from gueststar.serve.portal.house import house_of
from gueststar.store import Store


def store_of(request: Request[Any, Any, Any]) -> Store:
    """Return the store as this request may see it.

    Every route reads through it, and through nothing else (tests/serve/test_api.py). There are
    no accounts: whoever reaches the server sees all rows. Where there are, a store that shows
    fewer is returned here.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    return house_of(request).store


@dataclass(frozen=True)
class Desk:
    """What a request that writes has before it.

    Parameters
    ----------
    sees : Store
        What it may see; what is not there cannot be written about either.
    writes : Store
        Where it writes.
    author : str
        Who writes.
    anybody : bool
        May change what others have written.
    """

    sees: Store
    writes: Store
    author: str
    anybody: bool = False


def desk_of(request: Request[Any, Any, Any]) -> Desk:
    """Return what a request may write with.

    There are no accounts: everybody writes as ``local``, and may change what ``local`` has
    written. Where there are, author and rights are decided here.

    Raises
    ------
    litestar.exceptions.PermissionDeniedException
        403, if a page of another site has sent it.
    StoreError
        If the store cannot be written.
    """
    _refuse_other_sites(request)
    return Desk(store_of(request), house_of(request).writable, "local")


def _refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """Refuse what a page of another site makes a visitor's browser send.

    Browsers say where a page comes from (``Origin``); programs do not.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise PermissionDeniedException(
            "origin: pages of another site may not write here; open the portal itself"
        )
