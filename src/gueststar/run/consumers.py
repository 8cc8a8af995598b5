"""N processes in one consumer group: each reads its partitions, one at a time writes the store.

What can only be read once, such as files, is read by the first of them. The parent hands signals on
and looks after its crew (:mod:`gueststar.run.crew`); it also answers Prometheus.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from gueststar.errors import GueststarError, StreamError, Unavailable
from gueststar.run import logs
from gueststar.run.config import Config
from gueststar.run.crew import FINAL, Crew
from gueststar.run.monitor import Monitor
from gueststar.run.patience import Patience
from gueststar.run.together import together
from gueststar.serve.metrics import answering

if TYPE_CHECKING:
    from gueststar.contracts import Source
    from gueststar.store import Store

log = logging.getLogger(__name__)

Read = Callable[[int], None]  # told how many rows were read, each time

SHORT_S = 2.0  # how long one try of a sink may take; long waits are the patience's


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
        If more workers died within an hour than ``config.restarts``, if one ended with an error
        that starting it again cannot mend, or if one was stopped while it waited for something.
    """
    with (
        opened(config, stop) as store,
        Monitor(store, "gueststar run"),
        answering(config.metrics, store.health),
    ):
        return _watch_crew(config, stop, progress)


def opened(config: Config, stop: threading.Event) -> Store:
    """Open the store of a broker, however long it or the place of its cutouts is away."""
    from gueststar.store import open_store

    patience = Patience(stop)
    store = patience(lambda: open_store(config.store, busy_s=SHORT_S))
    place = config.cutouts
    if place is not None:
        patience(lambda: store.keep_cutouts_in(place))
    return store


def _watch_crew(config: Config, stop: threading.Event, progress: Read | None) -> int:
    rows = get_context("spawn").Value("q", 0)
    crew = Crew(config.crew, config.restarts, lambda number: _start(config, number, rows))
    tell = progress or (lambda _: None)
    codes: list[int] = []
    try:
        crew.look_after()
        while crew.at_work() and not stop.wait(0.2):
            tell(rows.value)
            crew.look_after()
    finally:
        codes = crew.end()
        tell(rows.value)
    if stop.is_set() and any(codes):
        raise StreamError(
            f"{sum(map(bool, codes))} of {len(codes)} workers could not finish what was in "
            "flight: see the log; what was not committed is read again at the next run"
        )
    return len(crew.deaths)


def _start(config: Config, number: int, rows: Any) -> BaseProcess:
    name = f"gueststar-worker-{number}"
    work = (config.share(number), os.getpid(), rows)
    worker = get_context("spawn").Process(target=_work, args=work, name=name)
    worker.start()
    return worker


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
        raise SystemExit(_code(error)) from error


def _code(error: GueststarError) -> int:
    """Tell errors that another process may not meet from those that every one meets."""
    passing = isinstance(error, Unavailable) or type(error) is StreamError  # a broken client
    return 1 if passing else FINAL


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
    from gueststar.run.assemble import (
        asked_for,
        make_catalogues,
        make_filters,
        make_sink,
        make_source,
    )
    from gueststar.run.ingest import Ledger
    from gueststar.run.local import run
    from gueststar.run.switch import FilterSwitch, Switch
    from gueststar.surveys.avro import warm_up

    warm_up()  # before any partition is ours: the others need not wait for it
    modules = modules_named(config.modules)
    sources = [make_source(given) for given in config.sources]
    who = multiprocessing.current_process().name
    tell = None if read is None else (lambda _, rows: read(rows))
    with opened(config, stop) as store:
        catalogues = make_catalogues(config, store)
        filters = [FilterSwitch(one) for one in make_filters(config, [*catalogues, *modules])]
        pipeline = Pipeline([Switch(one) for one in (*asked_for(catalogues, filters), *modules)])

        def job(given: Source, stop: threading.Event) -> None:
            run(
                given,
                pipeline,
                [make_sink(config, store, filters, flush_s=SHORT_S)],
                skip=Ledger(store, pipeline).knows,
                progress=tell,
                stop=stop,
                patience=Patience(stop),
            )

        with Monitor.watching(store, who, sources):
            together([partial(job, source) for source in sources], stop)
