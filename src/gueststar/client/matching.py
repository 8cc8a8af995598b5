"""Lists of yours against the objects and against catalogues."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
from astropy.table import Column, hstack

from gueststar.catalogs.declaration import Mode
from gueststar.client.places import alert_id_of, arcsec, positions_of, table_of
from gueststar.client.progress import bar
from gueststar.client.results import Result
from gueststar.errors import BadInput
from gueststar.store.crossmatches import RADIUS_ARCSEC
from gueststar.store.matching import CONTEXT_KEY
from gueststar.store.selection import check_cones
from gueststar.surveys.tns import tns_name

if TYPE_CHECKING:
    from gueststar.client.remote import RemoteStore
    from gueststar.store import Store

_AT_ONCE = 20_000  # positions of a question
_Ask = Callable[[np.ndarray, np.ndarray, np.ndarray], pa.Table]


class Matching:
    """The part of a broker that matches; the broker gives ``_store`` and ``_progress``."""

    _store: Store | RemoteStore
    _progress: bool | None

    @property
    def catalogs(self) -> Result:
        """The catalogues that objects are matched with; ``n_waiting`` objects are not yet."""
        return Result.from_arrow(self._store.catalogues())

    def matches(self, object_id: str) -> Result:
        """Return what an object matches in all catalogues, the best first in each.

        ``columns`` holds a dict of what the catalogue keeps; ``meta["context"]`` says in a word
        what surrounds the object: agn, variable, star, nuclear, hosted, or None.

        Raises
        ------
        BadInput
            If there is no such object; the message names the nearest.
        """
        table = self._store.matches(object_id)
        found = Result.from_arrow(table)
        kept = np.empty(len(found), dtype=object)
        kept[:] = [orjson.loads(text) for text in table.column("columns").to_pylist()]
        found["columns"] = Column(kept)
        context = (table.schema.metadata or {}).get(CONTEXT_KEY)
        found.meta["context"] = context.decode() if context else None
        return found

    @property
    def orbits(self) -> Result:
        """The orbits of minor planets that alerts are matched with."""
        return Result.from_arrow(self._store.orbit_files())

    def minor_planets(self, alert_id: int | str) -> Result:
        """Return the minor planets that are predicted at the place of an alert, nearest first.

        Parameters
        ----------
        alert_id : int or str
            ZTF candid, LSST diaSourceId.

        Returns
        -------
        Result
            Columns of the view ``minor_planets``: who it is, where it is predicted, how far from
            the alert, V magnitude, distances, motion. Empty where there is none.

        Raises
        ------
        BadInput
            If there is no such alert.
        """
        return Result.from_arrow(self._store.minor_planets(alert_id_of(alert_id)))

    def minor_planet(self, who: int | str) -> Result:
        """Return the alerts that match a minor planet, 10,000 at most.

        Parameters
        ----------
        who : int or str
            A number (433), a name (``"Eros"``) or a designation (``"2020 SJ88"``).

        Returns
        -------
        Result
            As of :meth:`minor_planets`; empty where no alert matches.
        """
        return Result.from_arrow(self._store.minor_planet_alerts(str(who)))

    def _named(self, name: str) -> str:
        """Return the object that a TNS name is about, if a catalogue matches it; else the name."""
        known = tns_name(name)
        if known is None:
            return name
        spelled = ", ".join(f"'{prefix}{known}'" for prefix in ("", "SN", "AT", "SN ", "AT "))
        query = f"""SELECT object_id FROM crossmatches WHERE source_id IN ({spelled})
                    ORDER BY separation_arcsec, object_id"""
        found = self._store.sql(query, limit=1).column("object_id").to_pylist()
        return str(found[0]) if found else name

    def counterparts(self, object_id: str, radius: Any = RADIUS_ARCSEC) -> Result:
        """Return the objects of other surveys at the place of an object, nearest first.

        Parameters
        ----------
        object_id : str
        radius : Quantity or float
            An angle; a bare number is arcsec. At most 60 arcsec.
        """
        return Result.from_arrow(self._store.counterparts(object_id, arcsec(radius)))

    def xmatch(
        self,
        table: Any,
        radius: Any = None,
        *,
        catalog: str | None = None,
        mode: Mode | None = None,
        nearest: bool = True,
        ra: str | None = None,
        dec: str | None = None,
    ) -> Result:
        """Match a list of positions with the objects, or with a catalogue.

        Parameters
        ----------
        table : Table, DataFrame, Arrow table or SkyCoord
            Your list, of any length.
        radius : Quantity or float, optional
            One angle; with objects one a row is possible. Bare numbers are arcsec. Of objects at
            most one degree, default 2 arcsec; of a catalogue at most 600 arcsec, default its own.
        catalog : str, optional
            A catalogue (:attr:`catalogs`); without it the objects.
        mode : {"nearest", "all", "host"}, optional
            With a catalogue: which sources match; default its own.
        nearest : bool
            With objects: only the nearest of each row; else all, nearest first.
        ra, dec : str, optional
            Names of the columns (degrees, or with a unit); else the usual names are looked for.

        Returns
        -------
        Result
            One row a match: your columns, and those of the view ``objects`` with
            ``separation_arcsec``, or those of a match and what the catalogue keeps; a name that
            you use yourself gets ``_object`` or the catalogue's name behind it. ``row`` is the row
            of yours.
        """
        mine = table_of(table)
        if mine is None:
            places = table.icrs.ra.deg, table.icrs.dec.deg
        else:
            places = positions_of(mine, ra, dec)
        if catalog is None:
            if mode is not None:
                raise BadInput("mode: it is of catalogues: name one with catalog='...'")
            found = self._with_objects(places, 2.0 if radius is None else radius, nearest)
        else:
            found = self._with_catalogue(places, radius, catalog, mode)
        return _beside(mine, Result.from_arrow(found), catalog or "object")

    def _with_objects(self, places: Any, radius: Any, nearest: bool) -> pa.Table:
        radii = np.broadcast_to(arcsec(radius), np.shape(places[0]))
        return self._asked(
            places, radii, lambda ra, dec, r: self._store.cones(ra, dec, r, nearest=nearest)
        )

    def _with_catalogue(
        self, places: Any, radius: Any, catalog: str, mode: Mode | None
    ) -> pa.Table:
        angle = None if radius is None else arcsec(radius)
        if angle is not None and np.ndim(angle):
            raise BadInput("radius: give one for all positions that are matched with a catalogue")
        found = self._asked(
            places,
            np.ones(np.shape(places[0])),
            lambda ra, dec, _: self._store.xmatch(ra, dec, catalog, angle, mode),
        )
        return _spread(found, catalog)

    def _asked(self, places: Any, radii: np.ndarray, ask: _Ask) -> pa.Table:
        """Ask in parts, with a bar."""
        ra, dec = (np.atleast_1d(one) for one in places)
        radius = np.atleast_1d(radii)
        check_cones(ra, dec, radius)
        parts = []
        with bar("matching", len(ra), self._progress if len(ra) > _AT_ONCE else False) as more:
            for start in range(0, max(len(ra), 1), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                found = ask(ra[part], dec[part], radius[part])
                rows = pa.array(found.column("row").to_numpy() + start)
                parts.append(found.set_column(0, found.schema.field(0), rows))
                more(len(ra[part]))
        return pa.concat_tables(parts)


def _spread(found: pa.Table, catalog: str) -> pa.Table:
    """Put what the catalogue keeps into columns of their own."""
    rows = [orjson.loads(text) for text in found.column("columns").to_pylist()]
    found = found.drop_columns(["columns"])
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        mixed = any(isinstance(value, str) for value in values)
        array = pa.array([None if v is None else str(v) for v in values] if mixed else values)
        label = name if name not in found.column_names else f"{catalog}_{name}"
        found = found.append_column(label, array)
    return found


def _beside(mine: Any, matches: Result, suffix: str) -> Result:
    """Put the columns of a table beside its matches."""
    if mine is None or not mine.colnames:
        return matches
    for name in set(matches.colnames) & set(mine.colnames):
        matches.rename_column(name, f"{name}_{suffix}")
    rows = np.asarray(matches["row" if "row" in matches.colnames else f"row_{suffix}"])
    return Result(hstack([mine[rows], matches]))
