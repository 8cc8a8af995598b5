"""Scored alerts out to a Kafka topic: Avro with its schema inside, or JSON, keyed by object.

At least once: an alert may come twice after a crash, with the same ``alert_id``. Put this sink
before the store: then an alert that is in the store has been acknowledged by Kafka, or noted as
``unsent``, because it cannot be encoded or is larger than the topic allows.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from gueststar.batch import AlertBatch, is_dead_letters
from gueststar.errors import (
    BadInput,
    MessageRefused,
    StreamError,
    StreamRefused,
    StreamUnavailable,
)
from gueststar.sinks.messages import FORMS, encoded
from gueststar.sinks.unsent import Aside, Note
from gueststar.streams import client

FLUSH_S = 60.0  # how long acknowledgements may take
SLICE_S = 0.2  # Python gets the word so often, so that signals are heard
REMEMBERED = 100_000  # ids of alerts that are not sent again
SETTINGS: Mapping[str, Any] = {
    **client.SETTINGS,
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 20,
    "message.timeout.ms": 0,  # never given up: it is we who decide how long to wait
    "message.max.bytes": 16 << 20,
    "queue.buffering.max.kbytes": 131_072,
}

#: Answers about a topic that no waiting changes.
_FINAL = client.REFUSALS | {"INVALID_CONFIG", "TOPIC_EXCEPTION", "POLICY_VIOLATION"}

#: A message that is to be sent: alert id, key, bytes.
Outgoing = tuple[int, bytes | None, bytes]
Suspect = tuple[Outgoing, str]  # and why it came back
#: Tells which of some alert ids went out before.
Known = Callable[[Sequence[int]], set[int]]


class KafkaSink:
    """Sends alerts to a topic; dead letters are left out.

    Parameters
    ----------
    servers : str
        ``host:port``, several with commas.
    topic : str
        It is made by the broker where the broker allows that.
    form : {'avro', 'json'}
        See :mod:`gueststar.sinks.messages`.
    known : callable, optional
        Ids among those given that went out before, such as those in the store.
    unsent : callable, optional
        Keeps which alerts the topic does not take. They are counted (:attr:`unsent`) and told
        by an alarm in any case.
    flush_s : float
        How long acknowledgements may take before :meth:`flush` raises.
    options : mapping, optional
        Settings of librdkafka; they win over ours.

    Raises
    ------
    MissingExtra
        If confluent-kafka is not installed.
    BadInput
        If a setting or the form cannot be.
    """

    def __init__(
        self,
        servers: str,
        topic: str,
        *,
        form: str = "avro",
        known: Known | None = None,
        unsent: Note | None = None,
        flush_s: float = FLUSH_S,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if form not in FORMS:
            raise BadInput(f"alerts go out as {' or '.join(FORMS)}, not {form!r}")
        self.servers, self.topic, self.form = servers, topic, form
        self.sent = 0
        self._known, self._flush_s = known, flush_s
        self._trouble = client.Trouble(servers)
        given = {"bootstrap.servers": servers, "error_cb": self._trouble.note, **(options or {})}
        self._producer = client.producer({**SETTINGS, **given})
        self._waiting: list[AlertBatch] = []
        self._queued: set[int] = set()  # in the producer's hands
        self._seen: OrderedDict[int, None] = OrderedDict()  # acknowledged
        self._failed: list[Any] = []
        self._suspects: dict[int, Suspect] = {}  # came back, perhaps for a neighbour's fault
        self._aside = Aside(topic, unsent)

    @property
    def unsent(self) -> int:
        """Alerts that the topic did not take."""
        return self._aside.count

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; it is sent by :meth:`flush`."""
        if not is_dead_letters(batch) and batch.num_rows:
            self._waiting.append(AlertBatch(batch))

    def flush(self) -> None:
        """Send everything since the last flush, and wait for the acknowledgements.

        What is not acknowledged in time stays in the producer's hands, and the next flush waits
        for it without sending it again; only what the producer has given up is sent once more.
        An alert that the topic does not take is set aside; its neighbours are sent.

        Raises
        ------
        StreamUnavailable
            If a message was not acknowledged; all wait for the next flush.
        StreamError
            If Kafka refuses the topic.
        StoreError
            If it cannot be noted what was set aside.
        """
        deadline = time.monotonic() + self._flush_s
        for batch in self._waiting:
            self._send(self._messages(self._fresh(batch)), deadline)
        self._await(deadline)
        self._sift(deadline)
        self._aside.settle()
        self._waiting = []

    def _await(self, deadline: float) -> None:
        """Wait until all that is in the producer's hands is acknowledged, or has come back."""
        while self._queued and time.monotonic() < deadline:
            self._producer.flush(SLICE_S)
            self._trouble.check()
        if self._failed or self._queued:
            raise self._meaning()

    def _sift(self, deadline: float) -> None:
        """Send what came back in ever smaller groups, until those that cannot go stand alone.

        Kafka refuses a request as a whole, and librdkafka chooses which messages share one.
        """
        groups = _halves(self._taken_back())
        while groups:
            group = groups.pop()
            self._send((outgoing for outgoing, _ in group), deadline)
            self._await(deadline)
            came_back = self._taken_back()
            if len(group) > 1:
                groups += _halves(came_back)
            for (alert_id, _, message), reason in came_back if len(group) == 1 else ():
                self._set_aside(alert_id, f"{reason} ({len(message):,} bytes)")

    def _taken_back(self) -> list[Suspect]:
        came_back, self._suspects = list(self._suspects.values()), {}
        return came_back

    def _set_aside(self, alert_id: int, reason: str) -> None:
        self._aside.add(alert_id, reason)
        self._remember(alert_id)

    def _meaning(self) -> StreamError:
        """Say what stands between us and the acknowledgements."""
        place = f"topic {self.topic!r} of Kafka at {self.servers}"
        failed, self._failed = self._failed, []
        for error in failed:
            if error.name() in _FINAL:
                return StreamRefused(f"{place}: {error.str()}")
        why = failed[0].str() if failed else f"{len(self._queued)} messages are not acknowledged"
        return StreamUnavailable(f"{place}: {why}")

    def _fresh(self, batch: AlertBatch) -> AlertBatch:
        """Leave out what went out before, or is on its way."""
        ids = batch.column("alert_id").to_pylist()
        before = {*self._queued, *self._suspects, *(self._known(ids) if self._known else ())}
        keep = []
        for alert_id in ids:
            keep.append(alert_id not in before and alert_id not in self._seen)
            before.add(alert_id)
        return batch if all(keep) else AlertBatch(batch.arrow.filter(pa.array(keep, pa.bool_())))

    def _messages(self, batch: AlertBatch) -> Iterator[Outgoing]:
        """Encode alerts; those that cannot be are set aside."""
        ids, keys = (batch.column(name).to_pylist() for name in ("alert_id", "object_id"))
        for row, message in encoded(self.form, batch):
            if isinstance(message, bytes):
                yield ids[row], None if keys[row] is None else keys[row].encode(), message
            else:
                why = next(iter(str(message).splitlines()), "")
                self._set_aside(ids[row], f"it cannot be encoded as {self.form}: {why}")

    def _send(self, messages: Iterable[Outgoing], deadline: float) -> None:
        for alert_id, key, message in messages:
            told = partial(self._delivered, alert_id)
            self._queued.add(alert_id)  # before it can be acknowledged
            try:
                client.produce(
                    self._producer,
                    self._trouble,
                    self.topic,
                    message,
                    key,
                    told,
                    deadline=deadline,
                )
            except MessageRefused as error:
                self._queued.discard(alert_id)
                self._set_aside(alert_id, str(error))
            except StreamError:
                self._queued.discard(alert_id)
                raise

    def _delivered(self, alert_id: int, error: Any, message: Any) -> None:
        self._queued.discard(alert_id)
        if error is None:
            self.sent += 1
            self._remember(alert_id)
        elif error.name() in client.ABOUT_MESSAGES:
            outgoing = (alert_id, message.key(), message.value())
            self._suspects[alert_id] = (outgoing, error.str())
        else:
            self._failed.append(error)

    def _remember(self, alert_id: int) -> None:
        self._seen[alert_id] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _halves(items: list[Suspect]) -> list[list[Suspect]]:
    middle = (len(items) + 1) // 2
    return [half for half in (items[:middle], items[middle:]) if half]
