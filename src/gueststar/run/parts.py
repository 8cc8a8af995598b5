"""The parts of a broker, as ``broker.toml`` describes them: sources, filters, outputs, Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gueststar.run.settings import Count


@dataclass(frozen=True)
class KafkaConfig:
    """Topics of one cluster; see :class:`gueststar.sources.kafka.KafkaSource`."""

    servers: str
    topics: tuple[str, ...]
    group: str = "gueststar"
    start: str = "earliest"
    until: str | None = None
    batch_size: Count = 500
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FilesConfig:
    """Files and folders; see :class:`gueststar.sources.files.FileSource`."""

    paths: tuple[str, ...]
    batch_size: Count = 500


@dataclass(frozen=True)
class ArchivedConfig:
    """A Parquet archive of ours, scored again; see :mod:`gueststar.sinks.archived`."""

    path: str
    night: int | None = None
    batch_size: Count = 500


@dataclass(frozen=True)
class SimulateConfig:
    """A simulated night; see :class:`gueststar.simulate.source.SimulatedSource`."""

    alerts: Count
    seed: int = 1
    batch_size: Count = 500


SourceConfig = KafkaConfig | FilesConfig | ArchivedConfig | SimulateConfig
SOURCES: dict[str, type] = {
    "kafka": KafkaConfig,
    "files": FilesConfig,
    "archive": ArchivedConfig,
    "simulate": SimulateConfig,
}


@dataclass(frozen=True)
class TopicConfig:
    """A topic that alerts go to; see :class:`gueststar.sinks.kafka.KafkaSink`."""

    servers: str
    topic: str
    filter: str | None = None
    form: str = "avro"
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FolderConfig:
    """A folder of Parquet files that alerts go to; see :mod:`gueststar.sinks.archive`."""

    path: str
    filter: str | None = None


OutputConfig = TopicConfig | FolderConfig
OUTPUTS: dict[str, type] = {"kafka": TopicConfig, "archive": FolderConfig}


@dataclass(frozen=True)
class FilterConfig:
    """A filter; see :func:`gueststar.filters.make_filter`."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True)
class SparkConfig:
    """How Spark runs a broker; see ``docs/spark.md``.

    Parameters
    ----------
    master : str, optional
        Default: what ``spark-submit`` says, else all cores of this machine.
    checkpoint : str, optional
        Folder or URL. Default: beside the store.
    packages : tuple of str
        Maven coordinates besides the Kafka connector.
    connector : str, optional
        Maven coordinates of the Kafka connector, in the version of your Spark.
    most, round_bytes : int
        See :func:`gueststar.run.spark.run_stream`, :func:`gueststar.run.spark.run_batch`.
    options : mapping of str
        Settings of Spark.
    """

    master: str | None = None
    checkpoint: str | None = None
    packages: tuple[str, ...] = ()
    connector: str | None = None
    most: Count = 5_000
    round_bytes: Count | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def is_shared(source: SourceConfig) -> bool:
    """Tell whether several workers may read a source, each a part of it."""
    return isinstance(source, KafkaConfig)


def label_of(source: SourceConfig) -> str:
    """Name a source by what it reads: the same source has the same name in another order.

    Examples
    --------
    >>> label_of(FilesConfig(("night.tar.gz",)))
    'files-2a8844b0'
    """
    kind = next(name for name, made in SOURCES.items() if made is type(source))
    what = {
        KafkaConfig: lambda s: (s.servers, sorted(s.topics)),
        FilesConfig: lambda s: sorted(s.paths),
        ArchivedConfig: lambda s: (s.path, s.night),
        SimulateConfig: lambda s: (s.alerts, s.seed),
    }[type(source)](source)
    return f"{kind}-{hashlib.sha256(repr(what).encode()).hexdigest()[:8]}"


def split_urls(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell paths from URLs, which Spark alone reads.

    Examples
    --------
    >>> split_urls(["night.tar.gz", "s3a://bucket/night"])
    (['night.tar.gz'], ['s3a://bucket/night'])
    """
    urls = [path for path in paths if "://" in path]
    return [path for path in paths if path not in urls], urls
