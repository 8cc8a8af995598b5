"""Who is asking: a server without accounts takes everybody for its owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gueststar.rights import PUBLIC, UNRESTRICTED, Rights
from gueststar.store.grants import Role
from gueststar.store.logins import Login


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
    login : Login or None
        By which he is known, if not by a token.
    """

    name: str | None
    role: Role
    rights: Rights
    login: Login | None = None

    @property
    def operates(self) -> bool:
        """Whether operators' facts are shown."""
        return self.role == "operator"

    @property
    def writes(self) -> bool:
        """Whether annotations may be written."""
        return self.role != "reader"

    @property
    def browses(self) -> bool:
        """Whether a browser has sent a cookie, maybe without its owner's knowledge."""
        return self.login is not None and self.login.kind == "browser"


#: Everybody, where there are no accounts.
OWNER = Visitor("local", "operator", UNRESTRICTED)
#: Who shows nothing where there are accounts.
ANONYMOUS = Visitor(None, "reader", PUBLIC)

_here: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
_asked: ContextVar[str] = ContextVar("asked", default="/")


def visitor() -> Visitor:
    """Return who asks; outside of a request that came through the door, nobody known."""
    return _here.get() or ANONYMOUS


def asked() -> str:
    """Return the path and query that this request asks for."""
    return _asked.get()


@contextmanager
def remembered(who: Visitor, address: str) -> Iterator[None]:
    """Answer :func:`visitor` and :func:`asked` inside."""
    tokens = _here.set(who), _asked.set(address)
    try:
        yield
    finally:
        _here.reset(tokens[0])
        _asked.reset(tokens[1])
