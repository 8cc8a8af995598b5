"""SQL by anybody: what it may, what it may not, and what it is told."""

import time

import pytest

from gueststar.errors import BadInput
from gueststar.store import answers, open_store
from store.alerts import letters, random_alerts


@pytest.fixture(scope="module")
def full(module_url):
    with open_store(module_url()) as store:
        store.write([random_alerts(200, 1)], [letters(2)])
        yield store


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT count(*) AS n FROM alerts", 1),
        ("SELECT * FROM alerts ORDER BY mag LIMIT 7", 7),
        ("SELECT state, count(*) FROM ledger GROUP BY state", 2),
        ("SELECT a.alert_id FROM alerts a JOIN scores s USING (alert_id) WHERE s.value > 2", 0),
        ('SELECT max("limit") FROM lightcurves JOIN objects USING (object_id)', 1),
        ("WITH x AS (SELECT night FROM alerts) SELECT night, count(*) FROM x GROUP BY 1", 2),
        ("SELECT 1 AS a, 2 AS a", 1),
        ("VALUES (1), (2.5), (NULL)", 3),
        ("SELECT source, reason, length(packet) FROM dead_letters", 2),
    ],
)
def test_questions(full, text, rows):
    assert full.sql(text).num_rows == rows


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM alerts",
        "DROP VIEW alerts",
        "INSERT INTO alert_rows (alert_id) VALUES (1)",
        "UPDATE object_rows SET ra = 0",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x AS SELECT * FROM alerts",
        "ATTACH '/etc/passwd' AS p",
        "PRAGMA writable_schema = 1",
        "PRAGMA table_info(alert_rows)",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "SELECT * FROM sqlite_master",
        "SELECT alert_id FROM alert_rows",
        "SELECT 1; DELETE FROM alerts",
        "VACUUM INTO 'copy.db'",
        "BEGIN",
        "selec",
        "",
        "-- nothing",
        "SELECT 1\0",
        "SELECT ?",
        "SELECT zeroblob(900000000)",
        "SELECT '\ud800'",
    ],
)
def test_refusals(full, text):
    before = full.health()
    with pytest.raises(BadInput):
        full.sql(text)
    assert full.health() == before


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("SELECT magg FROM alerts", "'mag'"),
        ("SELECT a.mjd FROM alerts AS a", "'mjd_tai'"),
        ("SELECT * FROM alertss", "'alerts'"),
        ("SELECT count(*) FROM light_curves", "'lightcurves'"),
    ],
)
def test_the_nearest_name_is_told(full, text, nearest):
    with pytest.raises(BadInput, match=f"Did you mean {nearest}"):
        full.sql(text)


@pytest.mark.parametrize(
    "text",
    [
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        "SELECT count(*) FROM alerts a, alerts b, alerts c, alerts d WHERE a.ra+b.ra+c.ra+d.ra < 0",
    ],
)
def test_endless_queries_end(full, monkeypatch, text):
    monkeypatch.setattr(answers, "MAX_SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(BadInput, match="longer than"):
        full.sql(text)
    assert time.monotonic() - start < 5


def test_steps_that_take_long_end_as_well(full, monkeypatch, module_engine):
    """Each row takes long, and there are too few for the engine to look at its clock."""
    if module_engine == "postgresql":
        pytest.skip("no function that makes something large may be used there")
    monkeypatch.setattr(answers, "MAX_SECONDS", 0.3)
    with pytest.raises(BadInput, match="longer than"):
        full.sql("SELECT count(hex(randomblob(9000000))) FROM alerts")


def test_a_row_of_many_large_values_is_refused(full, module_engine):
    columns = ", ".join(["hex(zeroblob(30000000))"] * 40)  # 2.4 GB
    if module_engine == "sqlite":
        with pytest.raises(BadInput, match="too much memory"):
            full.sql(f"SELECT {columns}")
    assert full.sql("SELECT 1 AS one")["one"].to_pylist() == [1]


def test_numbers_count_as_well(full):
    with answers.at_most(10_000), pytest.raises(BadInput, match="larger than"):
        full.sql("SELECT a.alert_id, b.alert_id FROM alerts a, alerts b", limit=10_000)
    with answers.at_most(10_000):
        assert full.sql("SELECT alert_id FROM alerts", limit=20).num_rows == 20


def test_large_answers_are_cut_and_say_so(full, monkeypatch):
    table = full.sql("SELECT * FROM alerts", limit=50)
    assert (table.num_rows, table.schema.metadata[b"gueststar.truncated"]) == (50, b"1")
    table = full.sql("SELECT * FROM alerts", limit=200)
    assert (table.num_rows, table.schema.metadata[b"gueststar.truncated"]) == (200, b"0")
    with pytest.raises(BadInput, match="limit"):
        full.sql("SELECT 1", limit=0)
    monkeypatch.setattr(answers, "MAX_RESULT", 10_000)
    with pytest.raises(BadInput, match="larger than"):
        full.sql(f"SELECT replace('{'a' * 999}', 'a', reason) AS x FROM dead_letters")
