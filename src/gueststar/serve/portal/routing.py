"""Routes of the portal: almost all read, and answer GET and HEAD; forms are sent by POST."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from litestar import HttpMethod, Request, Response, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from gueststar.errors import BadInput
from gueststar.serve.effort import Declared, Effort, declared
from gueststar.serve.origins import refuse_other_sites

LARGEST = 16 << 10  # bytes of a form
_FORM = "application/x-www-form-urlencoded"

Form = dict[str, str]


def reads(
    path: str, effort: Declared = "page"
) -> Callable[[Callable[..., Response[Any]]], HTTPRouteHandler]:
    """Decorate a function that answers GET and HEAD at a path.

    It runs in a thread: reading the store blocks, and every thread has a connection of its own.
    Litestar's ``sync_to_thread`` does the same, but not where a path has several routes.
    """

    def decorate(function: Callable[..., Response[Any]]) -> HTTPRouteHandler:
        @functools.wraps(function)
        async def handler(*given: Any, **more: Any) -> Response[Any]:
            return await asyncio.to_thread(function, *given, **more)

        methods = [HttpMethod.GET, HttpMethod.HEAD]
        return route(path, http_method=methods, opt=declared(effort))(handler)

    return decorate


def takes(
    path: str, *names: str, effort: Effort = "write"
) -> Callable[[Callable[[Request[Any, Any, Any], Form], Response[Any]]], HTTPRouteHandler]:
    """Decorate a function of a request and a form that answers POST at a path, in a thread.

    Only our own pages may send forms. A field that is not sent is empty.
    """

    def decorate(
        function: Callable[[Request[Any, Any, Any], Form], Response[Any]],
    ) -> HTTPRouteHandler:
        async def handler(request: Request[Any, Any, Any]) -> Response[Any]:
            refuse_other_sites(request, browser=True)
            form = _form(await request.body(), request.headers.get("content-type", ""), names)
            return await asyncio.to_thread(function, request, form)

        how: dict[str, Any] = {"http_method": HttpMethod.POST, "opt": declared(effort)}
        return route(path, request_max_body_size=LARGEST, **how)(handler)

    return decorate


def _form(body: bytes, media_type: str, names: tuple[str, ...]) -> Form:
    if body and media_type.partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(f"content-type: send {_FORM}", status_code=415)
    try:
        sent = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20
        )
    except ValueError:
        raise BadInput("the form cannot be read") from None
    unknown = [name for name, _ in sent if name not in names]
    if unknown or len(sent) > len(dict(sent)):
        raise BadInput(f"the form cannot be read: it takes {', '.join(names) or 'nothing'}, once")
    return dict.fromkeys(names, "") | dict(sent)
