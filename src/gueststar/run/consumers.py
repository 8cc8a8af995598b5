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

from gueststar.errors import GueststarError, StreamError, Unavailable
from gueststar.run.config import Config
from gueststar.run.monitor import alarm

log = logging.getLogger(__name__)

HOUR = 3600.0
LONGEST_PAUSE = 30.0
STEADY_S = 20.0  # a worker that lived longer is started again with the first, short pause
FINAL = 3  # exit code of a worker whose error no new start mends
SHORT_S = 2.0  # how long one try of a sink may take


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
        If more workers died within an hour than ``config.restarts``, if one ended with an error
        that starting it again cannot mend, or if one was stopped while it waited for something.
    """
    crew = _Crew(config)
    try:
        while crew.at_work() and not stop.wait(0.2):
            crew.look_after()
    finally:
        codes = crew.end()
    if stop.is_set() and any(codes):
        raise StreamError(
            f"{sum(map(bool, codes))} of {len(codes)} workers could not finish what was in "
            "flight: see the log; what was not committed is read again at the next run"
        )
    return len(crew.deaths)


class _Crew:
    """The worker processes, by number; a slot without one has an end or a time to start again."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.deaths: list[float] = []
        self._due: dict[int, float] = dict.fromkeys(range(config.workers), 0.0)
        self._begun: dict[int, float] = {}
        self._streak: dict[int, int] = {}  # deaths of a slot soon after its start
        self._workers: dict[int, BaseProcess] = {}
        self.look_after()

    def at_work(self) -> bool:
        return bool(self._workers or self._due)

    def look_after(self) -> None:
        """Start what is due; take note of who has ended."""
        for number in [n for n, worker in self._workers.items() if not worker.is_alive()]:
            code = self._workers.pop(number).exitcode or 0
            if code:
                self._died(number, code)
        now = time.monotonic()
        for number in [n for n, due in self._due.items() if due <= now]:
            del self._due[number]
            self._workers[number] = _start(self.config, number)
            self._begun[number] = now

    def _died(self, number: int, code: int) -> None:
        if code == FINAL:
            raise StreamError(
                f"worker {number} has met an error that starting it again cannot mend: see the "
                "line above; what was not committed is read again at the next run"
            )
        now = time.monotonic()
        self.deaths.append(now)
        recent = sum(now - at < HOUR for at in self.deaths)
        alarm(log, "worker %d ended with %d; restart %d", number, code, recent)
        if recent > self.config.restarts:
            raise StreamError(
                f"workers died {recent} times within an hour, more than restarts = "
                f"{self.config.restarts}: see the log; what was not committed is read again at "
                "the next run"
            )
        steady = now - self._begun[number] > STEADY_S
        self._streak[number] = 1 if steady else self._streak.get(number, 0) + 1
        self._due[number] = now + min(LONGEST_PAUSE, 0.25 * 2 ** self._streak[number])

    def end(self) -> list[int]:
        """Let all finish what is in flight; return their exit codes."""
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            worker.join()
        return [worker.exitcode or 0 for worker in self._workers.values()]


def _start(config: Config, number: int) -> BaseProcess:
    name = f"gueststar-worker-{number}"
    worker = get_context("spawn").Process(target=_work, args=(config, os.getpid()), name=name)
    worker.start()
    return worker


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


def consume(config: Config, stop: threading.Event) -> None:
    """Read, score and write in this process, until the end condition or ``stop``.

    The topic out is flushed before the store: what is in the store has gone out.
    """
    from gueststar.classifiers.choose import modules_named
    from gueststar.contracts import Sink
    from gueststar.pipeline import Pipeline
    from gueststar.run.ingest import Ledger
    from gueststar.run.local import run
    from gueststar.run.patience import Patience
    from gueststar.run.switch import Switch
    from gueststar.sinks.archive import Archive
    from gueststar.sinks.store import StoreSink
    from gueststar.store import open_store
    from gueststar.surveys.avro import warm_up

    warm_up()  # before any partition is ours: the others need not wait for it
    pipeline = Pipeline([Switch(module) for module in modules_named(config.modules)])
    archive = Archive(config.archive) if config.archive else None
    patience = Patience(stop)
    # Short waits inside, long ones in the patience: there a stop is heard.
    with patience(lambda: open_store(config.store, busy_s=SHORT_S)) as store:
        sinks: list[Sink] = [StoreSink(store, archive)]
        if config.output:
            sinks.insert(0, _output(config, store))
        skip = Ledger(store, pipeline).knows
        run(_source(config), pipeline, sinks, skip=skip, stop=stop, patience=patience)


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

    return KafkaSink(
        out.servers, out.topic, form=out.form, known=known, flush_s=SHORT_S, options=out.options
    )
