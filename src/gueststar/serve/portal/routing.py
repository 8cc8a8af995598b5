"""Routes of the portal: all of them read, so all answer GET and HEAD."""

from __future__ import annotations

from litestar import HttpMethod, route
from litestar.handlers import HTTPRouteHandler


def reads(path: str) -> HTTPRouteHandler:
    """Decorate a function that answers GET and HEAD at a path.

    It runs in a thread: reading the store blocks, and every thread has a connection of its own.
    """
    return route(path, http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True)
