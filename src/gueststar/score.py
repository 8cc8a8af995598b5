"""Scores: a value or null, with the module, its version and the reason.

A module adds one float column a class, named ``<module>_<class>``, and one string column
``<module>_reason`` that says why a row has no value. Null means "not scored"; never 0, -1, -999.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch

CLASS_KEY = b"class"

#: How the reason begins when a module itself has failed, and the input is not to blame.
FAILED = "failed: "

#: Classes that the modules of this version know, and what they mean.
TAXONOMY = {
    "real": "a real change on the sky, not an artefact of the image or of the subtraction",
    "bogus": "an artefact: cosmic ray, bad subtraction, halo, streak, detector edge",
}

#: Long form of scores: one row an alert, module and class.
SCORES = pa.schema(
    [
        pa.field("alert_id", pa.int64(), nullable=False),
        pa.field("module", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("class", pa.string(), nullable=False),
        pa.field("value", pa.float32()),
        pa.field("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Score:
    """One number that a module gave to one alert.

    Parameters
    ----------
    module, version : str
        Which module, and its code version with the digest of its weights.
    label : str
        The class that the value speaks of; see :data:`TAXONOMY`.
    value : float or None
        In [0, 1]; None when the alert was not scored.
    reason : str or None
        Why it was not scored.
    """

    module: str
    version: str
    label: str
    value: float | None
    reason: str | None = None


def score_schema(module: str, classes: Sequence[str]) -> pa.Schema:
    """Columns that a module gives for these classes: values, then the reason.

    Examples
    --------
    >>> score_schema("rb", ["real"]).names
    ['rb_real', 'rb_reason']
    """
    values = [pa.field(f"{module}_{c}", pa.float32(), metadata={CLASS_KEY: c}) for c in classes]
    return pa.schema([*values, pa.field(f"{module}_reason", pa.string())])


def score_batch(
    schema: pa.Schema, values: np.ndarray, reasons: Sequence[str | None]
) -> pa.RecordBatch:
    """Pack scores as a module returns them.

    Parameters
    ----------
    schema : pyarrow.Schema
        From :func:`score_schema`.
    values : numpy.ndarray, shape ``(alerts, classes)``
        Ignored where there is a reason.
    reasons : sequence of str or None
        None where the row was scored.
    """
    missing = np.array([reason is not None for reason in reasons], dtype=bool)
    values = np.asarray(values, dtype=np.float32).reshape(len(reasons), len(schema) - 1)
    arrays = [pa.array(c, pa.float32(), mask=missing | np.isnan(c)) for c in values.T]
    return pa.RecordBatch.from_arrays([*arrays, pa.array(reasons, pa.string())], schema=schema)


def unscored(schema: pa.Schema, rows: int, reason: str) -> pa.RecordBatch:
    """Rows of nulls with one reason, for any schema that a module gives."""
    arrays = [
        pa.array([reason] * rows, pa.string())
        if field.name.endswith("_reason")
        else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def long_scores(batch: AlertBatch) -> pa.RecordBatch:
    """All scores of a batch in long form, columns of :data:`SCORES`."""
    parts = [_long_column(batch, i) for i, f in enumerate(batch.arrow.schema) if _class_of(f)]
    if not parts:
        return pa.RecordBatch.from_pylist([], schema=SCORES)
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0] if len(batch) else parts[0]


def without_scores(batch: AlertBatch, modules: Collection[str]) -> AlertBatch:
    """Drop all score columns of these modules."""
    gone = {f"{module}_reason" for module in modules}
    for field in batch.arrow.schema:
        label = _class_of(field)
        if label and field.name.removesuffix(f"_{label}") in modules:
            gone.add(field.name)
    return batch.select(name for name in batch.names if name not in gone)


def _class_of(field: pa.Field) -> str | None:
    label = (field.metadata or {}).get(CLASS_KEY)
    return label.decode() if label else None


def _long_column(batch: AlertBatch, index: int) -> pa.RecordBatch:
    field, n = batch.arrow.schema.field(index), len(batch)
    label = _class_of(field) or ""
    module = field.name.removesuffix(f"_{label}")
    version = batch.modules.get(module, "unknown")
    reason = f"{module}_reason"
    columns = [
        batch.column("alert_id"),
        pa.array([module] * n, pa.string()),
        pa.array([version] * n, pa.string()),
        pa.array([label] * n, pa.string()),
        batch.arrow.column(index),
        batch.column(reason) if reason in batch.names else pa.nulls(n, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCORES)
