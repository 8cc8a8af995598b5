"""What takes long to count, shown at once as it was counted last, and counted again behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
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
        Counts it, in a thread of its own where the last one took long.
    """

    def __init__(self, count: Callable[[], T]) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._last: tuple[T, float, float] | None = None  # value, when, seconds
        self._renewal: threading.Thread | None = None

    def now(self) -> Count[T]:
        """Return the count: of this moment if it is quick, else the last one.

        Raises
        ------
        GueststarError
            What counting raises, where there is no earlier count to show.
        """
        with self._lock:
            if self._last is None or self._last[2] <= QUICK_S:
                self._renew()
                assert self._last is not None
            elif self._renewal is None:
                self._renewal = threading.Thread(target=self._behind, name="count", daemon=True)
                self._renewal.start()
            value, at, _ = self._last
            return Count(value, at, self._renewal is not None)

    def close(self) -> None:
        """Wait for what is being counted."""
        renewal = self._renewal
        if renewal is not None:
            renewal.join()

    def _renew(self) -> None:
        began = time.monotonic()
        value = self._count()
        self._last = value, time.time(), time.monotonic() - began

    def _behind(self) -> None:
        try:
            self._renew()
        except GueststarError as error:
            _log.warning("counting failed: %s", error)
            self._last = None  # the next visitor counts, and sees what is wrong
        finally:
            self._renewal = None
