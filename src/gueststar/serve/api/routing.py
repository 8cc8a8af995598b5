"""From a declared question and the function that answers it to routes of the application."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import HttpMethod, Request, Response, route
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

from gueststar.errors import BadInput, NotAllowed
from gueststar.serve.api.access import desk_of, operators_store_of, store_of
from gueststar.serve.api.answers import answer, fresh
from gueststar.serve.api.operation import Operation
from gueststar.serve.api.streaming import streamed
from gueststar.serve.effort import declared
from gueststar.serve.lobby import lobby_of

PREFIX = "/api"
#: Names of objects may hold a slash, so they end a path and take all of it.
_PLACES = {"object_id": "path"}


@dataclass(frozen=True)
class Question:
    """An operation with the route that answers it."""

    operation: Operation
    handler: HTTPRouteHandler


def asks(operation: Operation) -> Callable[[Callable[..., Any]], Question]:
    """Decorate a function ``(store, given[, body, media_type])`` that answers an operation.

    One that writes is given a desk in place of the store, one about logins a lobby. It runs in a
    thread, and returns a table, or a function of the form that gives bytes, or pieces where the
    operation streams.
    """

    def decorate(function: Callable[..., Any]) -> Question:
        respond = functools.partial(_respond, operation, function)
        make = _with_body if operation.body else _without
        return Question(operation, make(operation, respond))

    return decorate


def _respond(
    operation: Operation, function: Callable[..., Any], request: Request[Any, Any, Any], *body: Any
) -> Response[Any]:
    given = operation.read(request.query_params)
    form = given.pop("format")
    given |= {place.name: _place(request, place.name) for place in operation.places}
    store: Any = _what_it_reads(operation)(request)
    try:
        made = function(store, given, *body)
    except NotAllowed:
        raise
    except BadInput as error:
        if (
            operation.missing and not operation.body
        ):  # its parameters are good: the path names what there is not
            raise NotFoundException(str(error)) from None
        raise
    if operation.enters:
        return fresh(request, operation, form, made)
    if operation.streams:
        return streamed(request, operation, form, made)
    return answer(request, operation, form, made)


def _what_it_reads(operation: Operation) -> Callable[[Request[Any, Any, Any]], Any]:
    if operation.enters:
        return lobby_of
    if operation.writes:
        return desk_of
    return operators_store_of if operation.operators else store_of


def _place(request: Request[Any, Any, Any], name: str) -> str:
    value = str(request.path_params[name])
    return value.removeprefix("/") if _PLACES.get(name) == "path" else value


def _address(operation: Operation) -> str:
    address = operation.path
    for place in operation.places:
        kind = _PLACES.get(place.name, "str")
        address = address.replace(f"{{{place.name}}}", f"{{{place.name}:{kind}}}")
    return PREFIX + address


def _without(operation: Operation, respond: Callable[..., Response[Any]]) -> HTTPRouteHandler:
    async def handler(request: Request[Any, Any, Any]) -> Response[Any]:
        return await asyncio.to_thread(respond, request)

    return route(_address(operation), **_methods(operation))(handler)


def _with_body(operation: Operation, respond: Callable[..., Response[bytes]]) -> HTTPRouteHandler:
    assert operation.body is not None

    async def handler(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await request.body()
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        return await asyncio.to_thread(respond, request, body, media_type)

    largest = operation.body.largest
    return route(_address(operation), request_max_body_size=largest, **_methods(operation))(handler)


def _methods(operation: Operation) -> dict[str, Any]:
    """Return methods, effort and status: an answer has 200, whatever asked for it."""
    method = HttpMethod(operation.method)
    also = [HttpMethod.HEAD] if method is HttpMethod.GET else []
    opt = declared(operation.effort)
    return {"http_method": [method, *also], "status_code": 200, "opt": opt}


def handlers(questions: Sequence[Question]) -> list[HTTPRouteHandler]:
    """Return the routes."""
    return [question.handler for question in questions]
