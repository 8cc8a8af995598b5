"""Light curves as the store keeps them: one JSON text an object, one list a point.

A point is ``[exposure_id, mjd_tai, band, flux, flux_err, total_flux, total_flux_err, limit,
kind, program]``, the fields of :data:`gueststar.batch.HISTORY`, null where unknown; older stores
have points without ``program``. Any SQLite client can
unfold it (the view ``lightcurves`` does). The text is built by Arrow's kernels, whole batches at
a time; numbers are written in the fewest digits that read back as the same float32 or float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import HISTORY
from gueststar.points import HISTORY_SCHEMA

_FIELDS = len(HISTORY)
#: Words of ``band`` and ``kind`` are few, so each is quoted once.
_TEXT = pa.string()


def encode(owner: np.ndarray, points: pa.RecordBatch) -> tuple[np.ndarray, list[str]]:
    """Write curves as JSON texts.

    Parameters
    ----------
    owner : numpy.ndarray of int64, shape ``(points,)``
        Sorted; whose point each is.
    points : pyarrow.RecordBatch
        Columns of :data:`gueststar.batch.HISTORY`.

    Returns
    -------
    owners : numpy.ndarray of int64, shape ``(curves,)``
    texts : list of str
    """
    owners, starts = np.unique(owner, return_index=True)
    offsets = pa.array(np.append(starts, len(owner)), pa.int32())
    parts = [_json(points.column(field.name)) for field in HISTORY]
    rows = pc.binary_join_element_wise(
        pa.scalar("["), pc.binary_join_element_wise(*parts, ","), pa.scalar("]"), ""
    )
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, rows), ",")
    texts = pc.binary_join_element_wise(pa.scalar("["), joined, pa.scalar("]"), "")
    return owners, texts.to_pylist()


def _json(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        return _quoted(column)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    return pc.fill_null(column.cast(_TEXT), "null")


def _quoted(column: pa.Array) -> pa.Array:
    encoded = column.dictionary_encode()
    words = [orjson.dumps(word).decode() for word in encoded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(words, _TEXT).take(encoded.indices), "null")


def decode(texts: Sequence[str]) -> tuple[np.ndarray, pa.RecordBatch]:
    """Read JSON texts back.

    Returns
    -------
    curve : numpy.ndarray of int64, shape ``(points,)``
        Which text each point is from.
    points : pyarrow.RecordBatch
        Columns of :data:`gueststar.batch.HISTORY`.
    """
    curves = [orjson.loads(text) for text in texts]
    curve = np.repeat(np.arange(len(curves), dtype=np.int64), [len(c) for c in curves])
    points = chain.from_iterable(curves)
    columns = list(zip(*(p if len(p) == _FIELDS else [*p, None] for p in points), strict=True))
    columns = columns or [()] * _FIELDS
    arrays = [_column(c, f.type) for c, f in zip(columns, HISTORY, strict=True)]
    return curve, pa.RecordBatch.from_arrays(arrays, schema=HISTORY_SCHEMA)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Whole numbers stand without a point in JSON, so floats are made by NumPy: None is NaN."""
    if not pa.types.is_floating(kind):
        return pa.array(values, kind)
    return pa.array(np.array(values, dtype=np.float64), from_pandas=True).cast(kind, safe=False)


def statistics(
    owner: np.ndarray, points: pa.RecordBatch, owners: np.ndarray
) -> tuple[list[int], list[int], list[float | None], list[float | None]]:
    """Count points and detections of curves, and find the first and last detection.

    Parameters
    ----------
    owner, points
        Merged, sorted by owner and time.
    owners : numpy.ndarray of int64, shape ``(curves,)``
        Sorted; the curves asked for.

    Returns
    -------
    n_points, n_detections : list of int
    first, last : list of float or None
        MJD TAI of the first and the last detection.
    """
    low, high = np.searchsorted(owner, owners), np.searchsorted(owner, owners, side="right")
    detected = pc.equal(points.column("kind"), "detection").fill_null(False)
    where = np.flatnonzero(detected.to_numpy(zero_copy_only=False))
    mjd = points.column("mjd_tai").to_numpy(zero_copy_only=False)[where]
    start, stop = np.searchsorted(where, low), np.searchsorted(where, high)
    spans = list(zip(start.tolist(), stop.tolist(), strict=True))
    first = [float(mjd[a]) if b > a else None for a, b in spans]
    last = [float(mjd[b - 1]) if b > a else None for a, b in spans]
    return (high - low).tolist(), (stop - start).tolist(), first, last
