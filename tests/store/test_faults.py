"""Kills, full disks, two writers: every alert once, in = out."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engines import below
from gueststar.batch import CUTOUTS
from gueststar.errors import StoreBusy, StoreError
from gueststar.sinks.archive import Archive
from gueststar.store import open_store, store_path
from gueststar.store.sqlite import connection
from store.alerts import letters, random_alerts

HELPERS = Path(__file__).resolve().parents[1]
BATCHES, ROWS = 12, 60
TOTAL = BATCHES * (ROWS + 2)
KILLS = int(os.environ.get("GUESTSTAR_KILLS", "6"))

WRITER = f"""
import sys
from store.alerts import letters, random_alerts
from gueststar.sinks.archive import Archive
from gueststar.store import open_store
store = open_store(sys.argv[1])
archive = Archive(sys.argv[2])
order = range({BATCHES}) if len(sys.argv) < 4 else reversed(range({BATCHES}))
print("ready", flush=True)
for k in order:
    batch = random_alerts({ROWS}, k, objects=9, source=f"f{{k}}", first_id=k * 1000, stamp=2000)
    store.write([batch], [letters(2, source=f"f{{k}}")], archive)
"""


def writer(url, archive, *more):
    command = [sys.executable, "-c", WRITER, url, str(archive), *more]
    env = {**os.environ, "PYTHONPATH": below(HELPERS)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE)


def check_complete(url, archive):
    with open_store(url) as store:
        health = store.health()
        assert health["in_equals_out"]
        assert health["received"] == TOTAL
        assert health["stored"] == BATCHES * ROWS
        assert health["dead_letter"] == 2 * BATCHES
        ids = store.sql("SELECT alert_id FROM alerts")["alert_id"].to_pylist()
        assert store.cutouts(ids[0]).science is not None
        assert store.native(ids[-1])["prv_candidates"]
    archived = Archive(archive).sql("SELECT alert_id FROM alerts")["alert_id"].to_pylist()
    assert sorted(archived) == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert not list((archive / ".writing").iterdir())


def test_kills_at_random_moments(url, tmp_path):
    rng = random.Random(11)
    killed = 0
    for _ in range(KILLS):
        process = writer(url, tmp_path / "archive")
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.5))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with open_store(url) as store:
            assert store.health()["in_equals_out"]
    assert killed
    with writer(url, tmp_path / "archive") as process:
        process.communicate()
    assert process.returncode == 0
    check_complete(url, tmp_path / "archive")


def test_two_processes_with_the_same_alerts(url, tmp_path):
    processes = [writer(url, tmp_path / "archive"), writer(url, tmp_path / "archive", "reversed")]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    check_complete(url, tmp_path / "archive")


class Killed(BaseException):
    pass


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_kill_between_archive_and_commit(url, tmp_path, monkeypatch, moment):
    archive = Archive(tmp_path / "archive")
    batch = random_alerts(50, 1)

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch, open_store(url) as store:
        if moment == "before the commit":
            patch.setattr("gueststar.store.writing._archive", die_after(archive))
        else:
            patch.setattr("gueststar.sinks.archive.Move.finish", die)
        with pytest.raises(Killed):
            store.write([batch], [], archive)
    assert archive.files() == []
    with open_store(url) as store:
        found = [] if moment == "before the commit" else [25]
        assert bool(archive.files()) == bool(found)
        store.write([batch], [], archive)
    rows = archive.sql("SELECT count(*) AS n, count(DISTINCT alert_id) AS d FROM alerts")
    assert rows.to_pylist() == [{"n": 50, "d": 50}]
    assert not list((archive.folder / ".writing").iterdir())


def test_a_file_waits_for_its_archive_to_come_back(url, tmp_path, monkeypatch):
    first, away = Archive(tmp_path / "first"), tmp_path / "away"
    batch = random_alerts(20, 1, nights=1)

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch, open_store(url) as store:
        patch.setattr("gueststar.sinks.archive.Move.finish", die)
        with pytest.raises(Killed):
            store.write([batch], [], first)
    first.folder.rename(away)
    with open_store(url) as store:
        other = random_alerts(20, 2, source="b", first_id=5)
        store.write([other], [], Archive(tmp_path / "second"))
    away.rename(first.folder)
    open_store(url).close()
    assert first.sql("SELECT count(*) AS n FROM alerts")["n"].to_pylist() == [20]


def die_after(archive):
    from gueststar.store import writing

    write_aside = writing._archive

    def wrapped(*arguments):
        write_aside(*arguments)
        raise Killed

    return wrapped


def test_a_busy_store_is_waited_for_and_then_refused(sqlite_url, monkeypatch):
    url = sqlite_url
    import sqlite3

    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.3)
    with open_store(url) as store:
        other = sqlite3.connect(store_path(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="nothing was written"):
            store.write([random_alerts(5, 1)])
        assert store.health()["stored"] == 0
        other.execute("ROLLBACK")
        other.close()
        assert store.write([random_alerts(5, 1)]).stored == 5


def test_a_full_store_loses_nothing(sqlite_url):
    store = open_store(sqlite_url)
    store.write([random_alerts(20, 1)])
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 5}")
    big = random_alerts(200, 2, source="b", first_id=1, stamp=5000)
    with pytest.raises(StoreError, match="free some space and run the same command again"):
        store.write([big], [letters(1)])
    health = store.health()
    assert health["in_equals_out"]
    assert health["received"] == 20
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert store.write([big], [letters(1)]).stored == 200
    assert store.health()["in_equals_out"]


LIMITED = """
import resource, signal, sys
from store.alerts import random_alerts
from gueststar.errors import GueststarError
from gueststar.sinks.archive import Archive
from gueststar.store import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(sys.argv[1])
archive = Archive(sys.argv[3]) if sys.argv[2] == "archive" else None
if sys.argv[2] == "cutouts":
    store.keep_cutouts_in(sys.argv[3])
store.write([random_alerts(20, 1, stamp=1000)], [], archive)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
try:
    store.write([random_alerts(400, 2, source="b", first_id=1, stamp=5000)], [], archive)
except GueststarError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("beside", ["nothing", "archive", "cutouts"])
def test_a_disk_that_takes_no_more(sqlite_url, tmp_path, beside):
    url = sqlite_url
    """The system refuses to let any file grow, as on a full disk."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", LIMITED, url, beside, str(tmp_path / "a")]
    env = {**os.environ, "PYTHONPATH": below(HELPERS)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(("StoreUnavailable", "ArchiveUnavailable")), (
        done.stdout + done.stderr
    )
    assert "run the same command again" in done.stdout
    with open_store(url) as store:
        assert store.health()["in_equals_out"]
        assert store.health()["stored"] == 20
        assert store.write([random_alerts(400, 2, source="b", first_id=1)]).stored == 400
        assert [store.cutouts(1).names, *store.lost_cutouts()] == [CUTOUTS]
    if beside == "archive":
        assert not list((tmp_path / "a" / ".writing").iterdir())
    if beside == "cutouts":
        assert len(list((tmp_path / "a").rglob("*.zip"))) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount")
def test_a_small_file_system(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody mount a tmpfs")
    try:
        fill_and_free(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(store):
    for k in range(9):
        more = random_alerts(40, k, source=f"c{k}", first_id=k * 500 + 5000, stamp=3000)
        store.write([more])


def fill_and_free(place):
    (place / "ballast").write_bytes(bytes(1_500_000))
    big = random_alerts(80, 2, source="b", first_id=1, stamp=3000)
    with open_store(f"sqlite:///{place}/night.db") as store:
        store.write([random_alerts(20, 1)])
        with pytest.raises(StoreError, match="free some space"):
            fill(store)
        before = store.health()
        assert before["in_equals_out"]
        (place / "ballast").unlink()
        assert store.write([big.slice(0, 20)]).stored == 20
        assert store.health()["stored"] == before["stored"] + 20


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount")
def test_a_read_only_medium(tmp_path):
    place = tmp_path / "disc"
    place.mkdir()
    with open_store(f"sqlite:///{place}/night.db") as store:
        store.write([random_alerts(20, 1)])
    bind = ["mount", "--bind", str(place), str(place)]
    if subprocess.run(bind, capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        with open_store(f"sqlite:///{place}/night.db", read_only=True) as store:
            assert store.health()["stored"] == 20
        with pytest.raises(StoreError, match=r"read-only|cannot open"):
            open_store(f"sqlite:///{place}/night.db")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
