"""Helpers of tests that talk to a real Kafka."""

import time
import uuid

import pytest

pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

LARGE = 16 << 20


def create(servers, partitions=1, name=None, **settings):
    """Make a topic of its own, with settings such as ``max_message_bytes``; return its name."""
    name = name or f"test-{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": servers})
    given = {key.replace("_", "."): str(value) for key, value in settings.items()}
    for future in admin.create_topics([NewTopic(name, partitions, 1, config=given)]).values():
        future.result(30)
    while name not in admin.list_topics(timeout=10).topics:
        time.sleep(0.05)
    return name


def send(servers, topic, packets, partitions=1, timestamps=None):
    """Send packets, in turn to every partition, and wait until they are safe.

    The producer is idempotent, so that they keep their order: another one, whose first request to
    a new topic is refused by a leader that does not know yet that it is one, sends it again later.
    """
    producer = Producer(
        {"bootstrap.servers": servers, "message.max.bytes": LARGE, "linger.ms": 20,
         "enable.idempotence": True, "log_level": 0}
    )  # fmt: skip
    for n, packet in enumerate(packets):
        stamp = {"timestamp": timestamps[n]} if timestamps else {}
        producer.produce(topic, packet, partition=n % partitions, **stamp)
        producer.poll(0)
    assert producer.flush(60) == 0


def read(servers, topic, count, timeout=30):
    """Messages of a topic from its beginning, until so many or the time is over."""
    settings = {
        "bootstrap.servers": servers,
        "group.id": uuid.uuid4().hex,
        "auto.offset.reset": "earliest",
        "fetch.message.max.bytes": LARGE,
    }
    consumer, found = Consumer(settings), []
    consumer.subscribe([topic])
    deadline = time.monotonic() + timeout
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return found
