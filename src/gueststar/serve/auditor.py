"""Who a writing request is by, for the audit log, and which of them were refused.

A flood of refusals fills no disk: those of some seconds that are alike are one line, there are few
lines, and what they have no room for is counted without its address. A server that is killed loses
the refusals of these seconds; writes themselves are noted in their own transactions.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time

from litestar.types import Scope

from gueststar.errors import StoreError
from gueststar.serve.effort import effort_of
from gueststar.serve.portal.house import House
from gueststar.store.audit import MANY, Actor, Refusal

log = logging.getLogger(__name__)

WINDOW_S = 10.0
MOST = 16  # lines of a window: of people who are known, and of others
_WRITES = ("write", "login")
_TYPES = re.compile(r":\w+}")
_Key = tuple[str | None, str, str, str, str]


class Auditor:
    """Notes refusals in the store, some seconds later.

    Parameters
    ----------
    house : House
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self._counts: dict[_Key, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()

    def actor_of(self, scope: Scope) -> Actor | None:
        """Return who writes, whose name is not known yet; None where nothing is written."""
        if effort_of(scope) not in _WRITES:
            return None
        what = f"{scope.get('method')} {_TYPES.sub('}', scope['path_template'])}"
        about = ", ".join(f"{name} {value}" for name, value in scope["path_params"].items())
        return Actor(None, self.house.addresses.of(scope), what, about)

    def refused(self, actor: Actor, status: int) -> None:
        """Count a refusal; it is in the store some seconds later."""
        key: _Key = (actor.who, actor.address, actor.what, actor.about, str(status))
        with self._lock:
            alike = sum((who is None) == (actor.who is None) for who, *_ in self._counts)
            if key not in self._counts and alike >= MOST:
                key = (None, MANY, actor.what, "", str(status))
            self._counts[key] = self._counts.get(key, 0) + 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WINDOW_S, self._soon)

    def flush(self) -> None:
        """Write what was counted into the store."""
        with self._lock:
            counts, self._counts = self._counts, {}
        now = time.time()
        rows = [Refusal(now, *key, times) for key, times in counts.items()]
        try:
            if rows:
                self.house.writable.note_refusals(rows)
        except StoreError as error:
            log.warning("%d refused writes could not be noted: %s", sum(counts.values()), error)

    def _soon(self) -> None:
        self._timer = None
        asyncio.get_running_loop().run_in_executor(None, self.flush)
