"""The searching methods of the SQLite store: many cones, pages, counts."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa

from gueststar.store.selection import AlertSelection, CountBy, ObjectSelection
from gueststar.store.sqlite import counts, pages


class _Store(Protocol):
    def _reading(self) -> AbstractContextManager[Any]: ...


class Searching:
    """Gives a store its searches; the store gives ``_reading``."""

    def cones(
        self: _Store, ra: Any, dec: Any, radius_arcsec: Any, *, nearest: bool = False
    ) -> pa.Table:
        """Return the objects of many cones in one query; see :meth:`Store.cones`."""
        from gueststar.store import cones

        with self._reading() as connection:
            return cones.cones(connection, ra, dec, radius_arcsec, nearest)

    def find_alerts(
        self: _Store, selection: AlertSelection, *, after: str | None = None, limit: int = 1_000
    ) -> pa.Table:
        """Return one page of alerts; see :meth:`Store.find_alerts`."""
        with self._reading() as connection:
            return pages.find_alerts(connection, selection, after, limit)

    def find_objects(
        self: _Store, selection: ObjectSelection, *, after: str | None = None, limit: int = 1_000
    ) -> pa.Table:
        """Return one page of objects; see :meth:`Store.find_objects`."""
        with self._reading() as connection:
            return pages.find_objects(connection, selection, after, limit)

    def counts(
        self: _Store,
        by: CountBy,
        *,
        night: int | None = None,
        order: int = 6,
        min_score: float = 0.5,
    ) -> pa.Table:
        """Count alerts; see :meth:`Store.counts`."""
        with self._reading() as connection:
            return counts.counts(connection, by, night, order, min_score)
