"""What may be searched for, and in which orders: the SQL of pages, once for all engines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.store.selection import AlertSelection, ObjectSelection, cell_span
from gueststar.store.session import Session
from gueststar.store.tables import ALERTS, FOUND, OBJECTS, columns_sql, typed

#: Condition on ``a`` and the table :attr:`~gueststar.store.session.Session.spans`.
IN_SPAN = "a.healpix29 >= span.low AND a.healpix29 < span.high"
_ALERT_CONDITIONS = {
    "object_id": "a.object_id = :object_id",
    "survey": "a.survey = :survey",
    "band": "a.band = :band",
    "night": "a.night = :night",
    "since": "a.mjd_tai >= :since",
    "until": "a.mjd_tai <= :until",
    "mag_min": "a.mag >= :mag_min",
    "mag_max": "a.mag <= :mag_max",
    "min_score": "s.value >= :min_score",
    "max_score": "s.value <= :max_score",
}
_OBJECT_CONDITIONS = {
    "prefix": "a.object_id >= :prefix AND a.object_id < :prefix_end",
    "survey": "a.survey = :survey",
    "first_since": "a.first_mjd_tai >= :first_since",
    "first_until": "a.first_mjd_tai <= :first_until",
    "last_since": "a.last_mjd_tai >= :last_since",
    "last_until": "a.last_mjd_tai <= :last_until",
    "min_detections": "a.n_detections >= :min_detections",
}


@dataclass(frozen=True)
class Sort:
    """An order of rows.

    Parameters
    ----------
    name : str
    columns : tuple of str
        Its key, as columns of the answer; the last one is unique.
    kinds : tuple
        Types of the key's values.
    index : str
        Which of our indexes has it.
    down : bool
        Largest first; the natural direction where nobody asks for another.
    nullable : bool
        The first column may be null; such rows come last in both directions.
    where : str
        A condition that belongs to this part of the order.
    """

    name: str
    columns: tuple[str, ...]
    kinds: tuple[Any, ...]
    index: str
    down: bool = False
    nullable: bool = False
    where: str = ""

    @property
    def tag(self) -> str:
        """What cursors say of their order."""
        return f"{self.name} {'down' if self.down else 'up'}"

    def turned(self, down: bool | None) -> Sort:
        """Return it in another direction."""
        return self if down is None else replace(self, down=down)

    def within(self, selection: AlertSelection) -> Sort:
        """Return it with the index that suits a selection best."""
        if selection.object_id is not None:
            return replace(self, index="alert_by_object")
        return (
            replace(self, index=_OF_A_NIGHT.get(self.index, self.index))
            if (selection.night is not None)
            else self
        )

    def parts(self, search: Search, key: tuple[Any, ...] | None) -> list[tuple[Sort, Any]]:
        """Return the parts of the order from a key on, and where each begins.

        Rows with a value are one part, rows without another, so that each is read from an index.
        """
        if not self.nullable:
            return [(self, key)]
        value = _SQL[self.columns[0]]
        valued = replace(self, where=f" AND {value} IS NOT NULL")
        others = replace(
            self, name="none", columns=self.columns[1:], where=f" AND {value} IS NULL",
            index=_WITHOUT.get(self.index, self.index) if self.name == "score" else self.index,
        )  # fmt: skip
        if key is not None and key[0] is None:
            return [(others, key[1:])]
        return [(valued, key)] if search.bounds(self.name) else [(valued, key), (others, None)]

    def key_of(self, rows: pa.Table) -> tuple[Any, ...]:
        """Return the key of the last row."""
        last = rows.slice(rows.num_rows - 1).select(list(self.columns)).to_pylist()[0]
        return tuple(last[name] for name in self.columns)


_MAYBE = (float, type(None))
ALERT_SORTS = {
    sort.name: sort
    for sort in (
        Sort("time", ("night", "mjd_tai", "alert_id"), (int, float, int), "alert_by_time"),
        Sort("score", ("score", "alert_id"), (_MAYBE, int), "score_by_value", True, True),
        Sort("magnitude", ("mag", "alert_id"), (_MAYBE, int), "alert_by_brightness", False, True),
        Sort("place", ("healpix29", "alert_id"), (int, int), ""),
        Sort("distance", ("separation_arcsec", "alert_id"), (float, int), ""),
    )
}
OBJECT_SORTS = {
    sort.name: sort
    for sort in (
        Sort("name", ("object_id",), (str,), "object_by_id"),
        Sort("detections", ("n_detections", "object_id"), (int, str), "object_by_detections", True),
        Sort("first", ("first_mjd_tai", "object_id"), (_MAYBE, str), "object_by_first", True, True),
        Sort("last", ("last_mjd_tai", "object_id"), (_MAYBE, str), "object_by_last", True, True),
        Sort("place", ("healpix29", "object_id"), (int, str), ""),
        Sort("distance", ("separation_arcsec", "object_id"), (float, str), ""),
    )
}
#: Conditions that leave out rows which lack what is sorted by.
_BOUNDS = {
    "score": ("min_score", "max_score"),
    "magnitude": ("mag_min", "mag_max"),
    "first": ("first_since", "first_until"),
    "last": ("last_since", "last_until"),
}
#: Conditions that an index of their own has.
_NARROW = {
    "object_by_detections": ("min_detections",),
    "object_by_last": ("last_since", "last_until"),
    "object_by_first": ("first_since", "first_until"),
    "alert_by_brightness": ("mag_min", "mag_max"),
    "score_by_value": ("min_score", "max_score"),
}
FEW = 20_000  # rows that are sorted faster than a long index is walked
_OF_A_NIGHT = {"score_by_value": "score_by_night", "alert_by_brightness": "alert_by_mag"}
#: Where rows without the value are found in the order of their ids.
_WITHOUT = {"score_by_value": "alert_by_id", "score_by_night": "alert_by_time"}
_SQL = {"score": "s.value", **{n: f"a.{n}" for n in (*ALERTS.names, *OBJECTS.names)}}


@dataclass(frozen=True)
class Search:
    """Rows that somebody wants, without order.

    Parameters
    ----------
    table : str
        Which has them, as ``a``.
    join : str
        What is joined to it.
    columns : str
        Of the SELECT.
    schema : pyarrow.Schema
        Of the answer.
    wanted : tuple of str
        Conditions.
    values : dict
        Their values.
    """

    table: str
    join: str
    columns: str
    schema: pa.Schema
    wanted: tuple[str, ...]
    values: dict[str, Any]

    @classmethod
    def of_alerts(cls, connection: Session, selection: AlertSelection, name: int | None) -> Search:
        """Search alerts, with the newest score of a name."""
        values = _given(selection, _ALERT_CONDITIONS)
        wanted = [_ALERT_CONDITIONS[n] for n in values] + _nights_between(selection)
        if selection.cell is not None:
            values |= zip(("cell_low", "cell_end"), cell_span(selection.cell), strict=True)
            wanted.append("a.healpix29 >= :cell_low AND a.healpix29 < :cell_end")
        scored = (
            f"s.alert_id = a.alert_id AND s.name_id = :name AND s.latest{connection.same_night}"
        )
        join = f" LEFT JOIN score_rows AS s ON {scored}"
        if "min_score" in values or "max_score" in values:  # SQLite would turn the join round
            join, wanted = " CROSS JOIN score_rows AS s", [scored, *wanted]
        columns = f"{columns_sql(ALERTS, 'a')}, s.value, s.reason"
        return cls("alert_rows", join, columns, FOUND, tuple(wanted), {**values, "name": name})

    @classmethod
    def of_objects(cls, connection: Session, selection: ObjectSelection) -> Search:
        """Search objects."""
        values = _given(selection, _OBJECT_CONDITIONS)
        wanted = tuple(_OBJECT_CONDITIONS[name] for name in values)
        if selection.prefix is not None:
            values["prefix_end"] = f"{selection.prefix}{_LAST_CHARACTER}"
        return cls("object_rows", "", columns_sql(OBJECTS, "a"), OBJECTS, wanted, values)

    def bounds(self, sort: str) -> bool:
        """Tell whether a condition leaves out rows that lack what is sorted by."""
        return any(name in self.values for name in _BOUNDS[sort])

    def narrowed(self, connection: Session, sort: Sort) -> Sort:
        """Return the order with the index of a condition that few rows meet.

        PostgreSQL knows by itself; where indexes are not named, nothing is changed.
        """
        usual = sort.index in ("", "alert_by_object") or "night" in self.values
        if usual or not connection.index(sort.index):
            return sort
        for index, names in _NARROW.items():
            every = _ALERT_CONDITIONS if self.table == "alert_rows" else _OBJECT_CONDITIONS
            wanted = [every[name] for name in names if name in self.values]
            if wanted and self._few(connection, index, wanted):
                return replace(sort, index=index)
        return sort

    def _few(self, connection: Session, index: str, wanted: list[str]) -> bool:
        table = f"{self.table} AS a"
        if index.startswith("score_by"):
            table, wanted = "score_rows AS s", [*wanted, "s.name_id = :name AND s.latest"]
        query = f"""SELECT count(*) FROM (
                        SELECT 1 FROM {table}{connection.index(index)}
                        WHERE {" AND ".join(wanted)} LIMIT {FEW + 1}) AS few"""
        return bool(connection.execute(query, self.values).fetchone()[0] <= FEW)

    def rows(
        self,
        connection: Session,
        sort: Sort,
        spans: np.ndarray | None,
        key: tuple[Any, ...] | None,
        limit: int,
    ) -> pa.Table:
        """Return the first rows behind a key, of some cells."""
        source, where, values = self._source(connection, sort, spans)
        values = {**self.values, **values, "limit": limit}
        where += self._conditions(connection, spans is not None) + sort.where
        names = [_SQL[name] for name in sort.columns]
        if key is not None:
            marks = [f"k{n}" for n in range(len(key))]
            sign = "<" if sort.down else ">"
            values |= zip(marks, key, strict=True)
            where += f" AND ({', '.join(names)}) {sign} ({', '.join(f':{m}' for m in marks)})"
        way = " DESC" if sort.down else ""
        query = f"""SELECT {self.columns} FROM {source} WHERE {where}
                    ORDER BY {", ".join(name + way for name in names)} LIMIT :limit"""
        return typed(connection.execute(query, values).fetchall(), self.schema)

    def in_spans(self, connection: Session, spans: np.ndarray) -> pa.Table:
        """Return all rows of some cells, in any order."""
        source, where, values = self._source(connection, None, spans)
        where += self._conditions(connection, placed=True)
        query = f"SELECT {self.columns} FROM {source} WHERE {where}"
        found = connection.execute(query, {**self.values, **values}).fetchall()
        return typed(found, self.schema)

    def _conditions(self, connection: Session, placed: bool) -> str:
        """Return all conditions; in cells they must not lead SQLite away from the cells."""
        if placed and connection.index("alert_by_time"):
            wanted = [f"({w}) IS TRUE" if w.startswith("a.") else w for w in self.wanted]
        else:
            wanted = list(self.wanted)
        return "".join(f" AND {one}" for one in wanted)

    def _source(
        self, connection: Session, sort: Sort | None, spans: np.ndarray | None
    ) -> tuple[str, str, dict[str, Any]]:
        """Return tables, a condition, and its values."""
        if spans is not None and len(spans) == 1:
            (low, high) = spans[0].tolist()
            in_one = "a.healpix29 >= :low AND a.healpix29 < :high"
            return f"{self.table} AS a{self.join}", in_one, {"low": low, "high": high}
        if spans is not None:
            source = f"{connection.spans} CROSS JOIN {self.table} AS a{self.join}"
            return source, IN_SPAN, connection.pack_spans(spans)
        assert sort is not None
        if sort.index.startswith("score_by"):
            source = f"score_rows AS s{connection.index(sort.index)} CROSS JOIN {self.table} AS a"
            night = " AND s.night = :night" if "night" in self.values else ""
            return source, _SCORED + connection.same_night + night, {}
        return f"{self.table} AS a{connection.index(sort.index)}{self.join}", "TRUE", {}


_LAST_CHARACTER = chr(0x10FFFF)  # behind every name that begins with a prefix
_SCORED = "s.name_id = :name AND s.latest AND a.alert_id = s.alert_id"


def _given(selection: AlertSelection | ObjectSelection, names: Any) -> dict[str, Any]:
    values = {name: getattr(selection, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _nights_between(selection: AlertSelection) -> list[str]:
    """Bound the night by the times, so that the index begins there."""
    bounds = ((">=", selection.since, -1.0), ("<=", selection.until, 1.0))
    return [
        f"a.night {sign} {night_of(mjd + slack)}" for sign, mjd, slack in bounds if mjd is not None
    ]


def night_of(mjd: float) -> int:
    """Return the calendar date of an MJD as YYYYMMDD; the calendar's ends bound it.

    Examples
    --------
    >>> night_of(60000.9), night_of(-1e9), night_of(1e9)
    (20230225, 10101, 99991231)
    """
    first, last = date.min.toordinal(), date.max.toordinal()
    day = date.fromordinal(int(min(max(mjd + _MJD_0, first), last)))
    return day.year * 10_000 + day.month * 100 + day.day


_MJD_0 = date(1858, 11, 17).toordinal()
