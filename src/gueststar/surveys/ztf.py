"""ZTF alert packets, schema before 3.0 to 4.02, from Avro and from brokers' Parquet.

What is particular to ZTF, and what becomes of it:

=====================  ==========================================================================
ZTF                    here
=====================  ==========================================================================
``jd``                 start of the exposure, UTC: ``mjd_tai = jd - 2400000.5 + exptime/2 + leap``
``exptime``            of ``candidate`` (3.3 on) and of ``fp_hists``; else 30 s, the survey's own
``isdiffpos``          ``t``, ``1``: brighter than the reference; ``f``, ``0``: fainter
``magpsf``             ``flux = sign * 10**(0.4*(31.4 - magpsf))``; error ``flux*sigmapsf/1.0857``
``prv_candidates``     a detection where ``magpsf`` is there, else a limit, ``diffmaglim``
``fp_hists``           forced, DN: ``flux = forcediffimflux * 10**(0.4*(31.4 - magzpsci))``
``procstatus``         forced rows are used when it is ``0``; any other code (``56``, ``61``,
                       ``0,61``) or a flux of -99999 leaves the row to ``native``
``programid``          ``program``, of the alert and of each earlier point
``distnr``             pixels of 1.01 arcsec in candidates, arcsec in ``fp_hists``
-999, -99, -99999      null
=====================  ==========================================================================

The field names of ZTF stop at this module.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import POGSON, flux_of
from gueststar.surveys import columns, sky
from gueststar.surveys.stamps import StampGeometry

BANDS = ("g", "r", "i")  # fid 1, 2, 3
CUTOUTS = {
    "science": "cutoutScience",
    "template": "cutoutTemplate",
    "difference": "cutoutDifference",
}
EXPOSURE = 30.0  # s, of the public survey; packets before 3.3 and prv_candidates do not say
POINT_FIELDS = (
    *("jd", "fid", "pid", "programid", "exptime", "diffmaglim", "distnr", "magnr", "sigmagnr"),
    *("magpsf", "sigmapsf", "isdiffpos", "magzpsci", "forcediffimflux", "forcediffimfluxunc"),
)
PIXEL = 1.01  # arcsec
REFERENCE_RADIUS = 1.4  # arcsec; ALeRCE's lc_correction, where it counts candidates' pixels
_MJD = 2_400_000.5
_DAY = 86_400.0


class ZTF:
    """Turns records of ZTF packets into the vocabulary, a batch at a time."""

    name = "ztf"
    detection = "candidate"
    # Rows of stamps run to the south, columns to the west; the headers do not say it, xpos, ypos,
    # ra and dec of neighbours in one quadrant do (tests/surveys/test_ztf.py).
    stamps = StampGeometry(PIXEL, north=180.0, east=-90.0)
    ids = ("candid",)
    site = "palomar"
    has_programs = True

    def recognises(self, fields: Iterable[str]) -> bool:
        """Tell from the names of a record's fields whether it is a ZTF alert."""
        return {"objectId", "candid", "candidate"} <= set(fields)

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
        candidate = columns.column(batch, "candidate")
        own = _detections(candidate, _exposure(candidate))
        ra, dec = columns.floats(candidate, "ra"), columns.floats(candidate, "dec")
        return columns.alert_batch(
            columns.native(batch, without=tuple(CUTOUTS.values())),
            alert_id=columns.whole(columns.column(batch, "candid")),
            object_id=columns.column(batch, "objectId"),
            survey=pa.repeat(self.name, batch.num_rows),
            night=sky.date_number(columns.floats(candidate, "jd") - _MJD),
            ra=ra,
            dec=dec,
            healpix29=sky.healpix29(ra, dec),
            published_rb=columns.fraction(columns.floats(candidate, "drb")),
            program=columns.integers(candidate, "programid", kind=pa.int32()),
            history=_history(batch, own),
            **{name: own.column(name) for name in ("band", "mjd_tai", "flux", "flux_err")},
            **{name: _stamp(batch, field) for name, field in CUTOUTS.items()},
        )

    def seen(self, native: pa.StructArray, programs: frozenset[int]) -> pa.StructArray:
        """Return records without earlier points of other programs than these, same rows.

        Parameters
        ----------
        native : pyarrow.StructArray
            Column ``native``.
        programs : frozenset of int
        """
        arrays = [
            columns.kept(array, lambda points: _of_programs(points, programs))
            if field.name in ("prv_candidates", "fp_hists")
            else array
            for field, array in zip(native.type, native.flatten(), strict=True)
        ]
        mask = native.is_null() if native.null_count else None
        return pa.StructArray.from_arrays(arrays, fields=_nullable(native.type), mask=mask)


def _of_programs(points: pa.StructArray, programs: frozenset[int]) -> np.ndarray:
    allowed = pa.array(sorted(programs), pa.int64())
    mine = pc.is_in(columns.integers(points, "programid"), allowed)
    return np.asarray(mine.to_numpy(zero_copy_only=False), dtype=bool)


def _nullable(kind: pa.StructType) -> list[pa.Field]:
    return [field.with_nullable(True) for field in kind]


def _history(batch: pa.RecordBatch, own: pa.RecordBatch) -> pa.ListArray:
    rows = np.arange(batch.num_rows, dtype=np.int64)
    before, previous = columns.elements(batch, "prv_candidates")
    around, forced = columns.elements(batch, "fp_hists")
    seen = np.isfinite(_magnitudes(previous, "magpsf"))
    limited = ~seen & np.isfinite(_magnitudes(previous, "diffmaglim"))
    parts = [(rows, own)]
    for chosen, points in ((seen, _detections), (limited, _limits)):
        if chosen.any():
            some = columns.pick(previous, chosen, POINT_FIELDS)
            parts.append((before[chosen], points(some, np.full(len(some), EXPOSURE))))
    if (good := _usable(forced)).any():
        parts.append((around[good], _forced(columns.pick(forced, good, POINT_FIELDS))))
    return columns.history(batch.num_rows, parts)


def _detections(struct: pa.Array, exposure: np.ndarray) -> pa.RecordBatch:
    magnitude = _magnitudes(struct, "magpsf")
    size = flux_of(magnitude)
    flux = _sign(struct) * size
    error = size * columns.positive(columns.floats(struct, "sigmapsf")) / POGSON
    apart = columns.floats(struct, "distnr") * PIXEL
    return _points(struct, "detection", exposure, flux, error, apart)


def _forced(struct: pa.Array) -> pa.RecordBatch:
    unit = flux_of(columns.positive(columns.floats(struct, "magzpsci")))  # nJy of one DN
    flux = columns.floats(struct, "forcediffimflux") * unit
    error = columns.positive(columns.floats(struct, "forcediffimfluxunc")) * unit
    apart = columns.floats(struct, "distnr")
    return _points(struct, "forced", _exposure(struct), flux, error, apart)


def _limits(struct: pa.Array, exposure: np.ndarray) -> pa.RecordBatch:
    unknown = np.full(len(struct), np.nan)
    return _points(struct, "limit", exposure, unknown, unknown, unknown)


def _points(
    struct: pa.Array,
    kind: str,
    exposure: np.ndarray,
    flux: np.ndarray,
    error: np.ndarray,
    apart: np.ndarray,
) -> pa.RecordBatch:
    total, total_error = _total(struct, flux, error, apart)
    fid = columns.floats(struct, "fid")
    return columns.points_of(
        exposure_id=columns.integers(struct, "pid"),
        mjd_tai=_middle(columns.floats(struct, "jd"), exposure),
        band=columns.choice(BANDS, np.nan_to_num(fid, nan=0.0).astype(np.int64) - 1),
        kind=kind,
        flux=flux,
        flux_err=error,
        total_flux=total,
        total_flux_err=total_error,
        limit=_magnitudes(struct, "diffmaglim"),
        program=columns.integers(struct, "programid", kind=pa.int32()),
    )


def _total(
    struct: pa.Array, flux: np.ndarray, error: np.ndarray, apart: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flux of the reference source plus the difference, and its error.

    Known where a reference source lies within 1.4 arcsec. The reference is part of the
    difference's noise, hence the subtraction of variances; where that leaves nothing, the error
    of the difference stands: the light-curve correction of ALeRCE (Forster et al. 2021, AJ 161,
    242; its ``sigmapsf_corr``, else ``sigmapsf_corr_ext``).
    """
    close = (apart >= 0) & (apart < REFERENCE_RADIUS)
    reference = np.where(close, flux_of(_magnitudes(struct, "magnr")), np.nan)
    spread = columns.positive(columns.floats(struct, "sigmagnr"))
    variance = error**2 - (reference * spread / POGSON) ** 2
    known = np.isfinite(reference + flux)
    total_error = np.where(variance > 0, np.sqrt(np.maximum(variance, 0)), error)
    return reference + flux, np.where(known, total_error, np.nan)


def _middle(jd: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """MJD TAI of mid-exposure from the JD UTC of its start."""
    return sky.utc_to_tai(jd - _MJD) + exposure / 2 / _DAY


def _exposure(struct: pa.Array) -> np.ndarray:
    seconds = columns.positive(columns.floats(struct, "exptime"))
    return np.where(np.isnan(seconds), EXPOSURE, seconds)


def _magnitudes(struct: pa.Array, name: str) -> np.ndarray:
    values = columns.floats(struct, name)
    return np.where(values > -90, values, np.nan)


def _sign(struct: pa.Array) -> np.ndarray:
    """+1, -1, or NaN where the packet does not say."""
    text = columns.texts(struct, "isdiffpos")
    up = pc.is_in(text, pa.array(["t", "1", "true"])).to_numpy(zero_copy_only=False)
    down = pc.is_in(text, pa.array(["f", "0", "false"])).to_numpy(zero_copy_only=False)
    return np.select([up, down], [1.0, -1.0], np.nan)


def _usable(forced: pa.Array) -> np.ndarray:
    clean = pc.equal(columns.texts(forced, "procstatus"), "0").fill_null(False)
    flux = columns.floats(forced, "forcediffimflux")
    zero_point = columns.positive(columns.floats(forced, "magzpsci"))
    good = clean.to_numpy(zero_copy_only=False) & (flux > -99_998) & np.isfinite(zero_point)
    return np.asarray(good)


def _stamp(batch: pa.RecordBatch, name: str) -> pa.Array:
    return columns.binary(columns.field(columns.column(batch, name), "stampData"))
