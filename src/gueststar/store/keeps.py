"""What every store offers for cutouts: where they lie, and how they get elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from gueststar.errors import CutoutsLost

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.cutouts import Cutouts


class Keeps(Protocol):
    """Cutouts of a store, in its database or outside of it."""

    def alert(self, alert_id: int) -> Alert:
        """Return one alert.

        Cutouts that cannot be read now say why when they are asked for
        (``Cutouts.trouble``).
        """
        ...

    def cutouts(self, alert_id: int) -> Cutouts:
        """Return the cutouts of an alert as received.

        Raises
        ------
        BadInput
            If the store has no such alert.
        CutoutsLost
            If they lie outside of the database and are not there any more, or damaged.
        StoreUnavailable
            If the place where they lie is away.
        """
        ...

    def cutout_places(self) -> list[dict[str, Any]]:
        """Return where cutouts lie: ``place``, ``used`` (new ones go there), ``packs``, ``bytes``.

        The first is the database, with its number of ``alerts``.
        """
        ...

    def keep_cutouts_in(self, place: str) -> bool:
        """Let new cutouts go to a folder, a bucket or the database, also those of other processes.

        Parameters
        ----------
        place : str
            A folder, ``s3://bucket/prefix``, or ``database``.

        Returns
        -------
        bool
            False if they go there already.
        """
        ...

    def move_cutouts(
        self,
        *,
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
        grace_s: float = ...,
    ) -> list[CutoutsLost]:
        """Bring all cutouts to where new ones go; return what could not be moved.

        Parameters
        ----------
        stop : threading.Event, optional
            When set, the rest waits for the next call.
        progress : callable, optional
            Told of how many alerts cutouts were moved, each time.
        grace_s : float
            How long packs that were moved are left for those who are reading them.
        """
        ...

    def unmoved_cutouts(self) -> int:
        """Return how many alerts have cutouts elsewhere than where new ones go."""
        ...

    def lost_cutouts(self, progress: Callable[[int], None] | None = None) -> Iterator[CutoutsLost]:
        """Look for every pack, and yield what is wrong with those that are not there whole."""
        ...
