"""The methods of a store that have to do with catalogues; each opens a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from gueststar.catalogs.declaration import Declaration, Mode, check_mode, check_radius
from gueststar.errors import BadInput
from gueststar.store import catalogues
from gueststar.store.crossmatches import MAX_COUNTERPART_ARCSEC, RADIUS_ARCSEC
from gueststar.store.selection import MAX_MATCHES, MAX_POSITIONS, check_cones
from gueststar.store.transactions import Transactions

if TYPE_CHECKING:
    from gueststar.catalogs.sources import Source

T = TypeVar("T")
AT_ONCE = 1_000  # objects of a transaction


class Crossing:
    """See :class:`gueststar.store.crossmatches.Crossmatches`; the store gives transactions."""

    def catalogues(self: Transactions) -> pa.Table:
        """Return the catalogues; see :meth:`Crossmatches.catalogues`."""
        with self._reading() as connection:
            return catalogues.listing(connection)

    def matches(self: Transactions, object_id: str) -> pa.Table:
        """Return what an object matches; see :meth:`Crossmatches.matches`."""
        from gueststar.store import matching

        with self._reading() as connection:
            return matching.of_object(connection, object_id)

    def counterparts(
        self: Transactions, object_id: str, radius_arcsec: float = RADIUS_ARCSEC
    ) -> pa.Table:
        """Return the objects of other surveys; see :meth:`Crossmatches.counterparts`."""
        from gueststar.store import counterparts

        if not 0 < radius_arcsec <= MAX_COUNTERPART_ARCSEC:
            raise BadInput(
                f"radius: {radius_arcsec} arcsec cannot be: it must be above 0 and at most "
                f"{MAX_COUNTERPART_ARCSEC:g}"
            )
        with self._reading() as connection:
            return counterparts.counterparts(connection, object_id, radius_arcsec)

    def xmatch(
        self: Transactions,
        ra: Any,
        dec: Any,
        catalogue: str,
        radius_arcsec: float | None = None,
        mode: Mode | None = None,
    ) -> pa.Table:
        """Match positions with a catalogue; see :meth:`Crossmatches.xmatch`."""
        from gueststar.store import matching
        from gueststar.store.crossmatch import Places

        if radius_arcsec is not None:
            check_radius(radius_arcsec)
        if mode is not None:
            check_mode(mode)
        ras, decs, _ = check_cones(ra, dec, radius_arcsec or 1.0)
        if len(ras) > MAX_POSITIONS:
            raise BadInput(
                f"{len(ras):,} positions are more than the {MAX_POSITIONS:,} of one call"
            )
        with self._reading() as connection:
            one = catalogues.named(connection, catalogue)
            if mode == "host" and not (one.declaration.redshift or one.declaration.shape):
                raise BadInput(f"mode: {catalogue} has no redshifts and no shapes to find hosts by")
            found = matching.of_positions(connection, one, Places(ras, decs), radius_arcsec, mode)
        if found.num_rows > MAX_MATCHES:
            raise BadInput(
                f"{found.num_rows:,} sources match, more than {MAX_MATCHES:,}: give a smaller "
                "radius, fewer positions, or mode nearest"
            )
        return found

    def add_catalogue(
        self: Transactions,
        declaration: Declaration,
        sources: Iterable[list[Source]],
        version: str,
        *,
        left_out: Callable[[], int] = lambda: 0,
        progress: Callable[[int], None] | None = None,
    ) -> bool:
        """Bring in a catalogue; see :meth:`Crossmatches.add_catalogue`."""

        def done(work: Callable[..., T], *given: Any) -> T:
            with self._lock:
                return self._commit(lambda connection: work(connection, *given))

        new = done(catalogues.begin, declaration, version)
        if new is None:
            return False
        count = 0
        try:
            for piece in sources:
                done(catalogues.insert, new, piece)
                count += len(piece)
                if progress is not None:
                    progress(len(piece))
            done(catalogues.finish, new, count, left_out())
        except BadInput:
            done(catalogues.drop, new)
            raise
        return True

    def remove_catalogue(self: Transactions, name: str) -> None:
        """Remove a catalogue; see :meth:`Crossmatches.remove_catalogue`."""
        with self._lock:
            self._commit(partial(catalogues.remove, name=name))

    def match_catalogue(
        self: Transactions,
        name: str,
        *,
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Match the objects that wait; see :meth:`Crossmatches.match_catalogue`."""
        from gueststar.store import matching

        total = 0
        while stop is None or not stop.is_set():
            with self._lock:
                count = self._commit(partial(matching.drain, name=name, most=AT_ONCE))
            if not count:
                break
            total += count
            if progress is not None:
                progress(count)
        return total
