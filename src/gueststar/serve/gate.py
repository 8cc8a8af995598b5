"""Stands before all pages and questions: what many, slow and greedy clients may use of a server.

Questions that search take turns, a few at once, and so do logins, and all others: none of them
waits behind those that search, or behind a flood of passwords. A body is taken in before its
question has a turn, and an answer is sent after it, so that slow clients hold bytes and no turn; of
these there is a bound, and a least speed. Exports alone are sent while they are made: they have
turns of their own, which a client that reads too slowly loses. Whoever comes when there is no room
is told 503 and when to come again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gueststar.serve.effort import Effort, effort_of
from gueststar.serve.refusing import Refused, refuse

log = logging.getLogger(__name__)

PIECE = 256 << 10  # bytes of an answer that are sent at a time


@dataclass(frozen=True)
class Limits:
    """What clients may use.

    Parameters
    ----------
    searches, others, logins, exports : int
        So many questions that search, so many that work on passwords, so many answers that are
        sent while they are made, and so many others, are answered at once.
    waiting : int
        So many of each wait for their turn.
    wait_s : float
        How long.
    largest : int
        Bytes of a body; most questions take less.
    held : int
        Bytes of bodies that are not whole yet, and of answers that are not sent yet.
    grace_s, least_rate : float
        A body or an answer of n bytes may take ``grace_s + n / least_rate`` seconds; one that is
        sent while it is made waits for its reader no longer than that for what was sent last.
    """

    searches: int = 2
    others: int = 6
    logins: int = 2
    exports: int = 2
    waiting: int = 400
    wait_s: float = 20.0
    largest: int = 25 << 20
    held: int = 256 << 20
    grace_s: float = 20.0
    least_rate: float = 50_000.0


class Turns:
    """A kind of questions of which some are answered at once."""

    def __init__(self, count: int, limits: Limits) -> None:
        self._limits, self._places, self._waiting = limits, asyncio.Semaphore(count), 0

    async def take(self) -> None:
        """Wait for a turn.

        Raises
        ------
        Refused
            If too many wait, or it takes too long.
        """
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        if self._waiting >= self._limits.waiting:
            raise Refused(503, "too many questions wait here: ask again in some seconds")
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), self._limits.wait_s)
        except TimeoutError:
            raise Refused(
                503, "the server is busy with long questions: ask again in some seconds"
            ) from None
        finally:
            self._waiting -= 1

    def give_back(self) -> None:
        """Let the next one begin."""
        self._places.release()


class Room:
    """What all requests to one application share.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.held = 0
        self.searches = Turns(self.limits.searches, self.limits)
        self.others = Turns(self.limits.others, self.limits)
        self.logins = Turns(self.limits.logins, self.limits)
        self.exports = Turns(self.limits.exports, self.limits)
        self._turns = {"search": self.searches, "login": self.logins, "export": self.exports}

    def turns(self, effort: Effort) -> Turns:
        """Return the turns that requests of an effort take."""
        return self._turns.get(effort, self.others)

    def make_threads(self) -> None:
        """Give this event loop a thread for everybody whose turn it is."""
        limits = self.limits
        count = limits.searches + limits.others + limits.logins + limits.exports
        pool = ThreadPoolExecutor(count, thread_name_prefix="question")
        asyncio.get_running_loop().set_default_executor(pool)

    def hold(self, size: int) -> None:
        """Account for bytes that a client brings.

        Raises
        ------
        Refused
            If they are too many.
        """
        if self.held + size > self.limits.held:
            raise Refused(503, "too much is under way here: ask again in some seconds")
        self.held += size

    def seconds(self, size: int) -> float:
        """How long a client may take for so many bytes."""
        return self.limits.grace_s + size / self.limits.least_rate


class Gate:
    """The ASGI middleware.

    Parameters
    ----------
    app : ASGIApp
    room : Room
        One for all routes of an application.
    """

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self.app, self.room = app, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is its turn, or answer why not."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        turns = self.room.turns(effort_of(scope))
        streams = turns is self.room.exports
        answer = _Stream(self.room, send) if streams else _Answer(self.room, send)
        try:
            if streams and scope.get("http_version") in ("1.0", "1"):
                raise Refused(
                    505,
                    "an export needs HTTP/1.1: in 1.0 nobody can tell its end from a connection "
                    "that was cut (nginx: proxy_http_version 1.1)",
                )
            async with self._taken_in(scope, receive) as given:
                await turns.take()
                try:
                    await self.app(scope, given, answer.keep)
                finally:
                    turns.give_back()
            await answer.send()
        except Refused as refusal:
            await refuse(refusal, scope, send, _when(refusal))

    @asynccontextmanager
    async def _taken_in(self, scope: Scope, receive: Receive) -> AsyncIterator[Receive]:
        """Take a body in, and give it back to whoever asks for it."""
        headers = MutableScopeHeaders(scope)
        size = headers.get("content-length")
        if size is None and "transfer-encoding" not in headers:
            yield receive
            return
        if size is not None and size.isdecimal() and int(size) > self.room.limits.largest:
            raise Refused(413, "body: it is larger than any question takes; send it in parts")
        parts: list[bytes] = []
        try:
            await self._in_time(self.room.seconds(int(size or 0)), receive, parts)
            body = b"".join(parts)
            yield _given(body, receive)
        finally:
            self.room.held -= sum(map(len, parts))

    async def _in_time(self, seconds: float, receive: Receive, parts: list[bytes]) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._collect(receive, parts)
        except TimeoutError:
            raise Refused(408, "body: it came too slowly") from None

    async def _collect(self, receive: Receive, parts: list[bytes]) -> None:
        size = 0
        while True:
            message: Any = await receive()
            if message["type"] != "http.request":
                raise Refused(400, "body: it ended too early")
            part = bytes(message.get("body", b""))
            size += len(part)
            if size > self.room.limits.largest:
                raise Refused(413, "body: it is larger than any question takes; send it in parts")
            self.room.hold(len(part))
            parts.append(part)
            if not message.get("more_body", False):
                return


class _Answer:
    """An answer that is kept until the turn is over, and then sent at the pace of its reader."""

    def __init__(self, room: Room, send: Send) -> None:
        self._room, self._send = room, send
        self._messages: list[Any] = []
        self._size = 0

    async def keep(self, message: Any) -> None:
        """Take a message of the application."""
        self._messages.append(message)
        self._size += len(message.get("body", b"") or b"")

    async def send(self) -> None:
        """Send what was kept.

        Nobody is told when a reader is too slow: what he has is cut short.
        """
        if self._size > PIECE and self._room.held + self._size > self._room.limits.held:
            log.warning("an answer of %d bytes was not sent: too many are under way", self._size)
            raise Refused(503, "too much is under way here: ask again in some seconds")
        self._room.held += self._size
        try:
            async with asyncio.timeout(self._room.seconds(self._size)):
                for message in self._messages:
                    await self._one(message)
        except TimeoutError:
            log.warning("a client took an answer of %d bytes too slowly", self._size)
        finally:
            self._room.held -= self._size

    async def _one(self, message: Any) -> None:
        body = message.get("body", b"") or b""
        if message["type"] != "http.response.body" or len(body) <= PIECE:
            await self._send(message)
            return
        view, more = memoryview(body), message.get("more_body", False)
        for start in range(0, len(body), PIECE):
            last = start + PIECE >= len(body)
            piece = bytes(view[start : start + PIECE])
            await self._send(
                {"type": "http.response.body", "body": piece, "more_body": more or not last}
            )


class _Stream:
    """An answer that is sent while it is made, at the pace of its reader, but not at any."""

    def __init__(self, room: Room, send: Send) -> None:
        self._limits, self._send = room.limits, send
        self._left = room.limits.grace_s

    async def keep(self, message: Any) -> None:
        """Send a message of the application on.

        Raises
        ------
        TimeoutError
            If its reader is too slow: what he has is cut short.
        """
        size = len(message.get("body", b"") or b"")
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._left + size / self._limits.least_rate):
                await self._send(message)
        except TimeoutError:
            log.warning("a client took an answer too slowly")
            raise
        took = time.monotonic() - begun
        left = self._left + size / self._limits.least_rate - took
        self._left = min(self._limits.grace_s, left)

    async def send(self) -> None:
        """Do nothing: all is sent."""


def _given(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def again() -> Any:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


def _when(refusal: Refused) -> list[tuple[bytes, bytes]]:
    if refusal.status == 503:
        return [(b"retry-after", b"5")]
    return [(b"connection", b"close")]  # the rest of the body is not wanted
