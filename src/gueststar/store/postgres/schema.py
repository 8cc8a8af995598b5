"""Tables and public views of the PostgreSQL store, and how an older one becomes a newer one.

Alerts and scores are partitioned by ``night``, a month of nights a partition: PostgreSQL locks each
partition and index that an unrestricted query may touch, and thousands of nights exhaust its lock
table. ``alert_keys`` is what partitions cannot have: one unique index over all alerts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gueststar.errors import NewerStore, StoreError
from gueststar.store import tally
from gueststar.store.accounts import tables as account_tables
from gueststar.store.audit import tables as audit_tables
from gueststar.store.catalogues import tables as catalogue_tables
from gueststar.store.migrating import FILL_SUMS, OBJECT_ROWS, RENEW_CURVES
from gueststar.store.orbit_files import tables as planet_tables
from gueststar.store.search_indexes import SEARCH_INDEXES
from gueststar.store.stamps import tables as cutout_tables
from gueststar.store.tokens import tables as token_tables
from gueststar.store.views import VIEWS as COMMON_VIEWS

if TYPE_CHECKING:
    from psycopg import Connection

VERSION = 4
PARTITIONED = ("alert_rows", "score_rows")

#: Unique keys that are longer here, because a partitioned table's key contains the night.
KEYS = {"score_rows": ("alert_id", "name_id", "version_id", "night")}

_WORD = 'TEXT COLLATE "C"'  # sorted by bytes, as in SQLite
_ID = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"

TABLES = f"""
CREATE TABLE store_version (version INTEGER NOT NULL);

CREATE TABLE alert_keys (
    alert_id BIGINT PRIMARY KEY, night INTEGER NOT NULL, survey TEXT NOT NULL);
CREATE TABLE alert_rows (
    healpix29 BIGINT NOT NULL, alert_id BIGINT NOT NULL, mjd_tai DOUBLE PRECISION NOT NULL,
    ra DOUBLE PRECISION NOT NULL, dec DOUBLE PRECISION NOT NULL, flux DOUBLE PRECISION,
    flux_err DOUBLE PRECISION, mag DOUBLE PRECISION, published_rb DOUBLE PRECISION,
    age DOUBLE PRECISION, chunk_id BIGINT, night INTEGER NOT NULL, program INTEGER,
    chunk_row INTEGER, object_id {_WORD}, survey {_WORD} NOT NULL, band {_WORD},
    PRIMARY KEY (alert_id, night)) PARTITION BY RANGE (night);
CREATE INDEX ON alert_rows (healpix29);
CREATE INDEX ON alert_rows (object_id, mjd_tai) WHERE object_id IS NOT NULL;
CREATE INDEX ON alert_rows (night, mjd_tai, alert_id);
CREATE INDEX ON alert_rows (night, mag, alert_id);
CREATE INDEX ON alert_rows (night, age, alert_id);

CREATE TABLE object_rows (
    healpix29 BIGINT NOT NULL, ra DOUBLE PRECISION NOT NULL, dec DOUBLE PRECISION NOT NULL,
    first_mjd_tai DOUBLE PRECISION, last_mjd_tai DOUBLE PRECISION,
    n_detections BIGINT NOT NULL, n_alerts BIGINT NOT NULL, n_points BIGINT NOT NULL,
    best_snr DOUBLE PRECISION NOT NULL, best_alert_id BIGINT NOT NULL,
    object_id {_WORD} PRIMARY KEY, survey {_WORD} NOT NULL);
CREATE INDEX object_by_place ON object_rows (healpix29);

CREATE TABLE curve_rows (object_id {_WORD} PRIMARY KEY, points TEXT NOT NULL);
CREATE TABLE own_curve_rows (alert_id BIGINT PRIMARY KEY, points TEXT NOT NULL);
CREATE TABLE cutout_rows (
    alert_id BIGINT PRIMARY KEY, packed INTEGER NOT NULL,
    science BYTEA, template BYTEA, difference BYTEA);
ALTER TABLE cutout_rows ALTER science SET STORAGE EXTERNAL,
    ALTER template SET STORAGE EXTERNAL, ALTER difference SET STORAGE EXTERNAL;
CREATE TABLE native_chunks (chunk_id {_ID}, size BIGINT NOT NULL, zstd BYTEA NOT NULL);
ALTER TABLE native_chunks ALTER zstd SET STORAGE EXTERNAL;

CREATE TABLE score_names (
    name_id {_ID}, module {_WORD} NOT NULL, class {_WORD} NOT NULL, UNIQUE (module, class));
CREATE TABLE module_versions (
    version_id {_ID}, module {_WORD} NOT NULL, version {_WORD} NOT NULL,
    UNIQUE (module, version));
CREATE TABLE score_rows (
    alert_id BIGINT NOT NULL, value DOUBLE PRECISION, name_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL, night INTEGER NOT NULL, latest BOOLEAN NOT NULL, reason TEXT,
    PRIMARY KEY (alert_id, name_id, version_id, night)) PARTITION BY RANGE (night);
CREATE INDEX ON score_rows (night, name_id, value, alert_id) WHERE latest;
CREATE INDEX ON score_rows (alert_id) WHERE value IS NULL;

CREATE TABLE sources (source_id {_ID}, source {_WORD} NOT NULL UNIQUE);
CREATE TABLE parts (
    part_id {_ID}, source_id BIGINT NOT NULL, partition {_WORD} NOT NULL,
    UNIQUE (source_id, partition));
CREATE TABLE ledger_rows (
    part_id BIGINT NOT NULL, "offset" BIGINT NOT NULL, record BIGINT NOT NULL, alert_id BIGINT,
    state INTEGER NOT NULL, reason TEXT, PRIMARY KEY (part_id, "offset", record));
CREATE INDEX ON ledger_rows (state);
CREATE TABLE dead_rows (
    dead_id {_ID}, part_id BIGINT NOT NULL, "offset" BIGINT NOT NULL, record BIGINT NOT NULL,
    healpix29 BIGINT, reason TEXT NOT NULL, packet BYTEA, UNIQUE (part_id, "offset", record));
CREATE TABLE write_rows (
    write_id {_ID}, at DOUBLE PRECISION NOT NULL, received BIGINT NOT NULL);
CREATE TABLE archive_moves (temporary TEXT NOT NULL, final TEXT NOT NULL);

CREATE TABLE flow_rows (
    source_id BIGINT NOT NULL, minute BIGINT NOT NULL, settled BIGINT NOT NULL,
    opened BIGINT NOT NULL, first_at DOUBLE PRECISION NOT NULL, last_at DOUBLE PRECISION NOT NULL,
    latencies TEXT NOT NULL, PRIMARY KEY (source_id, minute));
CREATE TABLE reading_rows (
    part_id BIGINT PRIMARY KEY, position BIGINT NOT NULL, last BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL);
CREATE TABLE alarm_rows (
    alarm_id {_ID}, at DOUBLE PRECISION NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL);
"""

#: Added with version 2: what is known of objects, by the programs that somebody may see.
ACCESS_TABLES = f"""
DROP VIEW IF EXISTS objects;
CREATE TABLE object_sums (
    healpix29 BIGINT NOT NULL, ra DOUBLE PRECISION NOT NULL, dec DOUBLE PRECISION NOT NULL,
    first_mjd_tai DOUBLE PRECISION, last_mjd_tai DOUBLE PRECISION,
    n_detections BIGINT NOT NULL, n_alerts BIGINT NOT NULL, n_points BIGINT NOT NULL,
    best_snr DOUBLE PRECISION NOT NULL, best_alert_id BIGINT NOT NULL,
    mask INTEGER NOT NULL, present INTEGER NOT NULL,
    object_id {_WORD}, survey {_WORD} NOT NULL, PRIMARY KEY (object_id, mask));
{FILL_SUMS};
DROP TABLE object_rows;
CREATE INDEX object_by_place ON object_sums (healpix29);
{OBJECT_ROWS};
ALTER TABLE curve_rows ADD COLUMN programs INTEGER NOT NULL DEFAULT 256;
ALTER TABLE own_curve_rows ADD COLUMN programs INTEGER NOT NULL DEFAULT 256;
{RENEW_CURVES}
"""
#: Added with version 2: who may ask a server.
TOKEN_TABLES = token_tables(_ID)
#: Added with version 2: what people write, and what became of it.
ANNOTATION_TABLES = f"""
CREATE TABLE annotation_rows (
    annotation_id {_ID}, object_id {_WORD}, alert_id BIGINT, author {_WORD} NOT NULL,
    at DOUBLE PRECISION NOT NULL, kind {_WORD} NOT NULL, text TEXT NOT NULL,
    edited_at DOUBLE PRECISION, removed_at DOUBLE PRECISION, request {_WORD});
CREATE INDEX annotation_by_object ON annotation_rows (object_id, annotation_id);
CREATE INDEX annotation_by_alert ON annotation_rows (alert_id) WHERE alert_id IS NOT NULL;
CREATE UNIQUE INDEX annotation_by_request ON annotation_rows (author, request)
    WHERE request IS NOT NULL;
CREATE TABLE annotation_changes (
    annotation_id BIGINT NOT NULL, number BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL,
    author {_WORD} NOT NULL, action {_WORD} NOT NULL, text TEXT,
    PRIMARY KEY (annotation_id, number));
"""
#: Added with version 2: catalogues, and what objects match in them.
CATALOGUE_TABLES = catalogue_tables(_WORD, _ID, "")
#: Added with version 2: how many alerts each night has.
NIGHT_TABLES = tally.tables(_WORD, "BIGINT", "DOUBLE PRECISION", "")
#: Added with version 2: alerts that a topic out did not take.
UNSENT_TABLES = f"""
CREATE TABLE unsent_rows (
    alert_id BIGINT NOT NULL, topic {_WORD} NOT NULL, at DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (alert_id, topic));
"""
#: Added with version 3: accounts, their logins, and whose tokens are.
ACCOUNT_TABLES = account_tables(_ID)
#: Added with version 3: where cutouts lie that are not in the database.
CUTOUT_TABLES = cutout_tables(_WORD, "BIGINT", _ID, "DOUBLE PRECISION", "")
#: Added with version 4: orbits of minor planets, and which alerts match them.
PLANET_TABLES = planet_tables(_WORD, _ID, "BYTEA", "")
#: Added with version 4: who changed what.
AUDIT_TABLES = audit_tables(_ID, _WORD, "DOUBLE PRECISION")

#: Since version 4 the sky map of a night reads this index alone.
SKY_INDEX = """
DROP INDEX alert_rows_night_age_alert_id_idx;
CREATE INDEX alert_by_age ON alert_rows (night, age, alert_id) INCLUDE (healpix29);
"""

#: ``security_invoker`` is left off: whoever may read a view needs no right to its tables.
VIEWS = (
    COMMON_VIEWS
    + """
CREATE VIEW alert_by_id AS
    SELECT a.* FROM alert_keys AS k
    JOIN alert_rows AS a ON a.alert_id = k.alert_id AND a.night = k.night;
CREATE VIEW lightcurves AS
    SELECT c.object_id,
           (p.value ->> 1)::DOUBLE PRECISION AS mjd_tai,
           p.value ->> 2 AS band,
           (p.value ->> 3)::DOUBLE PRECISION AS flux,
           (p.value ->> 4)::DOUBLE PRECISION AS flux_err,
           p.value ->> 8 AS kind,
           (p.value ->> 7)::DOUBLE PRECISION AS "limit",
           (p.value ->> 5)::DOUBLE PRECISION AS total_flux,
           (p.value ->> 6)::DOUBLE PRECISION AS total_flux_err,
           (p.value ->> 0)::BIGINT AS exposure_id,
           (p.value ->> 9)::INTEGER AS program
    FROM curve_rows AS c, json_array_elements(c.points::JSON) AS p;
"""
)
_VIEW_NAMES = (
    "alert_by_id", "alerts", "scores", "objects", "lightcurves", "ledger", "dead_letters",
    "annotations", "crossmatches", "minor_planets", "unsent",
)  # fmt: skip

#: Scripts that turn version N into N + 1. A released entry never changes.
MIGRATIONS: dict[int, str] = {
    1: ACCESS_TABLES
    + TOKEN_TABLES
    + ANNOTATION_TABLES
    + CATALOGUE_TABLES
    + UNSENT_TABLES
    + SEARCH_INDEXES
    + NIGHT_TABLES,
    2: ACCOUNT_TABLES + CUTOUT_TABLES,
    3: PLANET_TABLES + AUDIT_TABLES + SKY_INDEX,
}


def identify(connection: Connection[Any], place: str) -> int:
    """Return the version of a store; 0 for an empty schema.

    Raises
    ------
    NewerStore
        If a newer gueststar wrote it.
    StoreError
        If the schema holds tables of another program.
    """
    query = """SELECT count(*), count(*) FILTER (WHERE relname = 'store_version')
               FROM pg_class WHERE relkind IN ('r', 'p', 'v')
                   AND relnamespace = (SELECT oid FROM pg_namespace
                                       WHERE nspname = current_schema())"""
    tables, ours = connection.execute(query).fetchone() or (0, 0)
    if not ours:
        if tables:
            raise StoreError(
                f"the schema of {place} holds tables of another program; give the store a database "
                "of its own, or a schema: add ?options=-csearch_path%3DNAME to its URL"
            )
        return 0
    found = connection.execute("SELECT max(version) FROM store_version").fetchone()
    version = int(found[0]) if found and found[0] else 0
    if version > VERSION:
        raise NewerStore(
            f"{place} was written by a newer gueststar (store version {version}; this one knows "
            f"{VERSION}): pip install --upgrade gueststar, or give --store another database"
        )
    return version


def upgrade(connection: Connection[Any], place: str) -> None:
    """Create or migrate the store; two processes may race, one does the work."""
    if identify(connection, place) == VERSION:
        return
    with connection.transaction():
        # Any fixed number: who comes second waits, and finds the work done.
        connection.execute("SELECT pg_advisory_xact_lock(1735746931, 0)")
        version = identify(connection, place)
        if version == VERSION:
            return
        if version == 0:
            connection.execute(TABLES)
        for old in range(max(version, 1), VERSION):
            connection.execute(MIGRATIONS[old])
        connection.execute(f"DROP VIEW IF EXISTS {', '.join(_VIEW_NAMES)}")
        connection.execute(VIEWS)
        connection.execute("DELETE FROM store_version")
        connection.execute("INSERT INTO store_version VALUES (%s)", (VERSION,))


def months_of(nights: Iterable[int]) -> list[tuple[int, int]]:
    """Return first night and end of the months that these nights lie in.

    Examples
    --------
    >>> months_of([20231231, 20231201, 20240101])
    [(20231201, 20240101), (20240101, 20240201)]
    """
    months = sorted({night // 100 for night in nights})
    return [(m * 100 + 1, (m + 1 if m % 100 < 12 else m + 89) * 100 + 1) for m in months]


def make_partitions(connection: Connection[Any], nights: Iterable[int]) -> None:
    """Make the months of these nights where they are missing, in a transaction of its own.

    A table is made alone and attached then: that holds up no writer, while ``PARTITION OF`` would
    wait for all of them.
    """
    months = {f"{first // 100:06d}": (first, end) for first, end in months_of(nights)}
    if not _lacking(connection, months):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(1735746931, 1)")
        for month in _lacking(connection, months):
            first, end = months[month]
            for table in PARTITIONED:
                name = f"{table}_{month}"
                connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING STORAGE)")
                connection.execute(
                    f"""ALTER TABLE {table} ATTACH PARTITION {name}
                        FOR VALUES FROM ({first:d}) TO ({end:d})"""
                )


def _lacking(connection: Connection[Any], months: Iterable[str]) -> list[str]:
    """Return the months that have no partition now.

    The catalogue is read as a table: a look-up by name may answer from a cache that is older than
    the lock which we have waited for.
    """
    tables = {f"{PARTITIONED[-1]}_{month}": month for month in months}
    query = """SELECT relname::text FROM pg_class WHERE relname = ANY(%s) AND relnamespace =
                   (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"""
    there = {name for (name,) in connection.execute(query, (list(tables),))}
    return [month for table, month in tables.items() if table not in there]
