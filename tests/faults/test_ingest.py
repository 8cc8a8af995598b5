"""``kill -9`` in the middle of ``gueststar ingest``: rerunning completes it.

Seeded, as test_faults.py. ``GUESTSTAR_KILLS=50`` asks for more kills; by default one a place.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engines import below
from gueststar.simulate import write_night
from gueststar.store import open_store

ALERTS = 900
TESTS = Path(__file__).resolve().parents[1]
PLACES = ["decoded", "packed", "scored", "aside", "uncommitted", "committed", "renamed"]
KILLS = int(os.environ.get("GUESTSTAR_KILLS", len(PLACES)))
SEED = int(os.environ.get("GUESTSTAR_FAULT_SEED", "20261120"))


def ingest(night, folder):
    options = ["--store", f"sqlite:///{folder}/night.db", "--archive", str(folder / "archive")]
    options += ["--cutouts", str(folder / "stamps")]
    command = [sys.executable, "-m", "faults.child", "ingest", str(next(night.glob("*.tar.gz")))]
    mines = {"PYTHONPATH": below(TESTS), "GUESTSTAR_MINES": str(folder / "mines")}
    return subprocess.run(
        [*command, *options, "--modules", "rb", "--json"], env={**os.environ, **mines},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def stored(folder):
    with open_store(f"sqlite:///{folder}/night.db", read_only=True) as store:
        health = store.health()
        assert health["in_equals_out"], health
        ids = store.sql("SELECT alert_id FROM alerts", limit=10 * ALERTS)["alert_id"].to_pylist()
    assert len(ids) == len(set(ids))
    return sorted(ids), health


def archived(folder):
    files = (folder / "archive").glob("night=*/*.parquet")
    return sorted(
        i for f in files for i in pq.ParquetFile(f).read(["alert_id"])["alert_id"].to_pylist()
    )


def check_cutouts(folder):
    """All that were archived are there; beside the packs lies one at most for each kill."""
    files = (folder / "archive").glob("night=*/*.parquet")
    archive = [
        r for f in files for r in pq.ParquetFile(f).read(["alert_id", "science"]).to_pylist()
    ]
    with open_store(f"sqlite:///{folder}/night.db") as store:
        assert list(store.lost_cutouts()) == []
        for row in archive:
            assert store.cutouts(row["alert_id"]).science == row["science"]
        with store._reading() as connection:
            (named,) = connection.execute("SELECT count(*) FROM cutout_names").fetchone()
            packs = {name for (name,) in connection.execute("SELECT name FROM cutout_packs")}
        there = {f"{f.parent.name}/{f.name}" for f in (folder / "stamps").rglob("*.zip")}
        assert packs <= there
        assert len(there - packs) <= named <= KILLS + 1
        shelf = store._shelf
        for _ in range(2):  # an hour later the packs without a commit are swept up
            with store._lock:
                store._commit(lambda c: c.execute("UPDATE cutout_names SET at = at - 4000"))
                store._commit(shelf.reserve)
        assert {f"{f.parent.name}/{f.name}" for f in (folder / "stamps").rglob("*.zip")} == packs


@pytest.mark.slow
def test_killed_ingests_lose_and_double_nothing(tmp_path):
    print("seed", SEED)
    chance = random.Random(SEED)
    write_night(tmp_path / "night", ALERTS, 5, form="tar")
    truth = sorted(pq.read_table(tmp_path / "night/truth.parquet")["alert_id"].to_pylist())
    (tmp_path / "mines" / "fired").mkdir(parents=True)
    for number in range(KILLS):
        place = PLACES[number % len(PLACES)]
        (tmp_path / "mines" / place).write_text("1" if number < 3 else str(chance.randint(1, 2)))
        killed = ingest(tmp_path / "night", tmp_path)
        assert killed.returncode in (-9, 0), killed.stderr
        if (tmp_path / "night.db").exists():
            stored(tmp_path)
    assert len(list((tmp_path / "mines" / "fired").iterdir())) >= 3
    for left in (tmp_path / "mines").glob("[a-z]*[a-z]"):
        if left.is_file():
            left.unlink()
    last = ingest(tmp_path / "night", tmp_path)
    assert last.returncode == 0, last.stderr
    ids, health = stored(tmp_path)
    assert ids == truth
    assert archived(tmp_path) == truth
    check_cutouts(tmp_path)
    assert not list((tmp_path / "archive" / ".writing").iterdir())
    assert health["received"] == health["stored"] == ALERTS
