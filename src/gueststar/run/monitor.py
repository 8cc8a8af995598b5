"""Watches a stream while it runs: notes in the store where it stands, and every alarm."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gueststar.alarms import text_of
from gueststar.contracts import Reading, Stream
from gueststar.errors import StoreError
from gueststar.store.interface import Alarm

if TYPE_CHECKING:
    from gueststar.store import Store

log = logging.getLogger(__name__)

EVERY_S = 5.0
MOST_ALARMS = 1_000  # that wait for a store which cannot be written


class Monitor(logging.Handler):
    """A thread beside a runner.

    Parameters
    ----------
    store : Store
        Where it notes.
    who : str
        Name of this process, in alarms.
    readings : callable, optional
        Gives where streams stand; see :meth:`watching`.
    every_s : float
        Time between two notes.

    Notes
    -----
    A store that cannot be written now keeps readings out and alarms waiting, and hurts nobody.
    """

    def __init__(
        self,
        store: Store,
        who: str,
        readings: Callable[[], list[Reading]] = list,
        every_s: float = EVERY_S,
    ) -> None:
        super().__init__(logging.ERROR)
        self.store, self.who, self.readings, self.every_s = store, who, readings, every_s
        self._alarms: deque[Alarm] = deque(maxlen=MOST_ALARMS)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="monitor", daemon=True)

    @classmethod
    def watching(cls, store: Store, who: str, sources: Iterable[object]) -> Monitor:
        """Watch those of some sources that are streams."""
        streams = [source for source in sources if isinstance(source, Stream)]
        return cls(store, who, lambda: [r for stream in streams for r in stream.readings()])

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self.note()
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of an alarm."""
        text = text_of(record)
        if text is not None:
            self._alarms.append(Alarm(record.created, self.who, text))

    def note(self) -> None:
        """Write down where the streams stand, and the alarms since the last time."""
        readings, alarms = self.readings(), list(self._alarms)
        if not readings and not alarms:
            return
        try:
            self.store.note(readings, alarms)
        except StoreError as error:
            log.info("the monitor waits for the store: %s", error)
            return
        for _ in alarms:
            self._alarms.popleft()

    def _watch(self) -> None:
        while not self._over.wait(self.every_s):
            self.note()
