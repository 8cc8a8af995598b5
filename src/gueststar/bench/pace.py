"""A producer at a steady pace, in a process of its own."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from gueststar.bench import packets
from gueststar.bench.kafka import producer

AHEAD_S = 0.004  # how finely it sleeps
FLUSH_S = 60.0


def pace(
    servers: str, topic: str, partitions: int, file: str, rate: float, alerts: int, out: str
) -> None:
    """Send so many alerts a second, each when it is due; note what was sent.

    Parameters
    ----------
    servers, topic : str
    partitions : int
        Of the topic; they get packets in turn.
    file : str
        Packets; see :func:`gueststar.bench.packets.copies`.
    rate : float
        Alerts a second.
    alerts : int
        How many.
    out : str
        File for a NumPy array of shape ``(alerts, 3)``: partition, offset, Kafka's time stamp in
        ms, in order of sending; the time stamp is that of the moment of sending. Only those that
        the broker has acknowledged are in it.
    """
    client = producer(servers, **{"queue.buffering.max.kbytes": 1 << 20})
    noted: list[tuple[int, int, int]] = []

    def note(error: object, message: object) -> None:
        if error is None:
            where = message.partition(), message.offset()  # type: ignore[attr-defined]
            noted.append((*where, message.timestamp()[1]))  # type: ignore[attr-defined]

    ready = packets.copies(Path(file), alerts)
    packet = next(ready, None)
    start, sent = time.monotonic() + 0.5, 0
    while packet is not None:
        if (left := start + sent / rate - time.monotonic()) > 0:
            client.poll(min(left, AHEAD_S))
            continue
        stamp = int(time.time() * 1000)
        client.produce(
            topic, packet, partition=sent % partitions, timestamp=stamp, on_delivery=note
        )
        sent += 1
        packet = next(ready, None)
    client.flush(FLUSH_S)
    np.save(out, np.array(noted, np.int64).reshape(-1, 3))
