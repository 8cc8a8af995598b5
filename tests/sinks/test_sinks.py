"""What every sink holds to: writing twice is writing once."""

import pytest

from gueststar.checks import check_sink
from gueststar.contracts import Sink
from gueststar.errors import StoreError
from gueststar.sinks.archive import ArchiveSink
from gueststar.sinks.memory import MemorySink
from gueststar.sinks.store import StoreSink
from gueststar.store import open_store
from store.alerts import letters, random_alerts


@pytest.fixture(params=["memory", "store", "archive"])
def sink_and_count(request, tmp_path):
    if request.param == "memory":
        sink = MemorySink()
        yield sink, lambda: len(sink)
    elif request.param == "archive":
        sink = ArchiveSink(tmp_path / "archive")
        yield sink, lambda: sum(len(b) for b in sink.archive.batches())
    else:
        with open_store(f"sqlite:///{tmp_path}/night.db") as store:
            yield StoreSink(store), lambda: store.health()["alerts"]


def test_the_public_check_finds_nothing(sink_and_count):
    sink, count = sink_and_count
    assert isinstance(sink, Sink)
    check_sink(sink, random_alerts(60, 1), count)


def test_dead_letters_are_no_alerts(sink_and_count):
    sink, count = sink_and_count
    sink.write(letters(3))
    sink.flush()
    assert count() == 0


def test_nothing_is_written_before_the_flush(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        sink = StoreSink(store)
        sink.write(random_alerts(5, 1).arrow)
        sink.write(letters(2))
        assert store.health()["received"] == 0
        sink.flush()
        assert store.health()["received"] == 7


def test_what_could_not_be_flushed_waits(tmp_path, monkeypatch):
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        sink = StoreSink(store)
        sink.write(random_alerts(5, 1).arrow)

        def full(*_, **__):
            raise StoreError("no space left")

        with monkeypatch.context() as patch:
            patch.setattr(store, "write", full)
            with pytest.raises(StoreError):
                sink.flush()
        sink.flush()
        assert sink.report.stored == 5


def test_memory_keeps_what_it_is_given():
    sink = MemorySink()
    batch = random_alerts(10, 1)
    sink.write(batch.slice(0, 6).arrow)
    sink.write(batch.slice(4).arrow)
    sink.write(letters(2))
    assert [len(b) for b in sink.batches] == [6, 4]
    assert sink.dead[0].num_rows == 2
