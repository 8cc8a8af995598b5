"""The searching methods of a store: many cones, pages, counts."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gueststar.store import counts
from gueststar.store.selection import (
    AlertSelection,
    AlertSort,
    CountBy,
    ObjectSelection,
    ObjectSort,
)
from gueststar.store.transactions import Transactions


class Searching:
    """Gives a store its searches; the store gives ``_reading``."""

    def cones(
        self: Transactions, ra: Any, dec: Any, radius_arcsec: Any, *, nearest: bool = False
    ) -> pa.Table:
        """Return the objects of many cones in one query; see :meth:`Store.cones`."""
        from gueststar.store import cones  # brings astropy, as pages do

        with self._reading() as connection:
            return cones.cones(connection, ra, dec, radius_arcsec, nearest)

    def find_alerts(
        self: Transactions,
        selection: AlertSelection,
        *,
        sort: AlertSort = "time",
        descending: bool | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of alerts; see :meth:`Store.find_alerts`."""
        from gueststar.store import pages

        with self._reading() as connection:
            return pages.find_alerts(connection, selection, sort, descending, after, limit)

    def find_objects(
        self: Transactions,
        selection: ObjectSelection,
        *,
        sort: ObjectSort = "name",
        descending: bool | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of objects; see :meth:`Store.find_objects`."""
        from gueststar.store import pages

        with self._reading() as connection:
            return pages.find_objects(connection, selection, sort, descending, after, limit)

    def counts(
        self: Transactions,
        by: CountBy,
        *,
        night: int | None = None,
        order: int = 6,
        min_score: float = 0.5,
    ) -> pa.Table:
        """Count alerts; see :meth:`Store.counts`."""
        with self._reading() as connection:
            return counts.counts(connection, by, night, order, min_score)
