"""From the workers to the sinks.

Between the two stands a shuffle: the workers put their results on their own disks with all cores,
and the driver fetches one partition of them after another, so that its memory is bounded whatever
the size of the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gueststar.batch import is_dead_letters
from gueststar.contracts import Sink
from gueststar.run.spark.session import spark_error, spark_errors
from gueststar.run.spark.worker import unpacked

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FLUSH_ROWS = 1_000  # results of so many rows make one transaction of the sinks
MOST_PARTITIONS = 200  # above it Spark sorts before it shuffles


@dataclass
class Done:
    """What a job has done; the sinks' own reports say what became of it.

    Parameters
    ----------
    alerts, dead_letters : int
        Rows that were given to the sinks, repeated ones included.
    rounds : int
        Rounds of files, or micro-batches.
    skipped : int
        Rounds that the checkpoint knew.
    ignored : tuple of str
        Files that are no alert files.
    modules : dict of str
        Versions of the modules that scored, by name.
    seconds : float
        Wall clock.
    """

    alerts: int = 0
    dead_letters: int = 0
    rounds: int = 0
    skipped: int = 0
    ignored: tuple[str, ...] = ()
    modules: dict[str, str] | None = None
    seconds: float = 0.0

    @property
    def alerts_per_s(self) -> float:
        """Rows a second."""
        return (self.alerts + self.dead_letters) / self.seconds if self.seconds else 0.0


def begun(results: DataFrame, partitions: int) -> Iterator[Any]:
    """Run the workers to their end, and return an iterator over what is on their disks.

    Parameters
    ----------
    results : pyspark.sql.DataFrame
        Rows of :data:`gueststar.run.spark.worker.RESULTS`.
    partitions : int
        In how many parts the driver shall fetch them.

    Raises
    ------
    EngineError
        If a worker fails more often than Spark allows.
    """
    try:
        spread = results.repartition(max(2, min(MOST_PARTITIONS, partitions)), "part")
        rows: Iterator[Any] = iter(spread.drop("part").toLocalIterator(prefetchPartitions=True))
        first = next(rows, None)
    except spark_errors() as error:
        raise spark_error(error) from error
    return iter(()) if first is None else _chain(first, rows)


def _chain(first: Any, rows: Iterator[Any]) -> Iterator[Any]:
    yield first
    try:
        yield from rows
    except spark_errors() as error:
        raise spark_error(error) from error


def drain(rows: Iterable[Any], sinks: Sequence[Sink], done: Done) -> None:
    """Write results into sinks; everything is flushed when this returns.

    Raises
    ------
    GueststarError
        What a sink raises, or Spark.
    """
    waiting = 0
    for row in rows:
        waiting += _write(unpacked(row.ipc), sinks, done)
        if waiting >= FLUSH_ROWS:
            _flush(sinks)
            waiting = 0
    _flush(sinks)


def _write(result: Any, sinks: Sequence[Sink], done: Done) -> int:
    for sink in sinks:
        sink.write(result)
    if is_dead_letters(result):
        done.dead_letters += result.num_rows
    else:
        done.alerts += result.num_rows
    return int(result.num_rows)


def _flush(sinks: Sequence[Sink]) -> None:
    for sink in sinks:
        sink.flush()
