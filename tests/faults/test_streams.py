"""Faults of a stream: workers killed, the broker killed, duplicates, poison. In = out.

Seeded. ``GUESTSTAR_FAULTS=100`` asks for the full number; by default some are injected.
"""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from io import BytesIO

import fastavro
import pytest

from gueststar.simulate.night import Night
from gueststar.store import open_store
from streams import create, read, send

FAULTS = int(os.environ.get("GUESTSTAR_FAULTS", "4"))
ALERTS = 400


@pytest.fixture(scope="module")
def packets():
    return list(Night(ALERTS, seed=11))


def broker_toml(folder, servers, topic, output=None, workers=2):
    text = f"""
workers = {workers}
restarts = 1000
modules = []
store = "sqlite:///{folder}/night.db"
[source]
servers = "{servers}"
topics = ["{topic}"]
group = "g-{uuid.uuid4().hex[:8]}"
batch_size = 16
[source.options]
"session.timeout.ms" = 6000
"topic.metadata.refresh.interval.ms" = 500
"""
    if output:
        text += f'[output]\nservers = "{servers}"\ntopic = "{output}"\n'
    path = folder / "broker.toml"
    path.write_text(text)
    return path


def start(config, *options):
    command = [sys.executable, "-m", "gueststar", "run", str(config), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


def finish(process, timeout=240):
    _, errors = process.communicate(timeout=timeout)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


def workers_of(process):
    """Ids of the worker processes (children that ``spawn`` made)."""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [int(line.split()[0]) for line in shown.splitlines() if "spawn_main" in line]


def health_of(folder):
    with open_store(f"sqlite:///{folder}/night.db", read_only=True) as store:
        return store.health()


def sent_ids(servers, topic, count):
    messages = read(servers, topic, count, timeout=20)
    return [next(iter(fastavro.reader(BytesIO(m.value()))))["alert_id"] for m in messages]


def test_two_workers_read_write_and_send(kafka, packets, tmp_path):
    topic, out = create(kafka.servers, 4), create(kafka.servers, 2)
    send(kafka.servers, topic, [*packets, b"<html>", None, *packets[:30]], 4)
    finish(start(broker_toml(tmp_path, kafka.servers, topic, out), "--until-caught-up"))
    health = health_of(tmp_path)
    assert health["in_equals_out"]
    assert (health["received"], health["stored"]) == (ALERTS + 32, ALERTS)
    assert (health["duplicate"], health["dead_letter"]) == (30, 2)
    assert len(set(sent_ids(kafka.servers, out, ALERTS))) == ALERTS


def test_sigterm_ends_gracefully_and_a_rerun_completes(kafka, packets, tmp_path):
    topic = create(kafka.servers, 2)
    send(kafka.servers, topic, packets, 2)
    config = broker_toml(tmp_path, kafka.servers, topic, workers=1)
    process = start(config)
    time.sleep(8)
    process.send_signal(signal.SIGTERM)
    finish(process, 60)
    finish(start(config, "--until-caught-up"))
    health = health_of(tmp_path)
    assert (health["received"], health["stored"]) == (ALERTS, ALERTS)


@pytest.mark.slow
def test_killed_workers_lose_and_double_nothing(kafka, packets, tmp_path):
    chance = random.Random(20261121)
    topic, out = create(kafka.servers, 4), create(kafka.servers, 2)
    send(kafka.servers, topic, packets[: ALERTS // 2], 4)
    config = broker_toml(tmp_path, kafka.servers, topic, out)
    process, kills = start(config), 0
    rest = list(range(ALERTS // 2, ALERTS))
    while kills < FAULTS:
        time.sleep(chance.uniform(0.5, 4))
        if crew := workers_of(process):
            os.kill(chance.choice(crew), signal.SIGKILL)
            kills += 1
        send(kafka.servers, topic, [packets[n] for n in rest[:40]], 4)
        rest = rest[40:]
    send(kafka.servers, topic, [packets[n] for n in rest], 4)
    process.send_signal(signal.SIGTERM)
    assert "ALARM" in finish(process)
    finish(start(config, "--until-caught-up"))
    health = health_of(tmp_path)
    assert health["in_equals_out"]
    assert (health["received"], health["stored"], health["duplicate"]) == (ALERTS, ALERTS, 0)
    assert len(set(sent_ids(kafka.servers, out, ALERTS * 2))) == ALERTS


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back(own_kafka, packets, tmp_path):
    topic = create(own_kafka.servers, 2)
    send(own_kafka.servers, topic, packets[:200], 2)
    config = broker_toml(tmp_path, own_kafka.servers, topic)
    process = start(config)
    time.sleep(7)
    own_kafka.stop(signal.SIGKILL)
    time.sleep(2)
    own_kafka.start()
    send(own_kafka.servers, topic, packets[200:], 2)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and health_of(tmp_path)["stored"] < ALERTS:
        time.sleep(1)
    process.send_signal(signal.SIGTERM)
    finish(process)
    health = health_of(tmp_path)
    assert (health["received"], health["stored"]) == (ALERTS, ALERTS)
