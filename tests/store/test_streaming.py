"""Reading everything back step by step, while others write."""

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import CUTOUTS, POSITION_NAMES, VOCABULARY
from gueststar.errors import BadInput, StoreError
from gueststar.pipeline import Pipeline
from gueststar.run.ingest import ingest
from gueststar.simulate.night import Night
from gueststar.sources import FileSource, MemorySource
from gueststar.store import open_store, walk
from gueststar.surveys.decode import decode
from store.alerts import letters, moved, positions_of, random_alerts, replaced


def table(batches):
    return pa.concat_tables([pa.Table.from_batches([b.arrow]) for b in batches])


def test_alerts_come_back_as_they_came(store):
    """All that decoding gave: facts, cutouts, history, record, positions; times of arrival not."""
    source = MemorySource(list(Night(40, seed=2)), "kafka:night", batch_size=15)
    ingest([source], Pipeline([]), store)
    given = table([a for batch in source for a in decode(batch).alerts])
    found = table(store.alert_batches(batch_size=12)).select(given.column_names)
    assert found.schema.equals(given.schema)
    for name in given.column_names:
        assert found.column(name).to_pylist() == given.column(name).to_pylist(), name


def test_real_alerts_of_every_schema_come_back(store, data):
    source = FileSource([data / "alerts/ztf", data / "alerts/lsst"])
    ingest([source], Pipeline([]), store)
    given = {}
    for batch in source:
        for part in decode(batch).alerts if "reason" not in batch.schema.names else ():
            given |= {place(row): row for row in part.arrow.to_pylist()}
    seen = [row for b in store.alert_batches(batch_size=50) for row in b.arrow.to_pylist()]
    assert len(seen) == len({row["alert_id"] for row in given.values()}) > 250
    for row in seen:
        first = given[place(row)]
        for name in (*VOCABULARY.names, "native"):
            if name not in ("arrived", *CUTOUTS):  # a duplicate may have given a cutout
                np.testing.assert_equal(row[name], first[name], err_msg=name)


def place(row):
    return tuple(row[name] for name in POSITION_NAMES)


def test_only_what_is_asked_for(store):
    batch = random_alerts(30, 1)
    store.write([batch])
    [some] = store.alert_batches(columns=["science"])
    assert some.column("science").to_pylist() == batch.column("science").to_pylist()
    assert some.column("template").null_count == some.column("history").null_count == 30
    assert "native" not in some.names
    night = batch.column("night")[0].as_py()
    rows = table(store.alert_batches(nights=[night]))
    assert set(rows["night"].to_pylist()) == {night}
    assert 0 < rows.num_rows < 30
    name = batch.column("object_id")[4].as_py()
    assert set(table(store.alert_batches(objects=[name]))["object_id"].to_pylist()) == {name}
    assert list(store.alert_batches(lacking={"rb": "1.0+abc"})) == []
    assert sum(len(b) for b in store.alert_batches(lacking={"rb": "2"})) == 30
    with pytest.raises(BadInput, match="batch_size"):
        list(store.alert_batches(batch_size=0))


def test_without_a_record_the_history_ends_at_the_alert(store):
    batch = random_alerts(12, 1, objects=3)
    bare = batch.select([n for n in batch.names if n != "native"])
    alone = replaced(moved(random_alerts(4, 2, first_id=5), "b"), object_id=[None] * 4)
    alone = alone.select([n for n in alone.names if n != "native"])
    store.write([bare, alone])
    for found in store.alert_batches():
        for row in found.arrow.to_pylist():
            assert row["history"]
            assert max(p["mjd_tai"] for p in row["history"]) <= row["mjd_tai"]


def test_only_stored_lines_and_many_windows(store, monkeypatch):
    monkeypatch.setattr(walk, "WINDOW", 7)
    batch = random_alerts(50, 1)
    store.write([batch, moved(batch, "again")], [letters(3)])
    found = list(store.alert_batches(batch_size=8))
    assert max(len(b) for b in found) == 8
    rows = table(found)
    assert rows["alert_id"].to_pylist() == batch.column("alert_id").to_pylist()
    assert set(rows["source"].to_pylist()) == {"file#1"}
    lacking = list(store.alert_batches(batch_size=8, lacking={"rb": "1.0+abc"}))
    assert lacking == []


def test_a_slow_reader_holds_back_no_writer_and_sees_each_alert_once(store, url, monkeypatch):
    monkeypatch.setattr(walk, "WINDOW", 10)
    store.write([random_alerts(40, 1)])
    reader = store.alert_batches(batch_size=10)
    first = next(reader)
    with open_store(url) as other:
        for n in range(2, 5):
            other.write([random_alerts(40, n, first_id=n * 10**15, source=f"file#{n}")])
        if url.startswith("sqlite"):  # nobody reads now: the WAL can be emptied
            connection = other._writable()
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert busy == 0
    rest = list(reader)
    ids = [i for b in [first, *rest] for i in b.column("alert_id").to_pylist()]
    assert len(ids) == len(set(ids)) == 160


def test_a_damaged_record_is_named(store):
    store.write([random_alerts(3, 1)])
    store._commit(lambda c: c.execute("UPDATE native_chunks SET zstd = substr(zstd, 1, 1)"))
    with pytest.raises(StoreError, match="damaged"):
        list(store.alert_batches())
    assert len(next(iter(store.alert_batches(columns=())))) == 3


def test_dead_letters_packet_by_packet(store):
    one = letters(5, offset=0)
    twice = one.set_column(4, one.schema.field(4), pa.array([1] * 5, pa.int32()))
    twice = twice.set_column(0, one.schema.field(0), pa.nulls(5, pa.large_binary()))
    store.write([], [one, twice, letters(2, source="kafka:t", reason="weather")])
    found = list(store.dead_letters(batch_size=2))
    assert [b.num_rows for b in found] == [4, 4, 3, 1]  # the last has one letter
    assert sum(b.num_rows for b in store.dead_letters(source="t")) == 2
    assert sum(b.num_rows for b in store.dead_letters(source="file#1", reason="not%")) == 10
    assert list(store.dead_letters(reason="weath")) == []


def test_letters_that_are_buried_meanwhile_are_left_out(store):
    store.write([], [letters(4)])
    reader = store.dead_letters(batch_size=2)
    next(reader)
    store.write([], [letters(50, offset=5000)])
    assert sum(b.num_rows for b in reader) == 2


def test_records_are_known_one_by_one(store):
    batch = random_alerts(4, 1)
    one_packet = replaced(batch, offset=[0] * 4, record=[0, 1, 2, 3])
    first = positions_of(one_packet)
    dead = letters(1, offset=0)
    dead = dead.set_column(4, dead.schema.field(4), pa.array([3], pa.int32()))
    store.write([one_packet.slice(0, 2)], [dead])
    assert store.known(first).all()
    assert store.known(first, records=True).tolist() == [True, True, False, False]
    modules = {"rb": "2"}
    assert not store.known(first, records=True, modules=modules).any()
