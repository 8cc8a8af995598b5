"""Who is asking: a token says it, and a server without accounts takes everybody for its owner."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gueststar.errors import BadInput, NotAllowed
from gueststar.rights import PUBLIC, UNRESTRICTED, Rights
from gueststar.store import Store
from gueststar.store.grants import Role
from gueststar.store.tokens import Token

_SCHEME = "bearer "


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Parameters
    ----------
    name : str or None
        None for somebody unknown.
    role : {"reader", "annotator", "operator"}
        Each may do what the one before may: read; write annotations; read what speaks of inputs
        and change what others have written.
    rights : Rights
        What is seen.
    """

    name: str | None
    role: Role
    rights: Rights

    @property
    def operates(self) -> bool:
        """Whether operators' facts are shown."""
        return self.role == "operator"

    @property
    def writes(self) -> bool:
        """Whether annotations may be written."""
        return self.role != "reader"


#: Everybody, where there are no accounts.
OWNER = Visitor("local", "operator", UNRESTRICTED)
#: Who shows no token where there are accounts.
ANONYMOUS = Visitor(None, "reader", PUBLIC)

_here: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


def visitor() -> Visitor:
    """Return who asks; outside of a request that came through the door, nobody known."""
    return _here.get() or ANONYMOUS


class Door:
    """Middleware that finds out who asks, before anything is read.

    Parameters
    ----------
    app : ASGIApp
    everybody : Visitor
        Who shows no token.
    store : callable, optional
        Gives the store whose tokens count; None where nobody needs one.
    """

    def __init__(self, app: ASGIApp, everybody: Visitor, store: Any = None) -> None:
        self.app, self.everybody, self.store = app, everybody, store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in as somebody, or answer 401."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        try:
            who = await self._who(scope)
        except NotAllowed as error:
            await _refuse(send, str(error))
            return
        remembered = _here.set(who)
        try:
            await self.app(scope, receive, send)
        finally:
            _here.reset(remembered)

    async def _who(self, scope: Scope) -> Visitor:
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        if self.store is None or not given:
            return self.everybody
        text = given[0].decode("latin-1")
        if len(given) > 1 or not text.lower().startswith(_SCHEME):
            raise NotAllowed("authorization: give one header, `Authorization: Bearer TOKEN`")
        found = await asyncio.to_thread(_admitted, self.store, text[len(_SCHEME) :].strip())
        return Visitor(found.name, found.role, found.rights)


def _admitted(store: Any, secret: str) -> Token:
    opened: Store = store()
    try:
        return opened.admit(secret)
    except BadInput as error:
        raise NotAllowed(str(error)) from None


async def _refuse(send: Send, sentence: str) -> None:
    error = {"status": 401, "title": "Unauthorized", "field": "authorization", "message": sentence}
    body = orjson.dumps({"error": error})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})  # type: ignore[typeddict-item]
    await send({"type": "http.response.body", "body": body, "more_body": False})
