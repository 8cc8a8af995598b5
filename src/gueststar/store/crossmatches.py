"""What a store offers of catalogues: part of :class:`gueststar.store.interface.Store`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from gueststar.catalogs.declaration import Declaration, Mode

if TYPE_CHECKING:
    from gueststar.catalogs.sources import Source

Progress = Callable[[int], None]

#: Of counterparts. ZTF joins detections within 1.5 arcsec to one object (Masci et al. 2019, PASP
#: 131, 018003); its single positions, the less exact ones, scatter by 0.1 to 0.5 arcsec.
RADIUS_ARCSEC = 1.5
MAX_COUNTERPART_ARCSEC = 60.0


class Crossmatches(Protocol):
    """Catalogues, what objects match in them, and positions matched with them."""

    def catalogues(self) -> pa.Table:
        """Return the catalogues; columns of :data:`gueststar.store.catalogues.CATALOGUES`.

        ``n_matched`` objects match a source of this version, ``n_waiting`` wait to be matched
        with it (:meth:`match_catalogue`).
        """
        ...

    def matches(self, object_id: str) -> pa.Table:
        """Return what an object matches in all catalogues.

        Returns
        -------
        pyarrow.Table
            Columns of :data:`gueststar.store.crossmatch.MATCH`, in the order of catalogues, then
            of ``rank``, 0 the best. ``position_angle`` is the direction from the object to the
            source, deg, from north over east; ``columns`` a JSON object of what the catalogue
            keeps. The schema's metadata ``gueststar.context`` says in a word what surrounds the
            object (:func:`gueststar.catalogs.context.context_of`); it is not there when nothing
            does.

        Raises
        ------
        BadInput
            If there is no such object; the message names the nearest.
        """
        ...

    def counterparts(self, object_id: str, radius_arcsec: float = RADIUS_ARCSEC) -> pa.Table:
        """Return the objects of other surveys at the place of an object, nearest first.

        Parameters
        ----------
        object_id : str
        radius_arcsec : float
            Above 0, at most 60; default 1.5, as ZTF joins its detections.

        Returns
        -------
        pyarrow.Table
            Columns of the view ``objects`` and ``separation_arcsec``.

        Raises
        ------
        BadInput
            If there is no such object; the message names the nearest.
        """
        ...

    def xmatch(
        self,
        ra: Sequence[float] | np.ndarray,
        dec: Sequence[float] | np.ndarray,
        catalogue: str,
        radius_arcsec: float | None = None,
        mode: Mode | None = None,
    ) -> pa.Table:
        """Match positions with a catalogue.

        Parameters
        ----------
        ra, dec : array-like of float, shape ``(n,)``
            ICRS, deg; at most 200,000.
        catalogue : str
        radius_arcsec : float, optional
            Above 0, at most 600; default that of the catalogue.
        mode : {"nearest", "all", "host"}, optional
            Default that of the catalogue; ``host`` needs redshifts or shapes.

        Returns
        -------
        pyarrow.Table
            ``row`` (which position, from 0) and the columns of :meth:`matches`, sorted by row and
            rank. Stars are taken where they are at the catalogue's epoch.

        Raises
        ------
        BadInput
            If there is no such catalogue, or something else cannot be.
        """
        ...

    def add_catalogue(
        self,
        declaration: Declaration,
        sources: Iterable[list[Source]],
        version: str,
        *,
        left_out: Callable[[], int] = lambda: 0,
        progress: Progress | None = None,
    ) -> bool:
        """Bring in a catalogue; an older one of its name is replaced when all of it is there.

        Parameters
        ----------
        declaration : Declaration
        sources : iterable of list of Source
            Pieces; each is a transaction of its own, so that others may write meanwhile.
        version : str
            Digest of content and settings.
        left_out : callable
            Asked at the end: how many rows had no position.
        progress : callable, optional
            Called with the number of sources of each piece.

        Returns
        -------
        bool
            False when this very version is there: nothing was read.

        Raises
        ------
        BadInput
            If two sources have one id. What had been written is removed.
        """
        ...

    def remove_catalogue(self, name: str) -> None:
        """Remove a catalogue and all its matches.

        Raises
        ------
        BadInput
            If there is none of this name; the message names the nearest.
        """
        ...

    def match_catalogue(
        self,
        name: str,
        *,
        stop: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Match the objects that wait for a catalogue; return how many.

        Each thousand is a transaction of its own: what is done stays, and the same call goes on.

        Raises
        ------
        BadInput
            If there is none of this name; the message names the nearest.
        """
        ...
