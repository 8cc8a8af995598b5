"""Batch mode: an archive of packets or Parquet, scored on Spark."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gueststar.contracts import Sink
from gueststar.run.spark import worker
from gueststar.run.spark.plan import Notes, Round, plan
from gueststar.run.spark.results import Done, begun, drain
from gueststar.run.spark.session import ARROW_ROWS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CORE_BYTES = 128 << 20  # of a round, a core
PARTITION_BYTES = 64 << 20  # the driver fetches about so much at a time
WHOLE_FILES = "10"  # a message from the JVM: files may have some MB each


def run_batch(
    spark: SparkSession,
    paths: Sequence[str | Path],
    sinks: Sequence[Sink],
    *,
    modules: Sequence[str] | None = None,
    schemas: str | None = None,
    batch_size: int = 500,
    round_bytes: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[Done], None] | None = None,
    stop: threading.Event | None = None,
) -> Done:
    """Score an archive on Spark and write it into sinks.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    paths : sequence of path
        What a :class:`~gueststar.sources.FileSource` reads (packets, tar archives, Parquet of
        alerts) and folders of our own Parquet archive, which are scored again, on a disk that
        all workers see; or URLs (``s3a://...``, ``hdfs://...``) of folders of ``.avro``
        packets, which Spark reads itself.
    sinks : sequence of Sink
        Written by the driver.
    modules : sequence of str, optional
        Names of science modules; all that are available when None.
    schemas : str, optional
        Folder or registry of Avro schemas. Default: ``GUESTSTAR_SCHEMAS``.
    batch_size : int
        Packets a batch at most.
    round_bytes : int, optional
        Files are worked on in rounds of so many bytes: one is scored while another is written.
        Default: 128 MB a core.
    checkpoint : path, optional
        Folder in which finished rounds are noted, so that the same call goes on where it was
        interrupted. Without it the call begins anew, and the sinks find that they know it all.
    progress : callable, optional
        Called after every round.
    stop : threading.Event, optional
        When set, no more rounds are written.

    Returns
    -------
    Done

    Raises
    ------
    BadInput, BadModule
        If a path or a module does not exist.
    EngineError
        If Spark gives up.
    GueststarError
        What a sink raises. The same call completes the work.
    """
    recipe = worker.Recipe.of(modules, schemas or os.environ.get("GUESTSTAR_SCHEMAS"), batch_size)
    planned = plan(paths, round_bytes or spark.sparkContext.defaultParallelism * CORE_BYTES)
    notes = Notes(checkpoint, recipe)
    done, start = Done(ignored=planned.ignored, modules=dict(recipe.modules)), time.perf_counter()
    todo = [part for part in planned.rounds if not notes.has(part)]
    done.skipped = len(planned.rounds) - len(todo)
    for part, rows in _ahead(spark, recipe, todo, stop or threading.Event()):
        drain(rows, sinks, done)
        notes.add(part)
        done.rounds, done.seconds = done.rounds + 1, time.perf_counter() - start
        if progress:
            progress(done)
    return done


def _ahead(
    spark: SparkSession, recipe: worker.Recipe, rounds: Sequence[Round], stop: threading.Event
) -> Iterator[tuple[Round, Iterator[Any]]]:
    """Yield each round with its results, while the workers are busy with the next one."""

    def begin(part: Round) -> Iterator[Any]:
        return begun(_results(spark, recipe, part), part.size // PARTITION_BYTES)

    with ThreadPoolExecutor(1, thread_name_prefix="spark-round") as pool:
        waiting = [pool.submit(begin, part) for part in rounds[:1]]
        for number, part in enumerate(rounds):
            rows = waiting.pop().result()
            if stop.is_set():
                return
            waiting = [pool.submit(begin, later) for later in rounds[number + 1 : number + 2]]
            yield part, rows


def _results(spark: SparkSession, recipe: worker.Recipe, part: Round) -> DataFrame:
    if part.kind == "url":
        return _from_url(spark, recipe, part.groups[0][0])
    job = worker.archive_job if part.kind == "archive" else worker.files_job
    numbers = spark.range(0, len(part.groups), 1, len(part.groups))
    return numbers.mapInArrow(job(recipe, part.groups), worker.RESULTS)


def _from_url(spark: SparkSession, recipe: worker.Recipe, url: str) -> DataFrame:
    spark.conf.set(ARROW_ROWS, WHOLE_FILES)
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", True)
    files = reader.option("pathGlobFilter", "*.avro").load(url)
    packets = files.select("path", "length", "content")
    return packets.mapInArrow(worker.contents_job(recipe), worker.RESULTS)
