"""What all engines share: each method opens a transaction and leaves the work to its own file."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.contracts import Reading
from gueststar.errors import BadInput, UnknownCommit
from gueststar.rights import UNRESTRICTED, Rights
from gueststar.score import Score
from gueststar.store import (
    flow,
    health,
    ledger,
    moving,
    nightly,
    reading,
    recovery,
    unsent,
    writing,
)
from gueststar.store.admitting import Admitting
from gueststar.store.annotating import Annotating
from gueststar.store.auditing import Auditing
from gueststar.store.bulk import Bulk
from gueststar.store.crossing import Crossing
from gueststar.store.enrolling import Enrolling
from gueststar.store.interface import Alarm, ObjectRecord, Sort, Unsent
from gueststar.store.keeping import Keeping, trouble
from gueststar.store.planet_match import Almanac
from gueststar.store.planetary import Planetary
from gueststar.store.reports import WriteReport
from gueststar.store.searching import Searching
from gueststar.store.session import Session
from gueststar.store.shelf import Shelf
from gueststar.store.streaming import Streaming
from gueststar.store.unprocessed import Unprocessed
from gueststar.store.viewing import Viewing

if TYPE_CHECKING:
    from gueststar.lightcurve import LightCurve
    from gueststar.sinks.archive import Archive
    from gueststar.store.moves import Move

T = TypeVar("T")


class EngineStore(
    Viewing,
    Keeping,
    Searching,
    Annotating,
    Admitting,
    Enrolling,
    Auditing,
    Bulk,
    Streaming,
    Crossing,
    Planetary,
    ABC,
):
    """A store over some engine; see :class:`gueststar.store.interface.Store`.

    Parameters
    ----------
    owner : str
        Names this store in files that are written aside for it.
    read_only : bool
        Never write to it.
    rights : Rights
        Whose eyes read it.
    """

    def __init__(self, owner: str, *, read_only: bool, rights: Rights = UNRESTRICTED) -> None:
        if rights.restricted and not read_only:
            raise BadInput("a store with restricted rights is opened for reading only")
        super().__init__(rights)
        self.read_only = read_only
        self._owner = owner
        self._cleaned: set[Path] = set()
        self._shelf = Shelf()
        self._almanac = Almanac()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close all connections; closing twice is allowed."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """Give a transaction for reading: one moment, also while another process writes."""

    def _asked(self, work: Callable[[Session], T]) -> T:
        """Ask one question: a single statement within bounds of time, which indexes answer."""
        with self._reading() as connection:
            return work(connection)

    @abstractmethod
    def _commit(self, work: Callable[[Session], T]) -> T:
        """Do some work in one transaction for writing, under this object's lock."""

    def _claim(
        self, connection: Session, alerts: Sequence[AlertBatch], dead: Sequence[pa.RecordBatch]
    ) -> None:
        """Keep other writers off these input positions, where the engine lets them write."""
        return

    @abstractmethod
    def _size(self, connection: Session) -> int:
        """Return how many bytes the store takes."""

    def write(
        self,
        alerts: Sequence[AlertBatch],
        dead: Sequence[pa.RecordBatch] = (),
        archive: Archive | None = None,
        *,
        catalogs: Collection[str] | None = None,
    ) -> WriteReport:
        """Write alerts, dead letters and their ledger in one transaction.

        An alert that the store has is a duplicate: the first packet is the one kept, and the
        later adds what it lacks (points of the light curve, missing cutouts, scores of other
        modules and versions). A position that the ledger has is left alone, except that new
        scores are added.

        Parameters
        ----------
        alerts : sequence of AlertBatch
            Columns of :data:`~gueststar.batch.VOCABULARY`, ``native`` and scores.
        dead : sequence of pyarrow.RecordBatch
            Columns of :data:`~gueststar.batch.DEAD_LETTERS`.
        archive : Archive, optional
            Gets the alerts that are new, in step with the transaction.
        catalogs : collection of str, optional
            Catalogues that objects which are new or have moved are matched with, all when None;
            for the others they wait (:meth:`match_catalogue`). Files of orbits are named here
            too: new alerts are matched with their minor planets, or wait (:meth:`match_orbits`).

        Returns
        -------
        WriteReport

        Raises
        ------
        StoreError
            If it cannot be written (full disk, read-only, damaged); nothing was written.
        StoreBusy
            If another process writes for longer than ``busy_s``; nothing was written.
        ArchiveError
            If the archive cannot be written: nothing was written. If only the last step failed,
            the naming of finished files, the store has the alerts and the next write names them.
        """
        moves: list[Move] = []
        planets = self._planets_of(alerts, catalogs)

        def work(connection: Session) -> WriteReport:
            if archive is not None:
                first = archive.folder not in self._cleaned
                if recovery.recover(connection, archive, self._owner, first=first):
                    self._cleaned.add(archive.folder)
            self._claim(connection, alerts, dead)
            report, moves[:] = writing.write(
                connection, alerts, dead, archive, self._owner, self._shelf, catalogs, planets
            )
            return report

        with self._lock:
            try:
                report = self._shelved(work)
            except BaseException as error:
                self._cleaned.clear()  # the next write looks for what this one has left aside
                if archive is not None and not isinstance(error, UnknownCommit):
                    archive.forget(moves)
                raise
        for move in moves:
            move.finish()
        return report

    def known(
        self,
        positions: pa.RecordBatch,
        *,
        modules: Mapping[str, str] | None = None,
        records: bool = False,
    ) -> np.ndarray:
        """Tell which input positions need no work.

        Parameters
        ----------
        positions : pyarrow.RecordBatch
            Columns ``source``, ``partition`` and ``offset`` at least.
        modules : mapping of str to str, optional
            Version by name: alerts must have been scored by these too.
        records : bool
            Every row is one record, known when it is an alert; else a packet is known by any of
            its records.

        Returns
        -------
        numpy.ndarray of bool, shape ``(rows,)``
        """
        with self._reading() as connection:
            know = ledger.known_records if records else ledger.known
            return know(connection, positions, modules or {})

    def has(self, alert_ids: Sequence[int]) -> set[int]:
        """Return those of these alerts that are stored."""
        with self._reading() as connection:
            return reading.has(connection, alert_ids)

    def object(self, object_id: str) -> ObjectRecord:
        """Return one object with its alerts, curve and scores.

        Raises
        ------
        BadInput
            If the store has no such object; the message names the nearest.
        """
        with self._reading() as connection:
            return reading.object_record(connection, object_id)

    def light_curve(self, object_id: str) -> LightCurve:
        """Return the light curve of an object, merged from all its packets.

        Raises
        ------
        BadInput
            If the store has no such object; the message names the nearest.
        """
        with self._reading() as connection:
            return reading.light_curve(connection, object_id)

    def native(self, alert_id: int) -> dict[str, Any]:
        """Return the survey's own record of an alert; empty when the source gave none.

        Raises
        ------
        BadInput
            If the store has no such alert.
        """
        with self._reading() as connection:
            return reading.native(connection, alert_id)

    def scores(self, alert_id: int) -> list[Score]:
        """Return all scores of an alert, of every module and version.

        Raises
        ------
        BadInput
            If the store has no such alert.
        """
        with self._reading() as connection:
            return reading.scores(connection, alert_id)

    def cone(self, ra: float, dec: float, radius_arcsec: float) -> pa.Table:
        """Return the objects within a radius, nearest first.

        Parameters
        ----------
        ra, dec : float
            ICRS, deg.
        radius_arcsec : float
            Above 0, at most 648,000 (the whole sky).

        Returns
        -------
        pyarrow.Table
            Columns of the view ``objects`` and ``separation_arcsec``.

        Raises
        ------
        BadInput
            If there is no such position or radius.
        """
        from gueststar.store import sky  # brings astropy, which nothing else here needs

        return self._asked(lambda connection: sky.cone(connection, ra, dec, radius_arcsec))

    def nights(self) -> pa.Table:
        """Return the nights, newest first: ``night, n_alerts, first_mjd_tai, last_mjd_tai``."""
        with self._reading() as connection:
            return nightly.nights(connection)

    def night(
        self,
        night: int | None = None,
        *,
        sort: Sort = "score",
        descending: bool = True,
        module: str = "rb",
        limit: int = 50,
        offset: int = 0,
        **filters: Any,
    ) -> pa.Table:
        """Return one page of a night's alerts; see :meth:`Store.night`."""
        page = nightly.Page(sort, descending, limit, offset, **filters)
        with self._reading() as connection:
            return nightly.night(connection, night, module, page)

    def modules(self) -> list[str]:
        """Return the names of the modules that have scored alerts, first come first."""
        with self._reading() as connection:
            return nightly.modules(connection)

    def classes(self) -> list[tuple[str, str]]:
        """Return module and class of all scores that there are, first come first."""
        with self._reading() as connection:
            return nightly.classes(connection)

    @abstractmethod
    def sql(self, query_text: str, *, limit: int = 10_000) -> pa.Table:
        """Run a read-only query over the public views of ``docs/sql.md``.

        Parameters
        ----------
        query_text : str
            One SELECT, in the engine's SQL.
        limit : int
            Rows at most.

        Returns
        -------
        pyarrow.Table
            At most ``limit`` rows; the schema's metadata ``gueststar.truncated`` is ``1`` when
            there were more.

        Raises
        ------
        BadInput
            If it is no readable query, takes too long, or names what there is not; the message
            names the nearest.
        """

    def note(self, readings: Sequence[Reading], alarms: Sequence[Alarm] = ()) -> None:
        """Keep where streams stand, and alarms.

        Raises
        ------
        StoreError
            If it cannot be written.
        """

        def work(connection: Session) -> None:
            flow.note_readings(connection, readings, time.time())
            flow.note_alarms(connection, alarms)

        with self._lock:
            self._commit(work)

    def note_unsent(self, rows: Sequence[Unsent]) -> None:
        """Keep which alerts a topic out did not take, and why.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        with self._lock:
            self._commit(lambda connection: unsent.note(connection, rows))

    def flow(self) -> list[dict[str, Any]]:
        """Return rate, latency and lag of every stream; see :func:`gueststar.store.flow.flow`."""
        self._operators_only("rates of streams")
        with self._reading() as connection:
            return flow.flow(connection)

    def unprocessed(self) -> Unprocessed:
        """Return where on the sky alerts came in and were not fully processed."""
        from gueststar.store import unprocessed

        self._operators_only("unprocessed alerts")
        with self._reading() as connection:
            return unprocessed.unprocessed(connection)

    def health(self) -> dict[str, Any]:
        """Return counts that prove that nothing was lost; see :meth:`Store.health`."""
        self._operators_only("counts of what came in")
        with self._reading() as connection:
            facts = health.health(connection, self._size(connection))
            newest = moving.newest(connection)
        facts["cutouts"]["trouble"] = trouble(newest)
        return facts
