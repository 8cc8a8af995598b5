"""Tables and public views of the SQLite store, and how an older file becomes a newer one.

The tables are private and end in ``_rows``; people and programs read the views, which are
documented in ``docs/sql.md``. Alerts and objects are clustered on their HEALPix cell, so that a
cone search reads neighbouring pages.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gueststar.errors import NewerStore, StoreError
from gueststar.store import tally
from gueststar.store.accounts import tables as account_tables
from gueststar.store.audit import tables as audit_tables
from gueststar.store.catalogues import tables as catalogue_tables
from gueststar.store.migrating import FILL_SUMS, OBJECT_ROWS, RENEW_CURVES
from gueststar.store.orbit_files import tables as planet_tables
from gueststar.store.search_indexes import SEARCH_INDEXES
from gueststar.store.stamps import tables as cutout_tables
from gueststar.store.tables import VIEW_NAMES
from gueststar.store.tokens import tables as token_tables
from gueststar.store.views import VIEWS as COMMON_VIEWS

APPLICATION_ID = 0x67756573  # "gues", at byte 68 of the file
VERSION = 5

TABLES = """
CREATE TABLE alert_rows (
    healpix29 INTEGER NOT NULL, alert_id INTEGER NOT NULL, object_id TEXT, survey TEXT NOT NULL,
    band TEXT, mjd_tai REAL NOT NULL, night INTEGER NOT NULL, ra REAL NOT NULL, dec REAL NOT NULL,
    flux REAL, flux_err REAL, mag REAL, published_rb REAL, program INTEGER, age REAL,
    chunk_id INTEGER, chunk_row INTEGER,
    PRIMARY KEY (healpix29, alert_id)) WITHOUT ROWID;
CREATE UNIQUE INDEX alert_by_id ON alert_rows (alert_id);
CREATE INDEX alert_by_object ON alert_rows (object_id, mjd_tai) WHERE object_id IS NOT NULL;
CREATE INDEX alert_by_time ON alert_rows (night, mjd_tai, alert_id);
CREATE INDEX alert_by_mag ON alert_rows (night, mag, alert_id);
CREATE INDEX alert_by_age ON alert_rows (night, age, alert_id);

CREATE TABLE object_rows (
    healpix29 INTEGER NOT NULL, object_id TEXT NOT NULL, survey TEXT NOT NULL,
    ra REAL NOT NULL, dec REAL NOT NULL, n_detections INTEGER NOT NULL,
    first_mjd_tai REAL, last_mjd_tai REAL, n_alerts INTEGER NOT NULL, n_points INTEGER NOT NULL,
    best_snr REAL NOT NULL, best_alert_id INTEGER NOT NULL,
    PRIMARY KEY (healpix29, object_id)) WITHOUT ROWID;
CREATE UNIQUE INDEX object_by_id ON object_rows (object_id);

CREATE TABLE curve_rows (object_id TEXT NOT NULL UNIQUE, points TEXT NOT NULL);
CREATE TABLE own_curve_rows (alert_id INTEGER PRIMARY KEY, points TEXT NOT NULL);
CREATE TABLE cutout_rows (
    alert_id INTEGER PRIMARY KEY, packed INTEGER NOT NULL,
    science BLOB, template BLOB, difference BLOB);

CREATE TABLE native_chunks (
    chunk_id INTEGER PRIMARY KEY, size INTEGER NOT NULL, zstd BLOB NOT NULL);

CREATE TABLE score_names (
    name_id INTEGER PRIMARY KEY, module TEXT NOT NULL, class TEXT NOT NULL,
    UNIQUE (module, class));
CREATE TABLE module_versions (
    version_id INTEGER PRIMARY KEY, module TEXT NOT NULL, version TEXT NOT NULL,
    UNIQUE (module, version));
CREATE TABLE score_rows (
    alert_id INTEGER NOT NULL, name_id INTEGER NOT NULL, version_id INTEGER NOT NULL,
    value REAL, reason TEXT, night INTEGER NOT NULL, latest INTEGER NOT NULL,
    PRIMARY KEY (alert_id, name_id, version_id)) WITHOUT ROWID;
CREATE INDEX score_by_night ON score_rows (night, name_id, value, alert_id) WHERE latest;

CREATE TABLE sources (source_id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE);
CREATE TABLE parts (
    part_id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL, partition TEXT NOT NULL,
    UNIQUE (source_id, partition));
CREATE TABLE ledger_rows (
    part_id INTEGER NOT NULL, "offset" INTEGER NOT NULL, record INTEGER NOT NULL,
    state INTEGER NOT NULL, alert_id INTEGER, reason TEXT,
    PRIMARY KEY (part_id, "offset", record)) WITHOUT ROWID;
CREATE INDEX ledger_by_state ON ledger_rows (state);
CREATE TABLE dead_rows (
    dead_id INTEGER PRIMARY KEY, part_id INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    record INTEGER NOT NULL, reason TEXT NOT NULL, packet BLOB,
    UNIQUE (part_id, "offset", record));
CREATE TABLE write_rows (
    write_id INTEGER PRIMARY KEY, at REAL NOT NULL, received INTEGER NOT NULL);
CREATE TABLE archive_moves (temporary TEXT NOT NULL, final TEXT NOT NULL);
"""

#: Added with version 2: how streams flow, and where dead letters lay.
FLOW_TABLES = """
ALTER TABLE dead_rows ADD COLUMN healpix29 INTEGER;
CREATE TABLE flow_rows (
    source_id INTEGER NOT NULL, minute INTEGER NOT NULL, settled INTEGER NOT NULL,
    opened INTEGER NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL,
    latencies TEXT NOT NULL,
    PRIMARY KEY (source_id, minute)) WITHOUT ROWID;
CREATE TABLE reading_rows (
    part_id INTEGER PRIMARY KEY, position INTEGER NOT NULL, last INTEGER NOT NULL,
    at REAL NOT NULL);
CREATE TABLE alarm_rows (
    alarm_id INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX score_missing ON score_rows (alert_id) WHERE value IS NULL;
"""

#: Added with version 3: what is known of objects, by the programs that somebody may see.
ACCESS_TABLES = f"""
DROP VIEW IF EXISTS objects;
CREATE TABLE object_sums (
    healpix29 INTEGER NOT NULL, object_id TEXT NOT NULL, survey TEXT NOT NULL,
    ra REAL NOT NULL, dec REAL NOT NULL, n_detections INTEGER NOT NULL,
    first_mjd_tai REAL, last_mjd_tai REAL, n_alerts INTEGER NOT NULL, n_points INTEGER NOT NULL,
    best_snr REAL NOT NULL, best_alert_id INTEGER NOT NULL,
    mask INTEGER NOT NULL, present INTEGER NOT NULL,
    PRIMARY KEY (healpix29, object_id, mask)) WITHOUT ROWID;
{FILL_SUMS};
DROP TABLE object_rows;
CREATE UNIQUE INDEX object_by_id ON object_sums (object_id, mask);
{OBJECT_ROWS};
ALTER TABLE curve_rows ADD COLUMN programs INTEGER NOT NULL DEFAULT 256;
ALTER TABLE own_curve_rows ADD COLUMN programs INTEGER NOT NULL DEFAULT 256;
{RENEW_CURVES}
"""
#: Added with version 3: who may ask a server.
TOKEN_TABLES = token_tables("INTEGER PRIMARY KEY")
#: Added with version 3: what people write, and what became of it.
ANNOTATION_TABLES = """
CREATE TABLE annotation_rows (
    annotation_id INTEGER PRIMARY KEY, object_id TEXT, alert_id INTEGER, author TEXT NOT NULL,
    at REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, edited_at REAL, removed_at REAL,
    request TEXT);
CREATE INDEX annotation_by_object ON annotation_rows (object_id, annotation_id);
CREATE INDEX annotation_by_alert ON annotation_rows (alert_id) WHERE alert_id IS NOT NULL;
CREATE UNIQUE INDEX annotation_by_request ON annotation_rows (author, request)
    WHERE request IS NOT NULL;
CREATE TABLE annotation_changes (
    annotation_id INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL,
    author TEXT NOT NULL, action TEXT NOT NULL, text TEXT,
    PRIMARY KEY (annotation_id, number)) WITHOUT ROWID;
"""
#: Added with version 3: catalogues, and what objects match in them.
CATALOGUE_TABLES = catalogue_tables("TEXT", "INTEGER PRIMARY KEY", " WITHOUT ROWID")
#: Added with version 3: how many alerts each night has.
NIGHT_TABLES = tally.tables("TEXT", "INTEGER", "REAL", " WITHOUT ROWID")
#: Added with version 3: alerts that a topic out did not take.
UNSENT_TABLES = """
CREATE TABLE unsent_rows (
    alert_id INTEGER NOT NULL, topic TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (alert_id, topic)) WITHOUT ROWID;
"""
#: Added with version 4: accounts, their logins, and whose tokens are.
ACCOUNT_TABLES = account_tables("INTEGER PRIMARY KEY")
#: Added with version 4: where cutouts lie that are not in the database.
CUTOUT_TABLES = cutout_tables("TEXT", "INTEGER", "INTEGER PRIMARY KEY", "REAL", " WITHOUT ROWID")
#: Added with version 5: orbits of minor planets, and which alerts match them.
PLANET_TABLES = planet_tables("TEXT", "INTEGER PRIMARY KEY", "BLOB", " WITHOUT ROWID")
#: Added with version 5: who changed what.
AUDIT_TABLES = audit_tables("INTEGER PRIMARY KEY", "TEXT", "REAL")

VIEWS = (
    COMMON_VIEWS
    + """
CREATE VIEW lightcurves AS
    SELECT c.object_id,
           CAST(json_extract(p.value, '$[1]') AS REAL) AS mjd_tai,
           json_extract(p.value, '$[2]') AS band,
           CAST(json_extract(p.value, '$[3]') AS REAL) AS flux,
           CAST(json_extract(p.value, '$[4]') AS REAL) AS flux_err,
           json_extract(p.value, '$[8]') AS kind,
           CAST(json_extract(p.value, '$[7]') AS REAL) AS "limit",
           CAST(json_extract(p.value, '$[5]') AS REAL) AS total_flux,
           CAST(json_extract(p.value, '$[6]') AS REAL) AS total_flux_err,
           json_extract(p.value, '$[0]') AS exposure_id,
           json_extract(p.value, '$[9]') AS program
    FROM curve_rows AS c, json_each(c.points) AS p;
"""
)

#: Scripts that turn version N into N + 1. A released entry never changes.
MIGRATIONS: dict[int, str] = {
    1: FLOW_TABLES,
    2: ACCESS_TABLES
    + TOKEN_TABLES
    + ANNOTATION_TABLES
    + CATALOGUE_TABLES
    + UNSENT_TABLES
    + SEARCH_INDEXES
    + NIGHT_TABLES,
    3: ACCOUNT_TABLES + CUTOUT_TABLES,
    4: PLANET_TABLES + AUDIT_TABLES,
}


def identify(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a store file; 0 for an empty file.

    Raises
    ------
    NewerStore
        If a newer gueststar wrote it.
    StoreError
        If the file is a database of another program.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application == 0 and _is_empty(connection):
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; give --store a file of its own")
    if version > VERSION:
        raise NewerStore(
            f"{path} was written by a newer gueststar (store version {version}; this one knows "
            f"{VERSION}): pip install --upgrade gueststar, or give --store another file"
        )
    return version


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Create or migrate the store; two processes may race, one does the work."""
    if identify(connection, path) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    version = identify(connection, path)
    if version == 0:
        _run(connection, TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for old in range(max(version, 1), VERSION):
        _run(connection, MIGRATIONS[old])
    if version < VERSION:
        _renew_views(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _renew_views(connection: sqlite3.Connection) -> None:
    for name in VIEW_NAMES:
        connection.execute(f"DROP VIEW IF EXISTS {name}")
    _run(connection, VIEWS)


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Run statements one by one: ``executescript`` would commit the transaction."""
    for statement in script.split(";"):
        if statement.strip():
            connection.execute(statement)
