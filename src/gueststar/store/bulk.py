"""Rows of many alerts or objects in one question, for whoever walks through a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.points import HISTORY_SCHEMA
from gueststar.score import SCORES
from gueststar.store import curves
from gueststar.store.session import Session
from gueststar.store.tables import ALERTS, OBJECTS, columns_sql, typed
from gueststar.store.transactions import Transactions

MOST_KEYS = 10_000
MOST_POINTS = 1_000_000  # of light curves in one answer

#: A point of a light curve with its object.
LIGHTCURVES = pa.schema([pa.field("object_id", pa.string(), nullable=False), *HISTORY_SCHEMA])


class Bulk:
    """Gives a store :meth:`rows_of`; the store gives ``_reading``."""

    def rows_of(self: Transactions, what: str, keys: Sequence[Any]) -> pa.Table:
        """Return rows of many; see :meth:`gueststar.store.interface.Store.rows_of`."""
        if what not in KINDS:
            raise BadInput(f"{what!r} cannot be asked for.{did_you_mean(what, KINDS)}")
        if len(keys) > MOST_KEYS:
            raise BadInput(f"keys: {len(keys):,} are more than {MOST_KEYS:,}: ask in parts")
        key_type, read = KINDS[what]
        if not all(type(key) is key_type and _fits(key) for key in keys):
            raise BadInput(f"keys: of {what} they are {_NAMES[key_type]}")
        with self._reading() as connection:
            return read(connection, keys)


def _fits(key: Any) -> bool:
    return not isinstance(key, int) or -(2**63) <= key < 2**63


def _alerts(connection: Session, ids: Sequence[int]) -> pa.Table:
    query = f"""SELECT {columns_sql(ALERTS, "a")} FROM {connection.wanted("bigint")}
                CROSS JOIN {connection.by_id} AS a WHERE a.alert_id = wanted.value
                ORDER BY wanted.key"""
    return typed(connection.execute(query, (connection.pack(ids),)).fetchall(), ALERTS)


def _scores(connection: Session, ids: Sequence[int]) -> pa.Table:
    query = f"""SELECT s.alert_id, n.module, v.version, n.class, s.value, s.reason
                FROM {connection.wanted("bigint")} CROSS JOIN {connection.keys} AS a
                CROSS JOIN score_rows AS s CROSS JOIN score_names AS n
                CROSS JOIN module_versions AS v
                WHERE a.alert_id = wanted.value AND s.alert_id = a.alert_id
                    AND n.name_id = s.name_id AND v.version_id = s.version_id{connection.same_night}
                ORDER BY wanted.key, s.name_id, s.version_id"""
    return typed(connection.execute(query, (connection.pack(ids),)).fetchall(), SCORES)


def _objects(connection: Session, names: Sequence[str]) -> pa.Table:
    query = f"""SELECT {columns_sql(OBJECTS, "o")} FROM {connection.wanted("text")}
                CROSS JOIN object_rows AS o WHERE o.object_id = wanted.value
                ORDER BY wanted.key"""
    return typed(connection.execute(query, (connection.pack(names),)).fetchall(), OBJECTS)


def _light_curves(connection: Session, names: Sequence[str]) -> pa.Table:
    points = sum(_objects(connection, names)["n_points"].to_pylist())
    if points > MOST_POINTS:
        raise BadInput(
            f"keys: these objects have {points:,} points, more than {MOST_POINTS:,}: ask in parts"
        )
    query = f"""SELECT c.object_id, c.points FROM {connection.wanted("text")}
                CROSS JOIN object_rows AS o CROSS JOIN curve_rows AS c
                WHERE o.object_id = wanted.value AND c.object_id = o.object_id
                ORDER BY wanted.key"""
    found = connection.execute(query, (connection.pack(names),)).fetchall()
    owner, batch = curves.decode([text for _, text in found])
    owners = pa.array([name for name, _ in found], pa.string()).take(pa.array(owner))
    return pa.Table.from_arrays([owners, *batch.columns], schema=LIGHTCURVES)


_NAMES = {int: "whole numbers of 64 bits", str: "names of objects"}

#: Type of the keys, and what reads them, by what is asked for.
KINDS: dict[str, tuple[type, Callable[[Session, Sequence[Any]], pa.Table]]] = {
    "alerts": (int, _alerts),
    "scores": (int, _scores),
    "objects": (str, _objects),
    "lightcurves": (str, _light_curves),
}
