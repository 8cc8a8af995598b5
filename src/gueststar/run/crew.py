"""The worker processes of a broker, watched by their parent.

What died is started again, at first after half a second; the pause doubles while it dies soon
after its start. Too many deaths within an hour, or one that no new start mends, end the broker.
Nothing is lost by any of it: a worker that takes over reads from the last committed offset, and
the ledger knows what was done already.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from gueststar.alarms import alarm
from gueststar.errors import StreamError

log = logging.getLogger(__name__)

HOUR = 3600.0
LONGEST_PAUSE = 30.0
STEADY_S = 20.0  # a worker that lived longer is started again with the first, short pause
FINAL = 3  # exit code of a worker whose error no new start mends


class Crew:
    """Workers by number; a slot without one has an end, or a time to start again.

    Parameters
    ----------
    size : int
        How many.
    restarts : int
        How many deaths within an hour are borne.
    start : callable
        Starts the worker of a number.
    """

    def __init__(self, size: int, restarts: int, start: Callable[[int], BaseProcess]) -> None:
        self.restarts, self.start = restarts, start
        self.deaths: list[float] = []
        self._due: dict[int, float] = dict.fromkeys(range(size), 0.0)
        self._begun: dict[int, float] = {}
        self._streak: dict[int, int] = {}  # deaths of a slot soon after its start
        self._workers: dict[int, BaseProcess] = {}

    def at_work(self) -> bool:
        """Tell whether one runs, or will."""
        return bool(self._workers or self._due)

    def look_after(self) -> None:
        """Start what is due; take note of who has ended.

        Raises
        ------
        StreamError
            If it makes no sense to go on.
        """
        for number in [n for n, worker in self._workers.items() if not worker.is_alive()]:
            code = self._workers.pop(number).exitcode or 0
            if code:
                self._died(number, code)
        now = time.monotonic()
        for number in [n for n, due in self._due.items() if due <= now]:
            del self._due[number]
            self._workers[number] = self.start(number)
            self._begun[number] = now

    def _died(self, number: int, code: int) -> None:
        if code == FINAL:
            raise StreamError(
                f"worker {number} has met an error that starting it again cannot mend: see the "
                "line above; what was not committed is read again at the next run"
            )
        now = time.monotonic()
        self.deaths.append(now)
        recent = sum(now - at < HOUR for at in self.deaths)
        alarm(log, "worker %d ended with %d; restart %d", number, code, recent)
        if recent > self.restarts:
            raise StreamError(
                f"workers died {recent} times within an hour, more than restarts = "
                f"{self.restarts}: see the log; what was not committed is read again at the next "
                "run"
            )
        steady = now - self._begun[number] > STEADY_S
        self._streak[number] = 1 if steady else self._streak.get(number, 0) + 1
        self._due[number] = now + min(LONGEST_PAUSE, 0.25 * 2 ** self._streak[number])

    def end(self) -> list[int]:
        """Let all finish what is in flight; return their exit codes.

        One that had not begun yet is ended by the signal itself, and has nothing in flight: 0.
        """
        for worker in self._workers.values():
            worker.terminate()
        try:
            for worker in self._workers.values():
                worker.join()
        except KeyboardInterrupt:  # asked twice: what was in flight is read again
            for worker in self._workers.values():
                worker.kill()
            raise
        codes = [worker.exitcode or 0 for worker in self._workers.values()]
        return [0 if code == -signal.SIGTERM else code for code in codes]
