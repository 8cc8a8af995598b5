"""Rows of many keys in one question are those that single questions give."""

import pytest

from gueststar.errors import BadInput
from gueststar.store import bulk
from store.alerts import random_alerts

ALERTS = random_alerts(12, 1, objects=4)
IDS = ALERTS.column("alert_id").to_pylist()
NAMES = sorted(set(ALERTS.column("object_id").to_pylist()))


@pytest.fixture
def filled(store):
    store.write([ALERTS])
    return store


def test_rows_come_in_the_order_of_the_keys(filled):
    wanted = [IDS[3], 7, IDS[0], IDS[9]]
    assert filled.rows_of("alerts", wanted)["alert_id"].to_pylist() == [IDS[3], IDS[0], IDS[9]]
    scores = filled.rows_of("scores", wanted)
    assert scores["alert_id"].to_pylist() == [IDS[3], IDS[0], IDS[9]]
    for row in scores.to_pylist():
        (one,) = filled.scores(row["alert_id"])
        assert (row["module"], row["version"], row["class"], row["value"]) == (
            one.module,
            one.version,
            one.label,
            pytest.approx(one.value),
        )
    names = [NAMES[2], "nobody", NAMES[0]]
    objects = filled.rows_of("objects", names)
    assert objects["object_id"].to_pylist() == [NAMES[2], NAMES[0]]


def test_light_curves_are_those_of_single_objects(filled):
    found = filled.rows_of("lightcurves", NAMES[::-1])
    at = 0
    for name in NAMES[::-1]:
        points = filled.light_curve(name).points
        part = found.slice(at, points.num_rows)
        assert part["object_id"].unique().to_pylist() == [name]
        assert part.drop_columns("object_id").combine_chunks().to_batches()[0].equals(points)
        at += points.num_rows
    assert at == found.num_rows


def test_nothing_asked_nothing_found(filled):
    for what in bulk.KINDS:
        assert filled.rows_of(what, []).num_rows == 0


def test_what_cannot_be_asked(filled, monkeypatch):
    with pytest.raises(BadInput, match="Did you mean 'objects'"):
        filled.rows_of("object", [])
    with pytest.raises(BadInput, match="names of objects"):
        filled.rows_of("objects", [5])
    for key in ("x", 2**63, 1.0, True):
        with pytest.raises(BadInput, match="whole numbers"):
            filled.rows_of("alerts", [key])
    with pytest.raises(BadInput, match="ask in parts"):
        filled.rows_of("alerts", [1] * (bulk.MOST_KEYS + 1))
    monkeypatch.setattr(bulk, "MOST_POINTS", 3)
    with pytest.raises(BadInput, match="points, more than 3"):
        filled.rows_of("lightcurves", NAMES)
