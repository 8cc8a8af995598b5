"""A broker waits for what may come back: a full disk, a busy store, a Kafka or a registry away.

The errors that are waited for are the children of :class:`gueststar.errors.Unavailable`; every
other error ends the work at once. Nothing is lost by either: what is not committed is read again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gueststar.alarms import alarm
from gueststar.errors import Unavailable

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
ALARM_S = 10.0  # what passes sooner is no alarm: two workers at one store, a broker's new leader
SLICE_S = 0.2  # a pause looks so often whether it should end
Result = TypeVar("Result")


class Patience:
    """Calls again what may heal, with pauses that double, until it works or ``stop`` is set.

    Trouble that lasts is told once as an ``ALARM``, and its end once. One object serves all
    threads of a runner.

    Parameters
    ----------
    stop : threading.Event
        Ends every wait at once.
    longest_s : float
        The longest pause.
    alarm_s : float
        Trouble that lasts longer is an alarm.

    Examples
    --------
    >>> from gueststar.errors import StoreBusy
    >>> answers = iter([StoreBusy("busy"), "written"])
    >>> def write():
    ...     if isinstance(answer := next(answers), Exception):
    ...         raise answer
    ...     return answer
    >>> Patience(threading.Event())(write)
    'written'
    """

    def __init__(
        self,
        stop: threading.Event,
        *,
        longest_s: float = LONGEST_PAUSE_S,
        alarm_s: float = ALARM_S,
    ) -> None:
        self.longest_s, self.alarm_s = longest_s, alarm_s
        self.stop = stop

    def __call__(
        self,
        work: Callable[[], Result],
        rest: Callable[[], None] | None = None,
        over: threading.Event | None = None,
    ) -> Result:
        """Return what ``work`` returns, however long it takes.

        Parameters
        ----------
        work : callable
            It may be called many times.
        rest : callable, optional
            Called several times a second in the pauses: a live source stays a member of its group.
        over : threading.Event, optional
            Ends this wait too: nobody wants the result any more.

        Raises
        ------
        Unavailable
            If it was asked to stop meanwhile.
        GueststarError
            What ``work`` raises and waiting does not heal.
        """
        spell = _Spell(self, rest, over)
        while True:
            try:
                result = work()
            except Unavailable as error:
                spell.endure(error)
            else:
                spell.end()
                return result


class _Spell:
    """One piece of work that does not work yet."""

    def __init__(
        self,
        patience: Patience,
        rest: Callable[[], None] | None,
        over: threading.Event | None,
    ) -> None:
        self._patience, self._rest, self._over = patience, rest, over
        self._begun, self._pause, self._alarmed = time.monotonic(), FIRST_PAUSE_S, False

    def endure(self, error: Unavailable) -> None:
        """Pause; raise when the wait shall end."""
        deadline = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, self._patience.longest_s)
        while (left := deadline - time.monotonic()) > 0:
            stopped = self._patience.stop.wait(min(left, SLICE_S))
            if stopped or (self._over is not None and self._over.is_set()):
                raise Unavailable(
                    f"stopped while it waited: {error}. Nothing of this was committed; the next "
                    "run reads it again"
                ) from error
            self._tell(error)
            if self._rest is not None:
                self._rest()

    def _tell(self, error: Unavailable) -> None:
        """Give the alarm in time, also in the middle of a long pause."""
        if not self._alarmed and time.monotonic() - self._begun >= self._patience.alarm_s:
            self._alarmed = True
            alarm(log, "the stream waits: %s. It is tried until it works", error)

    def end(self) -> None:
        """Say that it is over, if there was an alarm."""
        if self._alarmed:
            log.warning("over after %.0f s: the stream goes on", time.monotonic() - self._begun)
