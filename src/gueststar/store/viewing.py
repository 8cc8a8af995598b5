"""Stores as viewers with fewer rights see them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self

from gueststar.errors import NotAllowed
from gueststar.rights import Rights


class Viewing(ABC):
    """Gives a store its views for others.

    Parameters
    ----------
    rights : Rights
        Whose eyes read it.
    """

    def __init__(self, rights: Rights) -> None:
        self.rights = rights
        self._lock = threading.Lock()
        self._seen: dict[Rights, Self] = {}

    @abstractmethod
    def close(self) -> None:
        """Close all connections; closing twice is allowed."""

    @abstractmethod
    def _opened_for(self, rights: Rights) -> Self:
        """Open the same store once more, for reading with restricted rights."""

    def seen_by(self, rights: Rights) -> Self:
        """Return the store as a viewer with these rights sees it; see :meth:`Store.seen_by`."""
        both = self.rights & rights
        if both == self.rights:
            return self
        with self._lock:
            if both not in self._seen:
                self._seen[both] = self._opened_for(both)
            return self._seen[both]

    def _close_seen(self) -> None:
        with self._lock:
            others, self._seen = list(self._seen.values()), {}
        for store in others:
            store.close()

    def _operators_only(self, what: str) -> None:
        if self.rights.restricted:
            raise NotAllowed(f"{what} speak of data of all programs: they are for operators")
