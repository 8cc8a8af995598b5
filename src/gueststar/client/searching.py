"""The searches of ``Broker``: cones, alerts and objects by conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pyarrow as pa

from gueststar.client.pages import PAGE, pulled
from gueststar.client.places import arcsec, place_of, region_given
from gueststar.client.remote import RemoteStore
from gueststar.client.results import Result
from gueststar.errors import BadInput, did_you_mean
from gueststar.positions import Position
from gueststar.store import Store
from gueststar.store.selection import (
    MAX_PAGE,
    MAX_SELECTED_CONE_ARCSEC,
    AlertSelection,
    ObjectSelection,
    pages,
    with_next,
)
from gueststar.times import mjd_tai_of

_TIMES = ("since", "until", "first_since", "first_until", "last_since", "last_until")


class Searches:
    """Gives a Broker its searches; the Broker gives ``_store`` and ``_progress``."""

    _store: Store | RemoteStore
    _progress: bool | None

    def cone(self, position: Any, radius: Any = 5.0) -> Result:
        """Return the objects round a position, nearest first, at most 10,000.

        Parameters
        ----------
        position : SkyCoord, str or (ra, dec)
            ``"10:12:13.4 -02:03:04"``, degrees, or the name of an object.
        radius : Quantity or float
            An angle; a bare number is arcsec. :meth:`object_pages` streams large ones.

        Returns
        -------
        Result
            Columns of the view ``objects`` and ``separation_arcsec``; with
            ``meta["truncated"]`` where there are more.
        """
        place = self._place(position)
        found = self._store.cone(place.ra, place.dec, arcsec(radius))
        if found.num_rows > MAX_PAGE:
            found = found.slice(0, MAX_PAGE).replace_schema_metadata({"gueststar.truncated": "1"})
        return Result.from_arrow(found)

    def nearest(
        self, position: Any, n: int = 1, *, radius: Any = MAX_SELECTED_CONE_ARCSEC
    ) -> Result:
        """Return the nearest objects to a position.

        Parameters
        ----------
        position : SkyCoord, str or (ra, dec)
            As for :meth:`cone`.
        n : int
            How many, 1 to 10,000.
        radius : Quantity or float
            Not farther than this; as a rule 30 degrees.

        Returns
        -------
        Result
            As of :meth:`cone`.
        """
        conditions = self._conditions(ObjectSelection, position, radius, None, {})
        found = self._store.find_objects(conditions, sort="distance", limit=n)
        return Result.from_arrow(with_next(found, None))

    def _place(self, position: Any) -> Position:
        place = place_of(position)
        if isinstance(place, Position):
            return place
        record = self._store.object(place)
        return Position(record.ra, record.dec)

    def alerts(
        self,
        *,
        position: Any = None,
        radius: Any = 5.0,
        region: Any = None,
        sort: str = "time",
        descending: bool | None = None,
        limit: int = 10_000,
        **conditions: Any,
    ) -> Result:
        """Return alerts by conditions.

        Parameters
        ----------
        position, radius
            A cone, as for :meth:`cone`; at most 30 degrees.
        region : MOC, SkyCoord, str, path, bytes, mapping or list
            A MOC or a polygon instead: see :func:`gueststar.client.places.region_given`.
        sort : {"time", "score", "magnitude", "place", "distance"}
            ``time`` is night, time and id; see :meth:`gueststar.store.Store.find_alerts`.
        descending : bool, optional
            Largest first; as a rule so for scores only.
        limit : int
            Rows at most; they are pulled page by page.
        **conditions
            ``object_id, survey, band, night, since, until, mag_min, mag_max, module, min_score,
            max_score, cell``; see :class:`gueststar.store.selection.AlertSelection`. Times are a
            ``Time``, a date (UTC) or a number (MJD, TAI).

        Returns
        -------
        Result
            With ``meta["truncated"]`` where there are more.
        """
        selection = self._conditions(AlertSelection, position, radius, region, conditions)
        shown = {"sort": sort, "descending": descending}
        return self._pull(self._store.find_alerts, selection, shown, limit, "alerts")

    def objects(
        self,
        *,
        position: Any = None,
        radius: Any = 5.0,
        region: Any = None,
        sort: str = "name",
        descending: bool | None = None,
        limit: int = 10_000,
        **conditions: Any,
    ) -> Result:
        """Return objects by conditions.

        Parameters
        ----------
        position, radius, region, descending, limit
            As for :meth:`alerts`.
        sort : {"name", "detections", "first", "last", "place", "distance"}
            ``first`` and ``last`` are times of detections.
        **conditions
            ``prefix`` (of the name), ``survey``, ``min_detections``, ``first_since``,
            ``first_until``, ``last_since``, ``last_until``.
        """
        selection = self._conditions(ObjectSelection, position, radius, region, conditions)
        shown = {"sort": sort, "descending": descending}
        return self._pull(self._store.find_objects, selection, shown, limit, "objects")

    def alert_pages(
        self,
        *,
        position: Any = None,
        radius: Any = 5.0,
        region: Any = None,
        sort: str = "place",
        rows: int = PAGE,
        **conditions: Any,
    ) -> Iterator[Result]:
        """Yield all alerts by conditions in tables of some rows, in constant memory.

        Parameters
        ----------
        rows : int
            Of each table, at most 10,000.
        sort : str
            By ``place`` as a rule: cells of the sky one after the other.
        position, radius, region, **conditions
            As for :meth:`alerts`.
        """
        selection = self._conditions(AlertSelection, position, radius, region, conditions)
        yield from _pages(self._store.find_alerts, selection, {"sort": sort}, rows)

    def object_pages(
        self,
        *,
        position: Any = None,
        radius: Any = 5.0,
        region: Any = None,
        sort: str = "place",
        rows: int = PAGE,
        **conditions: Any,
    ) -> Iterator[Result]:
        """Yield all objects by conditions in tables of some rows; see :meth:`alert_pages`."""
        selection = self._conditions(ObjectSelection, position, radius, region, conditions)
        yield from _pages(self._store.find_objects, selection, {"sort": sort}, rows)

    def _conditions(
        self, kind: Any, position: Any, radius: Any, region: Any, conditions: dict[str, Any]
    ) -> Any:
        """Build a selection; an unknown condition is answered with the nearest."""
        known = [field.name for field in fields(kind)]
        for name in conditions:
            if name not in known:
                raise BadInput(f"{name!r} is no condition here.{did_you_mean(name, known)}")
        return kind(**self._given(position, radius, region, conditions))

    def _given(
        self, position: Any, radius: Any, region: Any, conditions: dict[str, Any]
    ) -> dict[str, Any]:
        """Turn places and times, as astronomers hold them, into those of a selection."""
        given = {
            name: mjd_tai_of(value, name) if name in _TIMES and value is not None else value
            for name, value in conditions.items()
        }
        if position is not None:
            place = self._place(position)
            given |= {"ra": place.ra, "dec": place.dec, "radius_arcsec": arcsec(radius)}
        return {**given, "region": region_given(region)}

    def _pull(
        self,
        find: Callable[..., pa.Table],
        selection: Any,
        shown: dict[str, Any],
        limit: int,
        what: str,
    ) -> Result:
        return pulled(
            lambda after, rows: find(selection, **shown, after=after, limit=rows),
            limit,
            what,
            self._progress,
        )


def _pages(
    find: Callable[..., pa.Table], selection: Any, shown: dict[str, Any], rows: int
) -> Iterator[Result]:
    for page in pages(lambda after: find(selection, **shown, after=after, limit=rows)):
        if page.num_rows:
            yield Result.from_arrow(with_next(page, None))
