"""What a store gives to the parts that it is made of: moments in which to read and to write."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from gueststar.store.session import Session

T = TypeVar("T")


class Transactions(Protocol):
    """Transactions of an open store."""

    _lock: threading.Lock

    def _reading(self) -> AbstractContextManager[Session]: ...

    def _commit(self, work: Callable[[Session], T]) -> T: ...

    def _operators_only(self, what: str) -> None: ...
