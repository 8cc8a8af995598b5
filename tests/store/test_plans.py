"""SQLite, which keeps no statistics here, is led to the index that a question needs."""

import pytest

from gueststar.bench.fill import NIGHTS, fill
from gueststar.store import open_store


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'a.db'}"
    with open_store(url) as store:
        fill(store, 2_000, 1, lambda n: None)
    with open_store(url, read_only=True) as store:
        yield store


def plans(store, ask):
    """Return SQLite's plans of all queries of a question."""
    queries = []
    with store._reading() as connection:
        connection.set_trace_callback(queries.append)
    ask()
    with store._reading() as connection:
        connection.set_trace_callback(None)
        return [
            row[3]
            for query in queries
            if query.lstrip().startswith(("SELECT", "WITH"))
            for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")
        ]


@pytest.mark.parametrize("sort", ["magnitude", "age", "time"])
def test_scores_are_looked_up_by_the_alert(filled, sort):
    night = int(NIGHTS[3])
    found = plans(filled, lambda: filled.night(night, sort=sort, min_score=0.9))
    assert "SEARCH s USING PRIMARY KEY (alert_id=? AND name_id=?)" in found
    assert not [line for line in found if "score_by_value" in line]


def test_alerts_of_a_range_are_read_from_its_index(filled):
    night = int(NIGHTS[3])
    found = plans(filled, lambda: filled.night(night, mag_max=18.0, min_score=0.5))
    assert [line for line in found if "alert_by_mag (night=? AND mag<?)" in line]
    assert "SEARCH s USING PRIMARY KEY (alert_id=? AND name_id=?)" in found
    found = plans(filled, lambda: filled.night(night, age_min=1.0))
    assert [line for line in found if "alert_by_age (night=? AND age>?)" in line]


def test_failures_are_read_from_their_index(filled):
    found = plans(filled, filled.unprocessed)
    assert [line for line in found if line.startswith("SCAN s USING INDEX score_missing")]
    assert not [line for line in found if line.startswith("SCAN a")]


def test_scores_of_all_nights_are_read_as_they_lie(filled):
    found = plans(filled, lambda: filled.counts("class"))
    assert [line for line in found if line.startswith("SCAN s")] == ["SCAN s"]
