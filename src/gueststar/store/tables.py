"""Rows of SQL as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from gueststar.batch import VOCABULARY
from gueststar.score import SCORES

_ALERT = (
    "alert_id", "object_id", "survey", "band", "mjd_tai", "night", "ra", "dec", "healpix29",
    "flux", "flux_err", "mag", "published_rb", "program",
)  # fmt: skip
_MAG = pa.field("mag", pa.float64())

#: Types of the view ``alerts``, in its order.
ALERTS = pa.schema([_MAG if n == "mag" else VOCABULARY.field(n) for n in _ALERT])

#: Types of the view ``objects``, in its order.
OBJECTS = pa.schema(
    [
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("survey", pa.string(), nullable=False),
        pa.field("ra", pa.float64(), nullable=False),
        pa.field("dec", pa.float64(), nullable=False),
        pa.field("n_detections", pa.int64()),
        pa.field("first_mjd_tai", pa.float64()),
        pa.field("last_mjd_tai", pa.float64()),
        pa.field("n_alerts", pa.int64()),
        pa.field("n_points", pa.int64()),
        pa.field("healpix29", pa.int64(), nullable=False),
    ]
)

#: An alert as searches show it: the score asked for, and why there is none.
FOUND = pa.schema([*ALERTS, pa.field("score", pa.float32()), pa.field("reason", pa.string())])

_FEW = 8

#: Public views; ``docs/sql.md`` says what each holds.
VIEW_NAMES = (
    "alerts",
    "scores",
    "objects",
    "lightcurves",
    "ledger",
    "dead_letters",
    "annotations",
    "crossmatches",
    "minor_planets",
    "unsent",
)

#: Of these, what speaks of inputs and not of alerts: for operators.
OPERATORS_VIEWS = ("ledger", "dead_letters", "unsent")

__all__ = [
    "ALERTS",
    "FOUND",
    "OBJECTS",
    "OPERATORS_VIEWS",
    "SCORES",
    "VIEW_NAMES",
    "columns_sql",
    "inferred",
    "typed",
]


def columns_sql(schema: pa.Schema, alias: str = "") -> str:
    """Return the column list of a SELECT.

    Examples
    --------
    >>> columns_sql(pa.schema([("ra", pa.float64()), ("dec", pa.float64())]), "o")
    'o."ra", o."dec"'
    """
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in schema.names)


def typed(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Build a table of known types; few rows at once, which takes a fifth of the time."""
    if 0 < len(rows) <= _FEW:
        named = [dict(zip(schema.names, row, strict=True)) for row in rows]
        return pa.Table.from_struct_array(pa.array(named, pa.struct(list(schema))))
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def inferred(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> pa.Table:
    """Build a table whose types follow from the values; equal names get a number."""
    names = _distinct(names)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.Table.from_arrays([_array(column) for column in columns], names=names)


def _array(values: Sequence[Any]) -> pa.Array:
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if bytes in kinds and len(kinds) > 1:
        values = [v if isinstance(v, bytes) or v is None else str(v).encode() for v in values]
    elif len(kinds) > 1:
        values = [None if v is None else str(v) for v in values]
    return pa.array(values)


def _distinct(names: Sequence[str]) -> list[str]:
    out: list[str] = []
    for name in names:
        n = 2
        new = name
        while new in out:
            new, n = f"{name}_{n}", n + 1
        out.append(new)
    return out
