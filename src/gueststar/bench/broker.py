"""``gueststar run`` under measurement: started as a user starts it, watched from outside."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gueststar.bench.kafka import Kafka, assigned
from gueststar.bench.ledger import LOOK_S, LedgerWatch
from gueststar.bench.processes import Watch
from gueststar.errors import StreamError

START_S = 120.0
END_S = 120.0


@dataclass(frozen=True)
class Job:
    """A broker to be run.

    Parameters
    ----------
    folder : Path
        For its settings, store, archive and log.
    topic, output : str
        What it reads, and where alerts go.
    partitions : int
        Of ``topic``.
    workers : int
    archive : bool
        Also write Parquet.
    """

    folder: Path
    topic: str
    output: str
    partitions: int
    workers: int
    archive: bool = True

    @property
    def store(self) -> Path:
        """File of the store."""
        return self.folder / "night.db"

    @property
    def group(self) -> str:
        """Consumer group."""
        return f"{self.topic}-{self.folder.name}"

    def write(self, servers: str) -> Path:
        """Write ``broker.toml``."""
        tables: dict[str, dict[str, Any]] = {
            "": {"modules": ["rb"], "workers": self.workers, "store": f"sqlite:///{self.store}"},
            "source": {"servers": servers, "topics": [self.topic], "group": self.group},
            "output": {"servers": servers, "topic": self.output},
        }
        if self.archive:
            tables[""]["archive"] = str(self.folder / "archive")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "broker.toml"
        path.write_text("\n".join(_toml(name, table) for name, table in tables.items()))
        return path


def _toml(name: str, table: Mapping[str, Any]) -> str:
    """Write one table; JSON's strings, numbers and lists of strings are TOML's too."""
    head = f"[{name}]\n" if name else ""
    return head + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


class Running:
    """A broker that runs.

    Attributes
    ----------
    ledger : LedgerWatch
    watch : Watch
        Of the parent and all its workers.
    started, began : float
        When it was started, and when one of its workers had partitions to read, s since 1970.
    """

    def __init__(self, kafka: Kafka, job: Job, *options: str) -> None:
        self._log = (job.folder / "log").open("wb")
        command = [sys.executable, "-m", "gueststar", "run", str(job.write(kafka.servers))]
        self.started, self.began = time.time(), 0.0
        self.process = subprocess.Popen([*command, *options], stderr=self._log)
        self.ledger = LedgerWatch(job.store, job.topic, job.partitions)
        self.watch = Watch(self.process.pid)
        self._kafka, self._job = kafka, job

    def wait_until_reading(self) -> None:
        """Wait until a worker has partitions.

        Raises
        ------
        StreamError
            If that takes longer than two minutes, or the broker ended.
        """
        deadline = time.monotonic() + START_S
        while not assigned(self._kafka, self._job.group):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StreamError(f"gueststar run does not read: {self.said()}")
            time.sleep(LOOK_S)
        self.began = time.time()

    def watch_until(self, alerts: int, seconds: float, tell: Callable[[int], None]) -> None:
        """Look at the ledger until so many are in it, the broker ends or the time is over."""
        deadline = time.monotonic() + seconds
        while self.ledger.look() < alerts and time.monotonic() < deadline:
            tell(len(self.ledger.seen))
            if self.process.poll() is not None:
                self.ledger.look()
                return
            time.sleep(LOOK_S)

    def finish(self, number: int | None = None) -> float:
        """Send a signal, wait for the end, and return how long that took, s.

        Raises
        ------
        StreamError
            If the broker fails, or does not end.
        """
        start = time.monotonic()
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            raise StreamError("gueststar run does not end") from None
        if self.process.returncode:
            raise StreamError(f"gueststar run failed: {self.said()}")
        return time.monotonic() - start

    def said(self) -> str:
        """Return the end of its log."""
        return (self._job.folder / "log").read_text(errors="replace").strip()[-500:]

    def close(self) -> None:
        """Stop what still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.ledger.close()
        self._log.close()


@contextmanager
def running(kafka: Kafka, job: Job, *options: str) -> Iterator[Running]:
    """Run ``gueststar run``; whatever happens, it has ended at the end."""
    job.folder.mkdir(parents=True, exist_ok=True)
    broker = Running(kafka, job, *options)
    try:
        with broker.watch:
            yield broker
    finally:
        broker.close()
