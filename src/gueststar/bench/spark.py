"""Spark beside the local runner, in one run, with the same packets and the same module.

Spark ``local[2]`` and the local runner with 2 threads take turns: over a Kafka topic, over a
folder of packets, and Spark also over the Parquet archive that the local runner wrote. Both write
into a SQLite store of their own for each turn. The first turn over Kafka is Spark's cold one, with
the start of the session; the last turns are warm. The public views alerts, scores, lightcurves and
ledger of every one of Spark's stores are compared row for row with the local runner's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gueststar.bench import packets
from gueststar.bench.kafka import Kafka, Tell, fill, kafka_at, silent, topics
from gueststar.bench.ledger import compared
from gueststar.errors import BadInput, EngineError
from gueststar.run.spark.session import need_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PARTITIONS = 2
CORES = 2
VIEWS = {
    "alerts": "alert_id",
    "scores": "alert_id, module, class",
    "lightcurves": "object_id, mjd_tai, band, kind, exposure_id",
    "ledger": '"source", "partition", "offset", record',
}


def spark(
    rival: str = "spark",
    *,
    alerts: int = 5_000,
    seed: int = 1,
    address: str | None = None,
    turns: int = 2,
    tell: Tell = silent,
) -> dict[str, Any]:
    """Measure Spark and the local runner, and compare what they stored.

    Parameters
    ----------
    rival : str
        ``spark``, the only one there is.
    alerts, seed : int
        Of the simulated night.
    address : str, optional
        Of a Kafka; see :func:`gueststar.bench.kafka.kafka_at`.
    turns : int
        Of each of them over each input, at least 2.
    tell : callable, optional
        Told what is going on.

    Returns
    -------
    dict
        ``session_s`` (start of Spark); for ``kafka``, ``files`` and ``parquet`` the alerts a
        second of each turn of ``local`` and ``spark``, ``warm_ratio`` (local over Spark, last
        turns) and, for ``kafka``, ``spark_cold_per_s``, session included; ``same_rows``: how many
        rows of each view were compared and are the same.

    Raises
    ------
    MissingExtra
        If pyspark or confluent-kafka is not installed.
    BadInput
        If there is no Kafka or no Java.
    EngineError
        If Spark gives up, or its stores differ from the local runner's: the first row that does.
    """
    if rival != "spark":
        raise BadInput(f"no rival {rival!r} for spark; known: spark")
    need_spark()
    with tempfile.TemporaryDirectory(prefix="gueststar-bench-") as name, kafka_at(address) as kafka:
        file = packets.simulate(
            alerts,
            seed,
            Path(name) / "packets.arrow",
            lambda n: tell("simulate packets", n, alerts),
        )
        with topics(kafka, PARTITIONS) as (topic,):
            fill(kafka, topic, packets.read(file), lambda n: tell("send packets", n, alerts))
            bench = _Bench(Path(name), kafka, topic, _folder(file, Path(name)), alerts, tell)
            return bench.run(turns)


def _folder(file: Path, room: Path) -> Path:
    folder = room / "packets"
    folder.mkdir()
    for number, packet in enumerate(packets.read(file)):
        (folder / f"{number:08d}.avro").write_bytes(packet)
    return folder


@dataclass
class _Bench:
    """Contestants and what they work on."""

    room: Path
    kafka: Kafka
    topic: str
    folder: Path
    alerts: int
    tell: Tell

    def run(self, turns: int) -> dict[str, Any]:
        from gueststar.run.spark import CONNECTOR, spark_session
        from gueststar.surveys.avro import warm_up

        warm_up()  # of the local runner, whose first turn is not to be the cold one
        options = {"spark.ui.enabled": "false", "spark.log.level": "ERROR"}
        self.tell("start Spark", 0, 1)
        start = time.perf_counter()
        session = spark_session(
            "gueststar bench", master=f"local[{CORES}]", packages=[CONNECTOR], options=options
        )
        session_s = time.perf_counter() - start
        try:
            found = self._turns(session, max(2, turns))
        finally:
            session.stop()
        cold = self.alerts / (session_s + self.alerts / found["kafka"]["spark_per_s"][0])
        found["kafka"]["spark_cold_per_s"] = cold
        return {
            "ratio": found["kafka"]["warm_ratio"],
            "alerts": self.alerts,
            "session_s": round(session_s, 1),
            **found,
            "how": __doc__.split("\n\n")[1].replace("\n", " ") if __doc__ else "",
        }

    def _turns(self, session: SparkSession, turns: int) -> dict[str, Any]:
        inputs: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
            "kafka": (self._local_kafka, lambda at: self._spark_kafka(session, at)),
            "files": (self._local_files, lambda at: self._spark_files(session, at, self.folder)),
        }
        found: dict[str, Any] = {}
        for kind, (local, spark_) in inputs.items():
            rates: dict[str, list[float]] = {"local": [], "spark": []}
            for turn in range(turns):
                rates["spark"].append(self._timed(f"{kind}-spark-{turn}", spark_))
                rates["local"].append(self._timed(f"{kind}-local-{turn}", local))
                self._compare(f"{kind}-local-{turn}", f"{kind}-spark-{turn}")
            found[kind] = _account(rates)
        archive = self.room / "files-local-0" / "archive"
        again = lambda at: self._spark_files(session, at, archive)  # noqa: E731
        rates = {"spark": [self._timed(f"parquet-{turn}", again) for turn in range(turns)]}
        found["parquet"] = {"spark_per_s": rates["spark"]}
        # Each comparison raises where a row differs; the last one's numbers stand for all.
        found["same_rows"] = self._compare("files-local-0", f"parquet-{turns - 1}")
        return found

    def _timed(self, name: str, job: Callable[[Path], None]) -> float:
        self.tell(name, 0, self.alerts)
        at = self.room / name
        at.mkdir()
        start = time.perf_counter()
        job(at)
        return self.alerts / (time.perf_counter() - start)

    def _compare(self, local: str, other: str) -> dict[str, int]:
        stores = [self.room / name / "night.db" for name in (local, other)]
        rows = {}
        for view, order in VIEWS.items():
            rows[view], difference = compared(stores, view, order)
            if difference:
                raise EngineError(f"{local} and {other} differ in {difference}")
        return rows

    def _local_kafka(self, at: Path) -> None:
        from gueststar.sources.kafka import KafkaSource

        group = f"{self.topic}-{at.name}"
        self._local(at, KafkaSource(self.kafka.servers, self.topic, group=group, until="caught-up"))

    def _local_files(self, at: Path) -> None:
        from gueststar.sources import FileSource

        self._local(at, FileSource([self.folder]))

    def _local(self, at: Path, source: Any) -> None:
        from gueststar.classifiers.choose import modules_named
        from gueststar.pipeline import Pipeline
        from gueststar.run.ingest import ingest
        from gueststar.sinks.archive import Archive
        from gueststar.store import open_store

        pipeline = Pipeline(modules_named(["rb"]))
        with open_store(f"sqlite:///{at / 'night.db'}") as store:
            ingest([source], pipeline, store, archive=Archive(at / "archive"), workers=CORES)

    def _spark_kafka(self, session: SparkSession, at: Path) -> None:
        from gueststar.run.spark import run_stream
        from gueststar.sinks.archive import Archive
        from gueststar.sinks.store import StoreSink
        from gueststar.store import open_store

        with open_store(f"sqlite:///{at / 'night.db'}") as store:
            sink = StoreSink(store, Archive(at / "archive"))
            run_stream(
                session,
                [sink],
                servers=self.kafka.servers,
                topics=[self.topic],
                checkpoint=at / "checkpoint",
                modules=["rb"],
                until_caught_up=True,
            )

    def _spark_files(self, session: SparkSession, at: Path, folder: Path) -> None:
        from gueststar.run.spark import run_batch
        from gueststar.sinks.archive import Archive
        from gueststar.sinks.store import StoreSink
        from gueststar.store import open_store

        with open_store(f"sqlite:///{at / 'night.db'}") as store:
            sink = StoreSink(store, Archive(at / "archive"))
            run_batch(session, [folder], [sink], modules=["rb"])


def _account(rates: dict[str, list[float]]) -> dict[str, Any]:
    return {
        "local_per_s": rates["local"],
        "spark_per_s": rates["spark"],
        "warm_ratio": rates["local"][-1] / rates["spark"][-1],
    }
