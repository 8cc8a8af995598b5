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
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa

from gueststar.contracts import Sink, Source
from gueststar.errors import Unavailable
from gueststar.pipeline import Pipeline
from gueststar.run.patience import Patience

Progress = Callable[[Source, int], None]
Skip = Callable[[pa.RecordBatch], bool]
Results = list[pa.RecordBatch] | None

REST_S = 2.0  # a batch that takes longer to score: the source rests meanwhile


def run(
    source: Source,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    *,
    workers: int = 1,
    skip: Skip | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    patience: Patience | None = None,
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
    patience : Patience, optional
        Waits for what may come back (:class:`~gueststar.errors.Unavailable`): reading, scoring
        and each sink's flush are tried again. Without it every error ends the run at once.

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
    work = _Work(source, patience)
    try:
        return _run(work, pipeline, sinks, workers, skip, progress, stop)
    finally:
        if callable(close := getattr(source, "close", None)):
            close()


class _Work:
    """One run: what its steps share."""

    def __init__(self, source: Source, patience: Patience | None) -> None:
        self.source = source
        self.patience = patience
        self.over = threading.Event()  # ends waits of threads whose batch nobody wants any more
        self.rest: Callable[[], None] | None = getattr(source, "rest", None) if patience else None

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Let no thread of the pool wait longer than the run."""
        try:
            yield
        finally:
            self.over.set()

    def tried(self, step: Callable[[], Any]) -> Any:
        """Do a step, patiently where that is asked for; sources rest meanwhile."""
        return self.patience(step, self.rest) if self.patience else step()

    def tried_aside(self, step: Callable[[], Any]) -> Any:
        """Do a step in a thread of the pool, where the source must not be touched."""
        return self.patience(step, over=self.over) if self.patience else step()

    def batches(self, stop: threading.Event | None) -> Iterator[pa.RecordBatch]:
        """Read the source; where that fails for a while, it is opened again."""
        batches = iter(self.source)

        def following() -> pa.RecordBatch | None:
            nonlocal batches
            try:
                return next(batches, None)
            except Unavailable:
                batches = iter(self.source)
                raise

        while (batch := self.tried(following)) is not None:
            if stop is not None and stop.is_set():
                return
            yield batch

    def write(self, results: Iterable[pa.RecordBatch], sinks: Sequence[Sink]) -> None:
        """Give results to the sinks once, and flush until all of them are safe.

        A sink that has flushed has nothing left for the flush after the next one's failure.
        """
        for result in results:
            for sink in sinks:
                sink.write(result)
        for sink in sinks:
            self.tried(sink.flush)

    def finish(self, future: Future[Results]) -> Results:
        """Wait for a batch; a source that can rest stays in its group meanwhile."""
        while self.rest is not None and not wait([future], timeout=REST_S).done:
            self.rest()
        return future.result()


def _run(
    work: _Work,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    workers: int,
    skip: Skip | None,
    progress: Progress | None,
    stop: threading.Event | None,
) -> int:
    skipped = 0
    for batch, results in _in_order(work, pipeline, workers, skip, stop):
        if results is None:
            skipped += batch.num_rows
        else:
            work.write(results, sinks)
        work.source.commit(batch)
        if progress and batch.num_rows:
            progress(work.source, batch.num_rows)
    return skipped


def _in_order(
    work: _Work,
    pipeline: Pipeline,
    workers: int,
    skip: Skip | None,
    stop: threading.Event | None,
) -> Iterator[tuple[pa.RecordBatch, Results]]:
    def scored(batch: pa.RecordBatch) -> Results:
        return None if skip is not None and skip(batch) else pipeline.one(batch)

    waiting: deque[tuple[pa.RecordBatch, Future[Results]]] = deque()

    def finished() -> tuple[pa.RecordBatch, Results]:
        batch, future = waiting.popleft()
        return batch, work.finish(future)

    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="pipeline") as pool, work.ending():
        for batch in work.batches(stop):
            if batch.num_rows == 0:  # a live source has nothing: leave nothing waiting
                while waiting:
                    yield finished()
                yield batch, []
                continue
            waiting.append((batch, pool.submit(work.tried_aside, partial(scored, batch))))
            if len(waiting) > workers:
                yield finished()
        while waiting:
            yield finished()
