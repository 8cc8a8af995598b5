"""From which address a request comes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from litestar.types import Scope


def address_of(scope: Scope) -> str:
    """Return the address of a client, of IPv6 its network (/64), which one client has all of.

    Notes
    -----
    ``X-Forwarded-For`` is believed of a proxy on this machine only, and of it the last entry,
    which the proxy itself has written: anybody can send the others.
    """
    client = scope.get("client")
    peer = client[0] if client else ""
    found = _plain(peer)
    if found is not None and found.is_loopback:
        headers = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
        last = headers[-1].decode("latin-1").rpartition(",")[2].strip() if headers else ""
        found = _plain(last) or found
    if found is None:
        return peer  # a socket's name
    return str(ip_network((found, 64), strict=False) if found.version == 6 else found)


def _plain(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found
