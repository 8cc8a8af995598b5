"""``gueststar bench archive``: a store that is filled with simulated objects, and asked."""

import pytest

from engines import ENGINES, fresh_url
from gueststar.bench.archive import archive
from gueststar.bench.fill import fill
from gueststar.errors import BadInput
from gueststar.store import open_store
from gueststar.store.selection import AlertSelection, ObjectSelection

OBJECTS = 2_000


@pytest.fixture(params=ENGINES)
def filled(request, tmp_path):
    with fresh_url(request.param, request, tmp_path) as url:
        with open_store(url) as store:
            fill(store, OBJECTS, 1, lambda n: None)
        with open_store(url, read_only=True) as store:
            yield store


def test_what_is_filled_answers_all_searches(filled):
    objects = filled.find_objects(ObjectSelection(), limit=OBJECTS + 1)
    assert objects.num_rows == OBJECTS
    assert sum(filled.nights()["n_alerts"].to_pylist()) == OBJECTS
    row = objects.slice(7, 1).to_pylist()[0]
    near = filled.cone(row["ra"], row["dec"], 1.0)
    assert row["object_id"] in near["object_id"].to_pylist()
    own = filled.find_alerts(AlertSelection(object_id=row["object_id"], module="rb"))
    assert own.num_rows == 1
    assert 0 <= own["score"][0].as_py() <= 1


def test_the_report_names_every_question(tmp_path, monkeypatch):
    for name in ("CONES", "REST_CONES"):
        monkeypatch.setattr(f"gueststar.bench.archive.{name}", 50)
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    report = archive(objects=OBJECTS, store=url)
    again = archive(objects=10, store=url)
    assert report["objects"] == again["objects"] == OBJECTS
    assert report["matches"] >= report["positions"]  # each position is that of an object
    for part in ("pages_ms", "slow_ms"):
        assert all(isinstance(ms, float) for ms in report[part].values()), report[part]
    assert report["rest_cone_ms"].keys() == report["cone_ms"].keys() == {"p50", "p99", "max"}


def test_an_unknown_rival_is_refused():
    with pytest.raises(BadInput, match="no rival 'kowalski' for archive"):
        archive("kowalski")
