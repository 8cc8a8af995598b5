"""What takes long to count, shown at once as it was counted last, and counted again behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from gueststar.errors import GueststarError

T = TypeVar("T")
QUICK_S = 0.15  # what takes no longer is counted for every visitor
_log = logging.getLogger(__name__)


class Count(NamedTuple, Generic[T]):
    """A count, when it was done (Unix time, s), and whether a newer one is on its way."""

    value: T
    at: float
    renewing: bool


class Counted(Generic[T]):
    """The last count of something.

    Parameters
    ----------
    count : callable
        Counts it, in one thread of its own where the last one took long or there was none.
    """

    def __init__(self, count: Callable[[], T]) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._last: tuple[T, float, float] | None = None  # value, when, seconds
        self._behind: ThreadPoolExecutor | None = None
        self._renewal: Future[None] | None = None

    def now(self, patience_s: float | None = None) -> Count[T] | None:
        """Return the count: of this moment if it is quick, else the last one.

        Parameters
        ----------
        patience_s : float, optional
            How long to wait for the first one; by default until it is there.

        Returns
        -------
        Count or None
            None while the first one is under way.

        Raises
        ------
        GueststarError
            What counting raises, where there is no earlier count to show.
        """
        with self._lock:
            if self._last is not None and self._last[2] <= QUICK_S:
                self._renew()
                return Count(*self._last[:2], renewing=False)
            last = self._last
            if self._renewal is None or self._renewal.done():
                self._behind = self._behind or ThreadPoolExecutor(1, "count")
                self._renewal = self._behind.submit(self._renew_behind)
            renewal = self._renewal
        if last is not None:
            return Count(*last[:2], renewing=True)
        try:
            renewal.result(patience_s)
        except TimeoutError:
            return None
        last = self._last
        return None if last is None else Count(*last[:2], renewing=False)

    def close(self) -> None:
        """Wait for what is being counted."""
        with self._lock:
            behind, self._behind = self._behind, None
        if behind is not None:
            behind.shutdown()

    def _renew(self) -> None:
        began = time.monotonic()
        value = self._count()
        self._last = value, time.time(), time.monotonic() - began

    def _renew_behind(self) -> None:
        try:
            self._renew()
        except GueststarError as error:
            _log.warning("counting failed: %s", error)
            self._last = None  # the next visitor waits for a count, and sees what is wrong
            raise
