"""The methods of a store that have to do with minor planets; each opens its transactions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.store import orbit_files, planet_match
from gueststar.store.planet_match import Almanac, Found
from gueststar.store.transactions import Transactions

if TYPE_CHECKING:
    from gueststar.batch import AlertBatch

T = TypeVar("T")
AT_ONCE = 5_000  # alerts of a transaction


class _Store(Transactions, Protocol):
    _almanac: Almanac


class Planetary:
    """See :class:`gueststar.store.minor_planets.Planets`; the store gives transactions."""

    def orbit_files(self: Transactions) -> pa.Table:
        """Return the files of orbits; see :meth:`Planets.orbit_files`."""
        with self._reading() as connection:
            return orbit_files.listing(connection)

    def minor_planets(self: Transactions, alert_id: int) -> pa.Table:
        """Return what an alert matches; see :meth:`Planets.minor_planets`."""
        with self._reading() as connection:
            return planet_match.of_alert(connection, alert_id)

    def minor_planet_alerts(self: Transactions, who: str) -> pa.Table:
        """Return the alerts of a minor planet; see :meth:`Planets.minor_planet_alerts`."""
        with self._reading() as connection:
            return planet_match.of_planet(connection, who)

    def planets_near(
        self: _Store,
        ra: np.ndarray,
        dec: np.ndarray,
        mjd_tai: np.ndarray,
        survey: np.ndarray,
        orbits: str | None = None,
    ) -> pa.Table:
        """Match positions with minor planets; see :meth:`Planets.planets_near`."""
        with self._reading() as connection:
            file = orbit_files.named(connection, orbits)
            held = self._almanac.of(connection, file)
        return planet_match.of_positions(held, file, ra, dec, mjd_tai, survey)

    def orbit(self: _Store, who: str, name: str | None = None) -> pa.Table:
        """Return the elements of a minor planet; see :meth:`Planets.orbit`."""
        with self._reading() as connection:
            file = orbit_files.named(connection, name)
            table = orbit_files.orbits_of(connection, file)
        return table.slice(planet_match.row_of(table, who), 1)

    def add_orbits(
        self: Transactions,
        name: str,
        pieces: Iterable[pa.Table],
        version: str,
        *,
        source: str,
        radius_arcsec: float,
        left_out: Callable[[], int] = lambda: 0,
        progress: Callable[[int], None] | None = None,
    ) -> bool:
        """Bring in orbits; see :meth:`Planets.add_orbits`."""
        if not 0 < radius_arcsec <= orbit_files.MAX_RADIUS_ARCSEC:
            raise BadInput(
                f"radius: {radius_arcsec:g} arcsec cannot be: it must be above 0 and at most "
                f"{orbit_files.MAX_RADIUS_ARCSEC:g}"
            )

        def done(work: Callable[..., T], *given: Any) -> T:
            with self._lock:
                return self._commit(lambda connection: work(connection, *given))

        new = done(orbit_files.begin, name, version, source, radius_arcsec)
        if new is None:
            return False
        count, epochs = 0, Counter[float]()
        try:
            for at, piece in enumerate(pieces):
                done(orbit_files.insert, new.file_id, at, piece)
                count += piece.num_rows
                epochs.update(piece.column("epoch").to_pylist())
                if progress is not None:
                    progress(piece.num_rows)
            commonest = epochs.most_common(1)
            if not commonest:
                raise BadInput(f"{source} has no orbits")
            done(orbit_files.finish, new, count, left_out(), commonest[0][0])
        except BadInput:
            done(orbit_files.drop, new.file_id)
            raise
        return True

    def remove_orbits(self: Transactions, name: str) -> None:
        """Remove orbits; see :meth:`Planets.remove_orbits`."""
        with self._lock:
            self._commit(partial(orbit_files.remove, name=name))

    def match_orbits(
        self: _Store,
        name: str | None = None,
        *,
        night: int | None = None,
        again: bool = False,
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Match the alerts that wait; see :meth:`Planets.match_orbits`."""
        if again:
            with self._lock:
                self._commit(lambda c: orbit_files.wait(c, orbit_files.named(c, name), night))
        total = 0
        while stop is None or not stop.is_set():
            with self._reading() as connection:
                file = orbit_files.named(connection, name)
                places = planet_match.waiting(connection, file, AT_ONCE, night)
                if not places.num_rows:
                    break
                orbits = self._almanac.of(connection, file)
            one = planet_match.found(orbits, file, places)
            with self._lock:
                self._commit(partial(planet_match.settle, one=one, places=places))
            total += places.num_rows
            if progress is not None:
                progress(places.num_rows)
        return total

    def _planets_of(
        self: _Store, alerts: Sequence[AlertBatch], chosen: Collection[str] | None
    ) -> list[Found]:
        """Work out what the alerts of a write match, before its transaction begins."""
        with self._reading() as connection:
            files = planet_match.wanted_files(connection, chosen)
            held = [(file, self._almanac.of(connection, file)) for file in files]
        if not held:
            return []
        batches = [planet_match.places_of(batch) for batch in alerts if len(batch)]
        if not batches:
            return []
        places = pa.Table.from_batches(batches)
        return [planet_match.found(orbits, file, places) for file, orbits in held]
