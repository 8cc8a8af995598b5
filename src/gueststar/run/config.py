"""``broker.toml``: what a broker reads, what it runs, whom it serves, and where results go."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from gueststar import registry
from gueststar.errors import BadInput, did_you_mean
from gueststar.run.parts import (
    OUTPUTS,
    SOURCES,
    ArchivedConfig,
    FilterConfig,
    FolderConfig,
    KafkaConfig,
    OutputConfig,
    SourceConfig,
    SparkConfig,
    is_shared,
)
from gueststar.run.settings import Count, made, table, tables
from gueststar.sources.topics import patterns


@dataclass(frozen=True)
class _Plain:
    """The keys of the file that are no tables."""

    modules: tuple[str, ...] | None = None
    catalogs: tuple[str, ...] | None = None
    workers: Count = 1
    restarts: int = 10
    store: str | None = None
    archive: str | None = None
    cutouts: str | None = None
    logs: str = "text"
    metrics: str | None = None


@dataclass(frozen=True)
class Config(_Plain):
    """A broker.

    Parameters
    ----------
    modules : tuple of str, optional
        Science modules; all that are available when None.
    catalogs : tuple of str, optional
        Catalogues of the store that objects are matched with; all when None.
    workers : int
        Processes, all in one consumer group.
    restarts : int
        How many times workers that died are started again within an hour.
    store : str, optional
        URL of the store.
    archive : str, optional
        Folder of Parquet files.
    cutouts : str, optional
        Where cutouts go: a folder, ``s3://bucket/prefix``, ``database``; as before when None.
    logs : {'text', 'json'}
        What a line of the log is.
    metrics : str, optional
        ``host:port`` at which Prometheus is answered.
    sources : tuple of SourceConfig
    filters : tuple of FilterConfig
    outputs : tuple of OutputConfig
    spark : SparkConfig
    """

    sources: tuple[SourceConfig, ...] = ()
    filters: tuple[FilterConfig, ...] = ()
    outputs: tuple[OutputConfig, ...] = ()
    spark: SparkConfig = field(default_factory=SparkConfig)

    @property
    def crew(self) -> int:
        """Processes that have something to do: only Kafka's sources can be shared."""
        return self.workers if any(map(is_shared, self.sources)) else 1

    def share(self, number: int) -> Config:
        """Return what one worker does: what can be read once is read by the first."""
        mine = tuple(s for s in self.sources if number == 0 or is_shared(s))
        return replace(self, sources=mine)

    def until_caught_up(self) -> Config:
        """Return the same broker, which ends when all that is there now has been read."""
        ending = (
            replace(s, until="caught-up") if isinstance(s, KafkaConfig) else s for s in self.sources
        )
        return replace(self, sources=tuple(ending))


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
    plain = {name: value for name, value in given.items() if name not in _TABLES}
    for name in plain:
        if name not in _Plain.__dataclass_fields__:
            known = [*_Plain.__dataclass_fields__, *_TABLES]
            raise BadInput(f"{place} has no {name!r}.{did_you_mean(name, known)}")
    if not given.get("source"):
        raise BadInput(f"{place} lacks 'source': say in [source] what is read")
    read = {
        name: _TABLES[name][1](given[name], f"{place}: [{name}]")
        for name in _TABLES
        if name in given
    }
    config = Config(
        **vars(made(_Plain, plain, place)),
        **{_TABLES[name][0]: value for name, value in read.items()},
    )
    _check_together(config, place)
    return config


def _kinds(known: Mapping[str, type], given: Any, place: str) -> Iterator[Any]:
    for one, where in tables(given, place):
        kind = one.get("kind", "kafka")
        if kind not in known:
            raise BadInput(f"{where}: no kind {kind!r}.{did_you_mean(str(kind), known)}")
        yield made(known[kind], {k: v for k, v in one.items() if k != "kind"}, where)


def _sources(given: Any, place: str) -> tuple[SourceConfig, ...]:
    return tuple(_kinds(SOURCES, given, place))


def _outputs(given: Any, place: str) -> tuple[OutputConfig, ...]:
    return tuple(_kinds(OUTPUTS, given, place))


def _filters(given: Any, place: str) -> tuple[FilterConfig, ...]:
    return tuple(_filter(name, value, place) for name, value in table(given, place).items())


def _filter(name: str, value: Any, place: str) -> FilterConfig:
    """Read ``name = "SQL"`` or ``name = { kind = "text" }``."""
    if isinstance(value, str):
        return FilterConfig(name, "sql", value)
    kinds = registry.names("filters")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise BadInput(
            f'{place}: {name} should be "an SQL expression" or '
            '{ python = "package.module:function" }'
        )
    kind, text = next(iter(value.items()))
    if kind not in kinds:
        raise BadInput(f"{place}: {name} has no {kind!r}.{did_you_mean(kind, kinds)}")
    if not isinstance(text, str):
        raise BadInput(f"{place}: {name} cannot be {text!r}: it should be a text")
    return FilterConfig(name, kind, text)


def _spark(given: Any, place: str) -> SparkConfig:
    read: SparkConfig = made(SparkConfig, given, place)
    return read


#: Tables of the file: the field of :class:`Config`, and what reads it.
_TABLES: dict[str, tuple[str, Any]] = {
    "source": ("sources", _sources),
    "output": ("outputs", _outputs),
    "filters": ("filters", _filters),
    "spark": ("spark", _spark),
}


def _check_together(config: Config, place: str) -> None:
    """Check what no table knows alone."""
    if config.logs not in (forms := ("text", "json")):
        raise BadInput(
            f"{place}: logs cannot be {config.logs!r}.{did_you_mean(config.logs, forms)}"
        )
    names = [filter.name for filter in config.filters]
    for output in config.outputs:
        if output.filter is not None and output.filter not in names:
            hint = did_you_mean(output.filter, names)
            raise BadInput(f"{place}: [output] wants filter {output.filter!r}.{hint}")
    topics = [s for s in config.sources if isinstance(s, KafkaConfig)]
    for source in config.sources:
        for name in ("topics", "paths"):
            if getattr(source, name, None) == ():
                raise BadInput(f"{place}: [source] has no {name}: nothing would be read")
    for one, other in combinations(topics, 2):
        if twice := _overlap(one.topics, other.topics):
            raise BadInput(
                f"{place}: two sources read topic {twice!r}. A position in the ledger is a topic, "
                "a partition and an offset, so topics of two clusters must have names of their own"
            )
    folders = [_place(o.path) for o in config.outputs if isinstance(o, FolderConfig)]
    folders += [_place(config.archive)] if config.archive else []
    for source in config.sources:
        if isinstance(source, ArchivedConfig) and _place(source.path) in folders:
            raise BadInput(
                f"{place}: the archive {source.path} is read and written; leave it out where it is "
                "written: what is scored again is in it already"
            )
    if twice_written := {folder for folder in folders if folders.count(folder) > 1}:
        raise BadInput(f"{place}: two archives in {', '.join(sorted(twice_written))}")


def _overlap(one: Sequence[str], other: Sequence[str]) -> str | None:
    """Return a topic that two sources would both read, as far as their names tell."""
    for mine, theirs in ((one, other), (other, one)):
        for topic in (name.replace("YYYYMMDD", "20240101") for name in mine):
            if any(_reads(pattern, topic) for pattern in patterns(theirs)):
                return topic
    return None


def _reads(pattern: str, topic: str) -> bool:
    try:
        return pattern == topic or (pattern.startswith("^") and bool(re.search(pattern, topic)))
    except re.error as error:
        raise BadInput(f"topic {pattern!r} is no regular expression: {error}") from error


def _place(folder: str) -> str:
    return str(Path(folder).absolute())
