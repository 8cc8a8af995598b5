"""Scored alerts out to a Kafka topic: Avro with its schema inside, or JSON, keyed by object.

At least once: an alert may come twice after a crash, with the same ``alert_id``. Put this sink
before the store: then an alert that is in the store has been acknowledged by Kafka.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from gueststar.batch import AlertBatch, is_dead_letters
from gueststar.errors import BadInput, StreamError
from gueststar.sinks.messages import FORMS
from gueststar.streams import client

FLUSH_S = 60.0  # how long acknowledgements may take
REMEMBERED = 100_000  # ids of alerts that are not sent again
SETTINGS: Mapping[str, Any] = {
    **client.SETTINGS,
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 20,
    "message.max.bytes": 16 << 20,
    "queue.buffering.max.kbytes": 131_072,
}

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
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if form not in FORMS:
            raise BadInput(f"alerts go out as {' or '.join(FORMS)}, not {form!r}")
        self.servers, self.topic, self.form = servers, topic, form
        self.sent = 0
        self._known = known
        self._trouble = client.Trouble(servers)
        given = {"bootstrap.servers": servers, "error_cb": self._trouble.note, **(options or {})}
        self._producer = client.producer({**SETTINGS, **given})
        self._waiting: list[AlertBatch] = []
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._failed: list[str] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; it is sent by :meth:`flush`."""
        if not is_dead_letters(batch) and batch.num_rows:
            self._waiting.append(AlertBatch(batch))

    def flush(self) -> None:
        """Send everything since the last flush, and wait for the acknowledgements.

        Raises
        ------
        StreamError
            If a message was not acknowledged; all wait for the next flush.
        """
        gone: list[int] = []
        for batch in self._waiting:
            gone += self._send(self._fresh(batch, gone))
        left = self._producer.flush(FLUSH_S) if gone else 0
        self._trouble.check()
        if left or self._failed:
            why = self._failed[0] if self._failed else f"{left} messages are not acknowledged"
            self._failed = []
            self._producer.purge()
            self._producer.flush(1.0)
            self._failed = []
            raise StreamError(f"topic {self.topic!r} of Kafka at {self.servers}: {why}")
        self._waiting = []
        self._remember(gone)

    def _fresh(self, batch: AlertBatch, gone: Sequence[int]) -> AlertBatch:
        """Leave out what went out before."""
        ids = batch.column("alert_id").to_pylist()
        before = set(gone) | (self._known(ids) if self._known else set())
        keep = []
        for alert_id in ids:
            keep.append(alert_id not in before and alert_id not in self._seen)
            before.add(alert_id)
        return batch if all(keep) else AlertBatch(batch.arrow.filter(pa.array(keep, pa.bool_())))

    def _send(self, batch: AlertBatch) -> list[int]:
        keys = batch.column("object_id").to_pylist()
        for key, message in zip(keys, FORMS[self.form](batch), strict=True):
            name = None if key is None else key.encode()
            client.produce(
                self._producer, self._trouble, self.topic, message, name, self._delivered
            )
        return [int(alert_id) for alert_id in batch.column("alert_id").to_pylist()]

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self.sent += 1
        else:
            self._failed.append(error.str())

    def _remember(self, ids: Sequence[int]) -> None:
        for alert_id in ids:
            self._seen[alert_id] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
