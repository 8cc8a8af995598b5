"""SQLite's log stays short, whoever reads."""

import threading

import pytest

from gueststar.store import open_store, store_path
from gueststar.store.sqlite import wal
from store.alerts import random_alerts

MB = 1 << 20


@pytest.fixture
def log(sqlite_url, monkeypatch):
    monkeypatch.setattr(wal, "LONG", MB)
    path = store_path(sqlite_url)
    return path.with_name(path.name + "-wal")


def write(store, number):
    batch = random_alerts(100, number, source=f"s{number}", first_id=10_000 * number, stamp=9_000)
    assert store.write([batch]).stored == 100


def test_readers_that_overlap_all_the_time(sqlite_url, log):
    over = threading.Event()

    def read():
        with open_store(sqlite_url, read_only=True) as store:
            while not over.is_set():
                store.sql("SELECT count(*), sum(flux) FROM alerts")

    with open_store(sqlite_url) as store:
        write(store, 1)
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            for number in range(2, 14):
                write(store, number)
        finally:
            over.set()
            for reader in readers:
                reader.join()
        assert log.stat().st_size < 12 * MB, "about 40 MB were written"
        assert store.health()["stored"] == 1300


def test_a_reader_that_does_not_end_holds_no_writer_up_for_long(sqlite_url, log, monkeypatch):
    monkeypatch.setattr(wal, "WAIT_S", 0.05)
    with open_store(sqlite_url) as store, open_store(sqlite_url, read_only=True) as other:
        write(store, 1)
        with other._reading() as reading:
            assert reading.execute("SELECT count(*) FROM alert_rows").fetchone() == (100,)
            for number in range(2, 5):
                write(store, number)
            assert reading.execute("SELECT count(*) FROM alert_rows").fetchone() == (100,)
        assert store.health()["stored"] == 400
