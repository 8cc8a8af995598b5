"""Alerts while they come, from a Kafka topic."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from astropy.time import Time

from gueststar.alert import Alert


def stream(
    topics: str | Sequence[str],
    *,
    servers: str = "localhost:9092",
    group: str | None = None,
    start: str | datetime | Time = "latest",
    until: str | int | datetime | Time | None = None,
    batches: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """Yield alerts of a topic while they come (extra ``kafka``).

    Parameters
    ----------
    topics : str or sequence of str
        What a broker's outputs write (Avro or JSON), or a survey's own; names, names with
        ``YYYYMMDD`` for any date, or regular expressions that begin with ``^``.
    servers : str
        ``host:port``, several with commas.
    group : str, optional
        Consumer group: its members share the alerts, and a later call goes on behind the last
        alert that was taken. Without one every call stands alone.
    start : {"latest", "earliest"}, datetime or Time
        Where to begin, where the group does not say.
    until : None, "caught-up", int, datetime or Time
        When to end: never; when all that was there is read; after so many messages; when all is
        read that was sent before a moment.
    batches : bool
        Give :class:`~gueststar.batch.AlertBatch`, many alerts as Arrow columns, in place of
        :class:`~gueststar.alert.Alert`.
    options : mapping, optional
        Settings of librdkafka, such as logins.

    Yields
    ------
    Alert or AlertBatch

    Raises
    ------
    MissingExtra
        If confluent-kafka is not installed.
    BadInput
        If an argument cannot be, or a topic is not there.
    StreamError
        If no Kafka answers, or it refuses.

    Notes
    -----
    It begins when the first alert is asked for, and stops when the loop is left. A message that
    cannot be read is left out, with a warning in the log.
    """
    from gueststar.sinks.received import batches_of
    from gueststar.sources.kafka import KafkaSource

    source = KafkaSource(
        servers,
        topics,
        group=group or f"gueststar-client-{uuid.uuid4().hex}",
        start=_moment(start),
        until=_moment(until),
        options=options,
    )
    with closing(source):
        for packets in source:
            for batch in batches_of(packets):
                if batches:
                    yield batch
                else:
                    yield from (Alert.from_batch(batch, row) for row in range(len(batch)))
            if group is not None:
                source.commit(packets)


def _moment(value: Any) -> Any:
    return value.utc.to_datetime(timezone=UTC) if isinstance(value, Time) else value
