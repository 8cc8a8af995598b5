import threading

import pytest

from gueststar.batch import AlertBatch
from gueststar.pipeline import Pipeline
from gueststar.run.local import run
from gueststar.sources import MemorySource


class ListSink:
    """Remembers what is written; raises at a chosen batch."""

    def __init__(self, fail_at=None):
        self.waiting, self.safe, self.fail_at = [], [], fail_at

    def write(self, batch):
        if len(self.safe) == self.fail_at:
            raise OSError("disk full")
        self.waiting += batch.column("alert_id").to_pylist()

    def flush(self):
        self.safe.append(self.waiting)
        self.waiting = []


def decode(batch):
    return [AlertBatch.from_columns(alert_id=batch.column("offset"))], None


def source():
    return MemorySource([b""] * 25, batch_size=4)


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_arrive_in_order_and_are_committed_after_the_flush(workers):
    packets, sink = source(), ListSink()
    assert run(packets, Pipeline([], decode), [sink], workers=workers) == 0
    assert [n for part in sink.safe for n in part] == list(range(25))
    assert sum(batch.num_rows for batch in packets.committed) == 25


@pytest.mark.parametrize("workers", [1, 3])
def test_what_a_sink_did_not_take_is_not_committed(workers):
    packets, sink = source(), ListSink(fail_at=3)
    with pytest.raises(OSError, match="disk full"):
        run(packets, Pipeline([], decode), [sink], workers=workers)
    assert sum(batch.num_rows for batch in packets.committed) == 12


def test_skipped_batches_are_committed_and_counted():
    packets, sink = source(), ListSink()
    skip = lambda batch: batch.column("offset")[0].as_py() < 8  # noqa: E731
    assert run(packets, Pipeline([], decode), [sink], skip=skip) == 8
    assert sink.safe[0] == [8, 9, 10, 11]
    assert len(packets.committed) == 7


def test_stop_finishes_what_is_in_flight():
    packets, sink, stop = source(), ListSink(), threading.Event()
    run(packets, Pipeline([], decode), [sink], stop=stop, progress=lambda *_: stop.set())
    written = sum(len(part) for part in sink.safe)
    assert 4 <= written < 25
    assert sum(batch.num_rows for batch in packets.committed) == written
