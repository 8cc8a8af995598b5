"""Alerts from Apache Kafka: the surveys' own transport.

ZTF sends one Avro container a message on topics by night, Rubin sends Confluent-framed messages;
both pass through unchanged, decoding tells them apart. Offsets are committed only by
:meth:`KafkaSource.commit`, which the runner calls after every sink has flushed. A message that is
read again, after a crash or a rebalance, is ``known`` to the ledger.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from gueststar.batch import PACKETS
from gueststar.contracts import Reading
from gueststar.errors import BadInput, StreamError
from gueststar.sources.offsets import Ends, Key, ends_of, seek
from gueststar.sources.topics import matching, patterns
from gueststar.streams import SOURCE, client

Until = Literal["caught-up"] | int | datetime | None

log = logging.getLogger(__name__)

LARGEST = 64 << 20  # bytes of one answer of a broker
PORTION = 64  # messages that are asked for at a time
CLOSE_S, LEAVE_S = 10.0, 5.0  # how long the end waits for acknowledgements; to leave the group
SETTINGS: Mapping[str, Any] = {
    **client.SETTINGS,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 10_000,  # a killed worker's partitions are taken over after this
    "max.poll.interval.ms": 900_000,  # how long the store may take for one batch
    "topic.metadata.refresh.interval.ms": 10_000,  # how soon a new topic is found
    "fetch.message.max.bytes": 16 << 20,
    "fetch.max.bytes": LARGEST - (1 << 20),
    "receive.message.max.bytes": LARGEST,
    "queued.max.messages.kbytes": 65_536,  # read ahead, whatever the store does meanwhile
    "queued.min.messages": 1_000,
}


class KafkaSource:
    """Packets from Kafka topics, as one member of a consumer group.

    Parameters
    ----------
    servers : str
        ``host:port``, several with commas.
    topics : str or sequence of str
        Names; regular expressions, which begin with ``^``; or names in which ``YYYYMMDD``
        stands for any date (``ztf_YYYYMMDD_programid1``). Topics that appear later are found.
    group : str
        Consumer group: its members share the partitions, and its committed offsets say where a
        restart goes on.
    start : {'earliest', 'latest'} or datetime
        Where a group without committed offsets begins; a datetime means the first message that
        is not older.
    until : None, 'caught-up', int or datetime
        When to end: never; when everything is read that was there at the beginning; after so
        many alerts; when everything is read that was sent before a moment, which may lie ahead.
    batch_size, batch_bytes : int
        A batch ends at so many packets or bytes.
    wait_s : float
        A batch waits no longer than this for more packets; without any, an empty batch is given.
    options : mapping, optional
        Settings of librdkafka, such as SASL and TLS; they win over ours.

    Attributes
    ----------
    size, done : int or None, int
        Messages that are there and messages read, for a progress bar.

    Raises
    ------
    MissingExtra
        If confluent-kafka is not installed.
    BadInput
        If an argument cannot be.
    """

    def __init__(
        self,
        servers: str,
        topics: str | Sequence[str],
        *,
        group: str = "gueststar",
        start: str | datetime = "earliest",
        until: Until = None,
        batch_size: int = 500,
        batch_bytes: int = 32_000_000,
        wait_s: float = 1.0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.servers, self.group = servers, group
        self.topics = [topics] if isinstance(topics, str) else list(topics)
        self.start, self.until = _checked_start(start), _checked_until(until)
        self.batch_size, self.batch_bytes, self.wait_s = batch_size, batch_bytes, wait_s
        self.size: int | None = None
        self.done = 0
        if not self.topics:
            raise BadInput("a Kafka source needs at least one topic")
        self._given = dict(options or {})
        self._trouble = client.Trouble(servers)
        self._consumer: Any = None
        self._mine: set[Key] = set()
        self._at: dict[Key, int] = {}  # delivered up to here
        self._safe: dict[Key, int] = {}  # flushed up to here
        self._pending: dict[Key, int] = {}  # flushed, and not yet acknowledged by the broker
        self._readings: list[Reading] = []  # the last ones
        self._asking = threading.Lock()  # a consumer is not closed while it is asked
        self._asked = False  # a commit is under way
        self._resting: set[Key] = set()  # paused
        self._rested = False  # something may be paused
        self._kept: list[Any] = []  # came in while we rested

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches until the end condition holds; empty ones while nothing comes.

        Raises
        ------
        StreamError
            If no broker answers, or the login is refused.
        BadInput
            If a named topic that should be read to its end does not exist.
        """
        self._open()
        ends = self._first_ends()
        while not self._enough():
            messages = self._batch()
            self._trouble.check()
            if messages:
                yield _packed(messages)
                continue
            ends = ends or self._due_ends()
            if ends is not None and self._reached(ends):
                return
            yield _packed([])

    def commit(self, batch: pa.RecordBatch) -> None:
        """Tell the broker that this batch, and all before it, is safe.

        It does not wait for the answer, which may need this very thread (a rebalance in between);
        what is not acknowledged is sent again with the next batch. Until then the group would
        read those messages once more, and the ledger would know them.
        """
        if self._consumer is None:
            return
        after = _after(batch) if batch.num_rows else dict(self._at)
        self._safe |= after
        self._pending |= after
        self._ask()

    def rest(self) -> None:
        """Stay a member of the group while nothing can be taken; nothing more is read.

        Called now and then while a sink waits: a member that does not poll holds up every
        rebalance, and is put out of the group after ``max.poll.interval.ms``.
        """
        if self._consumer is None:
            return
        if awake := self._mine - self._resting:
            client.pause(self._consumer, awake)
            self._resting |= awake
            self._rested = True
        message = self._consumer.poll(0)
        if message is not None:  # an event, or of a partition that was given to us this moment
            self._kept.append(message)

    def _wake(self) -> list[Any]:
        """Read again; give what came meanwhile."""
        if self._rested:
            client.resume(self._consumer, self._mine)
            self._rested = False
            self._resting.clear()
        kept, self._kept = self._kept, []
        return [message for message in kept if self._taken(message)]

    def _ask(self) -> None:
        """Send the offsets that are not acknowledged, one request at a time."""
        self._pending = {key: at for key, at in self._pending.items() if key in self._mine}
        if self._pending and not self._asked:
            self._asked = client.commit(self._consumer, self._pending)

    def _acknowledged(self, error: Any, partitions: Sequence[Any]) -> None:
        self._asked = False
        if error is not None:
            log.warning("offsets are not committed yet: %s", error.str())
            return
        for part in partitions:
            key = (part.topic, part.partition)
            if part.error is None and self._pending.get(key, math.inf) <= part.offset:
                del self._pending[key]

    def close(self) -> None:
        """Leave the group, after waiting some seconds for acknowledgements."""
        if self._consumer is None:
            return
        deadline = time.monotonic() + CLOSE_S
        while self._pending and time.monotonic() < deadline:
            self._consumer.consume(1, timeout=0.1)  # what it gives is read again by the next
            self._ask()
        self.readings()
        with self._asking:
            consumer, self._consumer = self._consumer, None
            self._mine.clear()
        client.close(consumer, LEAVE_S)

    def readings(self) -> list[Reading]:
        """Tell where the partitions that are ours stand, and where they end.

        It asks the broker, and may be called from another thread; a broker that does not answer
        within two seconds leaves what was known.
        """
        with self._asking, suppress(StreamError):
            if self._consumer is not None:
                self._readings = [
                    self._reading(key) for key in sorted(self._mine & set(self._safe))
                ]
        return self._readings

    def _reading(self, key: Key) -> Reading:
        high, safe = client.watermarks(self._consumer, key, timeout=2.0)[1], self._safe[key]
        return Reading(SOURCE + key[0], str(key[1]), safe, max(safe, high))

    def _open(self) -> None:
        self.close()
        self._at, self._safe, self._pending, self.done = {}, {}, {}, 0
        self._readings = []
        self._asked = False
        self._resting, self._kept, self._rested = set(), [], False
        settings = {
            **SETTINGS,
            "bootstrap.servers": self.servers,
            "group.id": self.group,
            "auto.offset.reset": self.start if isinstance(self.start, str) else "earliest",
            "error_cb": self._trouble.note,
            "on_commit": self._acknowledged,
            **self._given,
        }
        self._consumer = client.consumer(settings)
        try:
            self._join()
        except BaseException:
            self.close()
            raise

    def _join(self) -> None:
        client.names(self._consumer, self._trouble)  # does anybody answer?
        self._consumer.subscribe(
            patterns(self.topics),
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._revoked,
        )

    def _assigned(self, consumer: Any, partitions: Sequence[Any]) -> None:
        if isinstance(self.start, datetime):
            consumer.incremental_assign(seek(consumer, partitions, self.start))
        keys = [(p.topic, p.partition) for p in partitions]
        self._mine.update(keys)
        self._resting -= set(keys)
        self._rested = True  # librdkafka remembers the pause of a partition that comes back
        for key in keys:  # what was delivered before it went away is delivered again
            self._at.pop(key, None)

    def _revoked(self, consumer: Any, partitions: Sequence[Any]) -> None:
        gone = {(partition.topic, partition.partition) for partition in partitions}
        self._mine -= gone
        self._resting -= gone

    def _batch(self) -> list[Any]:
        """Collect messages until a batch is full or the wait is over."""
        found = self._wake()
        size, deadline = 0, time.monotonic() + self.wait_s
        while len(found) < self._room() and size < self.batch_bytes:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            # As many as fit by the size of those before: packets of several MB come one by one.
            fit = (self.batch_bytes - size) * len(found) // max(1, size)
            portion = max(1, min(PORTION, fit, self._room() - len(found)))
            for message in self._consumer.consume(portion, timeout=min(left, 0.2)):
                if self._taken(message):
                    found.append(message)
                    size += len(message.value() or b"")
        self.done += len(found)
        return found

    def _room(self) -> int:
        limit = self.until if isinstance(self.until, int) else math.inf
        return int(min(self.batch_size, limit - self.done))

    def _taken(self, message: Any) -> bool:
        """Note where a partition stands; tell a message from an event."""
        key = (message.topic(), message.partition())
        error = message.error()
        if error is None:
            self._at[key] = message.offset() + 1
            return True
        if client.is_end(error):
            self._at[key] = max(message.offset(), self._at.get(key, 0))
        else:
            self._trouble.note(error)
        return False

    def _enough(self) -> bool:
        return isinstance(self.until, int) and self.done >= self.until

    def _first_ends(self) -> Ends | None:
        """Where reading ends, when that is known at the beginning."""
        if self.until == "caught-up":
            return self._measured(None)
        return self._due_ends()

    def _due_ends(self) -> Ends | None:
        """Where reading ends, when the moment has come that it was given for."""
        if isinstance(self.until, datetime) and time.time() >= self.until.timestamp():
            return self._measured(self.until)
        return None

    def _measured(self, moment: datetime | None) -> Ends:
        there = client.names(self._consumer, self._trouble)
        wanted = matching(self.topics, there)
        ends = ends_of(self._consumer, {name: there[name] for name in wanted}, moment)
        begun = client.committed(self._consumer, list(ends.last))
        self.size = sum(
            max(0, end - max(begun[key], ends.first[key])) for key, end in ends.last.items()
        )
        return ends

    def _reached(self, ends: Ends) -> bool:
        """Tell whether all is read: our partitions by us, the others by the group."""
        behind = [key for key, end in ends.last.items() if self._at.get(key, -1) < end]
        if any(key in self._mine for key in behind):
            return False
        try:
            safe = client.committed(self._consumer, behind)
        except StreamError as error:  # it may come back: a stream waits
            log.warning("%s", error)
            return False
        return all(safe[key] >= ends.last[key] for key in behind)


def _packed(messages: Sequence[Any]) -> pa.RecordBatch:
    """Pack messages; one without a value (a tombstone) becomes an empty packet, a dead letter."""
    arrays = [
        _joined([message.value() or b"" for message in messages]),
        pa.array([SOURCE + message.topic() for message in messages], pa.string()),
        pa.array([str(message.partition()) for message in messages], pa.string()),
        pa.array([message.offset() for message in messages], pa.int64()),
        pa.array(np.zeros(len(messages), np.int32)),
        pa.array([client.sent_at(message) for message in messages], pa.float64()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=PACKETS)


def _joined(packets: Sequence[bytes]) -> pa.Array:
    """Put packets into one buffer of the right size; Arrow's builder would grow it by copying."""
    ends = np.zeros(len(packets) + 1, np.int64)
    np.cumsum([len(packet) for packet in packets], out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(packets))]
    return pa.Array.from_buffers(pa.large_binary(), len(packets), buffers)


def _after(batch: pa.RecordBatch) -> dict[Key, int]:
    """Offsets after the last message of every partition in a batch."""
    after: dict[Key, int] = {}
    columns = (batch.column(name).to_pylist() for name in ("source", "partition", "offset"))
    for source, partition, offset in zip(*columns, strict=True):
        key = (source.removeprefix(SOURCE), int(partition))
        after[key] = max(after.get(key, 0), offset + 1)
    return after


def _checked_start(start: str | datetime) -> str | datetime:
    if isinstance(start, datetime) or start in ("earliest", "latest"):
        return start
    raise BadInput(f"start is earliest, latest or a time, not {start!r}")


def _checked_until(until: Until) -> Until:
    if until is None or until == "caught-up" or isinstance(until, datetime):
        return until
    if isinstance(until, int) and until > 0:
        return until
    raise BadInput(f"until is caught-up, a number of alerts or a time, not {until!r}")
