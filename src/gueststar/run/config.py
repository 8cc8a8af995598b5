"""``broker.toml``: what a broker reads, what it runs, and where results go."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gueststar.errors import BadInput, did_you_mean


@dataclass(frozen=True)
class SourceConfig:
    """The Kafka source; see :class:`gueststar.sources.kafka.KafkaSource`."""

    servers: str
    topics: tuple[str, ...]
    group: str = "gueststar"
    start: str = "earliest"
    until: str | None = None
    batch_size: int = 500
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputConfig:
    """A topic that scored alerts go to; see :class:`gueststar.sinks.kafka.KafkaSink`."""

    servers: str
    topic: str
    form: str = "avro"
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """A broker.

    Parameters
    ----------
    source : SourceConfig
    modules : tuple of str, optional
        Science modules; all that are available when None.
    workers : int
        Processes, all in one consumer group.
    restarts : int
        How many times workers that died are started again within an hour.
    store : str, optional
        URL of the store.
    archive : str, optional
        Folder of Parquet files.
    output : OutputConfig, optional
    """

    source: SourceConfig
    modules: tuple[str, ...] | None = None
    workers: int = 1
    restarts: int = 10
    store: str | None = None
    archive: str | None = None
    output: OutputConfig | None = None


def read_config(path: Path) -> Config:
    """Read a file of settings.

    Values that begin with ``$`` are taken from the environment, so that no secret has to stand
    in the file.

    Raises
    ------
    BadInput
        If the file cannot be read, or a key is unknown, missing or of another type; the message
        names the key and the nearest that there is.
    """
    try:
        given = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"cannot read {str(path)!r}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(path)!r} is no TOML: {error}") from error
    return config_of(given, str(path))


def config_of(given: Mapping[str, Any], place: str = "the configuration") -> Config:
    """Check settings; see :func:`read_config`.

    Examples
    --------
    >>> config_of({"source": {"servers": "localhost:9092", "topic": ["ztf"]}})
    Traceback (most recent call last):
    ...
    gueststar.errors.BadInput: the configuration: [source] has no 'topic'. Did you mean 'topics'?...
    """
    tables = {**given}
    for name, kind in (("source", SourceConfig), ("output", OutputConfig)):
        if name in tables:
            tables[name] = _made(kind, tables[name], f"{place}: [{name}]")
    made = _made(Config, tables, place)
    assert isinstance(made, Config)
    return made


def _made(kind: type, given: Any, place: str) -> Any:
    if not isinstance(given, Mapping):
        raise BadInput(f"{place} should be a table")
    known = {f.name: f for f in fields(kind)}
    for name in given:
        if name not in known:
            raise BadInput(f"{place} has no {name!r}.{did_you_mean(name, known)}")
    values = {
        name: _typed(str(known[name].type), value, f"{place}: {name!r}")
        for name, value in given.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise BadInput(f"{place} lacks {_lacking(known, given)}") from error


def _lacking(known: Iterable[str], given: Mapping[str, Any]) -> str:
    wanted = [name for name in known if name in ("source", "servers", "topics", "topic")]
    return ", ".join(repr(name) for name in wanted if name not in given)


def _typed(kind: str, value: Any, place: str) -> Any:
    """Turn a value of TOML into one of a field, or say what it should be."""
    if isinstance(value, str) and "str" in kind and "tuple" not in kind:
        return _secret(value, place)
    if "tuple" in kind and isinstance(value, str | list):
        names = [value] if isinstance(value, str) else value
        if all(isinstance(name, str) for name in names):
            return tuple(names)
    if kind == "int" and type(value) is int and value >= 0:
        return value
    if "Mapping" in kind and isinstance(value, Mapping):
        return {name: _secret(str(item), place) for name, item in value.items()}
    if "Config" in kind and not isinstance(value, str | int | list):
        return value
    raise BadInput(f"{place} cannot be {value!r}: it should be {kind}")


def _secret(value: str, place: str) -> str:
    if not value.startswith("$"):
        return value
    if value[1:] not in os.environ:
        raise BadInput(f"{place} is {value}, which is not in the environment")
    return os.environ[value[1:]]
