"""Scores in the store: one row an alert, class and version of a module."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.score import CLASS_KEY

Row = tuple[int, int, int, float | None, str | None, int]

_INSERT = """INSERT INTO score_rows (alert_id, name_id, version_id, value, reason, night, latest)
             VALUES (?, ?, ?, ?, ?, ?, 1)
             ON CONFLICT DO UPDATE SET value = excluded.value, reason = excluded.reason"""


class Column(NamedTuple):
    """One score column of a batch, and its keys in the store."""

    name_id: int
    version_id: int
    values: pa.Array
    reasons: pa.Array | None


def columns_of(connection: sqlite3.Connection, batch: AlertBatch) -> list[Column]:
    """Return the score columns of a batch; new names and versions are entered."""
    for module, version in batch.modules.items():  # also of modules that give no score
        _identify(connection, "module_versions", "version_id", "version", module, version)
    return [
        _column(connection, batch, index, field.metadata[CLASS_KEY].decode())
        for index, field in enumerate(batch.arrow.schema)
        if field.metadata and CLASS_KEY in field.metadata
    ]


def _column(connection: sqlite3.Connection, batch: AlertBatch, index: int, label: str) -> Column:
    module = batch.arrow.schema.field(index).name.removesuffix(f"_{label}")
    version = batch.modules.get(module, "unknown")
    reason = f"{module}_reason"
    return Column(
        _identify(connection, "score_names", "name_id", "class", module, label),
        _identify(connection, "module_versions", "version_id", "version", module, version),
        batch.arrow.column(index),
        batch.column(reason) if reason in batch.names else None,
    )


def _identify(
    connection: sqlite3.Connection, table: str, key: str, column: str, module: str, value: str
) -> int:
    connection.execute(
        f"INSERT INTO {table} (module, {column}) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (module, value),
    )
    query = f"SELECT {key} FROM {table} WHERE module = ? AND {column} = ?"
    return int(connection.execute(query, (module, value)).fetchone()[0])


def insert(connection: sqlite3.Connection, batch: AlertBatch, rows: np.ndarray) -> int:
    """Write the scores of alerts that were not in the store before; return how many."""
    columns = columns_of(connection, batch)
    for column in columns:
        connection.executemany(_INSERT, _tuples(batch, rows, column))
    return len(columns) * len(rows)


def add(connection: sqlite3.Connection, batch: AlertBatch, rows: np.ndarray) -> int:
    """Write the scores of alerts that the store has: versions it lacks, values for nulls.

    Returns
    -------
    int
        How many were written.
    """
    count = 0
    if len(rows) == 0:
        return count
    for column in columns_of(connection, batch):
        there = _there(connection, batch, rows, column)
        added = [row for row in _tuples(batch, rows, column) if _adds(row, there)]
        connection.executemany(_INSERT, added)
        connection.executemany(
            """UPDATE score_rows SET latest = version_id = (
                   SELECT max(version_id) FROM score_rows AS s
                   WHERE s.alert_id = score_rows.alert_id AND s.name_id = score_rows.name_id)
               WHERE alert_id = ? AND name_id = ?""",
            [row[:2] for row in added],
        )
        count += len(added)
    return count


def _adds(row: Row, there: dict[int, float | None]) -> bool:
    return row[0] not in there or (there[row[0]] is None and row[3] is not None)


def _there(
    connection: sqlite3.Connection, batch: AlertBatch, rows: np.ndarray, column: Column
) -> dict[int, float | None]:
    ids = batch.column("alert_id").take(pa.array(rows)).to_pylist()
    query = """SELECT s.alert_id, s.value FROM json_each(?) AS wanted CROSS JOIN score_rows AS s
               ON s.alert_id = wanted.value AND s.name_id = ? AND s.version_id = ?"""
    key = (orjson.dumps(ids).decode(), column.name_id, column.version_id)
    return dict(connection.execute(query, key))


def _tuples(batch: AlertBatch, rows: np.ndarray, column: Column) -> Iterator[Row]:
    picked = pa.array(rows)
    ids, values, nights = (
        array.take(picked).to_pylist()
        for array in (batch.column("alert_id"), column.values, batch.column("night"))
    )
    reasons = column.reasons.take(picked).to_pylist() if column.reasons else [None] * len(rows)
    keys = (column.name_id, column.version_id)
    return (
        (alert_id, *keys, value, reason, night)
        for alert_id, value, reason, night in zip(ids, values, reasons, nights, strict=True)
    )
