"""Where partitions begin and end, now and at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gueststar.streams import client

#: Topic and partition.
Key = tuple[str, int]


@dataclass(frozen=True)
class Ends:
    """Offsets of the partitions that hold messages.

    Parameters
    ----------
    first : dict
        The oldest message that is still there.
    last : dict
        One after the last message to be read.
    """

    first: dict[Key, int]
    last: dict[Key, int]


def ends_of(consumer: Any, topics: Mapping[str, int], moment: datetime | None) -> Ends:
    """Ask where the partitions end, or where they stood at a moment.

    Parameters
    ----------
    consumer : confluent_kafka.Consumer
    topics : mapping of str to int
        Numbers of partitions by topic.
    moment : datetime, optional
        Messages sent from then on do not count.
    """
    first: dict[Key, int] = {}
    last: dict[Key, int] = {}
    for key in [(name, number) for name, count in topics.items() for number in range(count)]:
        low, high = client.watermarks(consumer, key)
        if high > low:
            first[key], last[key] = low, high
    if moment is not None:
        for key, offset in client.at_time(consumer, list(last), moment).items():
            last[key] = offset if offset >= 0 else last[key]
    return Ends(first, {key: end for key, end in last.items() if end > first[key]})


def seek(consumer: Any, partitions: Sequence[Any], moment: datetime) -> list[Any]:
    """Let partitions without a committed offset begin at a moment.

    Where no message is so new, a partition begins at what was its end before that was asked: what
    is sent since is read, as to a topic that has just appeared.
    """
    from confluent_kafka import TopicPartition

    keys: list[Key] = [(p.topic, p.partition) for p in partitions]
    known = client.committed(consumer, keys)
    new = [key for key in keys if known[key] < 0]
    ends = {key: client.watermarks(consumer, key)[1] for key in new}
    begin = client.at_time(consumer, new, moment)
    known |= {key: at if at >= 0 else ends[key] for key, at in begin.items()}
    return [TopicPartition(*key, at) for key, at in known.items()]
