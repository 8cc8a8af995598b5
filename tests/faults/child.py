"""``gueststar`` with mines: ``python -m faults.child run broker.toml``.

The real code runs. In the worker processes (and in ``ingest``, which is one process) some of its
functions are wrapped: a worker that comes for the n-th time to a place where a mine lies (a file
named after the place, which holds n) takes the mine away and sends itself SIGKILL. Worker processes
import this module again, as ``multiprocessing`` does with every main module, so that they are
wrapped as well.

Folder ``GUESTSTAR_MINES``: ``<place>`` (a mine), ``fired/`` (mines that went off), ``slow``
(seconds that every write takes longer, the store's lock in hand), ``clock`` (seconds by which the
wall clock is wrong).
"""

import faulthandler
import functools
import importlib
import os
import signal
import sys
import time
from pathlib import Path

VARIABLE = "GUESTSTAR_MINES"


def anything(result, arguments):
    return True


def result_counts(result, arguments):
    return bool(result)


def rows_written(result, arguments):
    return result[0].received > 0


def rows_given(result, arguments):
    return arguments[1].num_rows > 0


#: Places between two stages: module, function, before or after it, and which calls count.
PLACES = {
    "read": ("sources.kafka", "KafkaSource._batch", "after", result_counts),
    "decoded": ("surveys.decode", "decode", "after", anything),
    "scored": ("pipeline", "Pipeline.one", "after", anything),
    "sent": ("sinks.kafka", "KafkaSink.flush", "after", anything),
    "aside": ("sinks.archive", "Archive.prepare", "after", result_counts),
    "packed": ("store.places", "Folder.put", "after", anything),
    "uncommitted": ("store.writing", "write", "after", rows_written),
    "committed": ("store.moves", "Move.finish", "before", anything),
    "renamed": ("store.moves", "Move.finish", "after", anything),
    "flushed": ("sources.kafka", "KafkaSource.commit", "before", rows_given),
    "asked": ("sources.kafka", "KafkaSource.commit", "after", rows_given),
    "acknowledged": ("sources.kafka", "KafkaSource._acknowledged", "after", anything),
}


class Field:
    """The mines of one worker process."""

    def __init__(self, folder):
        self.folder, self.passed = Path(folder), {}

    def step(self, place):
        """Pass a place; the n-th worker step on a mine is its last."""
        mine = self.folder / place
        try:
            limit = int(mine.read_text())
        except (FileNotFoundError, ValueError):
            self.passed.pop(place, None)
            return
        self.passed[place] = self.passed.get(place, 0) + 1
        if self.passed[place] < limit:
            return
        try:
            mine.rename(self.folder / "fired" / f"{place}.{os.getpid()}")
        except FileNotFoundError:  # another worker was first
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def number(self, name):
        try:
            return float((self.folder / name).read_text())
        except (FileNotFoundError, ValueError):
            return 0.0


def wrap(field, place, module, path, when, counts):
    owner = importlib.import_module(f"gueststar.{module}")
    *classes, name = path.split(".")
    for inner in classes:
        owner = getattr(owner, inner)
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*arguments, **options):
        if when == "before" and counts(None, arguments):
            field.step(place)
        result = real(*arguments, **options)
        if place == "uncommitted" and (slow := field.number("slow")):
            time.sleep(slow)
        if when == "after" and counts(result, arguments):
            field.step(place)
        return result

    setattr(owner, name, wrapped)


def arm(folder):
    faulthandler.register(signal.SIGUSR1)  # where do you stand?
    field = Field(folder)
    for place, rest in PLACES.items():
        wrap(field, place, *rest)
    real = time.time
    time.time = lambda: real() + field.number("clock")


IN_WORKER = __name__ == "__mp_main__"
IN_INGEST = __name__ == "__main__" and sys.argv[1:2] == ["ingest"]  # works without workers
if (IN_WORKER or IN_INGEST) and os.environ.get(VARIABLE):
    arm(os.environ[VARIABLE])

if __name__ == "__main__":
    from gueststar.cli import main

    main()
