"""Guessing of passwords, slowed down: by account, by address, and by both together.

After some failures each next attempt has to wait, twice as long each time, a minute at most. An
address from which an account was logged in before is not kept out by what others try elsewhere.
Names that are not accounts are counted like those that are.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gueststar.errors import TooSoon

FREE = {"name": 5, "pair": 5, "address": 30}
LONGEST_S = 60.0
FORGOTTEN_S = 3_600.0
MOST = 20_000  # of what is counted

Key = tuple[str, ...]


@dataclass
class _Count:
    attempts: int
    last: float
    until: float


class Guesses:
    """What was tried, in memory: a restart forgets it.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[Key, _Count] = OrderedDict()
        self._known: OrderedDict[Key, None] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(self, name: str, address: str) -> None:
        """Count an attempt, before it is known how it ends.

        Raises
        ------
        TooSoon
            If it comes too soon after others; it does not count then.
        """
        with self._lock:
            now = self._clock()
            counts = [self._count(key, now) for key in self._keys(name, address)]
            wait = max(one.until - now for _, one in counts)
            if wait > 0:
                raise TooSoon(f"too many attempts failed: try again in {wait:.0f} s", wait)
            for kind, one in counts:
                one.attempts += 1
                one.last = now
                over = one.attempts - FREE[kind]
                one.until = now + min(2.0 ** min(over, 16), LONGEST_S) if over >= 0 else now
            self._shorten()

    def succeeded(self, name: str, address: str) -> None:
        """Forget what was tried for a name, and know its address from now on.

        The address itself stays counted: who guesses others' passwords may have an account.
        """
        with self._lock:
            self._counts.pop(("name", name), None)
            self._counts.pop(("pair", name, address), None)
            self._known[("pair", name, address)] = None
            self._known.move_to_end(("pair", name, address))
            self._shorten()

    def _keys(self, name: str, address: str) -> list[Key]:
        pair = ("pair", name, address)
        return [pair] if pair in self._known else [pair, ("name", name), ("address", address)]

    def _count(self, key: Key, now: float) -> tuple[str, _Count]:
        one = self._counts.pop(key, None)
        if one is None or now - one.last > FORGOTTEN_S:
            one = _Count(0, now, now)
        self._counts[key] = one  # the last to be forgotten
        return key[0], one

    def _shorten(self) -> None:
        for kept in (self._counts, self._known):
            while len(kept) > MOST:
                kept.popitem(last=False)
