"""A source of packets that are in memory already: for tests, notebooks and examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from gueststar.batch import packets_batch


class MemorySource:
    """Packets from a list.

    Parameters
    ----------
    packets : sequence of bytes
    name : str
        Stands as ``source`` in the ledger.
    batch_size : int
        Packets a batch.

    Attributes
    ----------
    committed : list of pyarrow.RecordBatch
        Batches that were acknowledged, in order.

    Examples
    --------
    >>> [batch.num_rows for batch in MemorySource([b"a", b"b", b"c"], batch_size=2)]
    [2, 1]
    """

    def __init__(
        self, packets: Sequence[bytes], name: str = "memory", batch_size: int = 1000
    ) -> None:
        self.packets = list(packets)
        self.name = name
        self.batch_size = batch_size
        self.committed: list[pa.RecordBatch] = []

    def __len__(self) -> int:
        return len(self.packets)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the packets in batches; offsets count from 0."""
        for start in range(0, len(self.packets), self.batch_size):
            part = self.packets[start : start + self.batch_size]
            offsets = list(range(start, start + len(part)))
            yield packets_batch(part, self.name, [""] * len(part), offsets)

    def commit(self, batch: pa.RecordBatch) -> None:
        """Remember that this batch was acknowledged."""
        self.committed.append(batch)
