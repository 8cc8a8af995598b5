"""What every store can search for: many cones, pages behind a stable key, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from gueststar.store.selection import (
    AlertSelection,
    AlertSort,
    CountBy,
    ObjectSelection,
    ObjectSort,
)


class Searches(Protocol):
    """The searching part of :class:`gueststar.store.interface.Store`."""

    def cones(
        self,
        ra: Sequence[float] | np.ndarray,
        dec: Sequence[float] | np.ndarray,
        radius_arcsec: float | Sequence[float] | np.ndarray,
        *,
        nearest: bool = False,
    ) -> pa.Table:
        """Return the objects of many cones in one query.

        Parameters
        ----------
        ra, dec : array-like of float, shape ``(n,)``
            ICRS, deg; at most 200,000.
        radius_arcsec : float or array-like, shape ``(n,)``
            Above 0, at most 3,600.
        nearest : bool
            Of each cone the nearest object only.

        Returns
        -------
        pyarrow.Table
            ``row`` (which position, from 0), columns of the view ``objects`` and
            ``separation_arcsec``; sorted by row, then by distance.
        """
        ...

    def find_alerts(
        self,
        selection: AlertSelection,
        *,
        sort: AlertSort = "time",
        descending: bool | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of alerts.

        Parameters
        ----------
        selection : AlertSelection
        sort : {"time", "score", "magnitude", "place", "distance"}
            ``time`` is night, time and id; ``score`` that of the module; ``place`` the HEALPix
            cell, in which pages of a large region cost least; ``distance`` from the centre of a
            cone. Rows that lack the value come last. Equal ones stand in the order of their ids.
        descending : bool, optional
            Largest first; as a rule so for scores only. Magnitudes begin with the brightest.
        after : str, optional
            Where to begin: :func:`gueststar.store.selection.next_of` the page before.
        limit : int
            Rows, 1 to 10,000.

        Returns
        -------
        pyarrow.Table
            The view ``alerts`` with the newest ``score`` of the module (``rb`` where none is
            given) and the ``reason`` of a missing one; of a cone also ``separation_arcsec``.

        Raises
        ------
        BadInput
            If it cannot be asked, or takes longer than 20 s.
        """
        ...

    def find_objects(
        self,
        selection: ObjectSelection,
        *,
        sort: ObjectSort = "name",
        descending: bool | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of the view ``objects``; of a cone also ``separation_arcsec``.

        Parameters
        ----------
        selection : ObjectSelection
        sort : {"name", "detections", "first", "last", "place", "distance"}
            ``first`` and ``last`` are times of detections; see :meth:`find_alerts`.
        descending : bool, optional
            Largest first; as a rule so for ``detections``, ``first`` and ``last``.
        after, limit
            As of :meth:`find_alerts`.
        """
        ...

    def counts(
        self, by: CountBy, *, night: int | None = None, order: int = 6, min_score: float = 0.5
    ) -> pa.Table:
        """Count alerts.

        Parameters
        ----------
        by : {"night", "band", "survey", "class", "healpix"}
            ``class`` counts alerts whose newest score of a module's class is at least
            ``min_score``, those with a score and those without.
        night : int, optional
            Only of this night, YYYYMMDD.
        order : int
            HEALPix order of cells (nested), 0 to 12.
        min_score : float
            See ``class``.
        """
        ...
