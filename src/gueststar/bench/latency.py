"""How long an alert takes from Kafka to the store, at a steady rate, with everything on.

A process of its own sends packets at a steady pace; Kafka's time stamp is the moment of sending.
``gueststar run`` scores, stores, archives and sends them on. An alert counts as stored when its
position is first seen in the store's ledger by a reader from outside, so that each latency is too
long by the time between two looks at most (``look_ms``), and never too short. Packets are
simulated ones, repeated under other names and ids when they are fewer than what is sent.
"""

from __future__ import annotations

import signal
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from gueststar.bench import packets
from gueststar.bench.broker import Job, Running, running
from gueststar.bench.kafka import Kafka, Output, Tell, kafka_at, read_output, silent, topics
from gueststar.bench.ledger import LOOK_S, ledger_counts
from gueststar.bench.pace import pace
from gueststar.bench.processes import cpu_of
from gueststar.errors import BadInput, StreamError

PARTITIONS = 4
DISTINCT = 3_000  # packets that are simulated; the others are copies
RUN_IN_S = 10.0  # at the beginning the first batches load what they need
DRAIN_S = 120.0
RIVALS = ("none",)


def latency(
    rival: str = "none",
    *,
    rate: float = 300.0,
    seconds: float = 300.0,
    workers: int = 2,
    seed: int = 1,
    archive: bool = True,
    address: str | None = None,
    tell: Tell = silent,
) -> dict[str, Any]:
    """Measure latency and lag at a steady rate.

    Parameters
    ----------
    rival : str
        ``none``: nobody is measured beside it.
    rate : float
        Alerts a second.
    seconds : float
        How long.
    workers : int
        Worker processes.
    seed : int
        Of the simulated night.
    archive : bool
        Also write Parquet files.
    address : str, optional
        Of a Kafka; see :func:`gueststar.bench.kafka.kafka_at`.
    tell : callable, optional
        Told what is going on.

    Returns
    -------
    dict
        ``p50_s``, ``p98_s``, ``max_s`` from Kafka's time stamp to stored, and the largest
        after the first 10 s; ``parts`` with the same to the output topic and from there to
        stored; ``lag`` (see :func:`lag`); ``sent_per_s`` and ``worst_pause_s`` of the producer;
        ``cores`` that the parent and its workers used, and ``kafka_cores``, where Kafka was
        started for this; ``peak_mb``; the counts, and ``in_equals_out``.

    Raises
    ------
    BadInput
        If there is no Kafka, or an argument cannot be.
    StreamError
        If the broker fails.
    """
    if rival not in RIVALS:
        raise BadInput(f"no rival {rival!r} for latency; known: none")
    alerts = round(rate * seconds)
    if alerts < 1:
        raise BadInput(f"{rate} alerts/s in {seconds} s is no alert")
    with tempfile.TemporaryDirectory(prefix="gueststar-bench-") as name, kafka_at(address) as kafka:
        room = Path(name)
        file = room / "packets.arrow"
        some = min(DISTINCT, alerts)
        packets.simulate(some, seed, file, lambda n: tell("simulate packets", n, some))
        with topics(kafka, PARTITIONS, 2) as (topic, out):
            job = Job(room / "run", topic, out, PARTITIONS, workers, archive)
            return _measure(kafka, job, file, rate, alerts, tell)


def _measure(
    kafka: Kafka, job: Job, file: Path, rate: float, alerts: int, tell: Tell
) -> dict[str, Any]:
    with running(kafka, job) as broker:
        broker.wait_until_reading()
        cpu, start = broker.watch.cpu_s, time.monotonic()
        before = cpu_of(kafka.pid)
        sent = _send(kafka, job, broker, file, rate, alerts, tell)
        broker.watch_until(alerts, DRAIN_S, lambda n: tell("stored", n, alerts))
        wall = time.monotonic() - start
        cores, kafka_cores = (broker.watch.cpu_s - cpu) / wall, (cpu_of(kafka.pid) - before) / wall
        stop_s = broker.finish(signal.SIGTERM)
        seen = broker.ledger.seen
    counts, out = ledger_counts(job.store), read_output(kafka, job.output)
    times = sent[:, 2] / 1000
    stored = np.array([seen.get((str(part), at), np.nan) for part, at, _ in sent.tolist()])
    return {
        **summary(stored - times),
        "max_after_run_in_s": _largest((stored - times)[times > times[0] + RUN_IN_S]),
        "parts": _parts(sent, stored, out),
        "lag": lag(times, stored),
        **_pacing(times),
        "workers": job.workers,
        "archive": job.archive,
        "cores": round(cores, 2),
        "kafka_cores": round(kafka_cores, 2),
        "peak_mb": broker.watch.peak_mb,
        "stop_s": round(stop_s, 2),
        "look_ms": round(1000 * LOOK_S),
        "alerts": alerts,
        "ledger": counts,
        "messages_out": len(out.alert_id),
        "distinct_out": out.distinct,
        "in_equals_out": counts == {"stored": alerts} and len(sent) == alerts == out.distinct,
        "how": __doc__.split("\n\n")[1].replace("\n", " ") if __doc__ else "",
    }


def _send(
    kafka: Kafka, job: Job, broker: Running, file: Path, rate: float, alerts: int, tell: Tell
) -> np.ndarray:
    """Let the producer work, look at the ledger meanwhile, and return what was sent."""
    noted = job.folder / "sent.npy"
    arguments = (kafka.servers, job.topic, job.partitions, str(file), rate, alerts, str(noted))
    process = get_context("spawn").Process(target=pace, args=arguments)
    process.start()
    try:
        while process.is_alive():
            tell("stored", broker.ledger.look(), alerts)
            if broker.process.poll() is not None:
                raise StreamError(f"gueststar run ended: {broker.said()}")
            time.sleep(LOOK_S)
    finally:
        if process.is_alive():
            process.terminate()
        process.join()
    if process.exitcode:
        raise StreamError("the producer failed; what it says stands above")
    sent = np.load(noted)
    if not len(sent):
        raise StreamError(f"Kafka at {kafka.servers} took no packet of the producer")
    return np.asarray(sent[np.argsort(sent[:, 2], kind="stable")])


def summary(latencies: np.ndarray) -> dict[str, float]:
    """Give the median, the 98th percentile and the largest; NaN where alerts did not arrive.

    Examples
    --------
    >>> summary(np.array([1.0, 2.0, 3.0]))
    {'p50_s': 2.0, 'p98_s': 2.96, 'max_s': 3.0}
    """
    median, high = np.quantile(latencies, [0.5, 0.98]) if len(latencies) else (np.nan, np.nan)
    return {
        "p50_s": round(float(median), 3),
        "p98_s": round(float(high), 3),
        "max_s": _largest(latencies),
    }


def _largest(latencies: np.ndarray) -> float:
    return round(float(np.max(latencies)), 3) if len(latencies) else float("nan")


def _parts(sent: np.ndarray, stored: np.ndarray, out: Output) -> dict[str, dict[str, float]]:
    """Split latencies at the moment when the alert was given to the output topic."""
    gone = dict(zip(out.place, out.sent.tolist(), strict=True))
    middle = np.array([gone.get((str(part), at), np.nan) for part, at, _ in sent.tolist()])
    return {
        "to_topic": summary(middle - sent[:, 2] / 1000),
        "topic_to_stored": summary(stored - middle),
    }


def lag(sent: np.ndarray, stored: np.ndarray) -> dict[str, Any]:
    """Count alerts that are sent and not yet stored, once a second.

    Parameters
    ----------
    sent, stored : numpy.ndarray, shape ``(alerts,)``
        When, s since 1970; NaN when never.

    Returns
    -------
    dict
        ``largest``; ``at_end``: when the last one was sent; ``median_by_quarter`` of the time;
        ``grows_per_s``: slope of a line through the second half, alerts a second.

    Examples
    --------
    >>> lag(np.arange(100) / 10, np.arange(100) / 10 + 2.0)["median_by_quarter"]
    [11, 20, 20, 20]
    """
    when = np.append(np.arange(sent.min(), sent.max(), 1.0), sent.max())
    done = np.searchsorted(np.sort(stored), when, side="right")  # NaN come last
    behind = np.searchsorted(np.sort(sent), when, side="right") - done
    half = len(when) // 2
    slope = np.polyfit(when[half:] - when[half], behind[half:], 1)[0] if len(when) > 5 else 0.0
    return {
        "largest": int(behind.max()),
        "at_end": int(behind[-1]),
        "median_by_quarter": [int(np.median(p)) for p in np.array_split(behind, 4) if len(p)],
        "grows_per_s": round(float(slope), 3),
    }


def _pacing(sent: np.ndarray) -> dict[str, float]:
    """Say how steady the producer was."""
    return {
        "sent_per_s": round((len(sent) - 1) / max(1e-9, float(np.ptp(sent))), 1),
        "worst_pause_s": round(float(np.diff(sent).max(initial=0.0)), 3),
    }
