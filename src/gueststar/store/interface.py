"""What every store offers, whatever engine is under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.score import Score

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.cutouts import Cutouts
    from gueststar.lightcurve import LightCurve
    from gueststar.sinks.archive import Archive

Sort = Literal["score", "magnitude", "age", "time"]


@dataclass(frozen=True)
class WriteReport:
    """What became of the rows that one write was given.

    Parameters
    ----------
    received : int
        Rows whose position the ledger did not know: ``stored + duplicate + dead_letter``.
    stored, duplicate, dead_letter : int
        How they ended.
    known : int
        Rows whose position was in the ledger before, with the same outcome; nothing was done.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    dead_letter: int = 0
    known: int = 0

    def __add__(self, other: WriteReport) -> WriteReport:
        return WriteReport(
            self.received + other.received,
            self.stored + other.stored,
            self.duplicate + other.duplicate,
            self.dead_letter + other.dead_letter,
            self.known + other.known,
        )


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


class Store(Protocol):
    """Where alerts are kept and read back.

    Every reading method may be called from any thread, also while another process writes.
    Unknown names raise :class:`~gueststar.errors.BadInput`; trouble with the engine raises
    :class:`~gueststar.errors.StoreError`.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: Any) -> None: ...

    def write(
        self,
        alerts: Sequence[AlertBatch],
        dead: Sequence[pa.RecordBatch] = (),
        archive: Archive | None = None,
    ) -> WriteReport:
        """Write alerts, dead letters and their ledger in one transaction."""
        ...

    def known(
        self, positions: pa.RecordBatch, *, modules: Mapping[str, str] | None = None
    ) -> np.ndarray:
        """Tell which input positions are in the ledger, shape ``(rows,)``, bool.

        With ``modules`` (version by name), their alerts must also have the scores of these.
        """
        ...

    def alert(self, alert_id: int) -> Alert:
        """Return one alert."""
        ...

    def object(self, object_id: str) -> ObjectRecord:
        """Return one object with its alerts, curve and scores."""
        ...

    def light_curve(self, object_id: str) -> LightCurve:
        """Return the merged light curve of an object."""
        ...

    def cutouts(self, alert_id: int) -> Cutouts:
        """Return the cutouts of an alert as received."""
        ...

    def native(self, alert_id: int) -> dict[str, Any]:
        """Return the survey's own record of an alert."""
        ...

    def scores(self, alert_id: int) -> list[Score]:
        """Return all scores of an alert, of every module and version."""
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
        min_score: float | None = None,
        band: str | None = None,
        survey: str | None = None,
    ) -> pa.Table:
        """Return one page of a night's alerts."""
        ...

    def modules(self) -> list[str]:
        """Return the names of the modules that have scored alerts."""
        ...

    def sql(self, query: str, *, limit: int = 10_000) -> pa.Table:
        """Run a read-only query over the public views."""
        ...

    def health(self) -> dict[str, Any]:
        """Return counts that prove, or disprove, that nothing was lost."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
