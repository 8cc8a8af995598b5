"""Benchmarks of the stream on a real Kafka, small: that the numbers mean what they say."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import fastavro
import numpy as np
import pytest

from gueststar.bench import kafka as bench_kafka
from gueststar.bench.latency import lag, latency, summary
from gueststar.bench.ledger import LedgerWatch, compared, ledger_counts
from gueststar.bench.packets import copies, read, simulate
from gueststar.bench.processes import Watch, tree
from gueststar.bench.stream import stream
from gueststar.errors import BadInput
from gueststar.store import open_store
from store.alerts import random_alerts, replaced

ALERTS = 160


def alert_of(packet):
    return next(fastavro.reader(BytesIO(packet)))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return simulate(20, 3, tmp_path_factory.mktemp("packets") / "p.arrow", lambda _: None)


def test_copies_are_other_alerts_of_other_objects_and_nothing_else(file):
    base, every = list(read(file)), list(copies(file, 50))
    assert every[:20] == base
    assert len({alert_of(packet)["candid"] for packet in every}) == 50
    first, second = alert_of(every[3]), alert_of(every[23])
    assert first["objectId"] != second["objectId"]
    assert second["candidate"]["candid"] == second["candid"]
    for alert in (first, second):
        del alert["candid"], alert["objectId"], alert["candidate"]["candid"]
    assert first == second
    with pytest.raises(BadInput, match="simulate more"):
        next(copies(file, 10_000))


def test_the_stream_counts_what_went_in_and_out(kafka):
    told = []
    tell = lambda what, done, total: told.append(what)  # noqa: E731
    found = stream(alerts=ALERTS, address=kafka.servers, archive=True, tell=tell)
    for workers in ("workers_1", "workers_2"):
        part = found[workers]
        assert part["in_equals_out"]
        assert part["ledger"] == {"stored": ALERTS}
        assert part["distinct_out"] == ALERTS <= part["messages_out"]
        assert part["alerts_per_s"] == pytest.approx(ALERTS / part["seconds"], rel=0.05)
        assert part["peak_mb"] > 50
    assert found["rival"]["messages_out"] == found["rival"]["alerts"] == ALERTS
    best = max(found[w]["alerts_per_s"] for w in ("workers_1", "workers_2"))
    assert found["ratio"] == pytest.approx(best / found["rival"]["alerts_per_s"])
    assert "simulate packets" in told


def test_latency_accounts_for_every_alert(kafka):
    found = latency(rate=20, seconds=5, workers=1, address=kafka.servers)
    assert found["in_equals_out"]
    assert found["alerts"] == found["ledger"]["stored"] == found["distinct_out"] == 100
    assert 0 < found["p50_s"] <= found["p98_s"] <= found["max_s"]
    assert 0 < found["lag"]["at_end"] <= found["lag"]["largest"] <= 100
    whole = found["parts"]["to_topic"]["p50_s"] + found["parts"]["topic_to_stored"]["p50_s"]
    assert 0 < whole <= 2 * found["max_s"]


def test_lag_tells_a_queue_that_grows():
    sent = np.arange(0, 60, 0.01)
    steady, growing = lag(sent, sent + 2), lag(sent, sent * 1.5 + 2)
    assert abs(steady["grows_per_s"]) < 1
    assert steady["at_end"] == pytest.approx(200, abs=2)
    assert growing["grows_per_s"] == pytest.approx(33, abs=5)
    assert lag(sent, np.full(len(sent), np.nan))["at_end"] == len(sent)
    assert np.isnan(summary(np.array([1.0, np.nan]))["p98_s"])


def moved(batch, topic):
    n = len(batch)
    return replaced(batch, source=[f"kafka:{topic}"] * n, partition=["0"] * n)


def test_the_ledger_is_seen_from_outside(tmp_path):
    watch = LedgerWatch(tmp_path / "a.db", "t", 2)
    assert watch.look() == 0
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        assert watch.look() == 0
        before = time.time()
        store.write([moved(random_alerts(6, 1), "t")])
        assert watch.look() == 6
        assert set(watch.seen) == {("0", at) for at in range(6)}
        assert all(before <= at <= time.time() for at in watch.seen.values())
        store.write([moved(random_alerts(9, 2, first_id=5), "other")])
        assert watch.look() == 6
    watch.close()
    assert ledger_counts(tmp_path / "a.db") == {"stored": 15}


def test_views_are_compared_to_the_last_row(tmp_path):
    files = [tmp_path / f"{name}.db" for name in "abc"]
    for file, n in zip(files, (8, 8, 7), strict=True):
        with open_store(f"sqlite:///{file}") as store:
            store.write([random_alerts(8, 1).slice(0, n)])
    assert compared(files[:2], "alerts", "alert_id") == (8, None)
    rows, difference = compared(files[1:], "alerts", "alert_id")
    assert rows == 7
    assert "row 8 of alerts" in difference


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
def test_children_are_watched_too():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = 1; input()'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    deadline = time.monotonic() + 30
    with Watch(process.pid) as watch:
        while (len(tree(process.pid)) < 2 or not watch.memory) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(tree(process.pid)) == 2
        process.communicate(b"\n")
    assert watch.peak_mb > 3


def test_without_a_kafka_the_way_out_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("GUESTSTAR_KAFKA", raising=False)
    monkeypatch.setattr(bench_kafka, "TOOL", tmp_path / "kafka_server.py")
    with pytest.raises(BadInput, match="--kafka HOST:PORT"), bench_kafka.kafka_at(None):
        pass


def command(*options):
    command = [sys.executable, "-m", "gueststar", "bench", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def test_an_option_of_another_benchmark_is_an_error():
    done = command("stream", "--rate", "3")
    assert done.returncode != 0
    assert "--rate means nothing to stream" in done.stderr


@pytest.mark.spark
def test_spark_stores_what_the_local_runner_stores(kafka):
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("no pyspark or no Java 17")
    if not os.environ.get("GUESTSTAR_KAFKA") and shutil.which("mvn") is None:
        pytest.skip("no Maven to fetch Spark's Kafka connector")
    done = command("spark", "--alerts", "60", "--kafka", kafka.servers, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["same_rows"]["alerts"] == found["same_rows"]["ledger"] == 60
    assert found["same_rows"]["scores"] == 60
    assert found["same_rows"]["lightcurves"] > 60
    kafka_part = found["kafka"]
    assert kafka_part["warm_ratio"] == pytest.approx(
        kafka_part["local_per_s"][-1] / kafka_part["spark_per_s"][-1]
    )
    assert kafka_part["spark_cold_per_s"] < kafka_part["spark_per_s"][0]
