"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import signal
import threading

from gueststar.cli.options import said


class stopping:
    """Turns the first Ctrl-C or SIGTERM into a request to stop after what is in flight."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def __enter__(self) -> None:
        self.before = [(s, signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)]
        for number, _ in self.before:
            signal.signal(number, self._request)

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before:
            signal.signal(number, handler)

    def _request(self, number: int, _: object) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        said.print("[yellow]stopping after what is in flight; once more to stop at once[/]")
        self.stop.set()
