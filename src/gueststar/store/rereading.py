"""Stored alerts as the batches that they came in: facts, cutouts, the survey's record, history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import CUTOUTS, VOCABULARY, AlertBatch
from gueststar.errors import StoreError
from gueststar.store import curves, natives, stamps
from gueststar.store.reading import own_points
from gueststar.store.session import Session
from gueststar.surveys import recognise
from gueststar.surveys.columns import history as history_of

_FACTS = (
    "alert_id", "object_id", "survey", "band", "mjd_tai", "night", "ra", "dec", "healpix29",
    "flux", "flux_err", "published_rb", "program",
)  # fmt: skip
_POSITION = ("source", "partition", "offset", "record")

Rows = list[dict[str, Any]]


def batches(
    connection: Session,
    keys: Sequence[tuple[int, int, int, int]],
    columns: Collection[str],
) -> Iterator[AlertBatch]:
    """Yield the alerts of some lines of the ledger.

    Parameters
    ----------
    connection : Session
        In a read transaction.
    keys : sequence of (part_id, offset, record, alert_id)
    columns : collection of str
        Which of ``history``, ``native`` and the cutouts are wanted.

    Raises
    ------
    StoreError
        If the store is damaged.
    """
    rows = _facts(connection, keys)
    if wanted := [name for name in CUTOUTS if name in columns]:
        _add_cutouts(connection, rows, wanted)
    if not {"native", "history"} & set(columns):
        yield _batch(rows, pa.nulls(len(rows), VOCABULARY.field("history").type), None)
        return
    for places, native in _natives(connection, rows):
        some = [rows[place] for place in places]
        points = _history(connection, some, native) if "history" in columns else None
        yield _batch(some, points, native if "native" in columns else None)


def _batch(rows: Rows, points: pa.Array | None, native: pa.Array | None) -> AlertBatch:
    arrays = [
        points
        if field.name == "history" and points is not None
        else pa.array([row.get(field.name) for row in rows], field.type)
        for field in VOCABULARY
    ]
    fields = list(VOCABULARY)
    if native is not None:
        arrays.append(native)
        fields.append(pa.field("native", native.type))
    return AlertBatch(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)))


def _facts(connection: Session, keys: Sequence[tuple[int, int, int, int]]) -> Rows:
    names = (*_FACTS, "chunk_id", "chunk_row")
    query = f"""SELECT {", ".join(f"a.{name}" for name in names)}
                FROM {connection.wanted("bigint")}
                CROSS JOIN {connection.by_id} AS a WHERE a.alert_id = wanted.value"""
    wanted = connection.pack(key[3] for key in keys)
    found = {row[0]: row for row in connection.execute(query, (wanted,))}
    if lost := [key[3] for key in keys if key[3] not in found]:
        raise StoreError(f"the ledger says that alert {lost[0]} is stored, and it is not there")
    parts = _parts(connection, {key[0] for key in keys})
    return [
        dict(zip(names, found[alert_id], strict=True))
        | dict(zip(_POSITION, (*parts[part], offset, record), strict=True))
        for part, offset, record, alert_id in keys
    ]


def _parts(connection: Session, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    query = """SELECT s.source, p.partition FROM parts AS p
               JOIN sources AS s ON s.source_id = p.source_id WHERE p.part_id = ?"""
    return {part: connection.execute(query, (part,)).fetchone() for part in ids}


def _add_cutouts(connection: Session, rows: Rows, names: Sequence[str]) -> None:
    """Add cutouts; those that are lost are null, as if the packet had none."""
    found = stamps.read(connection, [row["alert_id"] for row in rows], names)
    for row in rows:
        row |= {n: stamp for n, stamp in found.get(row["alert_id"], {}).items() if n in names}


def _natives(connection: Session, rows: Rows) -> list[tuple[list[int], pa.StructArray | None]]:
    """Group rows by the schema of their record: places, and records in their order."""
    chunks: dict[int | None, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        chunks[row["chunk_id"]].append(place)
    found: dict[pa.DataType | None, list[tuple[list[int], pa.Array]]] = defaultdict(list)
    for chunk_id, places in chunks.items():
        if chunk_id is None:
            found[None].append((places, pa.nulls(len(places))))
            continue
        records = natives.read_rows(connection, chunk_id, [rows[p]["chunk_row"] for p in places])
        found[records.type].append((places, records))
    return [_joined(kind, parts) for kind, parts in found.items()]


def _joined(
    kind: pa.DataType | None, parts: list[tuple[list[int], pa.Array]]
) -> tuple[list[int], pa.StructArray | None]:
    places = np.concatenate([places for places, _ in parts])
    order = np.argsort(places, kind="stable")
    records = None
    if kind is not None:
        records = natives.picked(pa.concat_arrays([array for _, array in parts]), order.tolist())
    return places[order].tolist(), records


def _history(connection: Session, rows: Rows, native: pa.StructArray | None) -> pa.ListArray:
    """Return the history that the packet had; without its record, what is known up to its time."""
    if native is not None and (again := _from_record(native)) is not None:
        return again
    found: list[tuple[np.ndarray, pa.RecordBatch]] = []
    for place, row in enumerate(rows):
        points = _points(connection, row)
        before = points.filter(pc.less_equal(points.column("mjd_tai"), row["mjd_tai"]))
        found.append((np.full(before.num_rows, place, np.int64), before))
    return history_of(len(rows), found)


def _from_record(native: pa.StructArray) -> pa.ListArray | None:
    names = [field.name for field in native.type]
    survey = recognise(names)
    if survey is None:
        return None
    record = pa.RecordBatch.from_arrays(native.flatten(), names=names)
    try:
        return survey.alerts(record).column("history")
    except pa.ArrowException:
        return None


def _points(connection: Session, row: dict[str, Any]) -> pa.RecordBatch:
    if row["object_id"] is None:
        return own_points(connection, row["alert_id"])
    query = "SELECT points FROM curve_rows WHERE object_id = ?"
    found = connection.execute(query, (row["object_id"],)).fetchone()
    return curves.decode([found[0] if found else "[]"])[1]
