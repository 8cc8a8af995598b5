"""N processes in one consumer group: each reads its partitions, one at a time writes the store.

The parent only watches: it hands signals on, starts again what died, with pauses that double, and
gives up when too many died within an hour. Nothing is lost by any of it: a worker that takes over
reads from the last committed offset, and the ledger knows what was done already.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from gueststar.errors import GueststarError, StreamError
from gueststar.run.config import Config

log = logging.getLogger(__name__)

HOUR = 3600.0
LONGEST_PAUSE = 30.0


def run_workers(config: Config, stop: threading.Event) -> int:
    """Run a broker until its workers are done or ``stop`` is set.

    Parameters
    ----------
    config : Config
    stop : threading.Event
        When set, the workers finish what is in flight, commit, and end.

    Returns
    -------
    int
        How many times a worker was started again.

    Raises
    ------
    StreamError
        If more workers died within an hour than ``config.restarts``.
    """
    crew: list[BaseProcess | None] = [_start(config, number) for number in range(config.workers)]
    deaths: list[float] = []
    try:
        while any(worker is not None for worker in crew) and not stop.wait(0.2):
            for number, worker in enumerate(crew):
                if worker is None or worker.is_alive():
                    continue
                crew[number] = None
                if worker.exitcode:
                    _pause(deaths, number, worker.exitcode, config, stop)
                    crew[number] = None if stop.is_set() else _start(config, number)
    finally:
        _end([worker for worker in crew if worker is not None])
    return len(deaths)


def _pause(deaths: list[float], number: int, code: int, config: Config, stop: Any) -> None:
    now = time.monotonic()
    deaths.append(now)
    recent = [at for at in deaths if now - at < HOUR]
    log.error("ALARM: worker %d ended with %d; restart %d", number, code, len(recent))
    if len(recent) > config.restarts:
        raise StreamError(
            f"workers died {len(recent)} times within an hour, more than restarts = "
            f"{config.restarts}: see the log; what was not committed is read again at the next run"
        )
    stop.wait(min(LONGEST_PAUSE, 0.25 * 2 ** len(recent)))


def _start(config: Config, number: int) -> BaseProcess:
    name = f"gueststar-worker-{number}"
    worker = get_context("spawn").Process(target=_work, args=(config, os.getpid()), name=name)
    worker.start()
    return worker


def _end(crew: Sequence[BaseProcess]) -> None:
    for worker in crew:
        worker.terminate()
    for worker in crew:
        worker.join()


def _work(config: Config, parent: int) -> None:
    """Run one worker in a process of its own."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(processName)s %(message)s")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hands it on
    threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    try:
        consume(config, stop)
    except GueststarError as error:
        log.error("%s", error)
        raise SystemExit(1) from error


def _watch(parent: int, stop: threading.Event) -> None:
    """End when the parent was killed."""
    while os.getppid() == parent:
        time.sleep(1.0)
    stop.set()


def consume(config: Config, stop: threading.Event) -> None:
    """Read, score and write in this process, until the end condition or ``stop``.

    The topic out is flushed before the store: what is in the store has gone out.
    """
    from gueststar.classifiers.choose import modules_named
    from gueststar.contracts import Sink
    from gueststar.pipeline import Pipeline
    from gueststar.run.ingest import Ledger
    from gueststar.run.local import run
    from gueststar.run.switch import Switch
    from gueststar.sinks.archive import Archive
    from gueststar.sinks.store import StoreSink
    from gueststar.store import open_store
    from gueststar.surveys.avro import warm_up

    warm_up()  # before any partition is ours: the others need not wait for it
    pipeline = Pipeline([Switch(module) for module in modules_named(config.modules)])
    archive = Archive(config.archive) if config.archive else None
    with open_store(config.store) as store:
        sinks: list[Sink] = [StoreSink(store, archive)]
        if config.output:
            sinks.insert(0, _output(config, store))
        run(_source(config), pipeline, sinks, skip=Ledger(store, pipeline).knows, stop=stop)


def _source(config: Config) -> Any:
    from gueststar.sources.kafka import KafkaSource
    from gueststar.sources.parse import start_of, until_of

    given = config.source
    until: Any = until_of(given.until) if given.until else None
    return KafkaSource(
        given.servers,
        given.topics,
        group=given.group,
        start=start_of(given.start),
        until=until,
        batch_size=given.batch_size,
        options=given.options,
    )


def _output(config: Config, store: Any) -> Any:
    from gueststar.sinks.kafka import KafkaSink

    assert config.output is not None
    out = config.output

    def known(ids: Sequence[int]) -> set[int]:
        listed = ",".join(str(int(number)) for number in ids)
        query = f"SELECT alert_id FROM alerts WHERE alert_id IN ({listed})"
        found = store.sql(query, limit=len(ids) + 1).column("alert_id").to_pylist()
        return {int(number) for number in found}

    return KafkaSink(out.servers, out.topic, form=out.form, known=known, options=out.options)
