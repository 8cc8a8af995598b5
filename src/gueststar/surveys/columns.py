"""Reading nested Arrow columns as NumPy, whole columns at a time, and writing the vocabulary.

Surveys change their fields and types from version to version, brokers write Parquet with wider
numbers: a field that is missing reads as null, numbers of any width read as float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import HISTORY, ORIGIN, VOCABULARY
from gueststar.points import HISTORY_SCHEMA, merge_points
from gueststar.surveys import sky

#: The vocabulary without the positions, which :mod:`gueststar.surveys.decode` adds.
ALERT_COLUMNS = pa.schema([f for f in VOCABULARY if f.name not in ORIGIN.names])


def column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a top-level column; nulls when the batch has none of that name."""
    index = batch.schema.get_field_index(name)
    return batch.column(index) if index >= 0 else pa.nulls(batch.num_rows)


def field(struct: pa.Array, *names: str) -> pa.Array:
    """Return the first of the named fields that a struct column has; nulls when it has none.

    Where the struct itself is null, the field is.
    """
    if pa.types.is_struct(struct.type):
        for name in names:
            if struct.type.get_field_index(name) >= 0:
                return pc.struct_field(struct, [name])
    return pa.nulls(len(struct))


def pick(struct: pa.Array, rows: np.ndarray, names: Iterable[str]) -> pa.StructArray:
    """Return some rows of a struct column, and of its fields only the named ones that it has.

    Survey records have a hundred fields: copying the few that are read is much faster.
    """
    mine = [name for name in names if struct.type.get_field_index(name) >= 0]
    mask = pa.array(rows)
    return pa.StructArray.from_arrays([field(struct, n).filter(mask) for n in mine], names=mine)


def floats(struct: pa.Array, *names: str) -> np.ndarray:
    """Read a field as float64, shape ``(n,)``; null, missing and infinite are NaN."""
    values = field(struct, *names).cast(pa.float64(), safe=False)
    numbers = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def positive(values: np.ndarray) -> np.ndarray:
    """Keep positive numbers; what cannot be one (-999, 0, NaN) becomes NaN."""
    with np.errstate(invalid="ignore"):
        return np.where(values > 0, values, np.nan)


def fraction(values: np.ndarray) -> np.ndarray:
    """Keep numbers in [0, 1]; what cannot be a score becomes NaN."""
    return np.where((values >= 0) & (values <= 1), values, np.nan)


def integers(struct: pa.Array, *names: str, kind: pa.DataType | None = None) -> pa.Array:
    """Read a field as integers (int64 unless ``kind``), null where missing."""
    return whole(field(struct, *names)).cast(kind or pa.int64(), safe=False)


def whole(array: pa.Array) -> pa.Array:
    """Numbers as int64; a float that cannot hold an id exactly (2**53 on) becomes null."""
    if not pa.types.is_floating(array.type):
        return array.cast(pa.int64(), safe=False)
    numbers = np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False))
    inexact = ~(np.abs(numbers) < 2**53)
    return pa.array(np.where(inexact, 0, numbers).astype(np.int64), mask=inexact)


def texts(struct: pa.Array, *names: str) -> pa.Array:
    """Read a field as strings, null where missing."""
    return field(struct, *names).cast(pa.string())


def elements(batch: pa.RecordBatch, name: str) -> tuple[np.ndarray, pa.Array]:
    """Flatten a column of lists of structs; a column that is none has no elements.

    Returns
    -------
    row : numpy.ndarray of int64, shape ``(elements,)``
        The alert that each element belongs to.
    values : pyarrow.StructArray
        The elements of all lists; a null list has none.
    """
    lists = column(batch, name)
    is_list = pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)
    if not (is_list and pa.types.is_struct(lists.type.value_type)):
        return np.zeros(0, dtype=np.int64), pa.nulls(0)
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(lists), dtype=np.int64), lengths), lists.flatten()


def kept(lists: pa.Array, keep: Callable[[pa.StructArray], np.ndarray]) -> pa.Array:
    """Return a column of lists with only those elements that a function keeps.

    A column that holds no lists of structs, and so no points, becomes null.
    """
    kind = lists.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not (is_list and pa.types.is_struct(kind.value_type)):
        return pa.nulls(len(lists), kind)
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    row, elements = np.repeat(np.arange(len(lists)), lengths), lists.flatten()
    keeps = keep(elements)
    if keeps.all():
        return lists
    counts = np.bincount(row[keeps], minlength=len(lists))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    make = pa.ListArray if pa.types.is_list(kind) else pa.LargeListArray
    some = elements.take(pa.array(np.flatnonzero(keeps)))
    at = pa.array(offsets, pa.int32() if pa.types.is_list(kind) else pa.int64())
    mask = lists.is_null() if lists.null_count else None
    return make.from_arrays(at, some, type=kind, mask=mask)


def choice(names: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    """Strings by their number in ``names``; null where the number is outside."""
    outside = (codes < 0) | (codes >= len(names))
    return pa.array(names, pa.string()).take(pa.array(codes, pa.int64(), mask=outside))


def points_of(
    *,
    exposure_id: pa.Array,
    mjd_tai: np.ndarray,
    band: pa.Array,
    kind: pa.Array | str,
    program: pa.Array | None = None,
    **numbers: np.ndarray,
) -> pa.RecordBatch:
    """Build points, columns of :data:`gueststar.batch.HISTORY`.

    NaN, times outside our era and numbers beyond float32 are null.
    """
    n = len(mjd_tai)
    given = {
        "exposure_id": exposure_id,
        "mjd_tai": pa.array(sky.plausible(mjd_tai), from_pandas=True),
        "band": band,
        "kind": pa.repeat(kind, n) if isinstance(kind, str) else kind,
        **({} if program is None else {"program": program}),
        **{name: _single(values) for name, values in numbers.items()},
    }
    arrays = [given[f.name] if f.name in given else pa.nulls(n, f.type) for f in HISTORY_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=HISTORY_SCHEMA)


def _single(values: np.ndarray) -> pa.Array:
    """Numbers as float32; null where they are NaN or too large."""
    large = ~(np.abs(values) < np.finfo(np.float32).max)
    return pa.array(np.where(large, 0.0, values).astype(np.float32), mask=large)


def history(rows: int, parts: list[tuple[np.ndarray, pa.RecordBatch]]) -> pa.ListArray:
    """Merge the parts of every alert's history into one list each, sorted by time.

    Parameters
    ----------
    rows : int
        Number of alerts.
    parts : list of (row, points)
        ``row``: the alert of each point. Points without a time are left out.
    """
    row = np.concatenate([row for row, _ in parts])
    points = pa.concat_batches([points for _, points in parts])
    timed = points.column("mjd_tai").is_valid()
    if not timed.to_numpy(zero_copy_only=False).all():
        row, points = row[timed.to_numpy(zero_copy_only=False)], points.filter(timed)
    row, points = merge_points(row, points)
    offsets = np.searchsorted(row, np.arange(rows + 1)).astype(np.int32)
    structs = pa.StructArray.from_arrays(points.columns, fields=list(HISTORY))
    return pa.ListArray.from_arrays(pa.array(offsets), structs)


def native(batch: pa.RecordBatch, without: tuple[str, ...]) -> pa.StructArray:
    """Return the survey's own record as one struct column, without the cutouts."""
    kept = [f for f in batch.schema if f.name not in without]
    arrays = [column(batch, f.name) for f in kept]
    if not kept:
        return pa.array([{}] * batch.num_rows, pa.struct([]))
    return pa.StructArray.from_arrays(arrays, fields=kept)


def binary(array: pa.Array) -> pa.Array:
    """Cutout bytes as the vocabulary has them; null when there are none."""
    return array if pa.types.is_binary(array.type) else array.cast(pa.binary())


def alert_batch(native_record: pa.StructArray, **columns: pa.Array | np.ndarray) -> pa.RecordBatch:
    """Assemble :data:`ALERT_COLUMNS` and ``native``; NaN is null, a column not given is null.

    Required columns may still hold nulls here: :mod:`gueststar.surveys.decode` turns such rows
    into dead letters.
    """
    n = len(native_record)
    arrays = [_typed(columns.get(f.name), f.type, n) for f in ALERT_COLUMNS]
    schema = pa.schema([*ALERT_COLUMNS, pa.field("native", native_record.type)])
    return pa.RecordBatch.from_arrays([*arrays, native_record], schema=schema)


def _typed(values: pa.Array | np.ndarray | None, kind: pa.DataType, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, kind)
    if isinstance(values, np.ndarray):
        return pa.array(values, from_pandas=True).cast(kind, safe=False)
    return values if values.type == kind else values.cast(kind, safe=False)
