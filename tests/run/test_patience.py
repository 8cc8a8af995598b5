"""What a runner waits for, what it does not, and what ends a wait."""

import logging
import threading
import time

import pytest

from gueststar.errors import (
    ArchiveUnavailable,
    BadInput,
    NewerStore,
    RegistryUnavailable,
    StoreBusy,
    StoreError,
    StreamRefused,
    StreamUnavailable,
    Unavailable,
    may_pass,
)
from gueststar.pipeline import Pipeline
from gueststar.run.local import run
from gueststar.run.patience import Patience
from gueststar.sources import MemorySource
from run.test_local import ListSink, decode


class Failing:
    """Raises the errors that it is given, one a call; then it works."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


class FailingSink(ListSink):
    """Its flush fails so often; what waits is kept."""

    def __init__(self, *errors):
        super().__init__()
        self.trouble = Failing(*errors)

    def flush(self):
        self.trouble()
        super().flush()


class RestingSource(MemorySource):
    rests = 0

    def rest(self):
        self.rests += 1


def source():
    return RestingSource([b""] * 25, batch_size=4)


def test_what_heals_is_tried_until_it_works(caplog):
    errors = [StoreBusy("a"), ArchiveUnavailable("b"), StreamUnavailable("c")]
    work = Failing(*errors)
    assert Patience(threading.Event(), longest_s=0.01)(work) == "done"
    assert work.calls == 4
    assert not caplog.records, "what passes soon is no alarm"


def test_one_alarm_and_one_word_at_the_end(caplog):
    caplog.set_level(logging.WARNING)
    work = Failing(*[StoreBusy("held by another")] * 3)
    Patience(threading.Event(), longest_s=0.01, alarm_s=0.0)(work)
    first, last = (record.getMessage() for record in caplog.records)
    assert first.startswith("ALARM: the stream waits: held by another")
    assert last.endswith("the stream goes on")


@pytest.mark.parametrize("kind", [NewerStore, StoreError, BadInput, StreamRefused])
def test_what_cannot_heal_ends_at_once(kind):
    work = Failing(kind("no"))
    with pytest.raises(kind):
        Patience(threading.Event())(work)
    assert work.calls == 1


def test_a_stop_ends_the_wait_and_says_what_for():
    stop, rests = threading.Event(), []

    def rest():
        rests.append(time.monotonic())
        stop.set()

    with pytest.raises(Unavailable, match="stopped while it waited: disk full"):
        Patience(stop)(Failing(*[StoreBusy("disk full")] * 100), rest)
    assert len(rests) == 1


def test_no_batch_reaches_a_sink_twice():
    sinks = [ListSink(), FailingSink(StoreBusy("x"), StoreBusy("x")), ListSink()]
    packets = source()
    run(packets, Pipeline([], decode), sinks, patience=Patience(threading.Event()))
    for sink in sinks:
        assert [n for part in sink.safe for n in part] == list(range(25))
    assert sum(batch.num_rows for batch in packets.committed) == 25
    assert packets.rests, "the source stays in its group while a sink waits"


def test_without_patience_the_first_error_ends_the_run():
    packets, sink = source(), FailingSink(StoreBusy("x"))
    with pytest.raises(StoreBusy):
        run(packets, Pipeline([], decode), [sink])
    assert packets.committed == []


def test_a_registry_that_comes_back():
    trouble = Failing(RegistryUnavailable("x"), RegistryUnavailable("x"))

    def waiting(batch):
        trouble()
        return decode(batch)

    packets, sink = source(), ListSink()
    run(packets, Pipeline([], waiting), [sink], workers=2, patience=Patience(threading.Event()))
    assert [n for part in sink.safe for n in part] == list(range(25))


def test_threads_that_wait_end_with_the_run():
    """One batch waits for a registry for ever; another's sink fails for good: no thread is left."""

    def waiting(batch):
        if batch.column("offset")[0].as_py() >= 4:
            raise RegistryUnavailable("away")
        return decode(batch)

    sink = FailingSink(StoreError("damaged"))
    with pytest.raises(StoreError, match="damaged"):
        run(source(), Pipeline([], waiting), [sink], patience=Patience(threading.Event()))
    deadline = time.monotonic() + 30
    while any(t.name.startswith("pipeline") for t in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_source_that_fails_for_a_while_is_opened_again():
    class Away(MemorySource):
        tries = Failing(StreamUnavailable("x"))

        def __iter__(self):
            self.tries()
            yield from super().__iter__()

    sink = ListSink()
    given = Away([b""] * 6, batch_size=4)
    run(given, Pipeline([], decode), [sink], patience=Patience(threading.Event()))
    assert [n for part in sink.safe for n in part] == list(range(6))


def test_full_disks_pass_and_missing_permissions_do_not():
    assert may_pass(OSError(28, "No space left on device"))
    assert not may_pass(PermissionError(13, "Permission denied"))
