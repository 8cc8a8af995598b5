"""Finds out who asks, before anything is read: by a token, a JWT, or the cookie of a login."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import quote

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gueststar.errors import BadInput, NotAllowed, NotKnown, StoreError
from gueststar.serve import jwts
from gueststar.serve.auditor import Auditor
from gueststar.serve.portal.house import House
from gueststar.serve.rates import Acquaintances
from gueststar.serve.refusing import Refused, refuse
from gueststar.serve.site import cookie_of
from gueststar.serve.visitors import Visitor, remembered
from gueststar.store.audit import Actor, acting
from gueststar.store.logins import Login
from gueststar.store.tokens import START

log = logging.getLogger(__name__)

_SCHEME = "bearer "
_ASK = ((b"www-authenticate", b"Bearer"), (b"x-content-type-options", b"nosniff"))
#: What is sent here says itself who it is: a JWT beside it is as a rule one that has just expired.
_ENTRANCES = frozenset(("/api/login", "/api/login/refresh"))


class Porter:
    """Knows visitors by what they show.

    Parameters
    ----------
    everybody : Visitor
        Who shows nothing.
    house : House
        Where there are no accounts, what is shown counts for nothing.
    known : Acquaintances
        Is told whom it has let in.
    """

    def __init__(self, everybody: Visitor, house: House, known: Acquaintances) -> None:
        self.everybody, self.house, self.known = everybody, house, known
        self._noting: set[int] = set()

    async def who(self, scope: Scope) -> Visitor:
        """Return who asks.

        Raises
        ------
        NotAllowed
            If the header shows what does not count. A cookie that counts no more is left alone:
            its browser sees what everybody sees.
        """
        if not self.house.accounts:
            return self.everybody
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        if not given or scope["path"] in _ENTRANCES:
            return await self._by_cookie(scope)
        text = given[0].decode("latin-1")
        if len(given) > 1 or not text.lower().startswith(_SCHEME):
            raise NotAllowed("authorization: give one header, `Authorization: Bearer TOKEN`")
        secret = text[len(_SCHEME) :].strip()
        is_jwt = secret.count(".") == 2 and not secret.startswith(START)
        return await asyncio.to_thread(self._by_jwt if is_jwt else self._by_token, secret)

    def _by_token(self, secret: str) -> Visitor:
        try:
            found = self.house.whole.admit(secret)
        except BadInput as error:
            raise NotKnown(str(error)) from None
        return Visitor(found.name, found.role, found.rights)

    def _by_jwt(self, text: str) -> Visitor:
        login_id, account_id = jwts.read(self.house.signing_key, text)
        login = self.house.whole.login(login_id)
        if login is None or login.account.account_id != account_id:
            raise NotKnown("authorization: the login of this JWT has ended: log in again")
        return _logged_in(login)

    async def _by_cookie(self, scope: Scope) -> Visitor:
        secret = cookie_of(scope, self.house.site.cookie)
        if secret is None:
            return self.everybody
        login = await asyncio.to_thread(self.house.whole.login_of, secret)
        if login is None:
            return self.everybody
        if login.is_stale and login.login_id not in self._noting:
            self._noting.add(login.login_id)
            asyncio.get_running_loop().run_in_executor(None, self._note, login.login_id)
        return _logged_in(login)

    def _note(self, login_id: int) -> None:
        """Tell the store that a login was seen; no request waits for it."""
        try:
            self.house.writable.touch_login(login_id)
        except StoreError as error:
            log.warning("it could not be noted that a login was seen: %s", error)
        finally:
            self._noting.discard(login_id)


class Door:
    """The ASGI middleware.

    Parameters
    ----------
    app : ASGIApp
    porter : Porter
        One for all routes of an application.
    auditor : Auditor
        Is told who writes, and how that ended.
    """

    def __init__(self, app: ASGIApp, porter: Porter, auditor: Auditor) -> None:
        self.app, self.porter, self.auditor = app, porter, auditor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in as somebody, or answer 401."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        actor = self.auditor.actor_of(scope)
        if actor is None:
            await self._let_in(scope, receive, send, None)
            return

        async def seen(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self.auditor.refused(actor, message["status"])
            await send(message)

        with acting(actor):
            await self._let_in(scope, receive, seen, actor)

    async def _let_in(
        self, scope: Scope, receive: Receive, send: Send, actor: Actor | None
    ) -> None:
        try:
            who = await self.porter.who(scope)
        except NotAllowed as error:
            await refuse(Refused(401, str(error)), scope, send, _ASK)
            return
        if actor is not None:
            actor.who = who.name
        if who.name is not None and who is not self.porter.everybody:
            self.porter.known.meet(scope, who.name)
        with remembered(who, _address(scope)):
            await self.app(scope, receive, send)


def _address(scope: Scope) -> str:
    """Return what is asked for, where it can be asked for once more."""
    if scope.get("method") not in ("GET", "HEAD"):
        return "/"
    query = scope.get("query_string", b"").decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")


def _logged_in(login: Login) -> Visitor:
    account = login.account
    return Visitor(account.name, account.role, account.rights, login)
