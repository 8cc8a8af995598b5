"""From which address a request comes, also behind proxies."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from litestar.types import Scope

from gueststar.errors import BadInput

Network = IPv4Network | IPv6Network
#: Proxies that are believed unless others are named.
HERE: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Addresses:
    """Tells where requests come from.

    Parameters
    ----------
    proxies : iterable of network, optional
        Whose ``X-Forwarded-For`` is believed; default those on this machine.
    """

    def __init__(self, proxies: Iterable[Network] | None = None) -> None:
        self._proxies = tuple(proxies or ()) or HERE

    def of(self, scope: Scope) -> str:
        """Return the address of a client, of IPv6 its network (/64), which one client has all of.

        Notes
        -----
        Each proxy writes whom it was asked by behind what it was sent, so the header is read from
        its end, as far as those who wrote it are believed: anybody can send the rest.
        """
        client = scope.get("client")
        peer = client[0] if client else ""
        found = _plain(peer)
        if found is None:
            return peer  # a socket's name
        for text in reversed(_forwarded(scope)):
            before = _plain(text.strip()) if self._believes(found) else None
            if before is None:
                break
            found = before
        return str(ip_network((found, 64), strict=False) if found.version == 6 else found)

    def _believes(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


def networks_of(texts: Iterable[str]) -> list[Network]:
    """Read addresses and networks of proxies.

    Raises
    ------
    BadInput
        If one is none, or is everybody.

    Examples
    --------
    >>> networks_of(["10.0.0.0/8", "192.0.2.7"])
    [IPv4Network('10.0.0.0/8'), IPv4Network('192.0.2.7/32')]
    """
    found = []
    for text in texts:
        try:
            network = ip_network(text.strip())
        except ValueError as error:
            raise BadInput(
                f"trusted_proxy: {text[:64]!r} cannot be ({error}): give the proxy's address or "
                "its network, as 10.0.0.5 or 10.0.0.0/24"
            ) from None
        if not network.prefixlen:
            raise BadInput(f"trusted_proxy: {text[:64]!r} is everybody: name the proxies alone")
        found.append(network)
    return found


def _forwarded(scope: Scope) -> list[str]:
    headers = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
    return b",".join(headers).decode("latin-1").split(",") if headers else []


def _plain(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found
