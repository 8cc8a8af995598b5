"""How much one client may ask of a server: a bucket of tokens, refilled at a steady rate.

A client is an account or the name of a token once what it shows has been let in, and until then
its address: who makes secrets up gets no bucket of his own. Buckets are kept in memory, and the
clients that were away for longest are forgotten, which gives them full ones.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gueststar.errors import BadInput
from gueststar.serve.addresses import Addresses
from gueststar.serve.effort import Effort
from gueststar.serve.refusing import Refused, refuse
from gueststar.serve.site import cookie_of

#: Tokens of a request.
COSTS: dict[Effort, int] = {
    "free": 0, "page": 1, "write": 2, "search": 4, "login": 10, "export": 20,
}  # fmt: skip
MOST = 20_000  # clients, and secrets, that are remembered
_OFF = "none"


@dataclass(frozen=True)
class Rate:
    """What each client may use.

    Parameters
    ----------
    per_s : float
        Tokens that come back in a second.
    burst : int
        Tokens of a full bucket.
    """

    per_s: float = 20.0
    burst: int = 400


def rate_of(text: str) -> Rate | None:
    """Read a rate: ``20,400``, tokens a second and at once; ``none`` is no limit.

    Raises
    ------
    BadInput
        If it cannot be.

    Examples
    --------
    >>> rate_of("20,400"), rate_of("none")
    (Rate(per_s=20.0, burst=400), None)
    """
    if text.strip() == _OFF:
        return None
    most = max(COSTS.values())
    try:
        second, burst = text.split(",")
        rate = Rate(float(second), int(burst))
    except ValueError:
        raise _wrong(text, "two numbers are wanted") from None
    if not 0.001 <= rate.per_s <= 1e6:
        raise _wrong(text, "the first is 0.001 to 1,000,000 tokens a second")
    if not most <= rate.burst <= 1_000_000:
        raise _wrong(text, f"the second is {most}, which an export costs, to 1,000,000")
    return rate


def _wrong(text: str, why: str) -> BadInput:
    return BadInput(
        f"rate: {text[:64]!r} cannot be: {why}: give tokens a second and at once, as 20,400, "
        f"or {_OFF}"
    )


class Acquaintances:
    """Whose the secrets are that were let in; they themselves are not kept.

    Parameters
    ----------
    cookie : str
        Name of the one that logins have.
    """

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._names: OrderedDict[bytes, str] = OrderedDict()
        self._salt = os.urandom(16)

    def meet(self, scope: Scope, name: str) -> None:
        """Remember that what a request shows is somebody's."""
        shown = self._shown(scope)
        if shown is not None:
            self._names[shown] = name
            self._names.move_to_end(shown)
            while len(self._names) > MOST:
                self._names.popitem(last=False)

    def name_of(self, scope: Scope) -> str | None:
        """Return who shows this; None where nothing is shown, or it was never let in."""
        shown = self._shown(scope)
        return None if shown is None else self._names.get(shown)

    def _shown(self, scope: Scope) -> bytes | None:
        """Return a digest of what counts at the door: the header, else the cookie."""
        for name, value in scope["headers"]:
            if name.lower() == b"authorization":
                return self._digest(value)
        secret = cookie_of(scope, self._cookie)
        return None if secret is None else self._digest(secret.encode("latin-1"))

    def _digest(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, digest_size=16, key=self._salt).digest()


class Buckets:
    """The tokens of all clients.

    Parameters
    ----------
    rate : Rate
    clock : callable
        Seconds.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self._clock = rate, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, client: str, cost: int) -> tuple[bool, float]:
        """Take tokens, if there are so many.

        Returns
        -------
        taken : bool
        level : float
            What is left.
        """
        now = self._clock()
        level, at = self._levels.pop(client, (float(self.rate.burst), now))
        level = min(float(self.rate.burst), level + (now - at) * self.rate.per_s)
        taken = level >= cost
        if taken:
            level -= cost
        self._levels[client] = (level, now)  # the last to be forgotten
        while len(self._levels) > MOST:
            self._levels.popitem(last=False)
        return taken, level

    def headers(self, level: float) -> list[tuple[bytes, bytes]]:
        """Say how a client stands: tokens of a full bucket, tokens left, seconds until it is full.

        Names and meanings are those of draft-ietf-httpapi-ratelimit-headers-07.
        """
        full_in = (self.rate.burst - level) / self.rate.per_s
        return [
            (b"ratelimit-limit", b"%d" % self.rate.burst),
            (b"ratelimit-remaining", b"%d" % math.floor(level)),
            (b"ratelimit-reset", b"%d" % math.ceil(full_in)),
        ]


class Toll:
    """The ASGI middleware, before all others: it counts what is not there, too.

    Parameters
    ----------
    app : ASGIApp
    buckets : Buckets
    addresses : Addresses
    known : Acquaintances
    effort : callable
        Of a request that has not come to its route yet.
    """

    def __init__(
        self,
        app: ASGIApp,
        buckets: Buckets,
        addresses: Addresses,
        known: Acquaintances,
        effort: Callable[[Scope], Effort],
    ) -> None:
        self.app, self.buckets, self.addresses = app, buckets, addresses
        self.known, self.effort = known, effort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it is paid for, or answer 429."""
        cost = COSTS[self.effort(scope)] if scope["type"] == ScopeType.HTTP else 0
        if not cost:
            await self.app(scope, receive, send)
            return
        taken, level = self.buckets.take(self._client(scope), cost)
        standing = self.buckets.headers(level)
        if not taken:
            await self._refuse(scope, send, cost - level, standing)
            return

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *standing]
            await send(message)

        await self.app(scope, receive, told)

    def _client(self, scope: Scope) -> str:
        name = self.known.name_of(scope)
        return f"@{self.addresses.of(scope)}" if name is None else name

    async def _refuse(
        self, scope: Scope, send: Send, lacking: float, standing: list[tuple[bytes, bytes]]
    ) -> None:
        wait = max(1, math.ceil(lacking / self.buckets.rate.per_s))
        sentence = f"you ask more than one client may: go on in {wait} s"
        more = [*standing, (b"retry-after", b"%d" % wait)]
        headers = MutableScopeHeaders(scope)
        if "content-length" in headers or "transfer-encoding" in headers:
            more.append((b"connection", b"close"))  # nobody reads what it brings
        await refuse(Refused(429, sentence), scope, send, more)
