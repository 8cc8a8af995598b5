"""What a topic does not take: noted in the store before anything is committed, and told."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

from gueststar.alarms import alarm
from gueststar.store.interface import Unsent

log = logging.getLogger(__name__)

QUIET_S = 30.0  # alarms about one topic come no more often than this
#: Keeps which alerts were not sent; called again with the same ones if it raises.
Note = Callable[[Sequence[Unsent]], None]


class Aside:
    """The alerts that one topic did not take.

    Parameters
    ----------
    topic : str
    note : callable, optional
        Keeps them, such as :meth:`gueststar.store.Store.note_unsent`.

    Attributes
    ----------
    count : int
        So many so far.
    """

    def __init__(self, topic: str, note: Note | None = None) -> None:
        self.topic, self.count = topic, 0
        self._note = note
        self._waiting: list[Unsent] = []
        self._told = -math.inf

    def add(self, alert_id: int, reason: str) -> None:
        """Take an alert that is not sent."""
        self._waiting.append(Unsent(alert_id, self.topic, reason))

    def settle(self) -> None:
        """Note those since the last time, and raise an alarm.

        Raises
        ------
        StoreError
            If they cannot be noted; they wait for the next time.
        """
        if not self._waiting:
            return
        if self._note is not None:
            self._note(self._waiting)
        self.count += len(self._waiting)
        last, self._waiting = self._waiting[-1], []
        if time.monotonic() - self._told < QUIET_S:
            return
        self._told = time.monotonic()
        alarm(
            log,
            "topic %r did not take alert %d: %s. It is stored and not sent (%d so far); the stream "
            "goes on",
            *(self.topic, last.alert_id, last.reason, self.count),
        )
