"""Which pages of other sites may ask the API from a browser (CORS), and as whom: never by cookies.

A site that is named may show tokens, and read and write with them. ``*`` lets every site read what
everybody may, with nothing shown. Without either a browser keeps all answers from all other sites.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gueststar.errors import BadInput
from gueststar.serve.effort import Effort

EVERY = "*"
KEPT_S = 600  # that a browser remembers what it was allowed
_SHOWN = (
    "ETag, Link, X-Next, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
    "Content-Disposition"
)
_PORTS = {"https": 443, "http": 80}
_READING = frozenset(("free", "page", "search", "export"))


@dataclass(frozen=True)
class Origins:
    """Sites that may ask.

    Parameters
    ----------
    named : frozenset of str
        As browsers send them: ``https://site.example``.
    every : bool
        All others may read what everybody may.
    """

    named: frozenset[str] = frozenset()
    every: bool = False

    def __bool__(self) -> bool:
        return bool(self.named) or self.every


def origins_of(texts: Iterable[str]) -> Origins:
    """Read origins.

    Raises
    ------
    BadInput
        If one cannot be.

    Examples
    --------
    >>> origins_of(["https://Site.example:443", "*"])
    Origins(named=frozenset({'https://site.example'}), every=True)
    """
    given = [text.strip() for text in texts]
    return Origins(frozenset(_origin(text) for text in given if text != EVERY), EVERY in given)


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _wrong(text) from None
    host = parts.hostname or ""
    plain = host.isascii() and host.isprintable() and not set(host) & set("*, ;%")
    rest = (parts.path, parts.query, parts.fragment)
    if not host or not plain or parts.scheme not in _PORTS or "@" in parts.netloc or any(rest):
        raise _wrong(text)
    shown = f"[{host}]" if ":" in host else host
    usual = port in (None, _PORTS[parts.scheme])
    return f"{parts.scheme}://{shown}{'' if usual else f':{port}'}"


def _wrong(text: str) -> BadInput:
    return BadInput(
        f"allow_origin: {text[:200]!r} cannot be: give the site as browsers name it, "
        "https://site.example or http://localhost:3000, without a path; or * for all sites, "
        "which read what everybody may"
    )


class Cors:
    """The ASGI middleware, before all others: it answers what browsers ask first (preflights).

    Parameters
    ----------
    app : ASGIApp
    origins : Origins
    effort : callable
        Of a request that has not come to its route yet.
    """

    def __init__(self, app: ASGIApp, origins: Origins, effort: Callable[[Scope], Effort]) -> None:
        self.app, self.origins, self.effort = app, origins, effort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and say who may read the answer."""
        if scope["type"] != ScopeType.HTTP or not f"{scope['path']}/".startswith("/api/"):
            await self.app(scope, receive, send)
            return
        headers = MutableScopeHeaders(scope)
        allowed = self._allowed(headers)
        wanted = headers.get("access-control-request-method")
        if allowed and scope["method"] == "OPTIONS" and wanted:
            await self._preflight(scope, send, allowed, wanted)
            return
        if allowed:  # no answer is by a cookie; nor could the site read one that was
            kept = [pair for pair in scope["headers"] if pair[0].lower() != b"cookie"]
            scope["headers"] = kept
            if allowed == EVERY and "authorization" in headers:
                allowed = None

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                answer = MutableScopeHeaders.from_message(message)
                vary = answer.get("vary")
                answer["vary"] = f"{vary}, Origin" if vary else "Origin"
                if allowed:
                    answer["access-control-allow-origin"] = allowed
                    answer["access-control-expose-headers"] = _SHOWN
            await send(message)

        await self.app(scope, receive, told)

    def _allowed(self, headers: MutableScopeHeaders) -> str | None:
        """Return as whom a site is let in; None for our own pages, and for those who are not."""
        origin: str | None = headers.get("origin")
        if origin is None or origin.partition("://")[2] == headers.get("host"):
            return None
        if origin in self.origins.named:
            return origin
        return EVERY if self.origins.every else None

    async def _preflight(self, scope: Scope, send: Send, allowed: str, wanted: str) -> None:
        methods, taken = "GET, HEAD, POST, PATCH, DELETE", "Authorization, Content-Type"
        if allowed == EVERY:
            asked: Any = {**scope, "method": wanted}
            reads = self.effort(asked) in _READING
            methods, taken = "GET, HEAD, POST" if reads else "GET, HEAD", "Content-Type"
        headers = [
            (b"access-control-allow-origin", allowed.encode("latin-1")),
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-allow-headers", f"{taken}, If-None-Match".encode()),
            (b"access-control-max-age", b"%d" % KEPT_S),
            (b"vary", b"Origin, Access-Control-Request-Method"),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})  # type: ignore[typeddict-item]
        await send({"type": "http.response.body", "body": b"", "more_body": False})
