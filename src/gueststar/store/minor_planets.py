"""What a store offers of minor planets: part of :class:`gueststar.store.interface.Store`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
import pyarrow as pa

Progress = Callable[[int], None]


class Planets(Protocol):
    """Files of orbits, and which minor planets alerts match."""

    def orbit_files(self) -> pa.Table:
        """Return the files of orbits; columns of :data:`gueststar.store.orbit_files.ORBIT_FILES`.

        ``n_matched`` alerts match a body of any version, ``n_waiting`` wait to be matched
        (:meth:`match_orbits`).
        """
        ...

    def minor_planets(self, alert_id: int) -> pa.Table:
        """Return the minor planets that are predicted at the place of an alert, nearest first.

        Returns
        -------
        pyarrow.Table
            Columns of :data:`gueststar.store.planet_match.PLANETS`: astrometric place (ICRS,
            deg), separation (arcsec) and direction from the alert (deg, from north over east),
            V magnitude, distances from Sun and observer (au), phase and elongation (deg), motion
            (arcsec/h) and where it goes (deg).

        Raises
        ------
        BadInput
            If there is no such alert.
        """
        ...

    def minor_planet_alerts(self, who: str) -> pa.Table:
        """Return the alerts that match a minor planet, 10,000 at most.

        Parameters
        ----------
        who : str
            A number (``433``), a name (``Eros``) or a designation (``2020 SJ88``).

        Returns
        -------
        pyarrow.Table
            As of :meth:`minor_planets`; empty where nothing matches.
        """
        ...

    def planets_near(
        self,
        ra: np.ndarray,
        dec: np.ndarray,
        mjd_tai: np.ndarray,
        survey: np.ndarray,
        orbits: str | None = None,
    ) -> pa.Table:
        """Match positions at their times with the minor planets of a file.

        Parameters
        ----------
        ra, dec : array-like of float, shape ``(n,)``
            ICRS, deg; where one is NaN, nothing matches.
        mjd_tai : array-like of float, shape ``(n,)``
        survey : array-like of str, shape ``(n,)``
            Who looked, from where: ``ztf``, ``lsst``; another one from the Earth's centre.
        orbits : str, optional
            Of the file, where there are several.

        Returns
        -------
        pyarrow.Table
            ``row`` (which position, from 0) and the columns of :meth:`minor_planets` without
            the alert's, sorted by row and rank.

        Raises
        ------
        BadInput
            If there are no such orbits.
        """
        ...

    def orbit(self, who: str, name: str | None = None) -> pa.Table:
        """Return the elements of a minor planet, one row of ``catalogs.orbits.ORBITS``.

        Parameters
        ----------
        who : str
            As for :meth:`minor_planet_alerts`.
        name : str, optional
            Of the file, where there are several.

        Raises
        ------
        BadInput
            If there is none.
        """
        ...

    def add_orbits(
        self,
        name: str,
        pieces: Iterable[pa.Table],
        version: str,
        *,
        source: str,
        radius_arcsec: float,
        left_out: Callable[[], int] = lambda: 0,
        progress: Progress | None = None,
    ) -> bool:
        """Bring in orbits; older ones of this name are replaced when all are there.

        Parameters
        ----------
        name : str
        pieces : iterable of pyarrow.Table
            Columns of :data:`gueststar.catalogs.orbits.ORBITS`; each is a transaction of its own.
        version : str
            Digest of the content.
        source : str
            Where they come from.
        radius_arcsec : float
            How far an alert may be from a prediction.
        left_out : callable
            Asked at the end: how many lines held no orbit.
        progress : callable, optional
            Called with the number of orbits of each piece.

        Returns
        -------
        bool
            False when this very version is there: nothing was read.

        Raises
        ------
        BadInput
            If there are no orbits, or an argument cannot be.
        """
        ...

    def remove_orbits(self, name: str) -> None:
        """Remove orbits and all their matches.

        Raises
        ------
        BadInput
            If there are none of this name; the message names the nearest.
        """
        ...

    def match_orbits(
        self,
        name: str | None = None,
        *,
        night: int | None = None,
        again: bool = False,
        stop: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Match the alerts that wait; return how many.

        Each 5,000 are a transaction of their own: what is done stays, the same call goes on.

        Parameters
        ----------
        name : str, optional
            Where there are several files.
        night : int, optional
            YYYYMMDD: only those of this night.
        again : bool
            Also those that an older version has matched.

        Raises
        ------
        BadInput
            If there are no orbits of this name; the message names the nearest.
        """
        ...
