"""From the workers to the sinks.

The driver collects the results of a round of files, or of a micro-batch, as Arrow: its memory is
bounded by the size of these. Fetching row by row (``toLocalIterator``) would bound it more
tightly, but Spark pickles each row's bytes for that, which took some five times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.batch import is_dead_letters
from gueststar.contracts import Sink
from gueststar.run.spark.session import spark_error, spark_errors
from gueststar.run.spark.worker import unpacked

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FLUSH_ROWS = 1_000  # results of so many rows make one transaction of the sinks


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


def collected(results: DataFrame) -> Iterator[pa.RecordBatch]:
    """Run the workers to their end, and return an iterator over their results, in order.

    Parameters
    ----------
    results : pyspark.sql.DataFrame
        Rows of :data:`gueststar.run.spark.worker.RESULTS`.

    Raises
    ------
    EngineError
        If a worker fails more often than Spark allows.
    """
    try:
        column = results.select("ipc").toArrow().column("ipc")
    except spark_errors() as error:
        raise spark_error(error) from error
    return (unpacked(ipc.as_buffer()) for ipc in column)


def drain(results: Iterable[pa.RecordBatch], sinks: Sequence[Sink], done: Done) -> None:
    """Write results into sinks; everything is flushed when this returns.

    Raises
    ------
    GueststarError
        What a sink raises.
    """
    waiting = 0
    for result in results:
        waiting += _write(result, sinks, done)
        if waiting >= FLUSH_ROWS:
            _flush(sinks)
            waiting = 0
    _flush(sinks)


def _write(result: pa.RecordBatch, sinks: Sequence[Sink], done: Done) -> int:
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
