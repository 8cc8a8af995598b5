"""N processes in one consumer group: each reads its partitions, one at a time writes the store.

What can only be read once, such as files, is read by the first of them.

The parent only watches: it hands signals on, starts again what died, with pauses that double, and
gives up when too many died within an hour. Nothing is lost by any of it: a worker that takes over
reads from the last committed offset, and the ledger knows what was done already.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from gueststar.errors import GueststarError, StreamError
from gueststar.run import logs
from gueststar.run.config import Config
from gueststar.run.monitor import Monitor, alarm
from gueststar.run.together import together

if TYPE_CHECKING:
    from gueststar.contracts import Source
    from gueststar.store import Store

log = logging.getLogger(__name__)

Read = Callable[[int], None]  # told how many rows were read, each time

HOUR = 3600.0
LONGEST_PAUSE = 30.0


def run_workers(config: Config, stop: threading.Event, progress: Read | None = None) -> int:
    """Run a broker until its workers are done or ``stop`` is set.

    Parameters
    ----------
    config : Config
    stop : threading.Event
        When set, the workers finish what is in flight, commit, and end.
    progress : callable, optional
        Called with the number of rows that all workers have read so far.

    Returns
    -------
    int
        How many times a worker was started again.

    Raises
    ------
    StreamError
        If more workers died within an hour than ``config.restarts``.
    """
    from gueststar.store import open_store

    with open_store(config.store) as store, Monitor(store, "gueststar run"):
        return _watch_crew(config, stop, progress)


def _watch_crew(config: Config, stop: threading.Event, progress: Read | None) -> int:
    rows = get_context("spawn").Value("q", 0)
    crew: list[BaseProcess | None] = [_start(config, n, rows) for n in range(config.crew)]
    deaths: list[float] = []
    try:
        while any(worker is not None for worker in crew) and not stop.wait(0.2):
            if progress:
                progress(rows.value)
            for number, worker in enumerate(crew):
                if worker is None or worker.is_alive():
                    continue
                crew[number] = None
                if worker.exitcode:
                    _pause(deaths, number, worker.exitcode, config, stop)
                    crew[number] = None if stop.is_set() else _start(config, number, rows)
    finally:
        _end([worker for worker in crew if worker is not None])
        if progress:
            progress(rows.value)
    return len(deaths)


def _pause(deaths: list[float], number: int, code: int, config: Config, stop: Any) -> None:
    now = time.monotonic()
    deaths.append(now)
    recent = [at for at in deaths if now - at < HOUR]
    alarm(log, "worker %d ended with %d; restart %d", number, code, len(recent))
    if len(recent) > config.restarts:
        raise StreamError(
            f"workers died {len(recent)} times within an hour, more than restarts = "
            f"{config.restarts}: see the log; what was not committed is read again at the next run"
        )
    stop.wait(min(LONGEST_PAUSE, 0.25 * 2 ** len(recent)))


def _start(config: Config, number: int, rows: Any) -> BaseProcess:
    name = f"gueststar-worker-{number}"
    work = (config.share(number), os.getpid(), rows)
    worker = get_context("spawn").Process(target=_work, args=work, name=name)
    worker.start()
    return worker


def _end(crew: Sequence[BaseProcess]) -> None:
    for worker in crew:
        worker.terminate()
    for worker in crew:
        worker.join()


def _work(config: Config, parent: int, rows: Any) -> None:
    """Run one worker in a process of its own."""
    logs.set_up(config.logs)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hands it on
    threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()

    def read(count: int) -> None:
        with rows.get_lock():
            rows.value += count

    try:
        consume(config, stop, read)
    except GueststarError as error:
        log.error("%s", error)
        raise SystemExit(1) from error


def _watch(parent: int, stop: threading.Event) -> None:
    """End when the parent was killed."""
    while os.getppid() == parent:
        time.sleep(1.0)
    stop.set()


def consume(config: Config, stop: threading.Event, read: Read | None = None) -> None:
    """Read, score, select and write in this process, until the end conditions or ``stop``.

    Every source has a thread and sinks of its own; the modules, the filters and the store are
    shared. The topics out are flushed before the store: what is in the store has gone out.

    Parameters
    ----------
    config : Config
    stop : threading.Event
    read : callable, optional
        Called with the number of rows after each committed batch.
    """
    from gueststar.classifiers.choose import modules_named
    from gueststar.pipeline import Pipeline
    from gueststar.run.assemble import make_filters, make_sink, make_source
    from gueststar.run.ingest import Ledger
    from gueststar.run.local import run
    from gueststar.run.switch import FilterSwitch, Switch
    from gueststar.store import open_store
    from gueststar.surveys.avro import warm_up

    warm_up()  # before any partition is ours: the others need not wait for it
    modules = modules_named(config.modules)
    filters = [FilterSwitch(made) for made in make_filters(config, modules)]
    pipeline = Pipeline([Switch(module) for module in modules])

    def job(given: Source, store: Store, stop: threading.Event) -> None:
        sinks = [make_sink(config, store, filters)]
        skip = Ledger(store, pipeline).knows
        tell = None if read is None else (lambda _, rows: read(rows))
        run(given, pipeline, sinks, skip=skip, progress=tell, stop=stop)

    sources = [make_source(given) for given in config.sources]
    who = multiprocessing.current_process().name
    with open_store(config.store) as store, Monitor.watching(store, who, sources):
        together([partial(job, source, store) for source in sources], stop)
