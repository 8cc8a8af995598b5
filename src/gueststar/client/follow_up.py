"""What comes after a candidate is chosen: when it can be observed, and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gueststar.positions import Position

if TYPE_CHECKING:
    from gueststar.client.visibility import Observability
    from gueststar.store import Store


class FollowUp:
    """Gives a :class:`~gueststar.client.Broker` its visibilities."""

    _store: Any

    def _named(self, name: str) -> str:
        """Return the object that a name is about."""
        raise NotImplementedError

    def observability(self, what: Any, site: Any, night: Any = None) -> Observability:
        """Return how well positions can be observed in a night, without any network.

        Parameters
        ----------
        what : table, SkyCoord, str, (ra, dec) or list of them
            An answer of this broker or any table with positions; names of objects.
        site : str, EarthLocation or Site
            ``"palomar"``, ``"rubin"``, ``"la-silla"``, ... (:data:`gueststar.sites.SITES`),
            or ``"lon,lat,height"`` in degrees (east, north) and metres.
        night : str, int, date or Time, optional
            Date of the evening at the site, as ``"2026-11-26"``; a ``Time`` means the night that
            it is in. Default: tonight.

        Returns
        -------
        Observability
            ``.table`` has a row a position, ``.curve(row)`` its night in steps of 5 minutes,
            ``.plot()`` draws altitudes.

        Raises
        ------
        BadInput
            If a position, a site or a night cannot be.
        """
        from gueststar.client.visibility import named_positions, observability

        names, ra, dec = named_positions(what, self._where)
        return observability(names, ra, dec, site, night)

    def _where(self, name: str) -> Position:
        store: Store = self._store
        record = store.object(self._named(name))
        return Position(record.ra, record.dec)
