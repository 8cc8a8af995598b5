"""What benchmarks need of a Kafka: a broker, topics of their own, and counting what is in one."""

from __future__ import annotations

import importlib.util
import io
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import numpy as np

from gueststar.errors import BadInput, StreamError
from gueststar.streams import client
from gueststar.streams.send import send

VARIABLE = "GUESTSTAR_KAFKA"
TOOL = Path(__file__).resolve().parents[3] / "tools" / "kafka_server.py"
LARGEST = 16 << 20  # bytes of a message
ANSWER_S = 30.0

#: Told what is going on, how much of it is done, and how much there is.
Tell = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Kafka:
    """A Kafka to be measured with.

    Parameters
    ----------
    servers : str
    pid : int or None
        Of the broker, when it was started for the benchmark.
    """

    servers: str
    pid: int | None = None


@contextmanager
def kafka_at(address: str | None) -> Iterator[Kafka]:
    """Use the Kafka at an address, or that of ``GUESTSTAR_KAFKA``, or start one for a while.

    Raises
    ------
    MissingExtra
        If confluent-kafka is not installed.
    BadInput
        If there is none, and none can be started.
    """
    client.package()
    if known := address or os.environ.get(VARIABLE):
        yield Kafka(known)
        return
    tool = _tool()
    with tempfile.TemporaryDirectory(prefix="gueststar-kafka-") as folder:
        try:
            server = tool.broker(Path(folder)).start()
        except tool.Missing as reason:
            raise BadInput(f"no Kafka: {reason}, or {_WAY_OUT}") from None
        try:
            process = getattr(server, "process", None)  # none where Docker runs it
            yield Kafka(server.servers, process and process.pid)
        finally:
            server.close()


_WAY_OUT = f"name one with --kafka HOST:PORT or {VARIABLE}"


def _tool() -> Any:
    if not TOOL.exists():
        raise BadInput(f"no Kafka to measure with, and no {TOOL.name} to start one: {_WAY_OUT}")
    spec = importlib.util.spec_from_file_location("kafka_server", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def topics(kafka: Kafka, *partitions: int) -> Iterator[list[str]]:
    """Make topics with so many partitions each; they are deleted at the end.

    Raises
    ------
    StreamError
        If the broker refuses.
    """
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": kafka.servers, "log_level": 2})
    names = [f"gueststar-bench-{uuid.uuid4().hex[:10]}" for _ in partitions]
    for name, number in zip(names, partitions, strict=True):
        client.create({"bootstrap.servers": kafka.servers}, name, number)
    deadline = time.monotonic() + ANSWER_S
    while not set(names) <= set(client.names(admin, client.Trouble(kafka.servers))):
        if time.monotonic() > deadline:
            raise StreamError(f"Kafka at {kafka.servers} does not show the topics that it made")
        time.sleep(0.05)
    try:
        yield names
    finally:
        admin.delete_topics(names)
        admin.poll(0)
        client.names(admin, client.Trouble(kafka.servers))  # the request has gone out


def producer(servers: str, **settings: Any) -> Any:
    """Make a producer of large packets, which are compressed already."""
    given = {"bootstrap.servers": servers, "message.max.bytes": LARGEST, "linger.ms": 5}
    return client.producer({**client.SETTINGS, **given, **settings})


def fill(kafka: Kafka, topic: str, packets: Iterable[bytes], tell: Callable[[int], None]) -> None:
    """Send packets, each to a partition by chance, so that all get nearly the same number."""
    send(packets, kafka.servers, topic, progress=tell)


def assigned(kafka: Kafka, group: str) -> bool:
    """Tell whether a member of a consumer group has partitions to read."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": kafka.servers, "log_level": 2})
    try:
        found = admin.describe_consumer_groups([group])[group].result(ANSWER_S)
    except client.package().KafkaException:
        return False
    return any(member.assignment.topic_partitions for member in found.members)


@dataclass(frozen=True)
class Output:
    """What is in a topic of ours.

    Parameters
    ----------
    alert_id : numpy.ndarray of int64, shape ``(messages,)``
    place : list of (str, int)
        Partition and offset of the packet that each message came from.
    sent : numpy.ndarray of float64, shape ``(messages,)``
        Kafka's time stamp, s since 1970.
    """

    alert_id: np.ndarray
    place: list[tuple[str, int]]
    sent: np.ndarray

    @property
    def distinct(self) -> int:
        """How many different alerts are in it."""
        return len(np.unique(self.alert_id))


def read_output(kafka: Kafka, topic: str) -> Output:
    """Read a topic of ours from its beginning to its end, with fastavro.

    Raises
    ------
    StreamError
        If the end is not reached in time.
    """
    alerts: list[dict[str, Any]] = []
    stamps: list[float] = []
    for message in messages(kafka, topic):
        alerts.append(_slim(message.value()))
        stamps.append(message.timestamp()[1] / 1000)
    return Output(
        np.array([alert["alert_id"] for alert in alerts], np.int64),
        [(str(alert.get("partition")), int(alert.get("offset") or 0)) for alert in alerts],
        np.array(stamps),
    )


def _slim(message: bytes) -> dict[str, Any]:
    alert = next(iter(fastavro.reader(io.BytesIO(message))))
    assert isinstance(alert, dict)
    return {name: alert.get(name) for name in ("alert_id", "partition", "offset")}


def messages(kafka: Kafka, topic: str) -> Iterator[Any]:
    """Give all messages that are in a topic now.

    Raises
    ------
    StreamError
        If the end is not reached in time.
    """
    part = client.package().TopicPartition
    reader = client.consumer(
        {**client.SETTINGS, "bootstrap.servers": kafka.servers, "group.id": uuid.uuid4().hex}
    )
    try:
        there = client.names(reader, client.Trouble(kafka.servers))[topic]
        marks = [client.watermarks(reader, (topic, number)) for number in range(there)]
        reader.assign([part(topic, number, low) for number, (low, _) in enumerate(marks)])
        yield from _until(reader, sum(high - low for low, high in marks), topic)
    finally:
        reader.close()


def _until(reader: Any, count: int, topic: str) -> Iterator[Any]:
    deadline = time.monotonic() + ANSWER_S
    while count and time.monotonic() < deadline:
        found: Sequence[Any] = reader.consume(min(count, 500), timeout=1.0)
        for message in found:
            if message.error() is None:
                count -= 1
                deadline = time.monotonic() + ANSWER_S
                yield message
    if count:
        raise StreamError(f"{count} messages of topic {topic!r} did not come")
