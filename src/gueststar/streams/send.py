"""Packets into a topic, as fast as it goes or at a rate: a night played to a broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gueststar.errors import StreamError
from gueststar.streams import client

SETTINGS: Mapping[str, Any] = {
    **client.SETTINGS,
    "enable.idempotence": True,
    "linger.ms": 5,
    "sticky.partitioning.linger.ms": 0,  # spread over the partitions, one by one
    "message.max.bytes": 16 << 20,
    "queue.buffering.max.kbytes": 131_072,
}
FLUSH_S = 60.0


def send(
    packets: Iterable[bytes],
    servers: str,
    topic: str,
    *,
    rate: float | None = None,
    partitions: int | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Send packets to a Kafka topic.

    Parameters
    ----------
    packets : iterable of bytes
    servers : str
        ``host:port``, several with commas.
    topic : str
    rate : float, optional
        Packets a second; packet ``n`` is sent ``n / rate`` seconds after the first. As fast as
        it goes when None.
    partitions : int, optional
        Make the topic with so many partitions where it is not there.
    options : mapping, optional
        Settings of librdkafka; they win over ours.
    progress : callable, optional
        Called with the number of packets sent so far.
    stop : threading.Event, optional
        When set, no more are sent.

    Returns
    -------
    int
        Packets that the broker has acknowledged: all that were sent.

    Raises
    ------
    StreamError
        If no broker answers, or a packet was not acknowledged.
    """
    trouble = client.Trouble(servers)
    given = {"bootstrap.servers": servers, "error_cb": trouble.note, **(options or {})}
    producer = client.producer({**SETTINGS, **given})
    there = client.names(producer, trouble)
    if partitions and topic not in there:
        client.create(given, topic, partitions)
    lost: list[str] = []

    def delivered(error: Any, _: Any) -> None:
        if error is not None:
            lost.append(error.str())

    sent, stop = 0, stop or threading.Event()
    for packet in _paced(packets, rate, stop):
        client.produce(producer, trouble, topic, packet, None, delivered)
        sent += 1
        if progress:
            progress(sent)
    left = producer.flush(FLUSH_S)
    trouble.check()
    if lost or left:
        why = lost[0] if lost else f"{left} are not acknowledged after {FLUSH_S:.0f} s"
        raise StreamError(
            f"{len(lost) or left} packets did not reach {topic!r} at {servers}: {why}"
        )
    return sent


def _paced(packets: Iterable[bytes], rate: float | None, stop: threading.Event) -> Iterable[bytes]:
    begun = time.monotonic()
    for number, packet in enumerate(packets):
        if rate and stop.wait(max(0.0, begun + number / rate - time.monotonic())):
            return
        if stop.is_set():
            return
        yield packet
