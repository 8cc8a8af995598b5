"""Sinks behind filters: who gets what, exactly once, also when a filter fails."""

import logging

import pytest

from gueststar.batch import AlertBatch
from gueststar.errors import StoreError
from gueststar.filters.python import PythonFilter
from gueststar.filters.sql import SqlFilter
from gueststar.sinks.archive import Archive
from gueststar.sinks.memory import MemorySink
from gueststar.sinks.selecting import Archives, Chosen, Selecting
from gueststar.sinks.store import StoreSink
from gueststar.store import open_store
from store.alerts import letters, random_alerts

GOOD = "rb_real > 0.5"


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/night.db") as opened:
        yield opened


def ids_of(table):
    return sorted(table.column("alert_id").to_pylist())


def good_in(store):
    rows = store.sql("SELECT alert_id FROM scores WHERE module = 'rb' AND value > 0.5")
    return ids_of(rows)


class Counting(SqlFilter):
    calls = 0

    def __call__(self, batch):
        Counting.calls += 1
        return super().__call__(batch)


def test_each_filter_runs_once_a_batch_and_outputs_get_theirs(store):
    Counting.calls = 0
    sinks = [MemorySink() for _ in range(3)]
    none = SqlFilter("none", "false")
    chosen = [Chosen(sinks[0], "good"), Chosen(sinks[1], "good"), Chosen(sinks[2], "none")]
    sink = Selecting([Counting("good", GOOD), none], [*chosen, StoreSink(store)])
    for batch in (random_alerts(200, 1), random_alerts(100, 2, source="b", first_id=5)):
        sink.write(batch.arrow)
    sink.write(letters(4))
    sink.flush()
    assert Counting.calls == 2
    assert store.health()["stored"] == 300
    assert store.health()["dead_letter"] == 4
    want = good_in(store)
    assert 50 < len(want) < 250
    for memory in sinks[:2]:
        assert sorted(i for b in memory.batches for i in b.column("alert_id").to_pylist()) == want
        assert memory.dead == []
    assert len(sinks[2]) == 0


def test_an_archive_of_selected_alerts_is_in_step_with_the_store(store, tmp_path):
    whole, good = Archive(tmp_path / "all"), Archive(tmp_path / "good")
    archives = Archives([(whole, None), (good, "good")])
    batch = random_alerts(200, 3)
    for cut in (200, 130, 90):  # the same alerts again, in other batches
        sink = Selecting([SqlFilter("good", GOOD)], [StoreSink(store, archives)])
        sink.write(batch.slice(0, cut).arrow)
        sink.write(batch.slice(cut).arrow)
        sink.flush()
    assert ids_of(good.sql("SELECT alert_id FROM alerts")) == good_in(store)
    assert len(whole.sql("SELECT alert_id FROM alerts")) == 200
    again = random_alerts(50, 4, source="b", first_id=7)
    sink.write(again.arrow)
    sink.flush()
    assert ids_of(good.sql("SELECT alert_id FROM alerts")) == good_in(store)


class FullDisk(Archive):
    def prepare(self, batches, owner="sink"):
        raise StoreError("the disk is full")


def test_when_one_archive_cannot_be_written_nothing_is(store, tmp_path):
    whole = Archive(tmp_path / "all")
    sink = Selecting(
        [SqlFilter("good", GOOD)],
        [StoreSink(store, Archives([(whole, None), (FullDisk(tmp_path / "full"), "good")]))],
    )
    sink.write(random_alerts(50, 1).arrow)
    with pytest.raises(StoreError, match="full"):
        sink.flush()
    assert store.health()["stored"] == 0
    assert not list(tmp_path.rglob("*.parquet"))


def test_alerts_that_a_filter_fails_on_are_stored_and_told(store, caplog):
    batch = random_alerts(100, 1)
    poison = batch.column("alert_id")[17].as_py()

    def picky(alert_id):
        if (alert_id == poison).any():
            raise ValueError("I do not like this one")
        return alert_id > 0

    memory = MemorySink()
    sink = Selecting([PythonFilter("picky", picky)], [Chosen(memory, "picky"), StoreSink(store)])
    sink.write(batch.arrow)
    sink.flush()
    assert store.health()["stored"] == 100
    assert len(memory) == 99
    assert sink.failed == {"picky": 1}
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "ALARM: filter 'picky' failed on 1 of 100 alerts" in record.message
    assert "I do not like this one" in record.message


def test_without_filters_nothing_changes(store):
    batch, memory = random_alerts(10, 1), MemorySink()
    Selecting([], [memory]).write(batch.arrow)
    assert memory.batches[0].names == AlertBatch(batch.arrow).names
