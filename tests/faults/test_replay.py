"""``kill -9`` in the middle of each replay: the same command completes it, and nothing doubles.

Seeded. ``GUESTSTAR_KILLS=50`` asks for the full number; by default some kills run.
"""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import fastavro
import pytest

from gueststar.pipeline import Pipeline
from gueststar.run.ingest import ingest
from gueststar.simulate.night import Night
from gueststar.sinks.archive import Archive
from gueststar.sources import MemorySource
from gueststar.sources.kafka import KafkaSource
from gueststar.store import open_store
from replays import contents, rows_of
from streams import create, send

ALERTS = 400
KILLS = int(os.environ.get("GUESTSTAR_KILLS", "3"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def packets():
    return list(Night(ALERTS, seed=9))


def framed(packet):
    reader = fastavro.reader(io.BytesIO(packet))
    [record], out = list(reader), io.BytesIO(b"\0\0\0\2\xbf")  # schema 703
    out.seek(5)
    fastavro.schemaless_writer(out, reader.writer_schema, record)
    return out.getvalue(), reader.writer_schema


def command(url, *arguments):
    where = [] if arguments[0] == "stream" else ["--store", url]  # broker.toml names it
    return [sys.executable, "-m", "gueststar", "replay", *arguments, *where, "--json"]


def progress(url):
    """How far a replay is: rows of scores and of alerts."""
    with open_store(url, read_only=True) as store:
        health = store.health()
        assert health["in_equals_out"], health
        return health["stored"], health["scores"]


def until_killed(chance, arguments, url):
    """Start a replay, kill it once it has written something, often in mid-write; say if it ran."""
    before, database = (-1, -1), url.removeprefix("sqlite:///")
    if os.path.exists(database):  # noqa: PTH110
        before = progress(url)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command(url, *arguments), start_new_session=True, **quiet)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if os.path.exists(database) and ready(url) > max(before, (0, 0)):  # noqa: PTH110
            break
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.3))
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


def ready(url):
    try:
        return progress(url)
    except Exception:
        return (-1, -1)  # the store is being made


def killed_and_completed(chance, arguments, url):
    """Kill some times, then let it end; return its account and the number of kills that hit."""
    kills = sum(until_killed(chance, arguments, url) for _ in range(KILLS))
    if os.path.exists(url.removeprefix("sqlite:///")):  # noqa: PTH110
        progress(url)
    done = subprocess.run(command(url, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), kills


def test_dead_letters(packets, tmp_path, monkeypatch):
    messages, schemas = zip(*(framed(packet) for packet in packets), strict=True)
    url, whole = f"sqlite:///{tmp_path}/night.db", f"sqlite:///{tmp_path}/whole.db"
    monkeypatch.delenv("GUESTSTAR_SCHEMAS", raising=False)
    source = MemorySource(messages, "kafka:night", batch_size=50)
    with open_store(url) as store:
        assert ingest([source], Pipeline([]), store).dead_letter == ALERTS
    (tmp_path / "703.avsc").write_text(json.dumps(schemas[0]))
    monkeypatch.setenv("GUESTSTAR_SCHEMAS", str(tmp_path))
    arguments = ["dead-letters", "--modules", "rb", "--archive", str(tmp_path / "archive")]
    _, kills = killed_and_completed(random.Random(1), arguments, url)
    assert kills
    with open_store(url) as store, open_store(whole) as expected:
        ingest([source], Pipeline([]), expected)
        for view in ("alerts", "objects", "lightcurves", "ledger", "dead_letters"):
            assert rows_of(store, view) == rows_of(expected, view), view
        assert store.health()["scores"] == ALERTS
        archived = [i for b in Archive(tmp_path / "archive").batches() for i in ids(b)]
        assert sorted(archived) == sorted(row[0] for row in rows_of(store, "alerts"))


def ids(batch):
    return batch.column("alert_id").to_pylist()


def test_archive(packets, tmp_path):
    archive = Archive(tmp_path / "archive")
    url, old = f"sqlite:///{tmp_path}/night.db", f"sqlite:///{tmp_path}/old.db"
    arguments = ["archive", str(archive.folder), "--modules", "rb"]
    with open_store(old) as store:
        source = MemorySource(packets, "night", batch_size=50)
        ingest([source], Pipeline([]), store, archive=archive)
        _, kills = killed_and_completed(random.Random(2), arguments, url)
        assert kills
        with open_store(url) as new:
            for view in ("alerts", "objects", "lightcurves", "ledger"):
                assert rows_of(new, view) == rows_of(store, view), view
            assert new.health()["scores"] == ALERTS
            assert new.health()["in_equals_out"]


def test_rescore(packets, tmp_path):
    url, copy = f"sqlite:///{tmp_path}/night.db", f"sqlite:///{tmp_path}/copy.db"
    with open_store(url) as store:
        ingest([MemorySource(packets, "night", batch_size=50)], Pipeline([]), store)
    shutil.copy(tmp_path / "night.db", tmp_path / "copy.db")
    account, kills = killed_and_completed(random.Random(3), ["rescore", "--modules", "rb"], url)
    assert kills
    assert account["scores"] < ALERTS  # it went on where it was
    done = subprocess.run(command(copy, "rescore", "--modules", "rb"), check=False)
    assert done.returncode == 0
    with open_store(url) as store, open_store(copy) as expected:
        assert contents(store) == contents(expected)
        assert store.health()["scores"] == ALERTS


def test_stream(kafka, packets, tmp_path):
    topic = create(kafka.servers, 2)
    send(kafka.servers, topic, packets, 2)
    url, whole = f"sqlite:///{tmp_path}/night.db", f"sqlite:///{tmp_path}/whole.db"
    (tmp_path / "broker.toml").write_text(
        f'store = "{url}"\nmodules = ["rb"]\n[source]\nservers = "{kafka.servers}"\n'
        f'topics = ["{topic}"]\nbatch_size = 25\n[source.options]\n"session.timeout.ms" = 6000\n'
    )
    arguments = ["stream", str(tmp_path / "broker.toml"), "--since", "2020-01-01"]
    account, kills = killed_and_completed(random.Random(4), arguments, url)
    assert kills
    assert account["read"] == account["known"] + account["stored"] == ALERTS
    with open_store(url) as store, open_store(whole) as expected:
        source = KafkaSource(kafka.servers, topic, until="caught-up")
        ingest([source], Pipeline([]), expected)
        for view in ("alerts", "objects", "lightcurves", "ledger"):
            assert rows_of(store, view) == rows_of(expected, view), view
        assert store.health()["scores"] == ALERTS
