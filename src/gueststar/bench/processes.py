"""Memory and processor time of a process and all its children, from Linux' ``/proc``."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Self

SAMPLE_S = 0.2
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Watch:
    """Samples a tree of processes until it is left.

    Parameters
    ----------
    pid : int
        The parent's.

    Attributes
    ----------
    memory : list of float
        Resident memory of all of them together at each sample, MB. A page that they share counts
        for each of them, so this is an upper bound. Empty where there is no ``/proc``.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.memory: list[float] = []
        self._cpu: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def cpu_s(self) -> float:
        """Processor time of all of them up to now, s."""
        return sum(self._cpu.values())

    @property
    def peak_mb(self) -> int:
        """Largest resident memory of all of them together, MB."""
        return round(max(self.memory, default=0.0))

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_S):
            facts = [fact for pid in tree(self.pid) if (fact := _fact(pid)) is not None]
            if facts:
                self.memory.append(sum(fact[2] for fact in facts))
            for pid, cpu, _ in facts:
                self._cpu[pid] = cpu


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += _children(found[-1])
    return found


def cpu_of(pid: int | None) -> float:
    """Return the processor time of one process up to now, s; NaN where that is not known."""
    fact = None if pid is None else _fact(pid)
    return float("nan") if fact is None else fact[1]


def _children(pid: int) -> list[int]:
    try:
        tasks = [path / "children" for path in Path(f"/proc/{pid}/task").iterdir()]
        return [int(child) for path in tasks for child in path.read_text().split()]
    except OSError:  # it is over
        return []


def _fact(pid: int) -> tuple[int, float, float] | None:
    """Return pid, processor time in s and memory in MB."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return pid, (int(stat[11]) + int(stat[12])) / _TICK, int(stat[21]) * _PAGE / 1e6
