"""Rubin/LSST alert packets, schema 3.x to 11.x.

Names changed on the way; a value is looked for under each of its names:

==================  ===========================================================================
here                Rubin
==================  ===========================================================================
``alert_id``        ``diaSource.diaSourceId``
``object_id``       ``diaSource.diaObjectId``, else ``diaObject.diaObjectId``; null for a source
                    of the Solar System (0 is null)
``mjd_tai``         ``midpointMjdTai``, ``midPointTai``: mid-exposure, TAI already
``dec``, ``band``   ``dec``, ``decl``; ``band``, ``filterName``
``flux``            ``psfFlux``, ``psFlux``: nJy, of the difference, negative ones too
``total_flux``      ``scienceFlux``, ``totFlux``: forced on the visit image
``published_rb``    ``reliability`` (5.0 on; ``spuriousness`` before is another quantity)
``exposure_id``     ``visit`` (7.0 on), ``ccdVisitId``
``night``           date of UTC - 12 h, Rubin's ``day_obs``
``history``         ``prvDiaSources``, ``prvDiaForcedSources``, and until 7.x
                    ``prvDiaNondetectionLimits``: ``limit = 31.4 - 2.5 log10(5 diaNoise)``
==================  ===========================================================================

A record with ``timeWithdrawnMjdTai`` was declared invalid by the survey and is not in ``history``.
The field names of LSST stop at this module.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import AB_ZERO_POINT
from gueststar.surveys import columns, sky
from gueststar.surveys.stamps import StampGeometry

CUTOUTS = {
    "science": "cutoutScience",
    "template": "cutoutTemplate",
    "difference": "cutoutDifference",
}
TIME = ("midpointMjdTai", "midPointTai")
BAND = ("band", "filterName")
EXPOSURE = ("visit", "ccdVisitId")
FLUX = ("psfFlux", "psFlux")
FLUX_ERR = ("psfFluxErr", "psFluxErr")
TOTAL = ("scienceFlux", "totFlux")
TOTAL_ERR = ("scienceFluxErr", "totFluxErr")
POINT_FIELDS = (*TIME, *BAND, *EXPOSURE, *FLUX, *FLUX_ERR, *TOTAL, *TOTAL_ERR)
_UNIX_EPOCH = 40_587.0  # MJD of 1970-01-01
_DAY = 86_400.0


class LSST:
    """Turns records of Rubin packets into the vocabulary, a batch at a time."""

    name = "lsst"
    detection = "diaSource"
    stamps = StampGeometry(0.2)  # stamps say the rest, each its own
    ids = ("diaSourceId", "diaObjectId", "ssObjectId")
    site = "rubin"
    has_programs = False

    def recognises(self, fields: Iterable[str]) -> bool:
        """Tell from the names of a record's fields whether it is a Rubin alert."""
        return "diaSource" in set(fields)

    @np.errstate(over="ignore")  # absurd numbers of a packet become null
    def alerts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Map packets to the vocabulary.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            One column a top-level field of the packets, nested as in Avro.

        Returns
        -------
        pyarrow.RecordBatch
            :data:`gueststar.surveys.columns.ALERT_COLUMNS` and ``native``, same rows; required
            values that the packet does not have are null.
        """
        source = columns.column(batch, "diaSource")
        own = _measured(source, "detection")
        ra, dec = columns.floats(source, "ra"), columns.floats(source, "dec", "decl")
        return columns.alert_batch(
            columns.native(batch, without=tuple(CUTOUTS.values())),
            alert_id=columns.integers(source, "diaSourceId"),
            object_id=_object(source, columns.column(batch, "diaObject")),
            survey=pa.repeat(self.name, batch.num_rows),
            night=sky.date_number(sky.tai_to_utc(_times(source)) - 0.5),
            ra=ra,
            dec=dec,
            healpix29=sky.healpix29(ra, dec),
            published_rb=columns.fraction(columns.floats(source, "reliability")),
            history=_history(batch, own),
            **{name: own.column(name) for name in ("band", "mjd_tai", "flux", "flux_err")},
            **{
                name: columns.binary(columns.column(batch, field))
                for name, field in CUTOUTS.items()
            },
        )

    def seen(self, native: pa.StructArray, programs: frozenset[int]) -> pa.StructArray:
        """Return the records: LSST has no programs."""
        return native


def _object(source: pa.Array, dia_object: pa.Array) -> pa.Array:
    ids = [columns.integers(part, "diaObjectId") for part in (source, dia_object)]
    known = [pc.if_else(pc.equal(part, 0), pa.scalar(None, pa.int64()), part) for part in ids]
    return pc.coalesce(*known).cast(pa.string())


def _history(batch: pa.RecordBatch, own: pa.RecordBatch) -> pa.ListArray:
    parts = [(np.arange(batch.num_rows, dtype=np.int64), own)]
    for name, kind in (("prvDiaSources", "detection"), ("prvDiaForcedSources", "forced")):
        row, struct = columns.elements(batch, name)
        if len(row):
            valid = np.isnan(columns.floats(struct, "timeWithdrawnMjdTai"))
            parts.append((row[valid], _measured(columns.pick(struct, valid, POINT_FIELDS), kind)))
    row, struct = columns.elements(batch, "prvDiaNondetectionLimits")
    if len(row):
        parts.append((row, _limits(struct)))
    return columns.history(batch.num_rows, parts)


def _measured(struct: pa.Array, kind: str) -> pa.RecordBatch:
    return columns.points_of(
        exposure_id=columns.integers(struct, *EXPOSURE),
        mjd_tai=_times(struct),
        band=columns.texts(struct, *BAND),
        kind=kind,
        flux=columns.floats(struct, *FLUX),
        flux_err=columns.positive(columns.floats(struct, *FLUX_ERR)),
        total_flux=columns.floats(struct, *TOTAL),
        total_flux_err=columns.positive(columns.floats(struct, *TOTAL_ERR)),
    )


def _limits(struct: pa.Array) -> pa.RecordBatch:
    noise = columns.positive(columns.floats(struct, "diaNoise"))
    return columns.points_of(
        exposure_id=columns.integers(struct, *EXPOSURE),
        mjd_tai=_times(struct),
        band=columns.texts(struct, *BAND),
        kind="limit",
        limit=AB_ZERO_POINT - 2.5 * np.log10(5 * noise),
    )


def _times(struct: pa.Array) -> np.ndarray:
    """MJD TAI, d.

    The sample packets of schema 3 to 7 hold seconds since 1970 (TAI) where the schema says MJD;
    no MJD of our era has seven digits, so such values are read as what they are.
    """
    values = columns.floats(struct, *TIME)
    return np.where(values >= sky.LAST_MJD, values / _DAY + _UNIX_EPOCH, values)
