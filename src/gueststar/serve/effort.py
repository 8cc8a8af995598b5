"""What a request costs, as its route declares it: its turn and its price follow from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.types import Scope
from litestar.utils.path import normalize_path

#: ``free``: a file of ours. ``page``: light. ``search``: may read a large part of the store.
#: ``write``: changes it. ``login``: works on a password, 0.1 s and 64 MiB. ``export``:
#: an answer that is sent while it is made.
Effort = Literal["free", "page", "search", "write", "login", "export"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
#: Where one route has views of two kinds, a function of the path says which.
Declared = Effort | Callable[[str], Effort]


def declared(effort: Declared) -> dict[str, Any]:
    """Return a route's ``opt`` for an effort."""
    return {"effort": effort}


def effort_of(scope: Scope) -> Effort:
    """Return the effort of the route that a request has come to.

    Litestar itself answers OPTIONS, on no declaration of ours: that is light.
    """
    return _read(scope["route_handler"], scope["path"])


def foreseen(app: Litestar) -> Callable[[Scope], Effort]:
    """Return what tells the effort of a request before it has come to its route.

    What no route takes is a page, that says so.
    """

    def effort(scope: Scope) -> Effort:
        path, method = normalize_path(scope["path"]), scope.get("method")
        try:
            _, handler, *_ = app.asgi_router.handle_routing(path=path, method=method)
        except HTTPException:
            return "page"
        return _read(handler, path)

    return effort


def _read(handler: Any, path: str) -> Effort:
    found: Declared = handler.opt.get("effort", "page")
    return found if isinstance(found, str) else found(path)
