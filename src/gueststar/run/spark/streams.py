"""Structured Streaming: Kafka, through Spark's own connector, into sinks.

Spark writes down the offsets of a micro-batch before it begins and its end after every sink has
flushed. A micro-batch that was interrupted in between is done again with the very same offsets,
and the sinks find in their ledger what they know already.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gueststar.contracts import Reading, Sink
from gueststar.errors import BadInput, GueststarError
from gueststar.run.spark import worker
from gueststar.run.spark.results import Done, collected, drain
from gueststar.run.spark.session import ARROW_ROWS, spark_error, spark_errors
from gueststar.streams import SOURCE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

POLL = 1  # s between two looks at the request to stop
LARGEST_MESSAGE = 16 << 20

#: librdkafka's names of settings that Java's client spells otherwise.
_RENAMED = {"sasl.mechanisms": "sasl.mechanism", "ssl.ca.location": "ssl.truststore.location"}
_LOGINS = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def run_stream(
    spark: SparkSession,
    sinks: Sequence[Sink],
    *,
    servers: str,
    topics: Sequence[str],
    checkpoint: str | Path,
    modules: Sequence[str] | None = None,
    schemas: str | None = None,
    start: str | datetime = "earliest",
    until_caught_up: bool = False,
    batch_size: int = 500,
    most: int = 5_000,
    options: Mapping[str, str] | None = None,
    progress: Callable[[Done], None] | None = None,
    readings: Callable[[list[Reading]], None] | None = None,
    stop: threading.Event | None = None,
) -> Done:
    """Score a stream on Spark and write it into sinks.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
        With the package :data:`~gueststar.run.spark.CONNECTOR`.
    sinks : sequence of Sink
        Written by the driver.
    servers : str
        Kafka's bootstrap servers, ``host:port,...``.
    topics : sequence of str
        Names, and patterns: these begin with ``^``.
    checkpoint : path or URL
        Folder of Spark's checkpoint; one stream, one folder. The same folder goes on where the
        stream was stopped or killed.
    modules, schemas, batch_size
        See :func:`~gueststar.run.spark.run_batch`.
    start : str or datetime
        ``earliest``, ``latest`` or a time, for a new checkpoint.
    until_caught_up : bool
        Return when everything is done that was there at the start.
    most : int
        Messages a micro-batch at most: what the driver holds in memory at a time.
    options : mapping of str, optional
        Settings of the Kafka client, in librdkafka's spelling or in Java's.
    progress : callable, optional
        Called after every micro-batch.
    readings : callable, optional
        Told after micro-batches where partitions stand and end.
    stop : threading.Event, optional
        When set, the micro-batch in flight is finished, and no other is begun.

    Returns
    -------
    Done

    Raises
    ------
    BadInput, BadModule
        If a setting or a module cannot be used.
    EngineError
        If Spark gives up. The same call goes on from the checkpoint.
    GueststarError
        What a sink raises; its micro-batch is done again by the same call.
    """
    recipe = worker.Recipe.of(modules, schemas or os.environ.get("GUESTSTAR_SCHEMAS"), batch_size)
    spark.conf.set(ARROW_ROWS, str(batch_size))
    stop = stop or threading.Event()
    writer = _Writer(sinks, progress, stop, Done(modules=dict(recipe.modules)))
    kafka = read_options(servers, topics, start, most, options or {})
    try:
        messages = spark.readStream.format("kafka").options(**kafka).load()
        columns = messages.select("value", "topic", "partition", "offset", "timestamp")
        results = columns.mapInArrow(worker.messages_job(recipe), worker.RESULTS)
        stream = results.writeStream.foreachBatch(writer).option(
            "checkpointLocation", str(checkpoint)
        )
        trigger: dict[str, Any] = (
            {"availableNow": True} if until_caught_up else {"processingTime": "0 seconds"}
        )
        _wait(stream.trigger(**trigger).start(), writer, readings or (lambda _: None))
    except spark_errors() as error:
        where = f" on {', '.join(topics)} of {servers}"
        raise writer.error or spark_error(error, where) from error
    return writer.done


class _Writer:
    """What Spark calls with every micro-batch."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        progress: Callable[[Done], None] | None,
        stop: threading.Event,
        done: Done,
    ) -> None:
        self.sinks, self.progress, self.stop, self.done = sinks, progress, stop, done
        self.error: GueststarError | None = None
        self.busy = threading.Lock()
        self._start = time.perf_counter()

    def __call__(self, results: DataFrame, number: int) -> None:
        with self.busy:
            if self.stop.is_set():  # to return would tell Spark that this micro-batch is done
                raise RuntimeError("stopped before this micro-batch")
            try:
                drain(collected(results), self.sinks, self.done)
            except GueststarError as error:
                self.error = error
                raise
            self.done.rounds += 1
            self.done.seconds = time.perf_counter() - self._start
            if self.progress:
                self.progress(self.done)


def _wait(
    query: StreamingQuery, writer: _Writer, readings: Callable[[list[Reading]], None]
) -> None:
    """Wait for the end of a stream, or for the request to stop between two micro-batches."""
    told = -1
    try:
        quiet = 0  # looks in a row: Spark notes the end of a micro-batch after our flush
        while quiet < 2 and not query.awaitTermination(POLL):
            idle = writer.stop.is_set() and not writer.busy.locked()
            quiet = quiet + 1 if idle else 0
            told = _tell(query, told, readings)
        _tell(query, told, readings)
    except spark_errors():
        if not writer.stop.is_set() or writer.error:
            raise
    finally:
        query.stop()


def _tell(query: StreamingQuery, told: int, readings: Callable[[list[Reading]], None]) -> int:
    """Tell where partitions stand, once a micro-batch; return its number."""
    last = query.lastProgress
    if last is None or last.batchId == told:
        return told
    readings(readings_of(json.loads(last.json)))
    return int(last.batchId)


def readings_of(progress: Mapping[str, Any]) -> list[Reading]:
    """Return where partitions stand after a micro-batch, from Spark's account of it.

    Examples
    --------
    >>> source = {"endOffset": {"ztf": {"0": 5}}, "latestOffset": {"ztf": {"0": 9}}}
    >>> readings_of({"sources": [source]})
    [Reading(source='kafka:ztf', partition='0', position=5, end=9)]
    """
    found = []
    for source in progress["sources"]:
        at, last = (_offsets(source.get(name)) for name in ("endOffset", "latestOffset"))
        for topic, partitions in at.items():
            for partition, offset in partitions.items():
                end = last.get(topic, {}).get(partition, offset)
                found.append(Reading(SOURCE + topic, partition, offset, max(offset, end)))
    return found


def _offsets(given: Any) -> dict[str, dict[str, int]]:
    """Spark writes offsets as an object, or as the text of one."""
    read = json.loads(given) if isinstance(given, str) else given
    return dict(read or {})


def read_options(
    servers: str,
    topics: Sequence[str],
    start: str | datetime,
    most: int,
    options: Mapping[str, str],
) -> dict[str, str]:
    """Spell the settings of a Kafka source as Spark's connector wants them.

    Raises
    ------
    BadInput
        If there is no topic, or a start that Spark does not know.

    Examples
    --------
    >>> read_options("localhost:9092", ["ztf"], "latest", 100, {})["startingOffsets"]
    'latest'
    """
    return {
        "kafka.bootstrap.servers": servers,
        **_subscription(topics),
        **_start(start),
        "maxOffsetsPerTrigger": str(most),
        "failOnDataLoss": "true",  # messages that Kafka has dropped are an error, not a gap
        "kafka.max.partition.fetch.bytes": str(LARGEST_MESSAGE),
        **{f"kafka.{key}": value for key, value in java_options(options).items()},
    }


def _subscription(topics: Sequence[str]) -> dict[str, str]:
    if not topics:
        raise BadInput("no Kafka topic is named: topics = ['ztf_20240101_programid1']")
    if any(topic.startswith("^") for topic in topics):
        return {"subscribePattern": "|".join(map(_java_pattern, topics))}
    return {"subscribe": ",".join(topics)}


def _java_pattern(topic: str) -> str:
    """Java matches whole names, librdkafka looks for a beginning."""
    if not topic.startswith("^"):
        return re.escape(topic)
    return f"(?:{topic[1:]})" if topic.endswith("$") else f"(?:{topic[1:]}).*"


def _start(start: str | datetime) -> dict[str, str]:
    if isinstance(start, datetime):
        return {
            "startingTimestamp": str(round(start.timestamp() * 1000)),
            "startingOffsetsByTimestampStrategy": "latest",
        }
    if start not in {"earliest", "latest"}:
        raise BadInput(f"start = {start!r}: it must be 'earliest', 'latest' or a time")
    return {"startingOffsets": start}


def java_options(options: Mapping[str, str]) -> dict[str, str]:
    """Spell librdkafka's settings as Java's Kafka client does; others stay as they are.

    Raises
    ------
    BadInput
        If a login is of a kind that is not known here.

    Examples
    --------
    >>> java_options({"sasl.mechanisms": "PLAIN"})
    {'sasl.mechanism': 'PLAIN'}
    """
    given = {_RENAMED.get(key, key): str(value) for key, value in options.items()}
    if "ssl.ca.location" in options:
        given["ssl.truststore.type"] = "PEM"
    user, password = given.pop("sasl.username", None), given.pop("sasl.password", "")
    if user is None:
        return given
    mechanism = given.get("sasl.mechanism", "PLAIN")
    if mechanism not in _LOGINS:
        raise BadInput(f"sasl.mechanism {mechanism!r} with a user: known are {sorted(_LOGINS)}")
    secrets = f"username={_quoted(user)} password={_quoted(password)}"
    return {**given, "sasl.jaas.config": f"{_LOGINS[mechanism]} required {secrets};"}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
