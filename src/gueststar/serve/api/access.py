"""The one place that decides which rows a request may see, and who it is that writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request

from gueststar.errors import NotAllowed
from gueststar.serve.origins import refuse_other_sites
from gueststar.serve.portal.house import house_of
from gueststar.serve.visitors import visitor
from gueststar.store import Store


def store_of(request: Request[Any, Any, Any]) -> Store:
    """Return the store as this request may see it.

    Every route reads through it, or through the house's store, which is the same
    (tests/serve/test_access.py). Who asks was found out at the :class:`~.door.Door`.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    return house_of(request).store


def operators_store_of(request: Request[Any, Any, Any]) -> Store:
    """Return the whole store, for what speaks of inputs.

    Raises
    ------
    NotAllowed
        If it is no operator who asks.
    StoreError
        If the store cannot be read.
    """
    if not visitor().operates:
        raise NotAllowed("this speaks of data of all programs: it is for operators")
    return house_of(request).whole


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

    Where there are no accounts everybody writes as ``local``, and may change what ``local`` has
    written; where there are, who writes is who is logged in or whose token it is, and
    operators may change what others have written.

    Raises
    ------
    litestar.exceptions.PermissionDeniedException
        403, if a page of another site has sent it.
    NotAllowed
        If it is nobody who may write.
    StoreError
        If the store cannot be written.
    """
    refuse_other_sites(request)
    who, house = visitor(), house_of(request)
    if not who.writes or who.name is None:
        raise NotAllowed(
            "only annotators write here: log in as one, or ask its operators for a token"
        )
    anybody = house.accounts and who.operates
    return Desk(store_of(request), house.writable, who.name, anybody)
