"""Opening: new, again, of another program, newer, damaged, read-only."""

import sqlite3
import sys
from pathlib import Path

import pytest

from gueststar.errors import BadInput, NewerStore, StoreError
from gueststar.store import open_store, store_path
from gueststar.store.sqlite.schema import APPLICATION_ID, VERSION
from store.alerts import random_alerts


def execute(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_store_is_marked_as_ours_and_kept_in_wal(sqlite_url):
    open_store(sqlite_url).write([random_alerts(3, 1)])
    connection = sqlite3.connect(store_path(sqlite_url))
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_opening_again_keeps_everything(url):
    with open_store(url) as store:
        store.write([random_alerts(5, 1)])
    with open_store(url) as store:
        assert store.health()["stored"] == 5
    with open_store(url, read_only=True) as store:
        assert store.health()["stored"] == 5
        with pytest.raises(StoreError, match="reading only"):
            store.write([random_alerts(5, 1)])
    with pytest.raises(StoreError, match="closed"):
        store.health()


def test_any_sqlite_client_reads_the_views(sqlite_url):
    open_store(sqlite_url).write([random_alerts(20, 1)])
    connection = sqlite3.connect(store_path(sqlite_url))
    for view in ("alerts", "scores", "objects", "lightcurves", "ledger"):
        assert connection.execute(f"SELECT count(*) FROM {view}").fetchone()[0] > 0
    kinds = connection.execute("SELECT DISTINCT typeof(flux) FROM lightcurves").fetchall()
    assert {kind for (kind,) in kinds} == {"real", "null"}
    connection.close()


def test_default_url(monkeypatch, tmp_path):
    monkeypatch.setenv("GUESTSTAR_STORE", f"sqlite:///{tmp_path}/x%20y.db")
    assert store_path() == tmp_path / "x y.db"
    monkeypatch.delenv("GUESTSTAR_STORE")
    assert store_path().name == "gueststar.db"


@pytest.mark.parametrize("url", ["night.db", "mongodb://x", "sqlite:///", "sqlite://night.db"])
def test_urls_that_name_no_store(url):
    with pytest.raises(BadInput, match=r"sqlite:///night\.db"):
        open_store(url)


def test_a_missing_store_is_not_made_for_reading(sqlite_url):
    with pytest.raises(StoreError, match="gueststar ingest"):
        open_store(sqlite_url, read_only=True)
    assert not store_path(sqlite_url).exists()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_store_is_left_alone(sqlite_url, read_only):
    open_store(sqlite_url).close()
    execute(store_path(sqlite_url), f"PRAGMA user_version = {VERSION + 1}")
    before = store_path(sqlite_url).read_bytes()
    with pytest.raises(NewerStore, match=r"newer gueststar .* pip install --upgrade"):
        open_store(sqlite_url, read_only=read_only)
    assert store_path(sqlite_url).read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_another_program_is_left_alone(sqlite_url, read_only):
    execute(store_path(sqlite_url), "CREATE TABLE other (x)")
    before = store_path(sqlite_url).read_bytes()
    with pytest.raises(StoreError, match="another program"):
        open_store(sqlite_url, read_only=read_only)
    assert store_path(sqlite_url).read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_left_alone(sqlite_url, read_only):
    store_path(sqlite_url).write_bytes(b"alert_id,ra,dec\n" * 100)
    with pytest.raises(StoreError, match="not a gueststar store"):
        open_store(sqlite_url, read_only=read_only)
    assert store_path(sqlite_url).read_bytes() == b"alert_id,ra,dec\n" * 100


def test_a_folder_in_the_place_of_a_store(tmp_path):
    with pytest.raises(StoreError, match=str(tmp_path)):
        open_store(f"sqlite:///{tmp_path}")


def test_a_damaged_store_says_so(sqlite_url):
    with open_store(sqlite_url) as store:
        store.write([random_alerts(300, 1)])
    data = bytearray(store_path(sqlite_url).read_bytes())
    data[8192:-8192] = bytes(len(data) - 16384)
    store_path(sqlite_url).write_bytes(data)
    with pytest.raises(StoreError, match="damaged"), open_store(sqlite_url) as store:
        store.write([random_alerts(300, 2, source="b", first_id=5)])


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX systems")
def test_a_folder_that_may_not_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="cannot"):
        open_store(f"sqlite:///{blocked}/night.db")


def test_nothing_but_the_store_appears_in_its_folder(sqlite_url, tmp_path):
    with open_store(sqlite_url) as store:
        store.write([random_alerts(5, 1)])
    assert [path.name for path in Path(tmp_path).iterdir()] == ["night.db"]
