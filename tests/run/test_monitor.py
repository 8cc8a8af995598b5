"""The monitor: alarms and readings into the store, whatever the store does meanwhile."""

import logging
import time

from gueststar.alarms import alarm
from gueststar.contracts import Reading
from gueststar.run.monitor import Monitor
from gueststar.store import open_store

log = logging.getLogger("gueststar.test")


def test_readings_and_alarms_reach_the_store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        readings = lambda: [Reading("kafka:ztf", "0", 3, 5)]  # noqa: E731
        with Monitor(store, "worker 0", readings, every_s=0.05):
            alarm(log, "module %s is off", "rb")
            log.error("an error that is no alarm")
            deadline = time.monotonic() + 10
            while not store.health()["alarms"] and time.monotonic() < deadline:
                time.sleep(0.02)
        health = store.health()
        assert [(a["who"], a["text"]) for a in health["alarms"]] == [
            ("worker 0", "module rb is off")
        ]
        assert health["lag"] == 2
    assert not [h for h in logging.getLogger().handlers if isinstance(h, Monitor)]


def test_a_store_that_cannot_be_written_keeps_alarms_waiting(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    open_store(url).close()
    with open_store(url, read_only=True) as closed:
        monitor = Monitor(closed, "worker 0", every_s=60)
        with monitor:
            alarm(log, "the disk is full")
            monitor.note()
        assert closed.health()["alarms"] == []
    with open_store(url) as store:
        monitor.store = store
        monitor.note()
        monitor.note()
        assert [a["text"] for a in store.health()["alarms"]] == ["the disk is full"]


def test_sources_that_are_no_streams_have_nothing_to_tell(tmp_path):
    from gueststar.sources.memory import MemorySource

    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        with Monitor.watching(store, "w", [MemorySource([])]):
            pass
        assert store.health()["lag"] is None
