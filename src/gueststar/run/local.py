"""Runs a pipeline on one machine: read, decode and score in threads, write in order, commit.

Decoding, ONNX Runtime and gunzip release the interpreter's lock, so threads share the work.
Batches reach the sinks in the order of the source, and a source batch is committed only after
every sink has flushed it. At most ``workers + 1`` batches are in flight, so memory is bounded
while a sink is slow.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from gueststar.contracts import Sink, Source
from gueststar.pipeline import Pipeline

Progress = Callable[[Source, int], None]
Skip = Callable[[pa.RecordBatch], bool]


def run(
    source: Source,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    *,
    workers: int = 1,
    skip: Skip | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Run a source through a pipeline into sinks.

    Parameters
    ----------
    source : Source
    pipeline : Pipeline
    sinks : sequence of Sink
        Written in order; all of them flush before the source is committed.
    workers : int
        Threads that decode and score.
    skip : callable, optional
        Tells that a source batch has been through before and needs no work.
    progress : callable, optional
        Called with the source and the number of its rows after each committed batch.
    stop : threading.Event, optional
        When set, no more batches are read; what is in flight is finished and committed.

    Returns
    -------
    int
        Rows of the source that were skipped.

    Raises
    ------
    GueststarError
        Whatever a source or sink raises. Nothing that was not committed counts as done, so the
        same call completes the work later.
    """
    try:
        return _run(source, pipeline, sinks, workers, skip, progress, stop)
    finally:
        if callable(close := getattr(source, "close", None)):
            close()


def _run(
    source: Source,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    workers: int,
    skip: Skip | None,
    progress: Progress | None,
    stop: threading.Event | None,
) -> int:
    skipped = 0
    for batch, results in _in_order(_until(source, stop), pipeline, workers, skip):
        if results is None:
            skipped += batch.num_rows
        else:
            _write(results, sinks)
        source.commit(batch)
        if progress and batch.num_rows:
            progress(source, batch.num_rows)
    return skipped


def _until(source: Source, stop: threading.Event | None) -> Iterator[pa.RecordBatch]:
    for batch in source:
        if stop is not None and stop.is_set():
            return
        yield batch


def _write(results: Iterable[pa.RecordBatch], sinks: Sequence[Sink]) -> None:
    for result in results:
        for sink in sinks:
            sink.write(result)
    for sink in sinks:
        sink.flush()


def _in_order(
    batches: Iterable[pa.RecordBatch], pipeline: Pipeline, workers: int, skip: Skip | None
) -> Iterator[tuple[pa.RecordBatch, list[pa.RecordBatch] | None]]:
    def work(batch: pa.RecordBatch) -> list[pa.RecordBatch] | None:
        return None if skip is not None and skip(batch) else pipeline.one(batch)

    waiting: deque[tuple[pa.RecordBatch, Future[list[pa.RecordBatch] | None]]] = deque()
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="pipeline") as pool:
        for batch in batches:
            if batch.num_rows == 0:  # a live source has nothing: leave nothing waiting
                while waiting:
                    yield _finish(waiting)
                yield batch, []
                continue
            waiting.append((batch, pool.submit(work, batch)))
            if len(waiting) > workers:
                yield _finish(waiting)
        while waiting:
            yield _finish(waiting)


def _finish(
    waiting: deque[tuple[pa.RecordBatch, Future[list[pa.RecordBatch] | None]]],
) -> tuple[pa.RecordBatch, list[pa.RecordBatch] | None]:
    batch, future = waiting.popleft()
    return batch, future.result()
