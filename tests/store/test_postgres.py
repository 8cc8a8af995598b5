"""What only the PostgreSQL store has: a server that goes away, partitions, hostile SQL."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from gueststar.errors import BadInput, NewerStore, StoreBusy, StoreError, StoreUnavailable
from gueststar.sinks.archive import Archive
from gueststar.store import open_store, store_exists, store_name
from gueststar.store.postgres import schema
from store.alerts import letters, random_alerts, replaced

pytest.importorskip("psycopg", reason="no psycopg: extra postgres")


@pytest.fixture
def database(postgres):
    with postgres.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def full(postgres):
    with postgres.fresh() as url, open_store(url) as store:
        store.write([random_alerts(200, 1)], [letters(2)])
        yield store


def test_a_server_that_goes_away_and_comes_back(own_postgres, tmp_path):
    archive = Archive(tmp_path / "archive")
    with open_store(own_postgres.base) as store:
        store.write([random_alerts(20, 1)], [], archive)
        assert store.nights().num_rows
        for how in ("fast", "immediate"):
            own_postgres.server.stop(how)
            with pytest.raises(StoreUnavailable, match="does not answer, or went away"):
                store.write([random_alerts(20, 2, source="b", first_id=5)], [], archive)
            with pytest.raises(StoreError, match="does not answer, or went away"):
                store.health()
            own_postgres.server.start()
            assert store.health()["stored"] == (20 if how == "fast" else 40)
            report = store.write([random_alerts(20, 2, source="b", first_id=5)], [], archive)
            assert report.received == (20 if how == "fast" else 0)
        assert store.cone(10.0, 10.0, 648_000.0).num_rows
        own_postgres.server.stop()
        with pytest.raises(StoreUnavailable, match="does not answer, or went away"):
            store.cone(10.0, 10.0, 648_000.0)
        own_postgres.server.start()
        assert store.cone(10.0, 10.0, 648_000.0).num_rows  # a connection that died is replaced
        assert store.write([random_alerts(5, 3, source="c", first_id=900)]).stored == 5
        assert store.sql("SELECT count(*) AS n FROM alerts")["n"].to_pylist() == [45]
        assert store.health()["in_equals_out"]
    assert archive.sql("SELECT count(*) AS n FROM alerts")["n"].to_pylist() == [40]


def test_a_cone_is_bound_in_time_and_leaves_no_transaction(full, monkeypatch):
    monkeypatch.setattr("gueststar.store.postgres.session.MAX_SECONDS", 0.2)
    with open_store(full._url, read_only=True) as store:
        with pytest.raises(BadInput, match="longer than 0 s"):
            store._asked(_slept)
        monkeypatch.undo()
        query = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                       AND application_name = 'gueststar' AND state LIKE 'idle in transaction%'"""
        with full._reading() as connection:
            assert connection.execute(query).fetchone() == (0,)


def _slept(connection):
    with connection.within(20.0):
        connection.execute("SELECT pg_sleep(5)")


def test_the_backend_of_a_writer_is_killed_in_the_middle(own_postgres):
    """The transaction is undone, the store says so, and the same write succeeds."""
    batch = random_alerts(300, 1, stamp=3000)
    with open_store(own_postgres.base) as store:
        kill = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE application_name = 'gueststar' AND backend_type = 'client backend'"""
        timer = threading.Timer(0.1, lambda: own_postgres.execute(kill))
        timer.start()
        failed = False
        try:
            for k in range(20):
                store.write(
                    [replaced(batch, alert_id=np.arange(300) + 1000 * k, source=[f"{k}"] * 300)]
                )
        except StoreError as error:
            failed = "went away" in str(error)
        timer.join()
        assert failed
        assert store.health()["in_equals_out"]
        assert store.write([replaced(batch, source=["again"] * 300)]).received == 300
        assert store.health()["in_equals_out"]


def test_no_server(tmp_path):
    url = "postgresql://me:secret@127.0.0.1:1/alerts"
    with pytest.raises(
        StoreError, match=r"postgresql://127\.0\.0\.1:1/alerts does not answer"
    ) as told:
        open_store(url)
    assert "secret" not in str(told.value)
    assert store_name(url) == "postgresql://127.0.0.1:1/alerts"
    with pytest.raises(BadInput, match="cannot be read") as told:
        open_store("postgresql://me:secret@host:notaport/x?nonsense=1")
    assert "secret" not in str(told.value)


def test_a_server_that_refuses_is_none_to_wait_for(database):
    with pytest.raises(StoreError, match="lets us not in") as told:
        open_store(f"{database}_which_is_not_there")
    assert not isinstance(told.value, StoreUnavailable)


def test_a_missing_store_is_not_made_for_reading(database):
    assert not store_exists(database)
    with pytest.raises(StoreError, match="gueststar ingest"):
        open_store(database, read_only=True)
    assert not store_exists(database)
    open_store(database).close()
    assert store_exists(database)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_store_is_left_alone(database, postgres, read_only):
    open_store(database).close()
    postgres.execute(f"UPDATE store_version SET version = {schema.VERSION + 1}", database)
    with pytest.raises(NewerStore, match=r"newer gueststar .* pip install --upgrade"):
        open_store(database, read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_tables_of_another_program_are_left_alone(database, postgres, read_only):
    postgres.execute("CREATE TABLE other (x INT)", database)
    with pytest.raises(StoreError, match="another program"):
        open_store(database, read_only=read_only)
    assert postgres.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                            "'public'::regnamespace", database) == [("other",)]  # fmt: skip


def test_two_stores_in_schemas_of_one_database(database, postgres):
    urls = []
    for name in ("team_a", "team_b"):
        postgres.execute(f"CREATE SCHEMA {name}", database)
        urls.append(f"{database}?options=-csearch_path%3D{name}")
    with open_store(urls[0]) as one, open_store(urls[1]) as other:
        one.write([random_alerts(5, 1)])
        assert (one.health()["stored"], other.health()["stored"]) == (5, 0)
        assert other.sql("SELECT * FROM alerts").num_rows == 0
        with pytest.raises(BadInput, match="no such table"):
            other.sql("SELECT * FROM team_a.alerts")


def test_a_migration_runs_once_when_processes_race(database, monkeypatch):
    open_store(database).close()
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    step = "CREATE TABLE added (x INT); INSERT INTO added VALUES (1)"
    monkeypatch.setitem(schema.MIGRATIONS, schema.VERSION - 1, step)
    failures = []

    def opening():
        try:
            with open_store(database, read_only=True) as store:
                store.health()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=opening) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_store(database) as store, store._reading() as session:
        assert session.execute("SELECT count(*) FROM added").fetchone() == (1,)


def test_processes_race_to_make_a_store(database):
    code = "import sys; from gueststar.store import open_store; open_store(sys.argv[1]).close()"
    command = [sys.executable, "-c", code, database]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4


def test_each_month_of_nights_is_a_partition_and_a_night_reads_one(database, postgres):
    batch = random_alerts(90, 1)
    nights = [20231231, 20240101, 20240229] * 30
    with open_store(database) as store:
        store.write([replaced(batch, night=nights)])
        later = replaced(batch, night=[20990101] * 90, alert_id=np.arange(90), source=["b"] * 90)
        store.write([later])
        assert store.nights()["night"].to_pylist() == [20990101, 20240229, 20240101, 20231231]
    tables = postgres.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'alert_rows'::regclass "
        "ORDER BY 1",
        database,
    )
    months = ("202312", "202401", "202402", "209901")
    assert tables == [(f"alert_rows_{month}",) for month in months]
    plan = postgres.execute("EXPLAIN SELECT * FROM alerts WHERE night = 20240101", database)
    assert "202401" in str(plan)
    assert "202402" not in str(plan)


def test_the_sky_of_a_night_is_read_from_an_index_alone(postgres):
    with postgres.fresh() as url, open_store(url) as store:
        store.write([random_alerts(200, 1)])
        night = store.nights()["night"][0].as_py()
        postgres.execute("VACUUM ANALYZE alert_rows", url)
        query = f"""EXPLAIN SELECT healpix29 >> 50, count(*) FROM alert_rows
                    WHERE night = {night} GROUP BY 1"""
        with store._reading() as connection:
            connection.execute("SET LOCAL enable_seqscan = off")
            connection.execute("SET LOCAL enable_bitmapscan = off")
            plan = [row[0] for row in connection.execute(query).fetchall()]
    assert [line for line in plan if "Index Only Scan" in line and "healpix29" in line]


def test_writers_race_to_make_partitions(database):
    """One makes a month, the others find it made, whatever their caches say."""
    import psycopg

    open_store(database).close()
    start, failures = threading.Barrier(4), []

    def make():
        with psycopg.connect(database, autocommit=True) as connection:
            for month in range(60):
                start.wait(60)
                try:
                    schema.make_partitions(connection, [(2000 + month // 12) * 10000 + 101])
                    schema.make_partitions(connection, [(2030 + month) * 10000 + 101])
                except psycopg.Error as error:
                    failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_later_packet_with_another_night_stays_a_duplicate(database):
    batch = random_alerts(20, 1)
    other = replaced(batch, night=[20300101] * 20, source=["b"] * 20)
    with open_store(database) as store:
        store.write([batch])
        assert store.write([other]).duplicate == 20
        assert store.sql("SELECT count(*) AS n FROM scores")["n"].to_pylist() == [20]
        assert store.nights()["night"].to_pylist()[0] < 20300101
        assert store.health()["in_equals_out"]


def test_a_lock_is_waited_for_and_then_told(database):
    import psycopg

    with open_store(database, busy_s=0.3) as store, psycopg.connect(database) as other:
        other.execute("LOCK TABLE alert_keys")
        with pytest.raises(StoreBusy, match="nothing was written"):
            store.write([random_alerts(5, 1)])
        other.rollback()
        assert store.write([random_alerts(5, 1)]).stored == 5


def test_words_that_postgresql_cannot_keep(database):
    batch = random_alerts(2, 1)
    with open_store(database) as store:
        store.write([replaced(batch, object_id=["a\0b", "c"])], [letters(1, reason="bad \0")])
        assert store.health()["in_equals_out"]
        assert store.object("a\0b").object_id == "a\0b"
        assert store.sql("SELECT object_id FROM objects ORDER BY 1")["object_id"][0].as_py() == (
            "a\u2400b"
        )


def test_health_notices_a_lost_row(postgres):
    for table in ("alert_rows", "ledger_rows", "dead_rows", "write_rows"):
        with postgres.fresh() as url, open_store(url) as store:
            store.write([random_alerts(5, 1)], [letters(2)])
            assert store.health()["in_equals_out"]
            postgres.execute(
                f"DELETE FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table})", url
            )
            assert not store.health()["in_equals_out"], table


@pytest.mark.parametrize(
    "text",
    [
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_catalog.pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT pg_sleep(1000)",
        'SELECT "pg_sleep"(1000)',
        "SELECT 1 FROM pg_sleep(1000)",
        "SELECT lo_import('/etc/passwd')",
        "SELECT set_config('statement_timeout', '0', false)",
        "SELECT current_setting('data_directory')",
        "SELECT pg_terminate_backend(1)",
        "SELECT pg_advisory_lock(1)",
        "SELECT nextval('sources_source_id_seq')",
        "SELECT query_to_xml('SELECT 1 FROM alert_rows', true, true, '')",
        "SELECT dblink('x', 'y')",
        "SELECT version()",
        "SELECT current_user",
        "SELECT repeat('x', 1000000000)",
        "SELECT lpad('x', 1000000000)",
        "COPY alerts TO '/x'",
        "COPY alerts TO PROGRAM 'id'",
        "DO $$ BEGIN PERFORM 1; END $$",
        "SET statement_timeout = 0",
        "RESET ALL",
        "SHOW data_directory",
        "EXPLAIN ANALYZE SELECT 1",
        "LISTEN x",
        "CALL x()",
        "PREPARE x AS SELECT 1",
        "TABLE alert_rows",
        "SELECT * FROM public.alert_rows",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT * FROM pg_shadow",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM alerts, LATERAL (SELECT * FROM pg_class) AS p",
        "SELECT (SELECT count(*) FROM alert_keys)",
        "WITH alert_rows AS (SELECT 1) SELECT * FROM public.alert_rows",
        "WITH x AS (DELETE FROM alert_rows RETURNING *) SELECT * FROM x",
        "WITH x AS (SELECT 1) INSERT INTO alarm_rows SELECT 1",
        "SELECT * INTO copy FROM alerts",
        "SELECT * FROM alerts FOR UPDATE",
        "SELECT 'alert_rows'::regclass",
        "SELECT CAST('pg_sleep' AS regproc)",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE alert_rows",
        "SELECT $1",
        "SELECT %s",
        "SELECT %(x)s",
        "SELECT (alerts).tableoid FROM alerts",
        "MERGE INTO alert_rows USING alerts ON true WHEN MATCHED THEN DELETE",
        "VACUUM",
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT " + "+".join(["1"] * 60000),
    ],
)
def test_hostile_sql_is_refused(full, text):
    before = full.health()
    with pytest.raises(BadInput):
        full.sql(text)
    assert full.health() == before


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("SELECT count(*) FROM alerts WHERE mag BETWEEN 10 AND 30 AND band IN ('g','r','i')", None),
        ("SELECT night, count(*) FILTER (WHERE flux > 0) FROM alerts GROUP BY night", None),
        ("SELECT rank() OVER (PARTITION BY night ORDER BY mag) FROM alerts", 1),
        ("SELECT date '2024-01-01' + 1 = date '2024-01-02'", True),
        ("SELECT 'it''s % $1 ? :x \\ --'", "it's % $1 ? :x \\ --"),
        ("SELECT $$it's$$", "it's"),
        ("SELECT E'a\\nb'", "a\nb"),
        ("SELECT CASE WHEN 1 = 1 THEN 'a' ELSE 'b' END", "a"),
        ("SELECT sum(n_points) FROM objects", 1000),
        ("SELECT avg(1.5)", 1.5),
        ("SELECT max(o.ra) - max(a.ra) < 1 FROM objects o JOIN alerts a USING (object_id)", True),
        ("SELECT x FROM generate_series(1, 3) AS g(x) ORDER BY x DESC", 3),
        ("SELECT count(*) FROM (SELECT DISTINCT object_id FROM lightcurves) AS x", None),
        ("SELECT round(power(2, 3)::numeric, 1), floor(ln(exp(1.0)))", 8),
        ("SELECT ALERT_ID IS NOT NULL FROM ALERTS LIMIT 1", True),
        ("select 1 union all select 2 order by 1 desc", 2),
        ("SELECT EXISTS (SELECT 1 FROM dead_letters WHERE length(packet) > 0)", True),
        ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value) < 1 FROM scores", True),
        ("SELECT mjd_tai::int % 7 >= 0 FROM alerts", True),
    ],
)
def test_honest_sql_runs(full, text, first):
    table = full.sql(text)
    assert table.num_rows
    if first is not None:
        assert table.column(0)[0].as_py() == first
