"""A simulated night as a source: ``gueststar ingest simulate:20000``."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

import pyarrow as pa

from gueststar.batch import packets_batch
from gueststar.errors import BadInput
from gueststar.simulate.night import Night

_CHUNK = 8  # patches that a worker draws at a time


class SimulatedSource:
    """Packets of a simulated night, in batches.

    Parameters
    ----------
    alerts, seed : int
        As of :class:`~gueststar.simulate.night.Night`.
    batch_size : int
        Packets in a batch; it does not change them.
    workers : int
        Processes that draw packets beside this one; 0 draws them here.
    bogus : float
        Share of artefacts.

    Attributes
    ----------
    size, done : int
        Packets in all and packets given so far, for a progress bar.

    Examples
    --------
    >>> source = SimulatedSource(20, seed=1, batch_size=16)
    >>> len(source), [batch.num_rows for batch in source]
    (20, [16, 4])
    """

    def __init__(
        self,
        alerts: int,
        seed: int = 1,
        *,
        batch_size: int = 256,
        workers: int = 0,
        bogus: float = 0.45,
    ) -> None:
        if batch_size < 1:
            raise BadInput(f"a batch holds at least one packet, not {batch_size}")
        if workers < 0:
            raise BadInput(f"there are 0 or more workers, not {workers}")
        self.night = Night(alerts, seed, bogus=bogus)
        self.batch_size, self.workers = batch_size, workers
        self.name = f"simulate:{alerts}:{seed}"
        self.size, self.done = alerts, 0

    def __len__(self) -> int:
        return len(self.night)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        packets, offset = self._packets(), 0
        while block := list(islice(packets, self.batch_size)):
            n = len(block)
            self.done = offset + n
            yield packets_batch(block, self.name, [""] * n, range(offset, offset + n))
            offset += n

    def commit(self, batch: pa.RecordBatch) -> None:
        """Do nothing: the same packets can be drawn again at any time."""

    def _packets(self) -> Iterator[bytes]:
        if not self.workers:
            yield from self.night
            return
        with ProcessPoolExecutor(self.workers, get_context("spawn")) as pool:
            yield from self._from(pool)

    def _from(self, pool: Executor) -> Iterator[bytes]:
        """Keep two chunks a worker in flight, so that memory stays bounded."""
        numbers = self.night.patches
        chunks = [numbers[i : i + _CHUNK] for i in range(0, len(numbers), _CHUNK)]
        ahead = 2 * self.workers
        jobs = [pool.submit(_draw, self.night, chunk) for chunk in chunks[:ahead]]
        for i in range(len(chunks)):
            if i + ahead < len(chunks):
                jobs.append(pool.submit(_draw, self.night, chunks[i + ahead]))
            yield from jobs.pop(0).result()


def _draw(night: Night, patches: range) -> list[bytes]:
    return [alerts.packet(index) for alerts, index in night.complete(patches)]
