"""Where a server is reached from outside, and what follows for its cookie."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from litestar.types import Scope

from gueststar.errors import BadInput

_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True)
class Site:
    """A server as browsers know it.

    Parameters
    ----------
    origin : str or None
        Such as ``https://alerts.example.org``, where it was told.
    secure : bool
        Its cookie is sent over TLS only.
    """

    origin: str | None
    secure: bool

    @property
    def cookie(self) -> str:
        """Its name; browsers let only the host itself, over TLS, set one of ``__Host-``."""
        return "__Host-gueststar" if self.secure else "gueststar"

    @property
    def host(self) -> str | None:
        """Name of its host, where it was told."""
        return None if self.origin is None else urlsplit(self.origin).hostname


def site_of(public_url: str | None, *, loopback: bool) -> Site:
    """Return the site of a server.

    Parameters
    ----------
    public_url : str or None
        ``https://host`` or ``http://host``, as people open it.
    loopback : bool
        It is reached from this machine only.

    Raises
    ------
    BadInput
        If the URL is no such thing.

    Examples
    --------
    >>> site_of("https://alerts.example.org/", loopback=True).cookie
    '__Host-gueststar'
    >>> [site_of(None, loopback=one).secure for one in (True, False)]
    [False, True]
    """
    if public_url is None:
        return Site(None, secure=not loopback)
    try:
        parts = urlsplit(public_url)
        good = parts.hostname and parts.scheme in _PORTS and (parts.port or 1) > 0
    except ValueError:
        good = None
    if not good or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadInput(
            f"public_url: {public_url[:200]!r} cannot be: give https://HOST, as people open it"
        )
    host = parts.netloc.lower().removesuffix(_PORTS[parts.scheme])
    return Site(f"{parts.scheme}://{host}", secure=parts.scheme == "https")


def cookie_of(scope: Scope, wanted: str) -> str | None:
    """Return the value of a cookie; None where there is none."""
    for name, value in scope["headers"]:
        if name.lower() == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, _, text = part.partition("=")
                if key.strip() == wanted:
                    return text.strip()
    return None
