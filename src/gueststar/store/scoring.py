"""Scores in the store: one row an alert, class and version of a module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.score import CLASS_KEY
from gueststar.store.session import Session

Row = tuple[int, int, int, float | None, str | None, int, bool]

_KEY = ("alert_id", "name_id", "version_id")
_COLUMNS = (*_KEY, "value", "reason", "night", "latest")


class Column(NamedTuple):
    """One score column of a batch, and its keys in the store."""

    name_id: int
    version_id: int
    values: pa.Array
    reasons: pa.Array | None


def columns_of(connection: Session, batch: AlertBatch) -> list[Column]:
    """Return the score columns of a batch; new names and versions are entered."""
    for module, version in batch.modules.items():  # also of modules that give no score
        _identify(connection, "module_versions", "version_id", "version", module, version)
    return [
        _column(connection, batch, index, field.metadata[CLASS_KEY].decode())
        for index, field in enumerate(batch.arrow.schema)
        if field.metadata and CLASS_KEY in field.metadata
    ]


def _column(connection: Session, batch: AlertBatch, index: int, label: str) -> Column:
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
    connection: Session, table: str, key: str, column: str, module: str, value: str
) -> int:
    query = f"SELECT {key} FROM {table} WHERE module = ? AND {column} = ?"
    found = connection.execute(query, (module, value)).fetchone()
    if found is None:
        connection.execute(
            f"INSERT INTO {table} (module, {column}) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (module, value),
        )
        found = connection.execute(query, (module, value)).fetchone()
    return int(found[0])


def insert(connection: Session, batch: AlertBatch, rows: np.ndarray) -> int:
    """Write the scores of alerts that were not in the store before; return how many."""
    columns = columns_of(connection, batch)
    for column in columns:
        _insert(connection, _tuples(batch, rows, column))
    return len(columns) * len(rows)


def add(connection: Session, batch: AlertBatch, rows: np.ndarray) -> int:
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
        if added:
            _insert(connection, _where_stored(connection, added))
            _find_latest(connection, added)
        count += len(added)
    return count


def _insert(connection: Session, rows: Iterable[Row]) -> None:
    """Write scores; one that is there gets the new value."""
    unique = {row[:3]: row for row in rows}  # a batch may name one alert twice
    connection.insert("score_rows", _COLUMNS, unique.values(), key=_KEY, renew=("value", "reason"))


def _where_stored(connection: Session, rows: Sequence[Row]) -> list[Row]:
    """Put scores under the night of their alert, whatever a later packet of it says."""
    query = f"""SELECT k.alert_id, k.night FROM {connection.wanted("bigint")}
                CROSS JOIN {connection.keys} AS k WHERE k.alert_id = wanted.value"""
    nights = dict(connection.execute(query, (connection.pack(row[0] for row in rows),)))
    return [(*row[:5], nights.get(row[0], row[5]), row[6]) for row in rows]


def _find_latest(connection: Session, rows: Sequence[Row]) -> None:
    """Mark the newest version of each alert and class."""
    query = f"""UPDATE score_rows SET latest = version_id = (
                    SELECT max(s.version_id) FROM score_rows AS s
                    WHERE s.alert_id = score_rows.alert_id AND s.name_id = score_rows.name_id
                        {connection.same_night.replace("a.", "score_rows.")})
                WHERE alert_id IN (SELECT wanted.value FROM {connection.wanted("bigint")})
                    AND name_id = ? AND night = ?"""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in rows:
        groups[row[1], row[5]].append(row[0])
    for group, ids in groups.items():
        connection.execute(query, (connection.pack(ids), *group))


def _adds(row: Row, there: dict[int, float | None]) -> bool:
    return row[0] not in there or (there[row[0]] is None and row[3] is not None)


def _there(
    connection: Session, batch: AlertBatch, rows: np.ndarray, column: Column
) -> dict[int, float | None]:
    ids = batch.column("alert_id").take(pa.array(rows)).to_pylist()
    query = f"""SELECT s.alert_id, s.value FROM {connection.wanted("bigint")}
                CROSS JOIN {connection.keys} AS a CROSS JOIN score_rows AS s
                WHERE a.alert_id = wanted.value AND s.alert_id = a.alert_id AND s.name_id = ?
                    AND s.version_id = ?{connection.same_night}"""
    key = (connection.pack(ids), column.name_id, column.version_id)
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
        (alert_id, *keys, value, reason, night, True)
        for alert_id, value, reason, night in zip(ids, values, reasons, nights, strict=True)
    )
