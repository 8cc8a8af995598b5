"""One alert, one object as Arrow tables of one row, and back: how they travel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

from gueststar.alert import Alert
from gueststar.batch import CUTOUTS, HISTORY
from gueststar.cutouts import Cutouts
from gueststar.errors import StoreError
from gueststar.lightcurve import LightCurve
from gueststar.score import SCORES, Score
from gueststar.store.interface import ObjectRecord
from gueststar.store.tables import ALERTS

_ALERT = (
    "alert_id", "object_id", "survey", "band", "mjd_tai", "ra", "dec", "flux", "flux_err",
    "published_rb", "program",
)  # fmt: skip
_OBJECT = ("object_id", "survey", "ra", "dec", "n_detections", "first_mjd_tai", "last_mjd_tai")
_TROUBLE = b"gueststar.cutouts"  # metadata: why the cutouts cannot be read
_SCORE = pa.struct([f for f in SCORES if f.name != "alert_id"])


def alert_table(alert: Alert) -> pa.Table:
    """Pack an alert: facts, ``mag``, ``scores``, ``history``, ``native`` and three cutouts."""
    facts = {name: getattr(alert, name) for name in _ALERT}
    facts |= {"flux": _or_none(alert.flux.value), "flux_err": _or_none(alert.flux_err.value)}
    arrays = {name: pa.array([facts[name]], ALERTS.field(name).type) for name in _ALERT}
    arrays["mag"] = pa.array([_or_none(alert.mag)], pa.float64())
    arrays["scores"] = pa.array([scores_as_rows(alert.scores)], pa.list_(_SCORE))
    arrays["history"] = _nested(alert.light_curve.points, HISTORY)
    arrays |= _native(alert.native)
    arrays |= {n: pa.array([getattr(alert.cutouts, n)], pa.binary()) for n in CUTOUTS}
    table = pa.table(arrays)
    if alert.cutouts.trouble is not None:
        table = table.replace_schema_metadata({_TROUBLE: str(alert.cutouts.trouble)})
    return table


def alert_of(table: pa.Table) -> Alert:
    """Unpack an alert."""
    facts = table.select(list(_ALERT)).to_pylist()[0]
    scores = [
        Score(row["module"], row["version"], row["class"], row["value"], row["reason"])
        for row in table.column("scores")[0].as_py()
    ]
    why = (table.schema.metadata or {}).get(_TROUBLE)
    return Alert(
        **facts,
        light_curve=LightCurve(_points(table), facts["object_id"], facts["survey"]),
        cutouts=Cutouts(
            **{name: table.column(name)[0].as_py() for name in CUTOUTS},
            trouble=None if why is None else StoreError(why.decode()),
        ),
        scores={f"{score.module}_{score.label}": score for score in scores},
        native=_native_of(table),
    )


def object_table(record: ObjectRecord) -> pa.Table:
    """Pack an object: facts, ``alerts``, ``scores`` and ``history``."""
    arrays = {
        "object_id": pa.array([record.object_id], pa.string()),
        "survey": pa.array([record.survey], pa.string()),
        "n_detections": pa.array([record.n_detections], pa.int64()),
    }
    for name in ("ra", "dec", "first_mjd_tai", "last_mjd_tai"):
        arrays[name] = pa.array([getattr(record, name)], pa.float64())
    arrays["alerts"] = _nested(record.alerts, pa.struct(list(ALERTS)))
    arrays["scores"] = _nested(record.scores, pa.struct(list(SCORES)))
    arrays["history"] = _nested(record.light_curve.points, HISTORY)
    return pa.table(arrays)


def object_of(table: pa.Table) -> ObjectRecord:
    """Unpack an object."""
    facts = table.select(list(_OBJECT)).to_pylist()[0]
    return ObjectRecord(
        **facts,
        alerts=_table(table, "alerts", ALERTS),
        light_curve=LightCurve(_points(table), facts["object_id"], facts["survey"]),
        scores=_table(table, "scores", SCORES),
    )


def scores_as_rows(scores: Mapping[str, Score]) -> list[dict[str, Any]]:
    """Write scores as rows of the view ``scores``, without the alert."""
    return [
        {
            "module": score.module,
            "version": score.version,
            "class": score.label,
            "value": score.value,
            "reason": score.reason,
        }
        for score in scores.values()
    ]


def _or_none(value: Any) -> float | None:
    return float(value) if value == value else None


def _nested(rows: pa.Table | pa.RecordBatch, kind: pa.StructType) -> pa.Array:
    """Put a table into one cell."""
    columns = [
        c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c
        for c in (rows.column(field.name) for field in kind)
    ]
    items = pa.StructArray.from_arrays(columns, fields=list(kind))
    return pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items)


def _table(table: pa.Table, name: str, schema: pa.Schema) -> pa.Table:
    items = table.column(name).combine_chunks().flatten()
    return pa.table([items.field(field.name) for field in schema], schema=schema)


def _points(table: pa.Table) -> pa.RecordBatch:
    items = table.column("history").combine_chunks().flatten()
    columns = [items.field(field.name) for field in HISTORY]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(list(HISTORY)))


def _native(native: Mapping[str, Any]) -> dict[str, pa.Array]:
    """Let Arrow find the types of a survey's record; what it cannot, goes as JSON."""
    if not native:
        return {"native": pa.nulls(1)}
    try:
        return {"native": pa.array([dict(native)])}
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return {"native_json": pa.array([orjson.dumps(native, default=bytes.hex).decode()])}


def _native_of(table: pa.Table) -> dict[str, Any]:
    if "native_json" in table.column_names:
        return dict(orjson.loads(table.column("native_json")[0].as_py()))
    return table.column("native")[0].as_py() or {}
