"""Reading one thing back: an alert, an object, a curve, cutouts, the survey's record, scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.score import SCORES, Score
from gueststar.store import curves, natives
from gueststar.store.interface import ObjectRecord
from gueststar.store.session import Session
from gueststar.store.tables import ALERTS, OBJECTS, columns_sql, typed

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.lightcurve import LightCurve


_FACTS = (
    "alert_id", "object_id", "survey", "band", "mjd_tai", "ra", "dec", "flux", "flux_err",
    "published_rb", "program",
)  # fmt: skip


def has(connection: Session, alert_ids: Sequence[int]) -> set[int]:
    """Return the stored ones of some alerts; see :meth:`gueststar.store.engine.EngineStore.has`."""
    query = f"""SELECT k.alert_id FROM {connection.wanted("bigint")}
                CROSS JOIN {connection.keys} AS k WHERE k.alert_id = wanted.value"""
    return {alert_id for (alert_id,) in connection.execute(query, (connection.pack(alert_ids),))}


def alert(connection: Session, alert_id: int) -> Alert:
    """Return one alert without its cutouts; see :meth:`gueststar.store.keeps.Keeps.alert`."""
    from gueststar.alert import Alert
    from gueststar.lightcurve import LightCurve

    survey, object_id, chunk_id, row = _place(connection, alert_id)
    query = f"SELECT {', '.join(_FACTS)} FROM {connection.by_id} WHERE alert_id = ?"
    facts = connection.execute(query, (int(alert_id),)).fetchone()
    if object_id is None:
        curve = LightCurve(own_points(connection, alert_id), None, survey)
    else:
        curve = light_curve(connection, object_id)
    return Alert(
        **dict(zip(_FACTS, facts, strict=True)),
        light_curve=curve,
        scores={f"{s.module}_{s.label}": s for s in scores(connection, alert_id)},
        native={} if chunk_id is None else natives.read(connection, chunk_id, row),
    )


def _place(connection: Session, alert_id: int) -> tuple[Any, ...]:
    """Return survey, object, chunk and row of an alert."""
    query = f"""SELECT survey, object_id, chunk_id, chunk_row FROM {connection.by_id}
                WHERE alert_id = ?"""
    found = None
    if isinstance(alert_id, (int, np.integer)) and -(2**63) <= alert_id < 2**63:
        found = connection.execute(query, (int(alert_id),)).fetchone()
    if found is None:
        raise BadInput(f"no alert {alert_id} in this store")
    return tuple(found)


def object_record(connection: Session, object_id: str) -> ObjectRecord:
    """Return one object; see :meth:`gueststar.store.engine.EngineStore.object`."""
    query = f"SELECT {columns_sql(OBJECTS)} FROM object_rows WHERE object_id = ?"
    found = connection.execute(query, (object_id,)).fetchone()
    if found is None:
        raise unknown_object(connection, object_id)
    facts = dict(zip(OBJECTS.names, found, strict=True))
    names = ("survey", "ra", "dec", "n_detections", "first_mjd_tai", "last_mjd_tai")
    return ObjectRecord(
        object_id=object_id,
        **{name: facts[name] for name in names},
        alerts=_alerts_of(connection, object_id),
        light_curve=light_curve(connection, object_id),
        scores=_scores_of(connection, object_id),
    )


def known_object(connection: Session, object_id: str) -> None:
    """Check that there is an object.

    Raises
    ------
    BadInput
        If there is none; the message names the nearest.
    """
    query = "SELECT 1 FROM object_rows WHERE object_id = ?"
    if connection.execute(query, (object_id,)).fetchone() is None:
        raise unknown_object(connection, object_id)


def object_of(connection: Session, alert_id: int) -> str | None:
    """Return the object of an alert, if it has one.

    Raises
    ------
    BadInput
        If there is no such alert.
    """
    found: str | None = _place(connection, alert_id)[1]
    return found


def unknown_object(connection: Session, object_id: str) -> BadInput:
    """Return an error that names the objects beside it in the index: they share first letters."""
    query = """SELECT * FROM (SELECT object_id FROM object_rows WHERE object_id < :x
                              ORDER BY object_id DESC LIMIT 1) AS before
               UNION ALL SELECT * FROM (SELECT object_id FROM object_rows WHERE object_id > :x
                                        ORDER BY object_id LIMIT 1) AS after"""
    near = [row[0] for row in connection.execute(query, {"x": object_id})]
    hint = f"; nearest names: {', '.join(near)}" if near else "; it has no objects yet"
    return BadInput(f"no object {object_id!r} in this store{hint}")


def _alerts_of(connection: Session, object_id: str) -> pa.Table:
    query = f"""SELECT {columns_sql(ALERTS)} FROM alert_rows WHERE object_id = ?
                ORDER BY mjd_tai, alert_id"""
    return typed(connection.execute(query, (object_id,)).fetchall(), ALERTS)


def _scores_of(connection: Session, object_id: str) -> pa.Table:
    query = f"""SELECT s.alert_id, n.module, v.version, n.class, s.value, s.reason
               FROM alert_rows AS a CROSS JOIN score_rows AS s
               CROSS JOIN score_names AS n CROSS JOIN module_versions AS v
               WHERE a.object_id = ? AND s.alert_id = a.alert_id AND n.name_id = s.name_id
                   AND v.version_id = s.version_id{connection.same_night}
               ORDER BY a.mjd_tai, s.alert_id, s.name_id, s.version_id"""
    return typed(connection.execute(query, (object_id,)).fetchall(), SCORES)


def light_curve(connection: Session, object_id: str) -> LightCurve:
    """Return the merged curve; see :meth:`gueststar.store.engine.EngineStore.light_curve`."""
    from gueststar.lightcurve import LightCurve

    query = """SELECT c.points, o.survey FROM object_rows AS o
               LEFT JOIN curve_rows AS c ON c.object_id = o.object_id WHERE o.object_id = ?"""
    found = connection.execute(query, (object_id,)).fetchone()
    if found is None:
        raise unknown_object(connection, object_id)
    points, survey = found
    return LightCurve(curves.decode([points or "[]"])[1], object_id, survey)


def own_points(connection: Session, alert_id: int) -> pa.RecordBatch:
    """Points of an alert that belongs to no object (a Solar-System source)."""
    query = "SELECT points FROM own_curve_rows WHERE alert_id = ?"
    found = connection.execute(query, (alert_id,)).fetchone()
    return curves.decode([found[0] if found else "[]"])[1]


def known_alert(connection: Session, alert_id: int) -> None:
    """Check that there is an alert.

    Raises
    ------
    BadInput
        If there is none.
    """
    _place(connection, alert_id)


def native(connection: Session, alert_id: int) -> dict[str, Any]:
    """Return the record; see :meth:`gueststar.store.engine.EngineStore.native`."""
    _, _, chunk_id, row = _place(connection, alert_id)
    return {} if chunk_id is None else natives.read(connection, chunk_id, row)


def scores(connection: Session, alert_id: int) -> list[Score]:
    """Return all scores; see :meth:`gueststar.store.engine.EngineStore.scores`."""
    _place(connection, alert_id)
    query = f"""SELECT n.module, v.version, n.class, s.value, s.reason
               FROM {connection.keys} AS a CROSS JOIN score_rows AS s
               CROSS JOIN score_names AS n CROSS JOIN module_versions AS v
               WHERE a.alert_id = ? AND s.alert_id = a.alert_id AND n.name_id = s.name_id
                   AND v.version_id = s.version_id{connection.same_night}
               ORDER BY s.name_id, s.version_id"""
    return [Score(*row) for row in connection.execute(query, (int(alert_id),))]
