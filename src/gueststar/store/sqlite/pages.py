"""Alerts and objects by conditions, page by page: a page begins behind the key of the last."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.errors import BadInput
from gueststar.store import nightly
from gueststar.store.selection import (
    AlertSelection,
    ObjectSelection,
    cell_span,
    check_page,
    cursor_of,
    read_cursor,
    with_next,
)
from gueststar.store.sqlite.session import SqliteSession
from gueststar.store.tables import ALERTS, FOUND, OBJECTS, columns_sql, typed

MAX_SECONDS = 20.0
_OPS_BETWEEN_LOOKS = 20_000

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
    "prefix": "object_id >= :prefix AND object_id < :prefix_end",
    "survey": "survey = :survey",
    "first_since": "first_mjd_tai >= :first_since",
    "first_until": "first_mjd_tai <= :first_until",
    "last_since": "last_mjd_tai >= :last_since",
    "last_until": "last_mjd_tai <= :last_until",
    "min_detections": "n_detections >= :min_detections",
}


@contextmanager
def in_time(connection: sqlite3.Connection) -> Iterator[None]:
    """Stop what takes too long."""
    deadline = time.monotonic() + MAX_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _OPS_BETWEEN_LOOKS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_INTERRUPT:
            raise
        raise BadInput(
            f"this took longer than {MAX_SECONDS:.0f} s: narrow it down, by night or by position"
        ) from None
    finally:
        connection.set_progress_handler(None, 0)


def find_alerts(
    connection: SqliteSession, selection: AlertSelection, after: str | None, limit: int
) -> pa.Table:
    """Return one page; see :meth:`gueststar.store.interface.Store.find_alerts`."""
    check_page(limit)
    values = _given(selection, _ALERT_CONDITIONS)
    wanted = ["1", *(_ALERT_CONDITIONS[name] for name in values)]
    module = selection.module or nightly.DEFAULT_MODULE
    values["name"] = nightly.score_name(connection, module)
    wanted += _nights_between(selection)
    if selection.cell is not None:
        values |= zip(("low", "high"), cell_span(selection.cell), strict=True)
        wanted.append("a.healpix29 >= :low AND a.healpix29 < :high")
    if after is not None:
        values |= zip(("n", "t", "i"), read_cursor(after, (int, float, int)), strict=True)
        wanted.append("(a.night, a.mjd_tai, a.alert_id) > (:n, :t, :i)")
    with in_time(connection):
        if selection.radius_arcsec is not None or selection.cell is not None:
            values["spans"] = _spans(selection)
            return _page(_in_spans(connection, selection, wanted, values), _ALERT_KEY, limit)
        rows = connection.execute(
            _alerts_query(connection, selection, wanted), {**values, "limit": limit + 1}
        )
        return _page(typed(rows.fetchall(), FOUND), _ALERT_KEY, limit)


_LAST_CHARACTER = chr(0x10FFFF)  # behind every name that begins with a prefix
_ALERT_KEY = ("night", "mjd_tai", "alert_id")
_SCORE = """LEFT JOIN score_rows AS s
            ON s.alert_id = a.alert_id AND s.name_id = :name AND s.latest"""


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


def _alerts_query(connection: SqliteSession, selection: AlertSelection, wanted: list[str]) -> str:
    index = "alert_by_time" if selection.object_id is None else "alert_by_object"
    return f"""SELECT {columns_sql(ALERTS, "a")}, s.value, s.reason
               FROM alert_rows AS a{connection.index(index)} {_SCORE} WHERE {" AND ".join(wanted)}
               ORDER BY a.night, a.mjd_tai, a.alert_id LIMIT :limit"""


def _spans(selection: AlertSelection) -> str:
    if selection.radius_arcsec is None:
        assert selection.cell is not None
        return orjson.dumps([cell_span(selection.cell)]).decode()
    from gueststar.store import sky  # brings astropy

    ra, dec, radius = selection.ra, selection.dec, selection.radius_arcsec
    assert ra is not None
    assert dec is not None
    assert radius is not None
    sky.check(ra, dec, radius)
    return orjson.dumps(sky.ranges(ra, dec, radius / 3600.0)).decode()


def _in_spans(
    connection: sqlite3.Connection,
    selection: AlertSelection,
    wanted: list[str],
    values: dict[str, Any],
) -> pa.Table:
    """Return all alerts of a cone or cell that are wanted, sorted by the key of pages."""
    query = f"""SELECT {columns_sql(ALERTS, "a")}, s.value, s.reason
                FROM json_each(:spans) AS span CROSS JOIN alert_rows AS a {_SCORE}
                WHERE a.healpix29 >= json_extract(span.value, '$[0]')
                  AND a.healpix29 < json_extract(span.value, '$[1]') AND {" AND ".join(wanted)}"""
    inside = _near(typed(connection.execute(query, values).fetchall(), FOUND), selection)
    order = pc.sort_indices(inside, sort_keys=[(name, "ascending") for name in _ALERT_KEY])
    return inside.take(order)


def _near(table: pa.Table, selection: AlertSelection) -> pa.Table:
    """Return the alerts of a table that lie in the cone, all where there is none."""
    if selection.ra is None or selection.dec is None:
        return table
    from gueststar.store import sky

    ras, decs = (table.column(name).to_numpy() for name in ("ra", "dec"))
    near = sky.separation(selection.ra, selection.dec, ras, decs) <= selection.radius_arcsec
    return table.filter(pa.array(near))


def _page(table: pa.Table, key: tuple[str, ...], limit: int) -> pa.Table:
    """Cut a page, and note where the next begins."""
    page = table.slice(0, limit)
    if table.num_rows <= limit:
        return with_next(page, None)
    last = page.slice(limit - 1).select(list(key)).to_pylist()[0]
    return with_next(page, cursor_of(tuple(last[name] for name in key)))


def find_objects(
    connection: sqlite3.Connection, selection: ObjectSelection, after: str | None, limit: int
) -> pa.Table:
    """Return one page; see :meth:`gueststar.store.interface.Store.find_objects`."""
    check_page(limit)
    values = _given(selection, _OBJECT_CONDITIONS)
    wanted = ["1", *(_OBJECT_CONDITIONS[name] for name in values)]
    values["prefix_end"] = f"{selection.prefix}{_LAST_CHARACTER}"
    if after is not None:
        (values["after"],) = read_cursor(after, (str,))
        wanted.append("object_id > :after")
    query = f"""SELECT {columns_sql(OBJECTS)} FROM object_rows
                WHERE {" AND ".join(wanted)} ORDER BY object_id LIMIT :limit"""
    with in_time(connection):
        rows = connection.execute(query, {**values, "limit": limit + 1}).fetchall()
    return _page(typed(rows, OBJECTS), ("object_id",), limit)
