"""Nights are counted in the write, and say what the alerts say; on both engines."""

import sqlite3

import pytest

from gueststar.store import open_store, tally
from gueststar.store.sqlite import schema
from store.alerts import random_alerts, replaced


def counted(store):
    """What the alerts themselves say of their nights."""
    return store.sql(
        "SELECT night, count(*) AS n_alerts, min(mjd_tai) AS first_mjd_tai, "
        "max(mjd_tai) AS last_mjd_tai FROM alerts GROUP BY night ORDER BY night DESC"
    ).to_pylist()


def batches():
    """Three batches: the third is the first again, from elsewhere, with 20 new alerts behind."""
    first = random_alerts(80, 1, source="a", stamp=0, nights=5)
    second = random_alerts(60, 2, source="b", first_id=5_000, stamp=0, nights=5)
    return [
        replaced(first, band=[None if k % 7 == 0 else "g" for k in range(80)]),
        replaced(second, program=[None if k % 3 else 2 for k in range(60)]),
        random_alerts(100, 1, source="c", stamp=0, nights=5),
    ]


def test_nights_are_those_of_the_alerts(url):
    with open_store(url) as store:
        for batch in batches():
            store.write([batch])
            assert store.nights().to_pylist() == counted(store)
        store.write(batches())
        assert store.nights().to_pylist() == counted(store)


@pytest.mark.parametrize("filters", [{}, {"band": "g"}, {"survey": "ztf"}, {"mag_max": 20.0}])
def test_totals_of_a_night_are_those_of_its_alerts(url, filters):
    tests = {"band": "band = 'g'", "survey": "survey = 'ztf'", "mag_max": "mag <= 20.0"}
    which = " AND ".join(["1 = 1", *(tests[name] for name in filters)])
    with open_store(url) as store:
        store.write(batches())
        for night in store.nights()["night"].to_pylist():
            page = store.night(night, limit=1, **filters)
            (row,) = store.sql(
                f"SELECT count(*) AS n FROM alerts WHERE night = {night} AND {which}"
            ).to_pylist()
            assert int(page.schema.metadata[b"gueststar.total"]) == row["n"]


def test_counting_anew_gives_what_the_writes_gave(url):
    with open_store(url) as store:
        store.write(batches())
        before = store.nights().to_pylist()
        store._commit(lambda connection: connection.execute("DELETE FROM night_rows"))
        assert store.nights().num_rows == 0
        store._commit(lambda connection: connection.execute(tally.FILL))
        assert store.nights().to_pylist() == before


def test_an_older_file_is_counted_when_it_is_opened(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'new.db'}") as store:
        store.write(batches())
        before = store.nights().to_pylist()
    older = sqlite3.connect(tmp_path / "old.db")
    for statement in (schema.TABLES + schema.FLOW_TABLES).split(";"):
        older.execute(statement)
    older.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    older.execute("PRAGMA user_version = 2")
    older.execute("ATTACH ? AS new", (str(tmp_path / "new.db"),))
    older.execute("INSERT INTO main.alert_rows SELECT * FROM new.alert_rows")
    older.commit()
    older.close()
    with open_store(f"sqlite:///{tmp_path / 'old.db'}") as store:
        assert store.nights().to_pylist() == before
