"""``kill -9`` in the middle of an ingest: rerunning completes it, and the ledger proves it.

Seeded. ``GUESTSTAR_KILLS=50`` asks for the full number; by default some kills run.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gueststar.store import open_store

ALERTS = 1500
KILLS = int(os.environ.get("GUESTSTAR_KILLS", "6"))


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Path:
    from gueststar.simulate import write_night

    folder = tmp_path_factory.mktemp("night")
    write_night(folder, ALERTS, 5, form="tar")
    return folder


def start(night, url, archive):
    command = [sys.executable, "-m", "gueststar", "ingest", str(next(night.glob("*.tar.gz")))]
    options = ["--store", url, "--archive", str(archive), "--modules", "rb", "--json"]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command + options, start_new_session=True, **quiet)


def kill_somewhere(process, chance, database):
    """Kill -9 at a random moment after the store has been opened; tell whether it was running."""
    deadline = time.monotonic() + 60
    while not database.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 2.5))
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return running


def stored_ids(url):
    with open_store(url, read_only=True) as store:
        health = store.health()
        assert health["in_equals_out"], health
        ids = store.sql("SELECT alert_id FROM alerts", limit=10 * ALERTS).column("alert_id")
        return ids.to_pylist(), health


def archived_ids(archive):
    files = [path for path in archive.rglob("*.parquet") if not path.name.startswith(".")]
    return [i for f in files for i in pq.ParquetFile(f).read(["alert_id"])["alert_id"].to_pylist()]


@pytest.mark.slow
def test_killed_ingests_lose_and_double_nothing(night, tmp_path):
    chance = random.Random(20261120)
    truth = pq.read_table(night / "truth.parquet").column("alert_id").to_pylist()
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        url, archive = f"sqlite:///{tmp_path / f'{rounds}.db'}", tmp_path / f"archive{rounds}"
        for _ in range(4):
            if kill_somewhere(start(night, url, archive), chance, tmp_path / f"{rounds}.db"):
                kills += 1
            if (tmp_path / f"{rounds}.db").exists():
                ids, _ = stored_ids(url)
                assert len(ids) == len(set(ids))
        last = start(night, url, archive)
        _, errors = last.communicate(timeout=300)
        assert last.returncode == 0, errors.decode()
        ids, health = stored_ids(url)
        assert sorted(ids) == sorted(truth)
        assert sorted(archived_ids(archive)) == sorted(truth)
        assert health["received"] == health["stored"] == ALERTS
