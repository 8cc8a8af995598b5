"""Answers that are sent while they are made, a piece at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from anyio import CancelScope
from anyio.lowlevel import checkpoint
from litestar import Request, Response
from litestar.response import Stream

from gueststar.errors import GueststarError
from gueststar.serve.api.forms import MEDIA_TYPES, wanted
from gueststar.serve.api.operation import Operation

log = logging.getLogger(__name__)


def streamed(
    request: Request[Any, Any, Any],
    operation: Operation,
    form: str | None,
    made: Callable[[str], Iterator[bytes]],
) -> Response[Any]:
    """Answer with what ``made`` gives for the form that the request wants.

    What goes wrong before the first piece is answered as for every question; behind it nothing
    can be said any more, and the connection is cut: no client takes that for the end.
    """
    form = wanted(form, request.headers.get("accept", ""), operation.forms)
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if request.method == "HEAD":
        return Response(b"", media_type=MEDIA_TYPES[form], headers=headers)
    pieces = made(form)
    return Stream(_in_threads(pieces), media_type=MEDIA_TYPES[form], headers=headers)


async def _in_threads(made: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Make piece after piece in a thread; a client that goes away is noticed between two."""
    while True:
        with CancelScope(shield=True):
            piece = await asyncio.to_thread(_next, made)
        await checkpoint()  # else a server that drops what nobody reads never lets go of us
        if piece is None:
            return
        yield piece


def _next(made: Iterator[bytes]) -> bytes | None:
    try:
        return next(made, None)
    except GueststarError as error:
        log.warning("an answer was cut short: %s", error)
        raise
