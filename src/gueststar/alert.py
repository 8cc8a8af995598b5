"""One alert as a person holds it: units, light curve, cutouts, scores, the survey's own record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.time import Time
from astropy.units import Quantity

from gueststar.batch import CUTOUTS, AlertBatch, history_rows, magnitude, magnitude_error
from gueststar.cutouts import Cutouts
from gueststar.errors import BadInput
from gueststar.lightcurve import LightCurve
from gueststar.score import Score, long_scores

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, eq=False)
class Alert:
    """One alert.

    Parameters
    ----------
    alert_id : int
        ZTF candid, LSST diaSourceId.
    object_id : str or None
        ZTF objectId, LSST diaObjectId; None for a source of the Solar System.
    survey, band : str
        Such as ``ztf`` and ``g``.
    mjd_tai : float
        Mid-exposure, MJD, TAI.
    ra, dec : float
        deg, ICRS.
    flux, flux_err : astropy.units.Quantity
        Difference flux with its sign, nJy; numbers are taken as nJy, None as unknown (NaN).
    published_rb : float or None
        The survey's own deep real/bogus score.
    program : int or None
        ZTF programid.
    light_curve : LightCurve
        Its history: at least the packet's, the whole object's when a store gave the alert.
    cutouts : Cutouts
        Its three images.
    scores : mapping of str to Score
        By column, such as ``rb_real``.
    native : mapping
        The survey's own record, its own names and units.

    Examples
    --------
    >>> alert = Alert(1, "ZTF18abc", "ztf", "g", 59000.0, 10.0, -5.0, flux=3631.0, flux_err=36.31)
    >>> alert
    <Alert 1 of ZTF18abc: ztf g 22.50 mag, MJD 59000.00000>
    >>> alert.coord.to_string("hmsdms"), alert.time.utc.isot
    ('00h40m00s -05d00m00s', '2020-05-30T23:59:23.000')
    """

    alert_id: int
    object_id: str | None
    survey: str
    band: str | None
    mjd_tai: float
    ra: float
    dec: float
    flux: Quantity = None
    flux_err: Quantity = None
    published_rb: float | None = None
    program: int | None = None
    light_curve: LightCurve = field(default_factory=partial(LightCurve.from_rows, ()))
    cutouts: Cutouts = field(default_factory=partial(Cutouts, None, None, None))
    scores: Mapping[str, Score] = field(default_factory=dict)
    native: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("flux", "flux_err"):
            given = getattr(self, name)
            value = Quantity(np.nan if given is None else given, "nJy", dtype=np.float64)
            object.__setattr__(self, name, value)

    @classmethod
    def from_batch(cls, batch: AlertBatch, row: int) -> Alert:
        """Take one row of a batch.

        Parameters
        ----------
        batch : AlertBatch
            Columns of :data:`gueststar.batch.VOCABULARY`; those that are not there are unknown.
        row : int
            Which, from 0; negative ones count from the end.

        Raises
        ------
        BadInput
            If there is no such row.
        """
        n = len(batch)
        if not -n <= row < n:
            raise BadInput(f"no alert {row} in a batch of {n}")
        one = batch.slice(row % n, 1)
        columns = {f for f in cls.__dataclass_fields__ if f in one.names} - {"scores", "native"}
        values: dict[str, Any] = {name: one.column(name)[0].as_py() for name in columns}
        return cls(
            **values,
            light_curve=_curve(one, values),
            cutouts=Cutouts(*(_value(one, name) for name in CUTOUTS)),
            scores=_scores(one),
            native=_value(one, "native") or {},
        )

    @property
    def coord(self) -> SkyCoord:
        """Position, ICRS."""
        return SkyCoord(self.ra, self.dec, unit="deg")

    @property
    def time(self) -> Time:
        """Mid-exposure, scale TAI."""
        return Time(self.mjd_tai, format="mjd", scale="tai")

    @property
    def mag(self) -> float:
        """AB magnitude of the difference; NaN where the source is fainter than the reference."""
        return float(magnitude(self.flux.value))

    @property
    def mag_err(self) -> float:
        """Error of the magnitude to first order, mag."""
        return float(magnitude_error(self.flux.value, self.flux_err.value))

    def plot(self, **options: Any) -> Figure:
        """Draw the light curve with this alert marked; options as :meth:`LightCurve.plot`."""
        figure = self.light_curve.plot(**options)
        figure.add_vline(x=self.mjd_tai, line={"dash": "dot", "width": 1, "color": "#888888"})
        return figure

    def __repr__(self) -> str:
        size = f"{self.mag:.2f} mag" if self.flux > 0 else f"{self.flux.value:.0f} nJy"
        return (
            f"<Alert {self.alert_id} of {self.object_id}: {self.survey} {self.band} {size}, "
            f"MJD {self.mjd_tai:.5f}>"
        )

    def _repr_html_(self) -> str:
        from gueststar.plots import sparkline

        scores = "".join(_score_line(score) for score in self.scores.values())
        return (
            f"<div><b>{escape(repr(self)[1:-1])}</b><br>{self.cutouts._repr_html_()}"
            f"{sparkline(self.light_curve)}<table>{scores}</table></div>"
        )


def _value(one: AlertBatch, name: str) -> Any:
    return one.column(name)[0].as_py() if name in one.names else None


def _curve(one: AlertBatch, values: Mapping[str, Any]) -> LightCurve:
    rows: tuple[Any, ...] = (values.get("object_id"), values.get("survey"))
    if "history" not in one.names:
        return LightCurve.from_rows([], *rows)
    return LightCurve(history_rows(one.column("history"))[1], *rows)


def _scores(one: AlertBatch) -> dict[str, Score]:
    return {
        f"{row['module']}_{row['class']}": Score(
            row["module"], row["version"], row["class"], row["value"], row["reason"]
        )
        for row in (long_scores(one).to_pylist() if "alert_id" in one.names else [])
    }


def _score_line(score: Score) -> str:
    value = f"{score.value:.3f}" if score.value is not None else f"not scored: {score.reason}"
    cells = (score.module, score.label, value, score.version)
    return f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
