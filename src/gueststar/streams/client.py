"""Calls of confluent-kafka, with errors that name the address and the way out.

The package is imported late: it is an extra.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gueststar.errors import (
    BadInput,
    MessageRefused,
    MissingExtra,
    StreamError,
    StreamRefused,
    StreamUnavailable,
)

log = logging.getLogger(__name__)

ANSWER_S = 10.0  # how long a broker may take to answer
QUIET_S = 30.0  # the same trouble is told no more often than this
Key = tuple[str, int]
#: Settings of consumers and producers.
SETTINGS: Mapping[str, Any] = {
    "reconnect.backoff.ms": 200,
    "reconnect.backoff.max.ms": 5_000,
    "log_level": 2,  # what matters comes to Trouble
}


class Trouble:
    """Collects what librdkafka reports; most heals by itself, some ends the stream."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self.last: Any = None
        self._fatal: Any = None
        self._said: dict[str, float] = {}

    def note(self, error: Any) -> None:
        """Take a KafkaError."""
        self.last = error
        if error.fatal() or error.name() in REFUSALS:
            self._fatal = error
        elif time.monotonic() - self._said.get(error.name(), -math.inf) > QUIET_S:
            self._said[error.name()] = time.monotonic()
            log.warning("Kafka at %s: %s", self.servers, error.str())

    def check(self) -> None:
        """Raise what cannot heal.

        Raises
        ------
        StreamRefused
            If it does not let us.
        StreamError
            If this client is broken for good; another one may work.
        """
        if self._fatal is None:
            return
        if self._fatal.name() in REFUSALS:
            raise StreamRefused(f"Kafka at {self.servers} refuses: {self._fatal.str()}")
        raise StreamError(f"Kafka at {self.servers} has ended this client: {self._fatal.str()}")


#: Answers that no waiting changes.
REFUSALS = {
    "_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "_SSL", "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "UNSUPPORTED_SASL_MECHANISM",
}  # fmt: skip

#: Answers about the messages of one request, of which some may be fine.
ABOUT_MESSAGES = {"MSG_SIZE_TOO_LARGE", "INVALID_RECORD"}


def package() -> Any:
    """Import confluent-kafka.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        import confluent_kafka
    except ImportError as error:
        raise MissingExtra("confluent-kafka", "kafka") from error
    return confluent_kafka


def consumer(settings: Mapping[str, Any]) -> Any:
    """Make a consumer.

    Raises
    ------
    BadInput
        If librdkafka does not know a setting.
    """
    return _made(package().Consumer, settings)


def producer(settings: Mapping[str, Any]) -> Any:
    """Make a producer; errors as of :func:`consumer`."""
    return _made(package().Producer, settings)


def _made(kind: Any, settings: Mapping[str, Any]) -> Any:
    try:
        return kind(dict(settings), logger=log)
    except package().KafkaException as error:
        raise BadInput(f"a setting of Kafka cannot be: {error.args[0].str()}") from error


def names(asked: Any, trouble: Trouble) -> dict[str, int]:
    """Return the numbers of partitions of all topics.

    Raises
    ------
    StreamUnavailable
        If no broker answers in time.
    """
    try:
        topics = asked.list_topics(timeout=ANSWER_S).topics
    except package().KafkaException as error:
        trouble.check()
        raise StreamUnavailable(
            f"no Kafka answers at {trouble.servers} ({error.args[0].str()}): is the address right "
            "and the broker running?"
        ) from error
    return {name: len(topic.partitions) for name, topic in topics.items()}


def watermarks(asked: Any, key: Key, *, timeout: float = ANSWER_S) -> tuple[int, int]:
    """Return the oldest offset of a partition, and one after the newest.

    Raises
    ------
    StreamUnavailable
        If no broker answers in time.
    """
    where = package().TopicPartition(*key)
    found = _asked(asked.get_watermark_offsets, where, timeout=timeout)
    return (int(found[0]), int(found[1])) if found else (-1, -1)


def committed(asked: Any, keys: Sequence[Key]) -> dict[Key, int]:
    """Return the group's committed offsets; negative where there is none."""
    wanted = [package().TopicPartition(*key) for key in keys]
    found = _asked(asked.committed, wanted, timeout=ANSWER_S) if wanted else []
    return {(p.topic, p.partition): int(p.offset) for p in found}


def at_time(asked: Any, keys: Sequence[Key], moment: datetime) -> dict[Key, int]:
    """Return the first offsets that are not older than a moment; negative at the end."""
    stamp = int(moment.timestamp() * 1000)
    wanted = [package().TopicPartition(*key, stamp) for key in keys]
    found = _asked(_all_offsets, asked, wanted, timeout=ANSWER_S) if wanted else []
    return {(p.topic, p.partition): int(p.offset) for p in found}


def _all_offsets(asked: Any, wanted: Sequence[Any], *, timeout: float) -> Any:
    """Ask where partitions stood; the offset of one that has an error means nothing."""
    found = asked.offsets_for_times(wanted, timeout=timeout)
    for part in found:
        if part.error is not None:
            raise package().KafkaException(part.error)
    return found


def _asked(call: Any, *arguments: Any, **options: Any) -> Any:
    """Ask, and ask again while a group or a new topic is finding out who leads it."""
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            return call(*arguments, **options)
        except package().KafkaException as error:
            if error.args[0].name() not in _EARLY or time.monotonic() > deadline:
                raise StreamUnavailable(f"Kafka does not answer: {error.args[0].str()}") from error
        time.sleep(0.1)


_EARLY = {
    "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS",
    "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "UNKNOWN_TOPIC_OR_PART",
    "UNKNOWN_LEADER_EPOCH", "FENCED_LEADER_EPOCH", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC",
}  # fmt: skip


def commit(asked: Any, offsets: Mapping[Key, int]) -> bool:
    """Ask for offsets to be committed; False when that could not even be asked."""
    kafka = package()
    wanted = [kafka.TopicPartition(*key, at) for key, at in offsets.items()]
    try:
        asked.commit(offsets=wanted, asynchronous=True)
    except kafka.KafkaException as error:
        log.warning("offsets are not committed yet: %s", error.args[0].str())
        return False
    return True


def create(settings: Mapping[str, Any], topic: str, partitions: int) -> None:
    """Make a topic, one copy of each partition.

    Raises
    ------
    StreamError
        If the broker refuses.
    """
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({**SETTINGS, **settings})
    (made,) = admin.create_topics([NewTopic(topic, partitions, 1)]).values()
    try:
        made.result(ANSWER_S)
    except package().KafkaException as error:
        raise StreamError(f"topic {topic!r} cannot be made: {error.args[0].str()}") from error


def produce(
    producer: Any,
    trouble: Trouble,
    topic: str,
    value: bytes,
    key: bytes | None,
    done: Any,
    *,
    deadline: float = math.inf,
) -> None:
    """Hand a message to a producer; wait while its queue is full, by the monotonic clock.

    Raises
    ------
    StreamUnavailable
        If the queue stays full.
    MessageRefused
        If this message is not taken.
    StreamRefused
        If none is.
    StreamError
        If something happened that cannot heal.
    """
    while True:
        try:
            producer.produce(topic, value, key, on_delivery=done)
        except BufferError as error:  # the queue is full: wait for acknowledgements
            producer.poll(0.1)
            trouble.check()
            if time.monotonic() > deadline:
                raise StreamUnavailable(f"Kafka at {trouble.servers} takes no more") from error
        except package().KafkaException as error:
            place = f"topic {topic!r} of Kafka at {trouble.servers}"
            if error.args[0].name() in ABOUT_MESSAGES:
                raise MessageRefused(f"{error.args[0].str()} ({len(value):,} bytes)") from error
            raise StreamRefused(f"{place} takes no message: {error.args[0].str()}") from error
        else:
            producer.poll(0)
            return


def sent_at(message: Any) -> float | None:
    """Return the timestamp of a message, Unix time in s; None when it has none."""
    kind, milliseconds = message.timestamp()
    return None if kind == package().TIMESTAMP_NOT_AVAILABLE else milliseconds / 1000.0


def close(consumer: Any, seconds: float) -> bool:
    """Leave the group; False when that took longer than it may.

    librdkafka may wait without end when Kafka is away. The thread that waits is left to itself
    then, and the group takes the partitions back by its own clock.
    """
    leaving = threading.Thread(target=consumer.close, name="leaving", daemon=True)
    leaving.start()
    leaving.join(seconds)
    if leaving.is_alive():
        log.warning("Kafka does not answer: the group has its partitions back after a while")
    return not leaving.is_alive()


def pause(asked: Any, keys: Iterable[Key]) -> None:
    """Let nothing more come from partitions; what was read ahead is let go."""
    asked.pause([package().TopicPartition(*key) for key in keys])


def resume(asked: Any, keys: Iterable[Key]) -> None:
    """Undo :func:`pause`."""
    asked.resume([package().TopicPartition(*key) for key in keys])


def is_end(error: Any) -> bool:
    """Tell the end of a partition from an error."""
    return bool(error.code() == package().KafkaError._PARTITION_EOF)
