"""Objects and their merged light curves, brought up to date with each write.

All of it is a union, so that the order of packets does not matter: points merge by the rule of
:mod:`gueststar.points`; the position is that of the alert with the highest signal to noise (the
least id of equals); detections are counted in the merged curve. For whom it is counted is the
matter of :mod:`gueststar.store.sums`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import history_rows
from gueststar.points import merge_points
from gueststar.rights import NONE, UNKNOWN, bits_of
from gueststar.store import curves, sums
from gueststar.store.session import Kind, Session
from gueststar.store.sorting import DUPLICATE, NEW, Sorted
from gueststar.store.sums import Alerts, Best, Sum
from gueststar.surveys import with_programs

_FIELDS = (
    "alert_id", "object_id", "survey", "ra", "dec", "healpix29", "flux", "flux_err", "program",
)  # fmt: skip
_OBJECTS = ("curve_rows", "object_id")
_LONERS = ("own_curve_rows", "alert_id")


@dataclass(frozen=True)
class _Curves:
    """Merged curves of some owners; point ``i`` belongs to ``keys[owner[i]]``.

    ``bits`` has the program of each point, ``programs`` those of each curve.
    """

    keys: list[Any]
    owner: np.ndarray
    points: pa.RecordBatch
    bits: np.ndarray
    programs: np.ndarray


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
    table = _as_stored(connection, table, new)
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


def _as_stored(connection: Session, rows: pa.RecordBatch, new: np.ndarray) -> pa.RecordBatch:
    """Give duplicates the program of the alert that is kept, whatever the later packet says."""
    if new.all():
        return rows
    ids, programs = (rows.column(name).to_pylist() for name in ("alert_id", "program"))
    query = f"""SELECT a.alert_id, a.program FROM {connection.wanted("bigint")}
                CROSS JOIN {connection.by_id} AS a WHERE a.alert_id = wanted.value"""
    twice = connection.pack({i for i, first in zip(ids, new, strict=True) if not first})
    kept = dict(connection.execute(query, (twice,)))
    kept |= {i: p for i, p, first in zip(ids, programs, new, strict=True) if first}
    at = rows.schema.get_field_index("program")
    return rows.set_column(at, rows.schema.field(at), pa.array([kept[i] for i in ids], pa.int32()))


def _merge(connection: Session, place: tuple[str, str], rows: pa.RecordBatch) -> _Curves:
    """Unite the stored curves with the histories of these rows, and write what has changed."""
    table, key = place
    owner_of_row = rows.column(key).dictionary_encode()
    keys = owner_of_row.dictionary.to_pylist()
    row, points = history_rows(rows.column("history"))
    at_row = owner_of_row.indices.to_numpy()
    owner = at_row[row].astype(np.int64)
    stored = _stored(connection, table, key, keys)
    unknown = _null_is_unknown(keys, at_row, rows, stored)
    if stored:
        curve, old = curves.decode([text for _, text, _ in stored])
        at = {k: i for i, k in enumerate(keys)}
        old_owner = np.array([at[k] for k, _, _ in stored], dtype=np.int64)[curve]
        owner = np.concatenate([old_owner, owner])
        points = pa.concat_batches([old, points.cast(old.schema)])
    owner, points = merge_points(owner, points)
    bits = bits_of(points.column("program"), unknown[owner])
    programs = np.zeros(len(keys), dtype=np.int64)
    np.bitwise_or.at(programs, owner, bits)
    merged = _Curves(keys, owner, points, bits, programs)
    _write_curves(connection, place, merged, {k: (text, mask) for k, text, mask in stored})
    return merged


def _null_is_unknown(
    keys: list[Any], at_row: np.ndarray, rows: pa.RecordBatch, stored: list[tuple[Any, str, int]]
) -> np.ndarray:
    """Tell for each owner whether a point without program hides it, or there is none."""
    strict = pc.is_in(rows.column("survey"), pa.array(with_programs(), pa.string()))
    unknown = np.zeros(len(keys), dtype=bool)
    unknown[at_row[strict.to_numpy(zero_copy_only=False)]] = True
    before = {k for k, _, mask in stored if mask & ~NONE}
    return np.asarray(unknown | np.array([k in before for k in keys], dtype=bool))


def _stored(
    connection: Session, table: str, key: str, keys: list[Any]
) -> list[tuple[Any, str, int]]:
    connection.claim_curves(table, key, keys)
    kind: Kind = "text" if key == "object_id" else "bigint"
    query = f"""SELECT c.{key}, c.points, CASE c.points WHEN '[]' THEN 0 ELSE c.programs END
                FROM {connection.wanted(kind)}
                CROSS JOIN {table} AS c WHERE c.{key} = wanted.value"""
    return list(connection.execute(query, (connection.pack(keys),)))


def _write_curves(
    connection: Session,
    place: tuple[str, str],
    merged: _Curves,
    stored: dict[Any, tuple[str, int]],
) -> None:
    table, key = place
    owners, texts = curves.encode(merged.owner, merged.points)
    rows = [
        (merged.keys[o], text, int(merged.programs[o]))
        for o, text in zip(owners.tolist(), texts, strict=True)
    ]
    changed = [row for row in rows if stored.get(row[0]) != row[1:]]
    columns = ("points", "programs")
    connection.insert(table, (key, *columns), changed, key=(key,), renew=columns)


def _renew(
    connection: Session, merged: _Curves, rows: pa.RecordBatch, new: np.ndarray
) -> tuple[dict[str, float | None], list[str]]:
    """Write the rows of objects that have changed; return what :func:`update` does."""
    before = sums.read(connection, merged.keys)
    added = _added(rows, new)
    alerts = [_united(sums.alerts_before(before.get(k, {})), added[i]) for i, k in
              enumerate(merged.keys)]  # fmt: skip
    bits = [sum(one) for one in alerts]  # keys are bits
    present = [a | p for a, p in zip(bits, merged.programs.tolist(), strict=True)]
    masks = [sums.masks_of(a, p) for a, p in zip(bits, present, strict=True)]
    numbers = sums.curve_numbers(merged.owner, merged.points, merged.bits, masks)
    after = [
        row
        for each in zip(merged.keys, alerts, numbers, present, strict=True)
        for row in sums.sums_of(*each)
    ]
    sums.write(connection, before, after)
    whole = {row.object_id: row for row in after if row.mask == row.present}
    _renew_ages(connection, before, whole)
    moved = [name for name, row in whole.items() if row[3:5] != _whole(before.get(name, {}))[3:5]]
    return {name: row.first_mjd_tai for name, row in whole.items()}, moved


def _whole(rows: sums.Sums) -> Sum | tuple[()]:
    """Return the row of all programs; nothing where there is none yet."""
    return next((row for row in rows.values() if row.mask == row.present), ())


def _renew_ages(connection: Session, before: dict[str, sums.Sums], whole: dict[str, Sum]) -> None:
    """Write the ages of earlier alerts where the beginning has moved."""
    first = {
        name: row.first_mjd_tai
        for name, rows in before.items()
        for row in rows.values()
        if row.mask == row.present
    }
    connection.executemany(
        "UPDATE alert_rows SET age = mjd_tai - ? WHERE object_id = ?",
        [
            (whole[name].first_mjd_tai, name)
            for name, began in first.items()
            if whole[name].first_mjd_tai != began
        ],
    )


def _united(before: dict[int, Alerts], added: dict[int, Alerts]) -> dict[int, Alerts]:
    out = dict(before)
    for bit, some in added.items():
        out[bit] = before[bit] + some if bit in before else some
    return out


def _added(rows: pa.RecordBatch, new: np.ndarray) -> dict[int, dict[int, Alerts]]:
    """Count new alerts by object and program (its bit), and find the best, also of duplicates."""
    owner = rows.column("object_id").dictionary_encode().indices.to_numpy().astype(np.int64)
    strict = pc.is_in(rows.column("survey"), pa.array(with_programs(), pa.string()))
    bit = bits_of(rows.column("program"), strict.to_numpy(zero_copy_only=False))
    flux, error = (rows.column(n).to_numpy(zero_copy_only=False) for n in ("flux", "flux_err"))
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = np.nan_to_num(np.abs(flux, dtype=np.float64) / error, nan=-1.0, posinf=-1.0)
    ids = rows.column("alert_id").to_numpy()
    order = np.lexsort((ids, -snr, bit, owner))
    group = owner[order] * (2 * UNKNOWN) + bit[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    counts = np.add.reduceat(new[order].astype(int), starts).tolist()
    first = order[starts]
    names = ("healpix29", "survey", "ra", "dec")
    columns = [rows.column(name).take(pa.array(first)).to_pylist() for name in names]
    best = zip(*columns, snr[first].tolist(), ids[first].tolist(), strict=True)
    found: dict[int, dict[int, Alerts]] = defaultdict(dict)
    for place, mine, n, one in zip(
        owner[first].tolist(), bit[first].tolist(), counts, best, strict=True
    ):
        found[place][mine] = Alerts(n, Best(*one))
    return found
