"""How fast the stream is, whole: packets in Kafka to scored, stored alerts, and out to a topic.

Packets are simulated and sent once. ``gueststar run`` reads them with one worker process and then
with two, each time as another consumer group into another store and topic; then the script does,
fewer of them. Seconds count from the moment that a worker has partitions until the last position
is seen in the store's ledger; the start-up before is given apart. What went out is counted by
reading the topic with fastavro.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from gueststar.bench import packets, script
from gueststar.bench.broker import Job, running
from gueststar.bench.kafka import Kafka, Tell, fill, kafka_at, messages, read_output, silent, topics
from gueststar.bench.ledger import ledger_counts
from gueststar.bench.processes import Watch, cpu_of
from gueststar.errors import BadInput, StreamError

PARTITIONS = 4
RIVAL_ALERTS = 1_000
MOST_S = 3600.0


def stream(
    rival: str = "script",
    *,
    alerts: int = 20_000,
    seed: int = 1,
    archive: bool = False,
    address: str | None = None,
    workers: Sequence[int] = (1, 2),
    tell: Tell = silent,
) -> dict[str, Any]:
    """Measure the stream through a real Kafka, and the rival on the same messages.

    Parameters
    ----------
    rival : str
        ``script``, the only one there is.
    alerts, seed : int
        Of the simulated night.
    archive : bool
        Also write Parquet files.
    address : str, optional
        Of a Kafka; see :func:`gueststar.bench.kafka.kafka_at`.
    workers : sequence of int
        Numbers of worker processes to be measured.
    tell : callable, optional
        Told what is going on.

    Returns
    -------
    dict
        ``workers_1`` and ``workers_2`` with ``alerts_per_s``, ``steady_per_s`` (after the
        first batch), ``seconds``, ``startup_s``, ``peak_mb`` (resident memory of the parent and
        all workers together), ``cpu_s``
        (and ``kafka_cpu_s`` of the broker, where it was started for this), the counts ``ledger``,
        ``messages_out`` and ``distinct_out``, and whether ``in_equals_out``; ``rival``;
        ``ratio`` (the best of ours over the rival); ``how``.

    Raises
    ------
    BadInput
        If the rival is unknown or there is no Kafka.
    StreamError
        If a run fails.
    """
    if rival != "script":
        raise BadInput(f"no rival {rival!r} for stream; known: script")
    with tempfile.TemporaryDirectory(prefix="gueststar-bench-") as room, kafka_at(address) as kafka:
        outputs = [2] * (len(workers) + 1)
        with topics(kafka, PARTITIONS, *outputs) as (topic, theirs, *outs):
            size = _fill(kafka, topic, Path(room), alerts, seed, tell)
            found = {}
            for crew, out in zip(workers, outs, strict=True):
                job = Job(Path(room) / f"run{crew}", topic, out, PARTITIONS, crew, archive)
                found[f"workers_{crew}"] = _ours(kafka, job, alerts, tell)
            few = min(RIVAL_ALERTS, alerts)
            found["rival"] = {"name": rival, **_rival(kafka, topic, theirs, few, Path(room), tell)}
    best = max(found[f"workers_{crew}"]["alerts_per_s"] for crew in workers)
    return {
        "ratio": best / found["rival"]["alerts_per_s"],
        "alerts": alerts,
        "bytes_per_alert": round(size / alerts),
        "archive": archive,
        **found,
        "how": __doc__.split("\n\n")[1].replace("\n", " ") if __doc__ else "",
    }


def _fill(kafka: Kafka, topic: str, room: Path, alerts: int, seed: int, tell: Tell) -> int:
    """Simulate packets and send them; return their bytes."""
    file = room / "packets.arrow"
    packets.simulate(alerts, seed, file, lambda n: tell("simulate packets", n, alerts))
    fill(kafka, topic, packets.read(file), lambda n: tell("send packets", n, alerts))
    size = file.stat().st_size
    file.unlink()
    return size


def _ours(kafka: Kafka, job: Job, alerts: int, tell: Tell) -> dict[str, Any]:
    label = f"gueststar run, {job.workers} worker{'s' * (job.workers > 1)}"
    before = cpu_of(kafka.pid)
    with running(kafka, job, "--until-caught-up") as broker:
        broker.wait_until_reading()
        broker.watch_until(alerts, MOST_S, lambda n: tell(label, n, alerts))
        broker.finish()
        times = np.sort(list(broker.ledger.seen.values()))
        seconds = times[-1] - broker.began if len(times) else 0.0
        seen, kafka_s = len(broker.ledger.seen), cpu_of(kafka.pid) - before
    counts, out = ledger_counts(job.store), read_output(kafka, job.output)
    return {
        "alerts_per_s": seen / seconds if seen else 0.0,
        "steady_per_s": _steady(times),
        "seconds": round(seconds, 2),
        "startup_s": round(broker.began - broker.started, 2),
        "peak_mb": broker.watch.peak_mb,
        "cpu_s": round(broker.watch.cpu_s, 1),
        "kafka_cpu_s": round(kafka_s, 1),
        "ledger": counts,
        "messages_out": len(out.alert_id),
        "distinct_out": out.distinct,
        "in_equals_out": alerts == sum(counts.values()) == counts.get("stored") == out.distinct,
    }


def _steady(times: np.ndarray) -> float:
    """Alerts a second after the first batch, before which workers share the partitions out."""
    later = int((times > times[0]).sum()) if len(times) else 0
    return later / (times[-1] - times[0]) if later else float("nan")


def _rival(
    kafka: Kafka, topic: str, output: str, alerts: int, room: Path, tell: Tell
) -> dict[str, Any]:
    tell("the script", 0, alerts)
    arguments = (kafka.servers, topic, output, alerts, str(room))
    process = get_context("spawn").Process(target=script.consume, args=arguments)
    process.start()
    started = time.time()
    with Watch(process.pid or 0) as watch:
        process.join()
    if process.exitcode:
        raise StreamError("the script failed; what it says stands above")
    found = json.loads((room / "rival.json").read_text())
    return {
        "alerts": found["alerts"],
        "alerts_per_s": found["alerts"] / found["seconds"],
        "seconds": round(found["seconds"], 2),
        "startup_s": round(found["began"] - started, 2),
        "peak_mb": watch.peak_mb,
        "cpu_s": round(watch.cpu_s, 1),
        "messages_out": _count(kafka, output),
    }


def _count(kafka: Kafka, topic: str) -> int:
    return sum(1 for _ in messages(kafka, topic))
