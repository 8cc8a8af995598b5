"""Light curves: the photometry of one object as a person holds it.

Difference flux, total (reference-corrected) flux, forced photometry and limits are one
:class:`LightCurve`, with the one rule for duplicates of :mod:`gueststar.points`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from gueststar.batch import HISTORY, magnitude, magnitude_error
from gueststar.errors import BadInput, did_you_mean
from gueststar.points import HISTORY_SCHEMA, merge_points

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import QTable
    from astropy.time import Time
    from astropy.units import Quantity
    from plotly.graph_objects import Figure

    from gueststar.plots import Folding

__all__ = ["KINDS", "LightCurve", "merge_points"]

#: Kinds of points; of one exposure :meth:`LightCurve.best` takes the first that there is.
KINDS = ("detection", "forced", "limit")
WAVELENGTH_ORDER = "ugrizy"

DESCRIPTIONS = {
    "exposure_id": "exposure: ZTF pid, LSST visit",
    "time": "mid-exposure",
    "mjd_tai": "mid-exposure, MJD, TAI",
    "band": "filter",
    "flux": "flux, AB; of the difference image unless the table says total",
    "flux_err": "1 sigma error of flux",
    "mag": "AB magnitude of flux; NaN where it is not positive",
    "mag_err": "1 sigma error of mag",
    "total_flux": "flux of reference and difference together",
    "total_flux_err": "1 sigma error of total_flux",
    "limit": "5 sigma limit of the exposure, AB",
    "kind": "detection, forced or limit",
}
UNITS = {
    **dict.fromkeys(("flux", "flux_err", "total_flux", "total_flux_err"), "nJy"),
    **dict.fromkeys(("mag", "mag_err", "limit"), "mag"),
    "mjd_tai": "d",
}


@dataclass(frozen=True)
class LightCurve:
    """Points of one object, sorted by time, each once.

    Parameters
    ----------
    points : pyarrow.RecordBatch
        Columns of :data:`gueststar.batch.HISTORY`, in any order and with any repetitions: they
        are merged (see :func:`gueststar.points.merge_points`).
    object_id, survey : str, optional
        Whose they are.
    quantity : {'difference', 'total'}
        What ``flux`` is; see :meth:`total`.

    Examples
    --------
    >>> lc = LightCurve.from_rows([
    ...     [1, 59000.25, "g", 3631.0, 363.1, None, None, 20.5, "detection"],
    ...     [2, 59003.25, "r", None, None, None, None, 20.8, "limit"],
    ... ], object_id="ZTF18abc")
    >>> lc
    <LightCurve ZTF18abc: 1 detection, 1 limit in g r, MJD 59000.25 to 59003.25>
    >>> lc.detections.mag.round(2)
    array([22.5])
    >>> lc["kind"].tolist()
    ['detection', 'limit']
    """

    points: pa.RecordBatch
    object_id: str | None = None
    survey: str | None = None
    quantity: Literal["difference", "total"] = "difference"

    def __post_init__(self) -> None:
        owner = np.zeros(self.points.num_rows, dtype=np.int64)
        object.__setattr__(self, "points", merge_points(owner, self.points)[1])

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Sequence[Any]],
        object_id: str | None = None,
        survey: str | None = None,
    ) -> LightCurve:
        """Build from lists in the order of :data:`~gueststar.batch.HISTORY`, None for null.

        Raises
        ------
        BadInput
            If a row has another number of fields.
        """
        listed = [list(row) for row in rows]
        if any(len(row) != len(HISTORY) for row in listed):
            raise BadInput(f"a point is {[f.name for f in HISTORY]}, in this order")
        columns = zip(*listed, strict=True) if listed else [()] * len(HISTORY)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, HISTORY, strict=True)]
        points = pa.RecordBatch.from_arrays(arrays, schema=HISTORY_SCHEMA)
        return cls(points, object_id, survey)

    def to_rows(self) -> list[list[Any]]:
        """Return lists in the order of :data:`~gueststar.batch.HISTORY`, None for null.

        float32 numbers come in the fewest digits that read back as the same float32.
        """
        columns = [_short(column).to_pylist() for column in self.points.columns]
        return [list(row) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return int(self.points.num_rows)

    def __getitem__(self, key: str | np.ndarray | slice) -> Any:
        """Return a column as NumPy (``lc["flux"]``), or some points (``lc[lc["band"] == "g"]``).

        Raises
        ------
        BadInput
            If there is no such column; the message says which there are.
        """
        if not isinstance(key, str):
            return self._rows(key)
        if key not in HISTORY_SCHEMA.names:
            hint = did_you_mean(key, HISTORY_SCHEMA.names)
            raise BadInput(f"no column {key!r} in a light curve.{hint}")
        return np.asarray(self.points.column(key).to_numpy(zero_copy_only=False))

    def _rows(self, key: np.ndarray | slice) -> LightCurve:
        rows = pa.array(np.arange(len(self))[key], pa.int64())
        return replace(self, points=self.points.take(rows))

    def __repr__(self) -> str:
        counts = {kind: int((self["kind"] == kind).sum()) for kind in KINDS}
        held = ", ".join(f"{n} {kind}{_plural(kind, n)}" for kind, n in counts.items() if n)
        mjd = self["mjd_tai"]
        span = f" in {' '.join(self.bands)}, MJD {mjd[0]:.2f} to {mjd[-1]:.2f}" if len(self) else ""
        return f"<LightCurve {self.object_id or 'unnamed'}: {held or 'empty'}{span}>"

    @property
    def time(self) -> Time:
        """Mid-exposure times, shape ``(n,)``, scale TAI."""
        from astropy.time import Time

        return Time(self["mjd_tai"], format="mjd", scale="tai")

    @property
    def flux(self) -> Quantity:
        """Flux, shape ``(n,)``, nJy; NaN for limits."""
        return _quantity(self["flux"], "nJy")

    @property
    def flux_err(self) -> Quantity:
        """1 sigma error of the flux, shape ``(n,)``, nJy."""
        return _quantity(self["flux_err"], "nJy")

    @property
    def mag(self) -> np.ndarray:
        """AB magnitude, shape ``(n,)``; NaN where the flux is not positive."""
        return magnitude(self["flux"])

    @property
    def mag_err(self) -> np.ndarray:
        """Error of the magnitude to first order, shape ``(n,)``, mag."""
        return magnitude_error(self["flux"], self["flux_err"])

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands that occur, from blue to red."""
        found = {band for band in self["band"] if band is not None}
        return tuple(sorted(found, key=lambda band: (WAVELENGTH_ORDER.find(band), band)))

    @property
    def detections(self) -> LightCurve:
        """Points that the survey detected."""
        return self._of_kind("detection")

    @property
    def forced(self) -> LightCurve:
        """Points that were measured at the object's place, detected or not."""
        return self._of_kind("forced")

    @property
    def limits(self) -> LightCurve:
        """Exposures in which nothing was found, with their limits."""
        return self._of_kind("limit")

    def _of_kind(self, kind: str) -> LightCurve:
        return self._rows(self["kind"] == kind)

    def best(self) -> LightCurve:
        """Return one point an exposure: the detection, else the forced one, else the limit."""
        exposure = self["exposure_id"].astype(object)
        unknown = self.points.column("exposure_id").is_null().to_numpy(zero_copy_only=False)
        exposure[unknown] = self["mjd_tai"][unknown]
        chosen: dict[tuple[Any, Any], int] = {}
        for row in np.argsort([KINDS.index(kind) for kind in self["kind"]], kind="stable"):
            chosen.setdefault((exposure[row], self["band"][row]), int(row))
        return self._rows(np.sort(np.array(list(chosen.values()), dtype=np.int64)))

    def total(self) -> LightCurve:
        """Return the curve of the total flux, reference and difference together.

        Points whose total is not known (no reference source within 1.4 arcsec of a ZTF
        candidate, limits) are left out. See the page "Light curves" of the documentation for the
        formula.
        """
        if self.quantity == "total":
            return self
        known = self._rows(np.isfinite(self["total_flux"]))
        points = known.points
        for name in ("flux", "flux_err"):
            index = points.schema.get_field_index(name)
            points = points.set_column(index, name, points.column(f"total_{name}"))
        return replace(known, points=points, quantity="total")

    def merge(self, other: LightCurve) -> LightCurve:
        """Return the union of two curves of one object, each point once.

        The order does not matter, and merging again changes nothing.

        Raises
        ------
        BadInput
            If one is of the total and the other of the difference flux.
        """
        if self.quantity != other.quantity:
            raise BadInput(f"a curve of {self.quantity} flux and one of {other.quantity} flux")
        return replace(self, points=pa.concat_batches([self.points, other.points]))

    def to_arrow(self) -> pa.RecordBatch:
        """Return the points, columns of :data:`gueststar.batch.HISTORY`."""
        return self.points

    def to_pandas(self) -> pd.DataFrame:
        """Return a :class:`pandas.DataFrame` with ``mag`` and ``mag_err``; needs pandas."""
        return self.points.to_pandas().assign(mag=self.mag, mag_err=self.mag_err)

    def to_table(self) -> QTable:
        """Return an astropy :class:`~astropy.table.QTable`: units, descriptions, ``Time``."""
        from astropy.table import MaskedColumn, QTable

        ids = self.points.column("exposure_id")
        mask = ids.is_null().to_numpy(zero_copy_only=False)
        exposure = MaskedColumn(ids.fill_null(0).to_numpy(zero_copy_only=False), mask=mask)
        table = QTable({"time": self.time, "exposure_id": exposure})
        for name in ("band", "kind"):
            table[name] = self[name].astype(str)
        values = {"mag": self.mag, "mag_err": self.mag_err}
        for name in (n for n in UNITS if n != "mjd_tai"):
            table[name] = _quantity(values[name] if name in values else self[name], UNITS[name])
        for name in table.colnames:
            table[name].info.description = DESCRIPTIONS[name]
        table.meta.update(object_id=self.object_id, survey=self.survey, flux=self.quantity)
        return table

    def plot(
        self,
        total: bool = False,
        y: Literal["mag", "flux"] = "mag",
        forced: bool = True,
        limits: bool = True,
        fold: Folding | None = None,
        redshift: float | None = None,
    ) -> Figure:
        """Draw the curve with Plotly; see :func:`gueststar.plots.light_curve_figure`."""
        from gueststar.plots import light_curve_figure

        return light_curve_figure(
            self, total=total, y=y, forced=forced, limits=limits, fold=fold, redshift=redshift
        )

    def _repr_html_(self) -> str:
        from html import escape

        from gueststar.plots import sparkline

        return f"<div>{sparkline(self)}<br><small>{escape(repr(self)[1:-1])}</small></div>"


def _plural(kind: str, n: int) -> str:
    return "s" if n > 1 and kind != "forced" else ""


def _quantity(values: np.ndarray, unit: str) -> Quantity:
    from astropy.units import Quantity

    return Quantity(values, unit, dtype=np.float64)


def _short(column: pa.Array) -> pa.Array:
    if column.type != pa.float32():
        return column
    return column.cast(pa.string()).cast(pa.float64())
