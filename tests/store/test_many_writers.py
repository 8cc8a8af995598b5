"""Processes that write the same alerts and objects at the same time, and one that is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from engines import below
from gueststar.store import open_store
from store.alerts import random_alerts, replaced
from store.test_write import content

HELPERS = Path(__file__).resolve().parents[1]
WORKERS, BATCHES, ROWS = 4, 8, 60

WRITER = """
import random, sys
from gueststar.store import open_store
from store.alerts import letters
from store.test_many_writers import BATCHES, batch_of
who = int(sys.argv[2])
order = random.Random(who).sample(range(BATCHES), BATCHES)
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    for k in order:
        store.write([batch_of(k, who)], [letters(2, source=f"{who}-{k}")])
"""


def batch_of(k, who):
    """Batch ``k`` as worker ``who`` receives it: the same alerts, all of the same nine objects."""
    batch = random_alerts(ROWS, k, source=f"{who}-{k}", first_id=k * 1000, stamp=500, nights=70)
    return replaced(batch, object_id=[f"ZTF{row % 9}" for row in range(ROWS)])


def start(url, who):
    command = [sys.executable, "-c", WRITER, url, str(who)]
    env = {**os.environ, "PYTHONPATH": below(HELPERS)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE)


def finish(process):
    process.communicate(timeout=240)
    assert process.returncode == 0


def test_four_writers_of_the_same_alerts_and_one_is_killed(url, tmp_path):
    open_store(url).close()
    processes = [start(url, who) for who in range(WORKERS)]
    victim = processes[-1]
    victim.stdout.readline()
    time.sleep(random.Random(3).uniform(0.1, 0.4))
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    for process in processes[:-1]:
        finish(process)
    with open_store(url) as store:
        assert store.health()["in_equals_out"]
    finish(start(url, WORKERS - 1))
    with open_store(url) as store:
        health = store.health()
        assert health["in_equals_out"]
        assert health["stored"] == BATCHES * ROWS
        assert health["duplicate"] == (WORKERS - 1) * BATCHES * ROWS
        assert health["dead_letter"] == 2 * WORKERS * BATCHES
        many = content(store)
        assert sum(store.nights()["n_alerts"].to_pylist()) == BATCHES * ROWS
    with open_store(f"sqlite:///{tmp_path / 'one.db'}") as alone:
        for k in range(BATCHES):
            alone.write([batch_of(k, 0)])
        one = content(alone)
    for view in ("alerts", "objects", "lightcurves", "scores"):
        assert many[view] == one[view], view


def test_four_writers_of_the_same_positions(url):
    """As after a rebalance: the second finds the position known, the alert is no duplicate."""
    open_store(url).close()
    code = WRITER.replace("batch_of(k, who)", "batch_of(k, 0)").replace('f"{who}-{k}"', 'f"0-{k}"')
    env = {**os.environ, "PYTHONPATH": below(HELPERS)}
    commands = [[sys.executable, "-c", code, url, str(who)] for who in range(WORKERS)]
    for process in [subprocess.Popen(c, env=env, stdout=subprocess.PIPE) for c in commands]:
        finish(process)
    with open_store(url) as store:
        health = store.health()
        assert health["in_equals_out"]
        assert (health["received"], health["stored"]) == (BATCHES * (ROWS + 2), BATCHES * ROWS)
        assert health["duplicate"] == 0
