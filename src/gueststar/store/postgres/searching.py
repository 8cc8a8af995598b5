"""The searches of :mod:`gueststar.store.searches`, which PostgreSQL does not have yet."""

from __future__ import annotations

from typing import Any, NoReturn

from gueststar.errors import StoreError


class Unsearchable:
    """Says what there is in place of the searches that only the SQLite store has so far."""

    def cones(self, *_: Any, **__: Any) -> NoReturn:
        """Raise :class:`~gueststar.errors.StoreError`."""
        self._refuse("many cones at once", "store.cone answers one at a time")

    def find_alerts(self, *_: Any, **__: Any) -> NoReturn:
        """Raise :class:`~gueststar.errors.StoreError`."""
        self._refuse("pages of alerts", "store.sql over the view alerts finds them")

    def find_objects(self, *_: Any, **__: Any) -> NoReturn:
        """Raise :class:`~gueststar.errors.StoreError`."""
        self._refuse("pages of objects", "store.sql over the view objects finds them")

    def counts(self, *_: Any, **__: Any) -> NoReturn:
        """Raise :class:`~gueststar.errors.StoreError`."""
        self._refuse("counts", "store.sql over the view alerts counts them")

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise StoreError(f"{what} cannot be had from PostgreSQL yet: {instead}")
