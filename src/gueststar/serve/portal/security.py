"""Headers that keep a page to itself, and the hosts that a loopback portal answers to."""

from __future__ import annotations

import ipaddress

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

#: Only our own server is spoken to; scripts and styles are files of ours, without exception.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
#: For pages with a plot: Plotly writes <style> elements and style attributes.
PLOT_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def add_headers(message: Message, scope: Scope) -> None:
    """Put :data:`HEADERS` on every answer, errors included."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine only.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class LoopbackOnly:
    """Refuse requests whose ``Host`` is not this machine.

    A web page elsewhere could point its own name at 127.0.0.1 and read a laptop's private store
    (DNS rebinding); its requests carry that name.

    Parameters
    ----------
    app : ASGIApp
    also : str, optional
        A name by which a proxy on this machine is reached.
    """

    def __init__(self, app: ASGIApp, also: str | None = None) -> None:
        self.app, self.also = app, also

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 421."""
        host = _host(scope)
        if scope["type"] != ScopeType.HTTP or is_loopback(host) or host.lower() == self.also:
            await self.app(scope, receive, send)
            return
        body = b"This portal answers to localhost only; open it as http://127.0.0.1 and its port."
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 421, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _host(scope: Scope) -> str:
    name = MutableScopeHeaders(scope).get("host", "") or ""
    if name.startswith("["):
        return name.partition("]")[0].strip("[")
    return name.rpartition(":")[0] if ":" in name else name
