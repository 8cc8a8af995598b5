"""Batch mode: an archive of packets or Parquet, scored on Spark."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.contracts import Sink
from gueststar.run.spark import worker
from gueststar.run.spark.plan import Notes, Round, plan
from gueststar.run.spark.results import Done, collected, drain
from gueststar.run.spark.session import ARROW_ROWS
from gueststar.sources.files import FileSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CORE_BYTES = 128 << 20  # of a round, a core
MOST_BYTES = 512 << 20  # of a round: the driver holds the results of two of them
SHIPPED_BYTES = 128 << 20  # of packets that the driver sends at a time
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
        Default: 128 MB a core, 512 MB at most.
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
    size = round_bytes or min(MOST_BYTES, spark.sparkContext.defaultParallelism * CORE_BYTES)
    planned, notes = plan(paths, size), Notes(checkpoint, recipe)
    done, start = Done(ignored=planned.ignored, modules=dict(recipe.modules)), time.perf_counter()
    todo = [part for part in planned.rounds if not notes.has(part)]
    done.skipped = len(planned.rounds) - len(todo)
    work = _Work(spark, recipe, min(size, SHIPPED_BYTES))
    for whole, results in _ahead(work.of(todo), stop or threading.Event()):
        drain(results, sinks, done)
        done.seconds = time.perf_counter() - start
        if whole is not None:
            notes.add(whole)
            done.rounds += 1
        if progress:
            progress(done)
    return done


#: A round that is complete with this piece of work (else None), and the work.
Piece = tuple[Round | None, "DataFrame"]


def _ahead(
    pieces: Iterator[Piece], stop: threading.Event
) -> Iterator[tuple[Round | None, Iterator[pa.RecordBatch]]]:
    """Yield each piece's results, while the workers are busy with the next one."""

    def begin() -> tuple[Round | None, Iterator[pa.RecordBatch]] | None:
        piece = next(pieces, None)
        return None if piece is None else (piece[0], collected(piece[1]))

    with ThreadPoolExecutor(1, thread_name_prefix="spark-round") as pool:
        coming = pool.submit(begin)
        while (ready := coming.result()) is not None and not stop.is_set():
            coming = pool.submit(begin)
            yield ready


class _Work:
    """Makes Spark's part of rounds."""

    def __init__(self, spark: SparkSession, recipe: worker.Recipe, shipped: int) -> None:
        self.spark, self.recipe, self.shipped = spark, recipe, shipped

    def of(self, rounds: Iterable[Round]) -> Iterator[Piece]:
        """Yield the work of rounds; that of a large file comes in pieces."""
        for part in rounds:
            if part.kind == "shipped":
                for ship in self._cargo(part):
                    yield None, ship
                yield part, self._ship([])
            elif part.kind == "url":
                yield part, self._from_url(part.groups[0][0])
            else:
                yield part, self._from_files(part)

    def _from_files(self, part: Round) -> DataFrame:
        job = worker.archive_job if part.kind == "archive" else worker.files_job
        numbers = self.spark.range(0, len(part.groups), 1, len(part.groups))
        return numbers.mapInArrow(job(self.recipe, part.groups), worker.RESULTS)

    def _from_url(self, url: str) -> DataFrame:
        self.spark.conf.set(ARROW_ROWS, WHOLE_FILES)
        reader = self.spark.read.format("binaryFile").option("recursiveFileLookup", True)
        files = reader.option("pathGlobFilter", "*.avro").load(url)
        packets = files.select("path", "length", "content")
        return packets.mapInArrow(worker.contents_job(self.recipe), worker.RESULTS)

    def _cargo(self, part: Round) -> Iterator[DataFrame]:
        held: list[pa.RecordBatch] = []
        for batch in FileSource(part.groups[0], self.recipe.batch_size):
            held.append(worker.packed(batch))
            if sum(row.nbytes for row in held) >= self.shipped:
                yield self._ship(held)
                held = []
        yield self._ship(held)

    def _ship(self, rows: list[pa.RecordBatch]) -> DataFrame:
        if not rows:
            return self.spark.createDataFrame([], worker.RESULTS)
        sent: DataFrame = self.spark.createDataFrame(pa.Table.from_batches(rows))
        return sent.mapInArrow(worker.shipped_job(self.recipe), worker.RESULTS)
