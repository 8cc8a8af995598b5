"""A broker of ``broker.toml`` on Spark: every source is a stream or a batch job of one session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gueststar.classifiers.choose import modules_named
from gueststar.contracts import Filter
from gueststar.errors import BadInput
from gueststar.run.assemble import make_filters, make_sink
from gueststar.run.config import Config
from gueststar.run.monitor import Monitor
from gueststar.run.parts import (
    ArchivedConfig,
    FilesConfig,
    KafkaConfig,
    SourceConfig,
    label_of,
    split_urls,
)
from gueststar.run.spark.archives import run_batch
from gueststar.run.spark.results import Done
from gueststar.run.spark.session import CONNECTOR, spark_session
from gueststar.run.spark.streams import run_stream
from gueststar.run.switch import FilterSwitch
from gueststar.run.together import together
from gueststar.serve.metrics import answering
from gueststar.sinks.archive import Archive
from gueststar.sources.files import FileSource
from gueststar.sources.parse import start_of
from gueststar.sources.topics import patterns
from gueststar.store import is_server, open_store, store_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from gueststar.store import Store

Progress = Callable[[int], None]


def run_on_spark(
    config: Config, stop: threading.Event, progress: Progress | None = None
) -> list[Done]:
    """Run a broker on Spark until its sources are done or ``stop`` is set.

    Modules run on Spark's workers; filters, outputs and the store are on the driver.

    Parameters
    ----------
    config : Config
    stop : threading.Event
        When set, what is in flight is finished, and the session ends.
    progress : callable, optional
        Called with the number of rows of all sources so far.

    Returns
    -------
    list of Done
        One a source.

    Raises
    ------
    EngineError
        If Spark does not start, or gives up. The same call goes on from the checkpoint.
    GueststarError
        What a source, a filter or a sink raises.
    """
    filters = [FilterSwitch(made) for made in make_filters(config, modules_named(config.modules))]
    spark = _session(config)
    try:
        with (
            open_store(config.store) as store,
            Monitor(store, "gueststar run on Spark"),
            answering(config.metrics, store.health),
        ):
            if config.cutouts is not None:
                store.keep_cutouts_in(config.cutouts)
            broker = _Broker(config, spark, store, filters, progress)
            together([partial(broker.run, source) for source in config.sources], stop)
            return list(broker.done.values())
    finally:
        spark.stop()


def _session(config: Config) -> SparkSession:
    given = config.spark
    streams = any(isinstance(source, KafkaConfig) for source in config.sources)
    connector = [given.connector or CONNECTOR] if streams else []
    return spark_session(
        packages=[*connector, *given.packages], master=given.master, options=given.options
    )


class _Broker:
    """What the jobs of all sources share."""

    def __init__(
        self,
        config: Config,
        spark: SparkSession,
        store: Store,
        filters: Sequence[Filter],
        progress: Progress | None,
    ) -> None:
        self.config, self.spark, self.store, self.filters = config, spark, store, filters
        self.done: dict[str, Done] = {}  # by the label of a source
        self._progress = progress

    def run(self, source: SourceConfig, stop: threading.Event) -> None:
        """Run one source to its end."""
        sink = make_sink(self.config, self.store, self.filters)
        tell = partial(self._tell, source)
        common: dict[str, Any] = {"modules": self.config.modules, "progress": tell, "stop": stop}
        folder = f"{checkpoint_of(self.config)}/{label_of(source)}"
        if isinstance(source, KafkaConfig):
            done = run_stream(
                self.spark,
                [sink],
                servers=source.servers,
                topics=patterns(source.topics),
                start=start_of(source.start),
                until_caught_up=source.until == "caught-up",
                batch_size=source.batch_size,
                most=self.config.spark.most,
                options=source.options,
                checkpoint=folder,
                readings=self.store.note,
                **common,
            )
        else:
            done = run_batch(
                self.spark,
                _paths(source),
                [sink],
                batch_size=source.batch_size,
                round_bytes=self.config.spark.round_bytes,
                checkpoint=folder,
                **common,
            )
        self._tell(source, done)

    def _tell(self, source: SourceConfig, done: Done) -> None:
        self.done[label_of(source)] = done
        if self._progress:
            self._progress(sum(one.alerts + one.dead_letters for one in self.done.values()))


def checkpoint_of(config: Config) -> str:
    """Return where Spark keeps its places: as set, else beside the store.

    A checkpoint belongs to a store: with another store it would leave out what it has done.

    Raises
    ------
    BadInput
        If a server has the store, beside which there is no folder.
    """
    if config.spark.checkpoint is None and is_server(config.store):
        raise BadInput("with a store in PostgreSQL, name a folder: checkpoint under [spark]")
    return config.spark.checkpoint or f"{store_path(config.store)}.spark"


def _paths(source: SourceConfig) -> list[str]:
    if isinstance(source, FilesConfig):  # one by one: in a folder Spark would find archives too
        here, urls = split_urls(source.paths)
        return [*urls, *map(str, FileSource(here).files)]
    if not isinstance(source, ArchivedConfig):
        raise BadInput("Spark reads Kafka, files and archives, and does not simulate")
    nights = {path.parent for path in Archive(source.path).files(source.night)}
    return sorted(map(str, nights))
