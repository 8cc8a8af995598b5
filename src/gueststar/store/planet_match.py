"""Which minor planets alerts match: worked out before a write, kept for each alert.

An alert is matched in the write that brings it. What a file of orbits says of a batch is worked
out before the transaction begins, since all orbits must be carried to a night first, which takes a
while; the transaction writes rows. An alert that came past a file waits in ``planet_waiting``.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gueststar.catalogs.designations import looked_for
from gueststar.errors import NotThere
from gueststar.store import orbit_files
from gueststar.store.orbit_files import OrbitFile
from gueststar.store.reading import known_alert
from gueststar.store.session import Session
from gueststar.store.sorting import NEW, Sorted
from gueststar.store.tables import columns_sql, typed

if TYPE_CHECKING:
    from gueststar.batch import AlertBatch
    from gueststar.catalogs.encounters import Encounters, MinorPlanets

Rows = list[tuple[Any, ...]]

#: A match of an alert, in the order of the view ``minor_planets``.
PLANETS = pa.schema(
    [
        pa.field("alert_id", pa.int64(), nullable=False),
        pa.field("orbits", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("designation", pa.string(), nullable=False),
        pa.field("number", pa.int64()),
        pa.field("name", pa.string()),
        pa.field("ra", pa.float64(), nullable=False),
        pa.field("dec", pa.float64(), nullable=False),
        pa.field("separation_arcsec", pa.float64(), nullable=False),
        pa.field("position_angle", pa.float64(), nullable=False),
        pa.field("v_mag", pa.float64()),
        pa.field("r_au", pa.float64(), nullable=False),
        pa.field("delta_au", pa.float64(), nullable=False),
        pa.field("phase_deg", pa.float64(), nullable=False),
        pa.field("elongation_deg", pa.float64(), nullable=False),
        pa.field("motion", pa.float64(), nullable=False),
        pa.field("motion_angle", pa.float64(), nullable=False),
    ]
)
_SEEN = ("ra", "dec", "v_mag", "r_au", "delta_au", "phase_deg", "elongation_deg", "motion",
         "motion_angle")  # fmt: skip
_COLUMNS = ("alert_id", "file_id", "rank", "designation", "number", "name", "separation_arcsec",
            "position_angle", *_SEEN)  # fmt: skip
MOST_ALERTS = 10_000  # of one minor planet in an answer


@dataclass(frozen=True)
class Found:
    """What one file of orbits says of the alerts of a write.

    Parameters
    ----------
    file : OrbitFile
    rows : mapping of int to list of tuple
        Rows for ``planet_rows`` by alert.
    """

    file: OrbitFile
    rows: Mapping[int, Rows]


class Almanac:
    """The orbits of a store, read when they are asked for; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[int, tuple[pa.Table, MinorPlanets]] = {}

    def of(self, connection: Session, file: OrbitFile) -> tuple[pa.Table, MinorPlanets]:
        """Return the orbits of a file; an older file of its name is let go."""
        from gueststar.catalogs.encounters import MinorPlanets
        from gueststar.catalogs.orbits import Orbits

        with self._lock:
            if file.file_id not in self._held:
                there = {one.file_id for one in orbit_files.ready(connection)}
                self._held = {key: one for key, one in self._held.items() if key in there}
                table = orbit_files.orbits_of(connection, file)
                self._held[file.file_id] = table, MinorPlanets(Orbits.of(table))
            return self._held[file.file_id]


def found(
    orbits: tuple[pa.Table, MinorPlanets], file: OrbitFile, places: pa.Table | pa.RecordBatch
) -> Found:
    """Work out what alerts match.

    Parameters
    ----------
    orbits
        As an :class:`Almanac` gives them.
    file : OrbitFile
    places : pyarrow.Table or RecordBatch
        ``alert_id``, ``ra``, ``dec``, ``mjd_tai`` and ``survey`` of alerts.
    """
    table, planets = orbits
    ra, dec, mjd = (places.column(name).to_numpy(zero_copy_only=False)
                    if isinstance(places, pa.RecordBatch) else places.column(name).to_numpy()
                    for name in ("ra", "dec", "mjd_tai"))  # fmt: skip
    there = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & np.isfinite(mjd))
    surveys = np.array(places.column("survey").to_pylist(), dtype=object)[there].astype(str)
    near = planets.near(ra[there], dec[there], mjd[there], surveys, file.radius)
    ids = np.asarray(places.column("alert_id").to_pylist(), np.int64)[there]
    rows: dict[int, Rows] = {}
    for row in _rows(table, file, ids, near):
        rows.setdefault(row[0], []).append(row)
    return Found(file, rows)


def _rows(table: pa.Table, file: OrbitFile, ids: np.ndarray, near: Encounters) -> Rows:
    who = table.select(["designation", "number", "name"]).take(pa.array(near.body))
    seen = [_nulls(getattr(near.seen, field.name)) for field in fields(near.seen)]
    columns = [
        ids[near.row].tolist(),
        [file.file_id] * len(near.row),
        near.rank.tolist(),
        *(column.to_pylist() for column in who.columns),
        near.separation.tolist(),
        near.angle.tolist(),
        *seen,
    ]
    return list(zip(*columns, strict=True))


def _nulls(values: np.ndarray) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def of_positions(
    orbits: tuple[pa.Table, MinorPlanets],
    file: OrbitFile,
    ra: np.ndarray,
    dec: np.ndarray,
    mjd_tai: np.ndarray,
    survey: np.ndarray,
) -> pa.Table:
    """Return the matches of positions; see :meth:`Planets.planets_near`."""
    rows = np.arange(len(ra))
    names = ("alert_id", "ra", "dec", "mjd_tai", "survey")
    given = (rows, *(np.asarray(one, np.float64) for one in (ra, dec, mjd_tai)), list(survey))
    places = pa.table([pa.array(one) for one in given], names=names)
    one = found(orbits, file, places)
    listed = [
        (row, file.name, file.version, *rest)
        for row in rows.tolist()
        for _, _, *rest in map(_in_order, one.rows.get(row, ()))
    ]
    schema = pa.schema([pa.field("row", pa.int64(), nullable=False), *list(PLANETS)[1:]])
    return typed(listed, schema)


def _in_order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Put a row of ``planet_rows`` into the order of PLANETS, the file's number second."""
    values = dict(zip(_COLUMNS, row, strict=True))
    own = ("alert_id", "file_id", *PLANETS.names[PLANETS.names.index("rank") :])
    return tuple(values[name] for name in own)


def keep(
    connection: Session,
    parts: Sequence[Sorted],
    founds: Sequence[Found],
) -> None:
    """Write what the new alerts of a write match; those wait that a file was not asked about.

    Parameters
    ----------
    parts : sequence of Sorted
    founds : sequence of Found
        Of the files that were there before the transaction, and were wanted.
    """
    connection.share(orbit_files.LOCK)
    there = orbit_files.ready(connection)
    if not there:
        return
    new = [(night, alert_id) for part in parts for night, alert_id in _new(part)]
    by_file = {one.file.file_id: one for one in founds}
    for file in there:
        if (one := by_file.get(file.file_id)) is not None:
            rows = [row for _, alert_id in new for row in one.rows.get(alert_id, ())]
            connection.insert("planet_rows", _COLUMNS, rows, key=_COLUMNS[:3])
        else:
            _let_wait(connection, file, new)


def _let_wait(connection: Session, file: OrbitFile, new: Sequence[tuple[int, int]]) -> None:
    key = ("file_id", "night", "alert_id")
    rows = [(file.file_id, night, alert_id) for night, alert_id in new]
    connection.insert("planet_waiting", key, rows, key=key)


def _new(part: Sorted) -> list[tuple[int, int]]:
    rows = pa.array(part.rows(NEW))
    nights, ids = (part.batch.column(name).take(rows).to_pylist() for name in ("night", "alert_id"))
    return list(zip(nights, ids, strict=True))


def places_of(batch: AlertBatch) -> pa.RecordBatch:
    """Return what :func:`found` asks of a batch of alerts."""
    return batch.arrow.select(["alert_id", "ra", "dec", "mjd_tai", "survey"])


_PLACES = pa.schema(
    [("alert_id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64()),
     ("mjd_tai", pa.float64()), ("survey", pa.string()), ("night", pa.int64())]
)  # fmt: skip


def waiting(connection: Session, file: OrbitFile, most: int, night: int | None) -> pa.Table:
    """Return some alerts that wait for a file, night by night."""
    of_night = "" if night is None else "AND w.night = :night"
    query = f"""SELECT a.alert_id, a.ra, a.dec, a.mjd_tai, a.survey, w.night
                FROM (SELECT night, alert_id FROM planet_waiting AS w
                      WHERE w.file_id = :file {of_night}
                      ORDER BY night, alert_id LIMIT :most) AS w
                CROSS JOIN alert_rows AS a
                WHERE a.alert_id = w.alert_id AND a.night = w.night"""
    values = {"file": file.file_id, "most": most, "night": night}
    if night is None:
        del values["night"]
    return typed(connection.execute(query, values).fetchall(), _PLACES)


def settle(connection: Session, one: Found, places: pa.Table) -> None:
    """Write what alerts match that waited, in the place of what older files of this name said."""
    connection.share(orbit_files.LOCK)
    if one.file not in orbit_files.ready(connection):  # replaced meanwhile: they still wait
        return
    packed = connection.pack(places.column("alert_id").to_pylist())
    among = f"alert_id IN (SELECT wanted.value FROM {connection.wanted('bigint')})"
    connection.execute(
        f"""DELETE FROM planet_rows WHERE {among} AND file_id IN
                (SELECT file_id FROM orbit_files WHERE name = ?)""",
        (packed, one.file.name),
    )
    connection.execute(
        f"DELETE FROM planet_waiting WHERE {among} AND file_id = ?", (packed, one.file.file_id)
    )
    rows = [row for rows in one.rows.values() for row in rows]
    connection.insert("planet_rows", _COLUMNS, rows, key=_COLUMNS[:3])


def of_alert(connection: Session, alert_id: int) -> pa.Table:
    """Return the minor planets at the place of an alert, nearest first.

    Raises
    ------
    BadInput
        If there is no such alert.
    """
    known_alert(connection, alert_id)
    query = f"""SELECT {columns_sql(PLANETS)} FROM minor_planets WHERE alert_id = ?
                ORDER BY orbits, rank"""
    return typed(connection.execute(query, (alert_id,)).fetchall(), PLANETS)


def of_planet(connection: Session, who: str) -> pa.Table:
    """Return the alerts that match a minor planet, by number, designation or name."""
    text = looked_for(who)
    query = f"""SELECT {columns_sql(PLANETS)} FROM minor_planets
                WHERE designation = :text OR upper(name) = :text
                ORDER BY alert_id, orbits, rank LIMIT {MOST_ALERTS}"""
    return typed(connection.execute(query, {"text": text}).fetchall(), PLANETS)


def row_of(table: pa.Table, who: str) -> int:
    """Return where an orbit stands, by number, designation or name.

    Raises
    ------
    NotThere
        If it is not there.
    """
    import pyarrow.compute as pc

    text = looked_for(who)
    for name in ("designation", "name"):
        at = pc.index(pc.utf8_upper(table.column(name)), pa.scalar(text)).as_py()
        if at >= 0:
            return int(at)
    raise NotThere(
        f"no orbit of {who[:64]!r}: give a number (433), a name (Eros) or a designation (2020 SJ88)"
    )


def wanted_files(connection: Session, chosen: Collection[str] | None) -> list[OrbitFile]:
    """Return the files that a writer wants, all when ``chosen`` is None."""
    return [one for one in orbit_files.ready(connection) if chosen is None or one.name in chosen]
