"""Photometric points of many objects at once: which of them are one point, and which row stands.

The rule for duplicates, in one place:

* A point is known by its **key**: ``(exposure_id, band, kind)``, and by ``(mjd_tai, band, kind)``
  where the exposure has no id. A detection, a forced measurement and a limit of one exposure are
  three points, all kept.
* Rows of different survey **programs** are never one point, so that what a viewer may see does not
  depend on what he may not. A row of unknown program (null) gives way to rows of known ones.
* Of several rows with one key and program the **least** stands: rows are compared by
  ``flux_err``, ``flux``, ``mjd_tai``, ``total_flux``, ``total_flux_err``, ``limit``, in this
  order, null last.

That is a total order, so merging is commutative, associative and idempotent: workers may race,
packets may repeat, and the curve is the same.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gueststar.batch import HISTORY

HISTORY_SCHEMA = pa.schema(list(HISTORY))

#: Columns that decide which of two rows with one key stands, in this order.
PRECEDENCE = ("flux_err", "flux", "mjd_tai", "total_flux", "total_flux_err", "limit")
_NO_EXPOSURE = np.iinfo(np.int64).min
_NO_PROGRAM = np.iinfo(np.int64).max  # behind all programs


def merge_points(owner: np.ndarray, points: pa.RecordBatch) -> tuple[np.ndarray, pa.RecordBatch]:
    """Make the set union of points for each owner, under the key and the rule of this module.

    Parameters
    ----------
    owner : numpy.ndarray of int64, shape ``(n,)``
        Whose point each is: the row of an alert, the number of an object.
    points : pyarrow.RecordBatch
        Columns of :data:`gueststar.batch.HISTORY`; NaN counts as null.

    Returns
    -------
    owner : numpy.ndarray of int64, shape ``(m,)``
        Sorted.
    points : pyarrow.RecordBatch
        One row a key and program, sorted by ``(owner, mjd_tai)``; NaN is null.

    Examples
    --------
    >>> night = pa.RecordBatch.from_pylist(
    ...     [{"exposure_id": 1, "mjd_tai": 59000.0, "band": "r", "kind": "detection", "flux": 5.0}],
    ...     schema=HISTORY_SCHEMA)
    >>> twice = pa.concat_batches([night, night])
    >>> owner, merged = merge_points(np.array([7, 7]), twice)
    >>> owner.tolist(), merged.num_rows
    ([7], 1)
    """
    owner = np.asarray(owner, dtype=np.int64)
    columns = {name: _floats(points.column(name)) for name in PRECEDENCE}
    order, first = _groups(owner, points, columns["mjd_tai"])
    kept = order[_least(order, first, columns)]
    kept = kept[np.lexsort((columns["mjd_tai"][kept], owner[kept]))]
    return owner[kept], _take(points, columns, kept)


def _floats(column: pa.Array) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=column.type.to_pandas_dtype())


def _groups(
    owner: np.ndarray, points: pa.RecordBatch, mjd: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Order the rows so that equal keys are neighbours, and say where each key begins."""
    exposure = points.column("exposure_id").fill_null(_NO_EXPOSURE).to_numpy(zero_copy_only=False)
    unknown = exposure == _NO_EXPOSURE
    moment = np.where(unknown, mjd.view(np.int64), exposure)
    label = _ranks(points.column("band")) * 8 + _ranks(points.column("kind")) * 2 + unknown
    key = (label, moment, owner)
    program = _programs(points.column("program"))
    if program is None:
        order = np.lexsort(key)
        return order, _changes(order, *key)
    order = np.lexsort((program, *key))
    point = _changes(order, *key)
    known = program[order][np.flatnonzero(point)] != _NO_PROGRAM
    order = order[(program[order] != _NO_PROGRAM) | ~known[np.cumsum(point) - 1]]
    return order, _changes(order, program, *key)


def _programs(column: pa.Array) -> np.ndarray | None:
    """Programs as numbers; None where there is but one, which need not be compared."""
    if column.null_count == len(column):
        return None
    numbers = column.cast(pa.int64()).fill_null(_NO_PROGRAM).to_numpy(zero_copy_only=False)
    return None if (numbers == numbers[0]).all() else numbers


def _changes(order: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Say where a key differs from that of the row before."""
    first = np.ones(len(order), dtype=bool)
    if len(order) > 1:
        rows = [key[order] for key in keys]
        first[1:] = np.logical_or.reduce([row[1:] != row[:-1] for row in rows])
    return first


def _ranks(column: pa.Array) -> np.ndarray:
    """Rank of each string among the column's values: 0 for null, then alphabetical."""
    encoded = column.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    rank = np.zeros(len(names) + 1, dtype=np.int64)
    rank[np.argsort(np.array(names, dtype=str), kind="stable")] = np.arange(1, len(names) + 1)
    codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    return np.asarray(rank[codes])


def _least(order: np.ndarray, first: np.ndarray, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Positions in ``order`` of the row that stands for each key."""
    starts = np.flatnonzero(first)
    several = np.diff(starts, append=len(first)) > 1
    group = np.cumsum(first) - 1
    rows = np.flatnonzero(several[group])
    for name in PRECEDENCE:
        rows = _lowest(rows, group, columns[name][order])
    return np.sort(np.concatenate([starts[~several], rows[_starts(group[rows])]]))


def _lowest(rows: np.ndarray, group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rows that hold the least value of their group; null after every number."""
    if len(rows) == 0:
        return rows
    values, starts = values[rows], _starts(group[rows])
    lengths = np.diff(starts, append=len(rows))
    missing = np.isnan(values)
    all_missing = np.repeat(np.logical_and.reduceat(missing, starts), lengths)
    values = np.where(missing, np.inf, values)
    least = np.repeat(np.minimum.reduceat(values, starts), lengths)
    return np.asarray(rows[all_missing | (~missing & (values == least))])


def _starts(group: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(group, prepend=-1))


def _take(
    points: pa.RecordBatch, columns: dict[str, np.ndarray], rows: np.ndarray
) -> pa.RecordBatch:
    arrays = [
        pa.array(columns[field.name][rows], field.type, from_pandas=True)
        if field.name in columns
        else points.column(field.name).take(pa.array(rows))
        for field in HISTORY_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=HISTORY_SCHEMA)
