"""What every store offers, whatever engine is under it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.contracts import Reading
from gueststar.rights import Rights
from gueststar.score import Score
from gueststar.store.admits import Admits
from gueststar.store.annotates import Annotates
from gueststar.store.audits import Audits
from gueststar.store.crossmatches import Crossmatches
from gueststar.store.keeps import Keeps
from gueststar.store.minor_planets import Planets
from gueststar.store.reports import WriteReport
from gueststar.store.searches import Searches
from gueststar.store.unprocessed import Unprocessed

if TYPE_CHECKING:
    from gueststar.lightcurve import LightCurve
    from gueststar.sinks.archive import Archive

Sort = Literal["score", "magnitude", "age", "time"]


@dataclass(frozen=True)
class ObjectRecord:
    """All that a store knows of one object.

    Parameters
    ----------
    object_id, survey : str
    ra, dec : float
        ICRS, deg: position of the alert with the highest signal to noise.
    n_detections : int
        Points of kind ``detection`` in the merged light curve.
    first_mjd_tai, last_mjd_tai : float or None
        First and last detection, MJD TAI.
    alerts : pyarrow.Table
        Its alerts in order of time, columns of the view ``alerts``.
    light_curve : LightCurve
        Merged from all its packets.
    scores : pyarrow.Table
        Scores of its alerts, columns of the view ``scores``.
    """

    object_id: str
    survey: str
    ra: float
    dec: float
    n_detections: int
    first_mjd_tai: float | None
    last_mjd_tai: float | None
    alerts: pa.Table
    light_curve: LightCurve
    scores: pa.Table


class Unsent(NamedTuple):
    """An alert that a topic out did not take.

    Parameters
    ----------
    alert_id : int
    topic : str
    reason : str
    """

    alert_id: int
    topic: str
    reason: str


class Alarm(NamedTuple):
    """Something that a person should see to.

    Parameters
    ----------
    at : float
        Unix time, s.
    who : str
        Process that raised it.
    text : str
    """

    at: float
    who: str
    text: str


class Store(Keeps, Searches, Annotates, Admits, Audits, Crossmatches, Planets, Protocol):
    """Where alerts are kept and read back.

    Every reading method may be called from any thread, also while another process writes.
    Unknown names raise :class:`~gueststar.errors.BadInput`; trouble with the engine raises
    :class:`~gueststar.errors.StoreError`.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: Any) -> None: ...

    @property
    def rights(self) -> Rights:
        """Whose eyes read this store."""
        ...

    def seen_by(self, rights: Rights) -> Store:
        """Return the store as a viewer with these rights sees it.

        Parameters
        ----------
        rights : Rights
            What goes beyond the rights of this store is not given.

        Returns
        -------
        Store
            For reading only. Every answer is that of a store which holds only what he may see;
            what speaks of inputs (:meth:`health`, :meth:`flow`, :meth:`unprocessed`,
            :meth:`dead_letters`) raises :class:`~gueststar.errors.NotAllowed`. It is closed
            with this store.
        """
        ...

    def write(
        self,
        alerts: Sequence[AlertBatch],
        dead: Sequence[pa.RecordBatch] = (),
        archive: Archive | None = None,
        *,
        catalogs: Collection[str] | None = None,
    ) -> WriteReport:
        """Write alerts, dead letters and their ledger in one transaction.

        Objects that are new or have moved are matched with these catalogues, new alerts with
        the minor planets of these files of orbits; with all when None.
        """
        ...

    def known(
        self,
        positions: pa.RecordBatch,
        *,
        modules: Mapping[str, str] | None = None,
        records: bool = False,
    ) -> np.ndarray:
        """Tell which input positions are in the ledger, shape ``(rows,)``, bool.

        With ``modules`` (version by name), their alerts must also have the scores of these. With
        ``records`` each row is one record: it is known when this very one is an alert.
        """
        ...

    def alert_batches(
        self,
        *,
        nights: Collection[int] = (),
        objects: Collection[str] = (),
        lacking: Mapping[str, str] | None = None,
        columns: Collection[str] | None = None,
        batch_size: int = 250,
    ) -> Iterator[AlertBatch]:
        """Yield stored alerts as batches under their first positions, without scores.

        Parameters
        ----------
        nights, objects : collection of int, of str
            Only alerts of these; of all when empty.
        lacking : mapping of str to str, optional
            Version by module: only alerts that lack a score of one of these.
        columns : collection of str, optional
            Which of history, native and cutouts are wanted; the others are null, and cost
            nothing. All when None.
        batch_size : int
            Alerts that are read at a time. Records of different schemas make batches of their
            own.

        Notes
        -----
        Each batch is read in a moment of its own, so that a slow reader holds back no writer.
        Alerts that are stored meanwhile may be among them.
        """
        ...

    def dead_letters(
        self, *, reason: str | None = None, source: str | None = None, batch_size: int = 250
    ) -> Iterator[pa.RecordBatch]:
        """Yield dead letters, columns of :data:`~gueststar.batch.DEAD_LETTERS`.

        All that lie in one packet come in one batch. What is buried meanwhile is left out.

        Parameters
        ----------
        reason : str, optional
            Only packets with a reason like this (SQL LIKE: ``%`` stands for anything).
        source : str, optional
            Only from this source: a name in the ledger, a file's path, or a Kafka topic.
        batch_size : int
            Packets at a time.
        """
        ...

    def has(self, alert_ids: Sequence[int]) -> set[int]:
        """Return those of these alerts that are stored."""
        ...

    def object(self, object_id: str) -> ObjectRecord:
        """Return one object with its alerts, curve and scores."""
        ...

    def light_curve(self, object_id: str) -> LightCurve:
        """Return the merged light curve of an object."""
        ...

    def native(self, alert_id: int) -> dict[str, Any]:
        """Return the survey's own record of an alert."""
        ...

    def scores(self, alert_id: int) -> list[Score]:
        """Return all scores of an alert, of every module and version."""
        ...

    def rows_of(self, what: str, keys: Sequence[Any]) -> pa.Table:
        """Return rows of many alerts or objects, in the order of the keys.

        Parameters
        ----------
        what : {"alerts", "scores", "objects", "lightcurves"}
            A public view.
        keys : sequence of int or of str
            Alert ids of the first two, names of objects of the others; 10,000 at most. What is
            not there is left out.
        """
        ...

    def cone(self, ra: float, dec: float, radius_arcsec: float) -> pa.Table:
        """Return the objects within a radius, nearest first, with ``separation_arcsec``."""
        ...

    def nights(self) -> pa.Table:
        """Return the nights with their numbers of alerts, newest first."""
        ...

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
        """Return one page of a night's alerts.

        Parameters
        ----------
        night : int, optional
            YYYYMMDD; default the newest.
        sort : {"score", "magnitude", "age", "time"}
            ``age`` is the time since the first detection of the object. Rows that lack the value
            come last.
        descending : bool
            Largest first; for magnitudes that is faintest first.
        module : str
            Whose newest score: a module (its first class) or ``<module>_<class>``.
        limit, offset : int
            Rows of the page, and rows before it.
        **filters
            Only alerts with a score from ``min_score`` to ``max_score``, of ``band``, ``survey``,
            with a magnitude from ``mag_min`` to ``mag_max`` (AB), as old as ``age_min`` to
            ``age_max`` (d).

        Returns
        -------
        pyarrow.Table
            The vocabulary without history, cutouts and positions, ``mag``, ``score``, ``reason``,
            ``first_mjd_tai``, ``n_detections``, ``age`` (d). The schema's metadata
            ``gueststar.total`` says how many rows all pages have.

        Raises
        ------
        BadInput
            If an argument cannot be; the message says what can.
        """
        ...

    def modules(self) -> list[str]:
        """Return the names of the modules that have scored alerts."""
        ...

    def classes(self) -> list[tuple[str, str]]:
        """Return module and class of all scores that there are, first come first."""
        ...

    def sql(self, query: str, *, limit: int = 10_000) -> pa.Table:
        """Run a read-only query over the public views."""
        ...

    def health(self) -> dict[str, Any]:
        """Return counts that prove, or disprove, that nothing was lost.

        ``received`` is summed from what each write was given; ``stored``, ``duplicate`` and
        ``dead_letter`` are counted in the tables of alerts, of the ledger and of dead letters.
        ``in_equals_out`` holds when they agree, and the ledger with all of them. ``topics`` has
        the same for every stream, with its gaps, rate, latency and lag (:meth:`flow`). ``unsent``
        counts alerts that a topic out did not take.
        """
        ...

    def note(self, readings: Sequence[Reading], alarms: Sequence[Alarm] = ()) -> None:
        """Keep where streams stand, and alarms, for :meth:`health`."""
        ...

    def note_unsent(self, rows: Sequence[Unsent]) -> None:
        """Keep which alerts a topic out did not take, for :meth:`health`."""
        ...

    def flow(self) -> list[dict[str, Any]]:
        """Return rate, latency and lag of every stream, cheaply."""
        ...

    def unprocessed(self) -> Unprocessed:
        """Return where on the sky alerts came in and were not fully processed."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
