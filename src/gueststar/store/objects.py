"""Objects and their merged light curves, brought up to date with each write.

All of it is a union, so that the order of packets does not matter: points merge by the rule of
:mod:`gueststar.points`; the position is that of the alert with the highest signal to noise (the
least id of equals); detections are counted in the merged curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.batch import history_rows
from gueststar.points import merge_points
from gueststar.store import curves
from gueststar.store.session import Kind, Session
from gueststar.store.sorting import DUPLICATE, NEW, Sorted

_FIELDS = ("alert_id", "object_id", "survey", "ra", "dec", "healpix29", "flux", "flux_err")
_COLUMNS = (
    "healpix29", "object_id", "survey", "ra", "dec", "n_detections", "first_mjd_tai",
    "last_mjd_tai", "n_alerts", "n_points", "best_snr", "best_alert_id",
)  # fmt: skip
_FIRST = _COLUMNS.index("first_mjd_tai")
_OBJECTS = ("curve_rows", "object_id")
_LONERS = ("own_curve_rows", "alert_id")


@dataclass(frozen=True)
class _Curves:
    """Merged curves of some owners; point ``i`` belongs to ``keys[owner[i]]``."""

    keys: list[Any]
    owner: np.ndarray
    points: pa.RecordBatch


def update(
    connection: Session, parts: Sequence[Sorted]
) -> tuple[dict[str, float | None], list[str]]:
    """Merge the histories of new and duplicate alerts, and renew their objects.

    Returns
    -------
    begun : dict of str to float or None
        First detection of each of these objects, MJD TAI.
    moved : list of str
        Those that are new or have another position.
    """
    picked = [(p, p.rows(NEW, DUPLICATE)) for p in parts]
    rows = [_pick(p.batch.arrow, rows) for p, rows in picked if len(rows)]
    if not rows:
        return {}, []
    table = pa.Table.from_batches(rows).combine_chunks().to_batches()[0]
    new = np.concatenate([p.code[rows] == NEW for p, rows in picked if len(rows)])
    alone = table.column("object_id").is_null().to_numpy(zero_copy_only=False)
    if alone.any():
        _merge(connection, _LONERS, table.filter(pa.array(alone)))
    if alone.all():
        return {}, []
    mine = table.filter(pa.array(~alone))
    return _renew(connection, _merge(connection, _OBJECTS, mine), mine, new[~alone])


def _pick(batch: pa.RecordBatch, rows: np.ndarray) -> pa.RecordBatch:
    narrow = batch.select([*_FIELDS, "history"]).replace_schema_metadata(None)
    return narrow if len(rows) == batch.num_rows else narrow.take(pa.array(rows))


def _merge(connection: Session, place: tuple[str, str], rows: pa.RecordBatch) -> _Curves:
    """Unite the stored curves with the histories of these rows, and write what has changed."""
    table, key = place
    owner_of_row = rows.column(key).dictionary_encode()
    keys = owner_of_row.dictionary.to_pylist()
    row, points = history_rows(rows.column("history"))
    owner = owner_of_row.indices.to_numpy()[row].astype(np.int64)
    stored = _stored(connection, table, key, keys)
    if stored:
        curve, old = curves.decode([text for _, text in stored])
        at = {k: i for i, k in enumerate(keys)}
        old_owner = np.array([at[k] for k, _ in stored], dtype=np.int64)[curve]
        owner = np.concatenate([old_owner, owner])
        points = pa.concat_batches([old, points.cast(old.schema)])
    owner, points = merge_points(owner, points)
    _write_curves(connection, place, _Curves(keys, owner, points), dict(stored))
    return _Curves(keys, owner, points)


def _stored(connection: Session, table: str, key: str, keys: list[Any]) -> list[tuple[Any, str]]:
    connection.claim_curves(table, key, keys)
    kind: Kind = "text" if key == "object_id" else "bigint"
    query = f"""SELECT c.{key}, c.points FROM {connection.wanted(kind)}
                CROSS JOIN {table} AS c WHERE c.{key} = wanted.value"""
    return list(connection.execute(query, (connection.pack(keys),)))


def _write_curves(
    connection: Session, place: tuple[str, str], merged: _Curves, stored: dict[Any, str]
) -> None:
    table, key = place
    owners, texts = curves.encode(merged.owner, merged.points)
    named = [(merged.keys[o], text) for o, text in zip(owners.tolist(), texts, strict=True)]
    changed = [(k, text) for k, text in named if stored.get(k) != text]
    connection.insert(table, (key, "points"), changed, key=(key,), renew=("points",))


def _renew(
    connection: Session, merged: _Curves, rows: pa.RecordBatch, new: np.ndarray
) -> tuple[dict[str, float | None], list[str]]:
    """Write the rows of objects that have changed; return what :func:`update` does."""
    owner = rows.column("object_id").dictionary_encode().indices.to_numpy()
    best = _best(owner, rows)
    counts = np.bincount(owner, weights=new, minlength=len(merged.keys)).astype(int).tolist()
    numbers = curves.statistics(merged.owner, merged.points, np.arange(len(merged.keys)))
    before = _before(connection, merged.keys)
    after = [
        _object(key, candidate, before.get(key), added, *statistics)
        for key, candidate, added, *statistics in zip(
            merged.keys, best, counts, *numbers, strict=True
        )
    ]
    _replace(connection, before, [row for row in after if before.get(row[1]) != row])
    moved = [row[1] for row in after if before.get(row[1], ())[3:5] != row[3:5]]
    return {row[1]: row[_FIRST] for row in after}, moved


def _replace(
    connection: Session,
    before: dict[str, tuple[Any, ...]],
    changed: list[tuple[Any, ...]],
) -> None:
    """Write objects anew, and the ages of their earlier alerts where the beginning has moved."""
    there = [row for row in changed if row[1] in before]
    connection.executemany(
        "DELETE FROM object_rows WHERE healpix29 = ? AND object_id = ?",
        [before[row[1]][:2] for row in there],
    )
    connection.insert("object_rows", _COLUMNS, sorted(changed))
    connection.executemany(
        "UPDATE alert_rows SET age = mjd_tai - ? WHERE object_id = ?",
        [(row[_FIRST], row[1]) for row in there if before[row[1]][_FIRST] != row[_FIRST]],
    )


def _best(owner: np.ndarray, rows: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """Row with the highest signal to noise of each object: survey, position, snr, alert id."""
    flux, error = (rows.column(n).to_numpy(zero_copy_only=False) for n in ("flux", "flux_err"))
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = np.nan_to_num(np.abs(flux, dtype=np.float64) / error, nan=-1.0, posinf=-1.0)
    ids = rows.column("alert_id").to_numpy()
    order = np.lexsort((ids, -snr, owner))
    first = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
    names = ("healpix29", "survey", "ra", "dec")
    columns = [rows.column(name).take(pa.array(first)).to_pylist() for name in names]
    return list(zip(*columns, snr[first].tolist(), ids[first].tolist(), strict=True))


def _object(
    key: str,
    candidate: tuple[Any, ...],
    before: tuple[Any, ...] | None,
    added: int,
    n_points: int,
    n_detections: int,
    first: float | None,
    last: float | None,
) -> tuple[Any, ...]:
    """Return the row of ``object_rows``, with the better of the old and the new position."""
    healpix29, survey, ra, dec, snr, alert_id = candidate
    n_alerts = added
    if before is not None:
        n_alerts += before[8]
        if (-before[10], before[11]) <= (-snr, alert_id):
            healpix29, survey, ra, dec = before[0], before[2], before[3], before[4]
            snr, alert_id = before[10], before[11]
    spot = (healpix29, key, survey, ra, dec)
    return (*spot, n_detections, first, last, n_alerts, n_points, snr, alert_id)


def _before(connection: Session, keys: list[str]) -> dict[str, tuple[Any, ...]]:
    query = f"""SELECT {", ".join(f"o.{name}" for name in _COLUMNS)}
                FROM {connection.wanted("text")}
                CROSS JOIN object_rows AS o WHERE o.object_id = wanted.value"""
    found = connection.execute(query, (connection.pack(keys),))
    return {row[1]: tuple(row) for row in found}
