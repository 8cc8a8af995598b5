"""Serves the portal: one process, one address, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from typing import Any

from gueststar.errors import BadInput, GueststarError
from gueststar.serve.portal.security import is_loopback
from gueststar.serve.rates import Rate, rate_of
from gueststar.serve.site import site_of

PORT = 8765
HEADER_MS = 10_000  # how long the head of a request may take, and a connection may be idle
MOST_CONNECTIONS = 4096
TRIES = 50  # ports after PORT, when none was asked for


def run_portal(
    store_url: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = False,
    ready: Callable[[str], None] | None = None,
    accounts: bool = False,
    open_to_all: bool = False,
    public_url: str | None = None,
    rate: str | None = None,
    trusted_proxies: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
) -> None:
    """Serve the portal until Ctrl-C or SIGTERM.

    Parameters
    ----------
    store_url : str, optional
        See :func:`~gueststar.serve.portal.app.create_app`.
    host : str
        Address to listen at; by default this machine only.
    port : int, optional
        Default 8765, or the next free one; 0 takes any free one.
    open_browser : bool
        Open the first page when the server listens.
    ready : callable, optional
        Told the portal's address once it answers.
    accounts : bool
        Logins and tokens say who may see what (:func:`~gueststar.serve.portal.app.create_app`).
    open_to_all : bool
        Listen beyond this machine without accounts: whoever reaches it sees and writes all.
    public_url : str, optional
        As people open it behind a proxy (:func:`~gueststar.serve.portal.app.create_app`).
    rate : str, optional
        What each client may use (:func:`~gueststar.serve.rates.rate_of`); default ``20,400``, and
        ``none`` where this machine alone is served, without accounts.
    trusted_proxies : sequence of str
        Whose ``X-Forwarded-For`` is believed (:func:`~gueststar.serve.portal.app.create_app`).
    allow_origins : sequence of str
        Sites that may ask from a browser (:func:`~gueststar.serve.portal.app.create_app`).

    Raises
    ------
    BadInput
        If the port is taken or the address is not this machine's, or others are to reach it and
        neither ``accounts`` nor ``open_to_all`` is said.
    """
    address = choose_port(host, port)
    site = site_of(public_url, loopback=is_loopback(address[0]))
    for_others = not (is_loopback(address[0]) and is_loopback(site.host or "localhost"))
    if for_others and not (accounts or open_to_all):
        raise BadInput(
            f"host: {site.host or host} is reached from other machines, and without accounts "
            "whoever reaches it sees and writes everything: give --accounts, or --open-to-all if "
            "that is meant"
        )
    usual = Rate() if for_others or accounts else None
    how = {
        "accounts": accounts,
        "public_url": public_url,
        "rate": usual if rate is None else rate_of(rate),
        "trusted_proxies": trusted_proxies,
        "allow_origins": allow_origins,
    }
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(store_url, *address, open_browser, ready, how))


def choose_port(host: str, port: int | None) -> tuple[str, int]:
    """Return the address to listen at: the port that was asked for, if it is free, or another.

    Returns
    -------
    address : str
        Numeric: ``localhost`` becomes ``127.0.0.1``.
    port : int

    Raises
    ------
    BadInput
        If the port is taken, or the host is not this machine.
    """
    if port is not None:
        return _free(host, port)
    for candidate in range(PORT, PORT + TRIES):
        with contextlib.suppress(BadInput):
            return _free(host, candidate)
    return _free(host, 0)


def _free(host: str, port: int) -> tuple[str, int]:
    """Bind a port for a moment, as a proof that it is free."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return str(address[0]), int(probe.getsockname()[1])
    except OSError as error:
        reason = error.strerror or error
        way_out = "give another --port, or none to take the next free one"
        raise BadInput(f"cannot listen at {host}:{port}: {reason}; {way_out}") from None


async def _serve(
    store_url: str | None,
    host: str,
    port: int,
    open_browser: bool,
    ready: Callable[[str], None] | None,
    how: dict[str, Any],
) -> None:
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    from gueststar.serve.portal.app import create_app

    app = create_app(store_url, loopback_only=is_loopback(host), **how)
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
        backlog=1024,
        backpressure=_connections(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
    )
    serving = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows; not main thread
            loop.add_signal_handler(name, server.stop)
    await _listening(host, port, serving)
    _announce(f"http://{f'[{host}]' if ':' in host else host}:{port}", open_browser, ready)
    await serving


def _connections() -> int:
    """Return how many connections may be open: as many files as this process may open, but some."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, MOST_CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(64, most - 256)


async def _listening(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """Wait until the server accepts connections."""
    while not serving.done():
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    await serving
    raise GueststarError(f"the server at {host}:{port} ended before it began")


def _announce(address: str, open_browser: bool, ready: Callable[[str], None] | None) -> None:
    if ready is not None:
        ready(address)
    if open_browser:
        # A text browser would hold the server up.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
