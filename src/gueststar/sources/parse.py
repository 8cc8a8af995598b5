"""What a SOURCE argument of the command line means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gueststar import registry
from gueststar.contracts import Source
from gueststar.errors import BadInput, did_you_mean
from gueststar.sources.files import FileSource


def open_source(arguments: Sequence[str], batch_size: int = 250) -> list[Source]:
    """Open sources from command-line arguments.

    Parameters
    ----------
    arguments : sequence of str
        Paths of files and folders, ``simulate:N`` and ``simulate:N:SEED``, or
        ``kafka://host:port/topic?group=...&until=caught-up``, see
        :func:`~gueststar.sources.parse.kafka_arguments`.
    batch_size : int
        Packets a batch at most.

    Returns
    -------
    list of Source
        All paths together are one source; every other argument is its own.

    Raises
    ------
    BadInput
        If an argument means nothing; the message says what could be meant.

    Examples
    --------
    >>> open_source(["carrier-pigeon", "pigeon:9092/ztf"])
    Traceback (most recent call last):
    ...
    gueststar.errors.BadInput: 'pigeon:9092/ztf': no source named 'pigeon' here...
    """
    paths = [text for text in arguments if not _scheme(text)]
    others = [_other(text, batch_size) for text in arguments if _scheme(text)]
    files: list[Source] = [FileSource(paths, batch_size)] if paths else []
    return files + others


def _scheme(text: str) -> str:
    if Path(text).exists():  # whatever its name
        return ""
    head, colon, _ = text.partition(":")
    return head if colon and head.isalnum() and len(head) > 1 else ""


def _other(text: str, batch_size: int) -> Source:
    if _scheme(text) == "simulate":
        alerts, seed = simulate_numbers(text)
        source: Source = registry.load("sources", "simulate")(alerts, seed, batch_size=batch_size)
        return source
    if _scheme(text) == "kafka":
        from gueststar.sources.kafka import KafkaSource

        return KafkaSource(**kafka_arguments(text), batch_size=batch_size)
    raise BadInput(
        f"{text!r}: no source named {_scheme(text)!r} here. Give files, folders, "
        ".tar.gz archives, .parquet files, simulate:N[:SEED], or kafka://host:port/topic?group=..."
    )


def simulate_numbers(text: str) -> tuple[int, int]:
    """Read ``simulate:N[:SEED]``.

    Examples
    --------
    >>> simulate_numbers("simulate:2000:7"), simulate_numbers("simulate:50")
    ((2000, 7), (50, 0))
    """
    numbers = text.split(":")[1:]
    if not 1 <= len(numbers) <= 2 or not all(number.isdecimal() for number in numbers):
        raise BadInput(f"{text!r} should be simulate:N or simulate:N:SEED, whole numbers")
    alerts, seed = [int(number) for number in [*numbers, "0"][:2]]
    return alerts, seed


def kafka_arguments(text: str) -> dict[str, Any]:
    """Read ``kafka://host:port[,host:port]/topic[,topic]?group=...&start=...&until=...``.

    Further settings of librdkafka, which have a dot in their names, may follow.

    Returns
    -------
    dict
        Arguments of :class:`~gueststar.sources.kafka.KafkaSource`.

    Raises
    ------
    BadInput
        If a part is missing or unknown.

    Examples
    --------
    >>> kafka_arguments("kafka://localhost:9092/ztf?group=me&until=500")
    {'servers': 'localhost:9092', 'topics': ['ztf'], 'options': {}, 'group': 'me', 'until': 500}
    """
    url = urlsplit(text)
    topics = [unquote(name) for name in url.path.strip("/").split(",") if name]
    if not url.netloc or not topics:
        raise BadInput(f"{text!r} should be kafka://host:port/topic?group=...&until=caught-up")
    given = dict(parse_qsl(url.query))
    options = {name: given.pop(name) for name in list(given) if "." in name}
    if unknown := sorted(set(given) - set(_KAFKA)):
        raise BadInput(f"{text!r}: no {unknown[0]!r} here.{did_you_mean(unknown[0], _KAFKA)}")
    read = {name: _KAFKA[name](value) for name, value in given.items()}
    return {"servers": url.netloc, "topics": topics, "options": options, **read}


def start_of(text: str) -> str | datetime:
    """Read where a group begins: ``earliest``, ``latest`` or a time."""
    return text if text in ("earliest", "latest") else moment(text)


def until_of(text: str) -> str | int | datetime:
    """Read when to end: ``caught-up``, a number of alerts or a time.

    Examples
    --------
    >>> until_of("caught-up"), until_of("500")
    ('caught-up', 500)
    """
    if text == "caught-up":
        return text
    return int(text) if text.isdecimal() else moment(text)


def moment(text: str) -> datetime:
    """Read a time in ISO 8601; without a zone it is UTC.

    Examples
    --------
    >>> moment("2026-11-20T03:00").isoformat()
    '2026-11-20T03:00:00+00:00'
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no time: give it as 2026-11-20T03:00") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


_KAFKA: dict[str, Callable[[str], Any]] = {"group": str, "start": start_of, "until": until_of}
