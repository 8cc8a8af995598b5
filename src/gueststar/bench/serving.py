"""``gueststar serve``, as users start it, for as long as a measurement takes."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gueststar.errors import ServerError

START_S = 60.0


@contextmanager
def serving(store: str) -> Iterator[tuple[str, int]]:
    """Run ``gueststar serve``; give its address and process.

    Raises
    ------
    ServerError
        If it does not answer in time.
    """
    from gueststar.serve.portal.run import choose_port

    host, port = choose_port("127.0.0.1", 0)
    command = [sys.executable, "-m", "gueststar", "serve", "--store", store, "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        _wait_for(f"{host}:{port}", process)
        yield f"{host}:{port}", process.pid
    finally:
        process.terminate()
        process.communicate()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            asked(address, "/api/modules")
            return
        time.sleep(0.1)
    raise ServerError(f"gueststar serve does not answer at {address}")


def asked(address: str, path: str) -> bytes:
    """Ask a server; give what it answers."""
    connection = http.client.HTTPConnection(address, timeout=START_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()
