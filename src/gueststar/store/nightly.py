"""Nights, and one night page by page: sorted by indexes, so that a page costs milliseconds."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, get_args

import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.store.interface import Sort
from gueststar.store.selection import MAX_SECONDS
from gueststar.store.session import Session
from gueststar.store.tables import ALERTS, FOUND, columns_sql, typed

DEFAULT_MODULE = "rb"
MAX_LIMIT = 10_000
TOTAL_KEY = b"gueststar.total"

NIGHTS = pa.schema(
    [
        pa.field("night", pa.int32()),
        pa.field("n_alerts", pa.int64()),
        pa.field("first_mjd_tai", pa.float64()),
        pa.field("last_mjd_tai", pa.float64()),
    ]
)
PAGE = pa.schema(
    [
        *FOUND,
        pa.field("first_mjd_tai", pa.float64()),
        pa.field("n_detections", pa.int64()),
        pa.field("age", pa.float64()),  # d
    ]
)

#: What alerts of a page may be asked for, beside their score.
_FILTERS = {
    "band": "a.band = :band",
    "survey": "a.survey = :survey",
    "mag_min": "a.mag >= :mag_min",
    "mag_max": "a.mag <= :mag_max",
    "age_min": "a.age >= :age_min",
    "age_max": "a.age <= :age_max",
}
#: Of ``+value`` SQLite knows no index: it would read all scores in the range for each alert.
_SCORED = """SELECT 1 FROM score_rows AS s
             WHERE s.alert_id = a.alert_id AND s.name_id = :name AND s.latest{night}"""
_ITS_ALERT = " AND EXISTS (SELECT 1 FROM alert_rows AS a WHERE a.alert_id = s.alert_id{})"

#: Which index each sort reads, and what it sorts by.
_SORTS = {
    "time": ("alert_by_time", "a.mjd_tai"),
    "magnitude": ("alert_by_mag", "a.mag"),
    "age": ("alert_by_age", "a.age"),
}


class Page(NamedTuple):
    """Which part of a night is asked for."""

    sort: Sort
    descending: bool
    limit: int
    offset: int
    min_score: float | None = None
    max_score: float | None = None
    band: str | None = None
    survey: str | None = None
    mag_min: float | None = None
    mag_max: float | None = None
    age_min: float | None = None
    age_max: float | None = None

    @property
    def which(self) -> str:
        """Condition on ``alert_rows AS a``; empty when every alert is asked for."""
        given = [text for name, text in _FILTERS.items() if getattr(self, name) is not None]
        return "".join(f" AND {text}" for text in given)

    @property
    def measured(self) -> bool:
        """Whether magnitude or age is asked for, which only the alerts themselves have."""
        return any(getattr(self, name) is not None for name in _FILTERS if "_" in name)

    @property
    def scored(self) -> str:
        """Condition on ``score_rows AS s``; empty when every score will do."""
        least = " AND s.value >= :min_score" if self.min_score is not None else ""
        return least + (" AND s.value <= :max_score" if self.max_score is not None else "")

    def values(self) -> dict[str, Any]:
        """Return what the conditions name."""
        names = ("min_score", "max_score", *_FILTERS)
        return {name: getattr(self, name) for name in names}

    def check(self) -> None:
        """Check the values.

        Raises
        ------
        BadInput
        """
        if self.sort not in get_args(Sort):
            raise BadInput(f"no sort {self.sort!r}.{did_you_mean(self.sort, get_args(Sort))}")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise BadInput(f"limit = {self.limit} cannot be: give 1 to {MAX_LIMIT}")
        if not 0 <= self.offset < 2**62:
            raise BadInput(f"offset = {self.offset} cannot be: it must be 0 or more")
        for name, value in self.values().items():
            if isinstance(value, float) and not math.isfinite(value):
                raise BadInput(f"{name} = {value} is no number")


def nights(connection: Session) -> pa.Table:
    """Return the nights with their numbers of alerts, newest first."""
    query = """SELECT night, CAST(sum(n_alerts) AS BIGINT), min(first_mjd_tai), max(last_mjd_tai)
               FROM night_rows GROUP BY night ORDER BY night DESC"""
    return typed(connection.execute(query).fetchall(), NIGHTS)


def night(connection: Session, night: int | None, module: str, page: Page) -> pa.Table:
    """Return one page; see :meth:`gueststar.store.engine.EngineStore.night`."""
    page.check()
    if night is None:
        night = connection.execute("SELECT max(night) FROM alert_rows").fetchone()[0]
    check_night(night)
    name = score_name(connection, module)
    values = {"night": night, "name": name, **page.values()}
    read = _by_score if page.sort == "score" else _by_value
    with connection.within(MAX_SECONDS, whole=True):
        ids = read(connection, page, values)
        total = _total(connection, page, values)
    return _rows(connection, ids, name).replace_schema_metadata({TOTAL_KEY: str(total).encode()})


def check_night(night: int | None) -> None:
    """Check a night.

    Raises
    ------
    BadInput
    """
    if night is not None and not 0 <= night < 10**9:
        raise BadInput(f"night = {night} is no night: give YYYYMMDD, such as 20240131")


def modules(connection: Session) -> list[str]:
    """Return the names of the modules that have scored, first come first."""
    query = "SELECT module FROM score_names GROUP BY module ORDER BY min(name_id)"
    return [row[0] for row in connection.execute(query)]


def classes(connection: Session) -> list[tuple[str, str]]:
    """Return module and class of all scores that there are, first come first."""
    query = "SELECT module, class FROM score_names ORDER BY name_id"
    return [(module, label) for module, label in connection.execute(query)]


def score_name(connection: Session, module: str) -> int | None:
    """Return the key of a module's first class, or of ``<module>_<class>``.

    Raises
    ------
    BadInput
        If nothing was scored by it; the default module may be missing and gives None.
    """
    query = """SELECT name_id FROM score_names WHERE module = :m OR module || '_' || class = :m
               ORDER BY module = :m DESC, name_id LIMIT 1"""
    found = connection.execute(query, {"m": module}).fetchone()
    if found is None and module != DEFAULT_MODULE:
        names = [row[0] for row in connection.execute("SELECT DISTINCT module FROM score_names")]
        raise BadInput(f"no alert was scored by {module!r}.{did_you_mean(module, names)}")
    return int(found[0]) if found else None


def _by_score(connection: Session, page: Page, values: dict[str, Any]) -> list[int]:
    scored = _SCORED.format(night=connection.same_night)
    table, where = _scores(connection, page)
    return _two_parts(
        connection,
        page,
        values,
        (table, f"{where} AND s.value IS NOT NULL", "s.value", "s.alert_id"),
        (
            f"alert_rows AS a{connection.index('alert_by_time')}",
            f"a.night = :night{page.which} AND NOT EXISTS ({scored} AND +s.value IS NOT NULL)",
            "a.mjd_tai",
            "a.alert_id",
        ),
    )


def _scores(connection: Session, page: Page) -> tuple[str, str]:
    """Return the table of a night's scores ``s``, and which of them are wanted.

    Few alerts are expected in a range of magnitudes or ages: they are read first, from its index.
    """
    if page.measured:
        by_mag = page.mag_min is not None or page.mag_max is not None
        index = connection.index("alert_by_mag" if by_mag else "alert_by_age")
        where = f"""a.night = :night{page.which} AND s.alert_id = a.alert_id{connection.same_night}
                    AND s.name_id = :name AND s.latest{_looked_up(page.scored)}"""
        return f"alert_rows AS a{index} CROSS JOIN score_rows AS s", where
    where = f"s.latest AND s.night = :night AND s.name_id = :name{page.scored}"
    if page.which:
        where += _ITS_ALERT.format(connection.same_night + page.which)
    return f"score_rows AS s{connection.index('score_by_night')}", where


def _looked_up(scored: str) -> str:
    """Keep SQLite from its index of values, where scores are looked up alert by alert."""
    return scored.replace("s.value", "+s.value")


def _by_value(connection: Session, page: Page, values: dict[str, Any]) -> list[int]:
    index, key = _SORTS[page.sort]
    table = f"alert_rows AS a{connection.index(index)}"
    where = "a.night = :night" + page.which
    if page.scored:
        scored = _SCORED.format(night=connection.same_night)
        where += f" AND EXISTS ({scored}{_looked_up(page.scored)})"
    return _two_parts(
        connection,
        page,
        values,
        (table, f"{where} AND {key} IS NOT NULL", key, "a.alert_id"),
        (table, f"{where} AND {key} IS NULL", "a.mjd_tai", "a.alert_id"),
        both=page.sort != "time",
    )


def _two_parts(
    connection: Session,
    page: Page,
    values: dict[str, Any],
    valued: tuple[str, str, str, str],
    others: tuple[str, str, str, str],
    both: bool = True,
) -> list[int]:
    """Return ids of the page: first rows that have the value, sorted, then those without."""
    ids = _ids(connection, valued, page, values, page.limit, page.offset)
    by_score = page.sort == "score" and page.scored
    if len(ids) == page.limit or not both or by_score:
        return ids
    before = 0
    if page.offset and not ids:
        count = f"SELECT count(*) FROM {valued[0]} WHERE {valued[1]}"
        before = page.offset - int(connection.execute(count, values).fetchone()[0])
    rest = page.limit - len(ids)
    return ids + _ids(connection, others, page, values, rest, max(0, before))


def _ids(
    connection: Session,
    part: tuple[str, str, str, str],
    page: Page,
    values: dict[str, Any],
    limit: int,
    offset: int,
) -> list[int]:
    table, where, key, alert_id = part
    way = "DESC" if page.descending else "ASC"
    query = f"""SELECT {alert_id} FROM {table} WHERE {where}
                ORDER BY {key} {way}, {alert_id} {way} LIMIT :limit OFFSET :offset"""
    found = connection.execute(query, {**values, "limit": limit, "offset": offset})
    return [row[0] for row in found]


def _total(connection: Session, page: Page, values: dict[str, Any]) -> int:
    if not page.scored and not page.measured:
        query = f"""SELECT sum(n_alerts) FROM night_rows AS a WHERE a.night = :night{page.which}"""
    elif not page.scored:
        query = f"""SELECT count(*) FROM alert_rows AS a{connection.index("alert_by_time")}
                    WHERE a.night = :night{page.which}"""
    else:
        table, where = _scores(connection, page)
        query = f"SELECT count(*) FROM {table} WHERE {where}"
    return int(connection.execute(query, values).fetchone()[0] or 0)


def _rows(connection: Session, ids: list[int], name: int | None) -> pa.Table:
    query = f"""
        SELECT {columns_sql(ALERTS, "a")}, s.value, s.reason, o.first_mjd_tai, o.n_detections,
               a.age
        FROM {connection.wanted("bigint")}
        CROSS JOIN {connection.by_id} AS a
        LEFT JOIN score_rows AS s
            ON s.alert_id = a.alert_id AND s.name_id = ? AND s.latest{connection.same_night}
        LEFT JOIN object_rows AS o ON o.object_id = a.object_id
        WHERE a.alert_id = wanted.value
        ORDER BY wanted.key"""
    return typed(connection.execute(query, (connection.pack(ids), name)).fetchall(), PAGE)
