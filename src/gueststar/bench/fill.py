"""Fills a store with simulated objects, by the million in minutes.

Simulated: positions uniform over the sky north of -30 degrees; one alert an object, its last
detection, in one of 90 nights; fluxes with a power law, 1 in 8 negative; one score of a module
``rb``, uniform. Rows go to the tables by the engine's own bulk insert, without indexes, which are
built in the end. There are no packets behind them: no light curves, cutouts, records or ledger,
so that ``health`` does not hold and ``store.object`` has empty curves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from gueststar.batch import magnitude
from gueststar.store import tally
from gueststar.store.engine import EngineStore
from gueststar.store.postgres.schema import make_partitions
from gueststar.store.postgres.store import PostgresStore
from gueststar.store.session import Session
from gueststar.surveys.sky import healpix29

CHUNK = 100_000  # objects of one transaction
_DAYS = np.datetime64("2025-01-01") + np.arange(90)
NIGHTS = np.char.replace(_DAYS.astype(str), "-", "").astype(np.int64)
SOUTH = -30.0  # deg
_FIRST_ID, _FIRST_MJD = 10**18, 60_676.0  # 2025-01-01
_PUBLIC = 1  # program
_BANDS = np.array(["g", "r", "i"])
_TABLES = ("object_sums", "alert_rows", "score_rows")
_FILE = """SELECT name, sql FROM sqlite_master
           WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (?, ?, ?)"""
_SERVER = """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
             WHERE NOT indisunique AND indrelid IN (?::regclass, ?::regclass, ?::regclass)"""
_OBJECT = (
    "healpix29", "object_id", "survey", "ra", "dec", "n_detections", "first_mjd_tai",
    "last_mjd_tai", "n_alerts", "n_points", "best_snr", "best_alert_id", "mask", "present",
)  # fmt: skip
_ALERT = (
    "healpix29", "alert_id", "object_id", "survey", "band", "mjd_tai", "night", "ra", "dec", "flux",
    "flux_err", "mag", "published_rb", "program", "age",
)  # fmt: skip
_SCORE = ("alert_id", "name_id", "version_id", "value", "night", "latest")


def fill(store: EngineStore, objects: int, seed: int, tell: Callable[[int], None]) -> None:
    """Fill an empty store.

    Parameters
    ----------
    store : EngineStore
        Open for writing.
    objects, seed : int
    tell : callable
        Told how many objects are there.
    """
    rng = np.random.default_rng(seed)
    ra = rng.uniform(0, 360, objects)
    dec = np.degrees(np.arcsin(rng.uniform(np.sin(np.radians(SOUTH)), 1, objects)))
    cell = healpix29(ra, dec).to_numpy()
    order = np.argsort(cell)
    listed = _FILE
    if isinstance(store, PostgresStore):
        make_partitions(store._writable(), NIGHTS.tolist())
        listed = _SERVER
    indexes = store._commit(partial(_without_indexes, listed))
    for start in range(0, objects, CHUNK):
        rows = order[start : start + CHUNK]
        chunk = _simulated(rng, start, ra[rows], dec[rows], cell[rows])
        store._commit(partial(_insert, chunk))
        tell(start + len(rows))
    for statement in (*indexes, tally.FILL):
        store._commit(partial(_run, statement))
    if isinstance(store, PostgresStore):  # what autovacuum would do a little later
        store._writable().execute("VACUUM (ANALYZE)")


def _run(statement: str, connection: Session) -> None:
    connection.execute(statement)


def _simulated(
    rng: np.random.Generator, first: int, ra: np.ndarray, dec: np.ndarray, cell: np.ndarray
) -> dict[str, Any]:
    n = len(ra)
    night = rng.integers(0, len(NIGHTS), n)
    last = _FIRST_MJD + night + rng.uniform(0.1, 0.5, n)
    n_detections = rng.geometric(0.2, n)
    begun = last - np.where(n_detections > 1, rng.exponential(30, n), 0)
    flux = 1_000 * rng.pareto(1.5, n) + 500
    flux *= np.where(rng.uniform(size=n) < 1 / 8, -1, 1)
    mag = magnitude(flux.astype(np.float32))
    ids = _FIRST_ID + first + np.arange(n)
    return {
        "healpix29": cell.tolist(), "ra": ra.tolist(), "dec": dec.tolist(),
        "object_id": [f"SIM{name:09d}" for name in range(first, first + n)],
        "survey": ["ztf"] * n, "band": _BANDS[rng.integers(0, 3, n)].tolist(),
        "alert_id": ids.tolist(), "best_alert_id": ids.tolist(), "night": NIGHTS[night].tolist(),
        "n_detections": n_detections.tolist(), "n_points": n_detections.tolist(),
        "n_alerts": [1] * n, "best_snr": (np.abs(flux) / 100).tolist(),
        "first_mjd_tai": begun.tolist(), "last_mjd_tai": last.tolist(), "mjd_tai": last.tolist(),
        "age": (last - begun).tolist(), "flux": flux.tolist(), "flux_err": [100.0] * n,
        "mag": [None if m != m else m for m in mag.tolist()],
        "published_rb": rng.uniform(size=n).astype(np.float32).tolist(),
        "program": [_PUBLIC] * n, "mask": [2 << _PUBLIC] * n, "present": [2 << _PUBLIC] * n,
        "value": rng.uniform(size=n).astype(np.float32).tolist(), "latest": [True] * n,
    }  # fmt: skip


def _insert(chunk: dict[str, Any], connection: Session) -> None:
    def rows(names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        return zip(*(chunk[name] for name in names), strict=True)

    n = len(chunk["ra"])
    ids = (_key(connection, "score_names", "name_id", "class", "real"),
           _key(connection, "module_versions", "version_id", "version", "simulated"))  # fmt: skip
    chunk |= {"name_id": [ids[0]] * n, "version_id": [ids[1]] * n}
    connection.insert("object_sums", _OBJECT, rows(_OBJECT))
    connection.insert("alert_rows", _ALERT, rows(_ALERT))
    connection.insert("score_rows", _SCORE, rows(_SCORE))
    if connection.keys != "alert_rows":
        names = ("alert_id", "night", "survey")
        connection.insert(connection.keys, names, rows(names))


def _key(connection: Session, table: str, key: str, column: str, value: str) -> int:
    found = connection.execute(f"SELECT {key} FROM {table}").fetchone()
    if found is None:
        connection.execute(f"INSERT INTO {table} (module, {column}) VALUES ('rb', ?)", (value,))
        found = connection.execute(f"SELECT {key} FROM {table}").fetchone()
    return int(found[0])


def _without_indexes(query: str, connection: Session) -> list[str]:
    """Drop the indexes that are no keys; return the statements that make them again."""
    found = connection.execute(query, _TABLES).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    return [text.replace(" ON ONLY ", " ON ") for _, text in found]
