"""Several jobs in threads of one process: each to its own end, all to an early one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

LOOK_S = 0.1


class Either(threading.Event):
    """An event that is also set while another one is."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Tell whether this event or the other one is set."""
        return super().is_set() or self._other.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until one of them is set, or the time is over."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = LOOK_S if end is None else min(LOOK_S, end - time.monotonic())
            if left <= 0:
                return False
            super().wait(left)
        return True


def together(jobs: Sequence[Callable[[threading.Event], None]], stop: threading.Event) -> None:
    """Run jobs at the same time.

    Parameters
    ----------
    jobs : sequence of callable
        Each is called with an event; when that is set it finishes what is in flight and returns.
    stop : threading.Event
        Ends all of them.

    Raises
    ------
    Exception
        What the first job raised that failed; the others have finished what was in flight.
    """
    if len(jobs) == 1:
        jobs[0](stop)
        return
    either = Either(stop)
    with ThreadPoolExecutor(max(1, len(jobs)), thread_name_prefix="source") as pool:
        running = [pool.submit(job, either) for job in jobs]
        try:
            failed = list(wait(running, return_when=FIRST_EXCEPTION).done)
        finally:
            either.set()
    for job in [*failed, *running]:
        job.result()
