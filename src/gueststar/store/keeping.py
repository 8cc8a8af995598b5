"""What every store offers for cutouts, and how an engine gives it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gueststar.batch import CUTOUTS
from gueststar.errors import CutoutsLost, StoreError, UnknownCommit
from gueststar.store import moving, reading, stamps
from gueststar.store.places import place_of, place_url
from gueststar.store.session import Session
from gueststar.store.shelf import GRACE_S, WORD, Shelf, Unreserved, sweep, used

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.cutouts import Cutouts

T = TypeVar("T")
LOOKED_AT = 1_000  # packs whose names are read at a time


class _Store(Protocol):
    """What the store gives."""

    _lock: threading.Lock
    _shelf: Shelf

    def _reading(self) -> AbstractContextManager[Session]: ...

    def _commit(self, work: Callable[[Session], T]) -> T: ...

    def _operators_only(self, what: str) -> None: ...

    def _shelved(self, work: Callable[[Session], T]) -> T: ...


class Keeping:
    """Gives a store its cutouts; the store gives ``_reading`` and ``_commit``."""

    def alert(self: _Store, alert_id: int) -> Alert:
        """Return one alert; its history is the merged light curve of its object.

        Raises
        ------
        BadInput
            If the store has no such alert.
        """
        from gueststar.cutouts import Cutouts

        with self._reading() as connection:
            found = reading.alert(connection, alert_id)
            kept = stamps.find(connection, [alert_id])
        try:
            mine = _cutouts(alert_id, *kept)
        except StoreError as error:  # the alert itself is there
            mine = Cutouts(None, None, None, error)
        return replace(found, cutouts=mine)

    def cutouts(self: _Store, alert_id: int) -> Cutouts:
        """Return the cutouts of an alert; see :meth:`gueststar.store.keeps.Keeps.cutouts`."""
        with self._reading() as connection:
            reading.known_alert(connection, alert_id)
            kept = stamps.find(connection, [alert_id])
        return _cutouts(alert_id, *kept)

    def cutout_places(self: _Store) -> list[dict[str, Any]]:
        """Return where cutouts lie; see :meth:`gueststar.store.keeps.Keeps.cutout_places`."""
        self._operators_only("places of cutouts")
        with self._reading() as connection:
            return moving.places(connection)

    def keep_cutouts_in(self: _Store, place: str) -> bool:
        """Let new cutouts go elsewhere; see :meth:`gueststar.store.keeps.Keeps.keep_cutouts_in`.

        Raises
        ------
        BadInput
            If there can be no such place.
        StoreError
            If it cannot be written there, or the store cannot.
        """
        url = place_url(place)
        with self._reading() as connection:
            now = used(connection)
        if (None if now is None else now[1]) == url:
            return False
        if url is not None:
            place_of(url).prepare()
        with self._lock:
            self._commit(lambda connection: _use(connection, url))
        return True

    def move_cutouts(
        self: _Store,
        *,
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
        grace_s: float = GRACE_S,
    ) -> list[CutoutsLost]:
        """Bring all cutouts to where new ones go; see :class:`gueststar.store.keeps.Keeps`.

        Raises
        ------
        StoreError
            If something cannot be read or written; what was moved stays moved.
        """
        stop, walk = stop or threading.Event(), moving.Moving(self._shelf)
        while not stop.is_set():
            with self._lock:
                step = self._shelved(walk.step)
            if step is None:
                break
            count, walk.after = step
            if progress is not None:
                progress(count)
        if walk.left_packs:
            stop.wait(grace_s)
        swept = 1
        while swept and not stop.is_set():
            with self._lock:
                swept = self._commit(lambda connection: sweep(connection, grace_s))
        return walk.lost

    def unmoved_cutouts(self: _Store) -> int:
        """Return how many alerts have cutouts elsewhere than where new ones go."""
        self._operators_only("places of cutouts")
        with self._reading() as connection:
            return moving.left(connection)

    def lost_cutouts(
        self: _Store, progress: Callable[[int], None] | None = None
    ) -> Iterator[CutoutsLost]:
        """Look for every pack; see :meth:`gueststar.store.keeps.Keeps.lost_cutouts`.

        Raises
        ------
        StoreUnavailable
            If a place is away.
        """
        self._operators_only("places of cutouts")
        after = 0
        while True:
            with self._reading() as connection:
                some = moving.packs(connection, after, LOOKED_AT)
            for pack in some:
                if error := moving.check(pack):
                    yield error
            if not some:
                return
            after = some[-1].pack_id
            if progress is not None:
                progress(len(some))

    def _shelved(self: _Store, work: Callable[[Session], T]) -> T:
        """Do work that may write a pack, in one transaction."""
        try:
            try:
                done = self._commit(work)
            except Unreserved:
                self._commit(self._shelf.reserve)
                done = self._commit(work)
        except BaseException as error:
            self._shelf.failed(unknown=isinstance(error, UnknownCommit))
            raise
        self._shelf.committed()
        return done


def _cutouts(alert_id: int, found: stamps.Found, pieces: list[stamps.Piece]) -> Cutouts:
    from gueststar.cutouts import Cutouts

    fetched, lost = stamps.fetch(pieces)
    if lost:
        raise lost[alert_id]
    mine = {**fetched.get(alert_id, {}), **found.get(alert_id, {})}
    science, template, difference = (mine.get(name) for name in CUTOUTS)
    return Cutouts(science, template, difference)


def _use(connection: Session, url: str | None) -> None:
    connection.alone(WORD)
    connection.execute("UPDATE cutout_places SET used = 0 WHERE used = 1")
    if url is not None:
        query = """INSERT INTO cutout_places (url, used) VALUES (?, 1)
                   ON CONFLICT (url) DO UPDATE SET used = 1"""
        connection.execute(query, (url,))


def trouble(newest: moving.Pack | None) -> str | None:
    """Say what is wrong with the newest pack, or its place; None if it is there."""
    if newest is None:
        return None
    try:
        found = moving.check(newest)
    except StoreError as error:
        return str(error)
    return None if found is None else str(found)
