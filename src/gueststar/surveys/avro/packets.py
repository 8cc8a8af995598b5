"""Packets where they lie: addresses and lengths, without joining or copying them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from gueststar.errors import BadInput

MAX_PACKET = 1 << 30  # bytes; real ones have some ten thousands


class Packets:
    """Many packets in place.

    Parameters
    ----------
    packets : pyarrow.LargeBinaryArray or sequence of bytes
        They must not change while this lives.

    Attributes
    ----------
    places : numpy.ndarray of int64, shape ``(n, 2)``
        Address and length of each; length 0 for a null.
    """

    def __init__(self, packets: pa.Array | Sequence[bytes]) -> None:
        self._packets = packets
        if isinstance(packets, pa.ChunkedArray):
            packets = packets.combine_chunks()
        if isinstance(packets, pa.Array):
            self.places = self._of_arrow(packets)
        else:
            self.places = self._of_bytes(packets)

    def __len__(self) -> int:
        return len(self.places)

    def _of_arrow(self, packets: pa.Array) -> np.ndarray:
        if not pa.types.is_large_binary(packets.type):
            try:
                packets = packets.cast(pa.large_binary())
            except pa.ArrowInvalid as error:
                raise BadInput(f"packets are binary, not {packets.type}: {error}") from None
        self._alive = packets
        places = np.zeros((len(packets), 2), np.int64)
        _, offsets, data = packets.buffers()
        if len(packets) and data is not None:
            ends = np.frombuffer(offsets, np.int64)[packets.offset :][: len(packets) + 1]
            places[:, 0] = data.address + ends[:-1]
            places[:, 1] = np.diff(ends)
        if packets.null_count:
            places[packets.is_null().to_numpy(zero_copy_only=False), 1] = 0
        return places

    def _of_bytes(self, packets: Sequence[bytes]) -> np.ndarray:
        self._alive = [pa.py_buffer(packet if packet is not None else b"") for packet in packets]
        places = np.empty((len(self._alive), 2), np.int64)
        places[:, 0] = [buffer.address for buffer in self._alive]
        places[:, 1] = [buffer.size for buffer in self._alive]
        return places

    def view(self, number: int) -> memoryview:
        """Return one packet's bytes, in place."""
        address, size = (int(word) for word in self.places[number])
        return view(address, size, self._alive)


def view(address: int, size: int, owner: object) -> memoryview:
    """Return bytes at an address, in place; ``owner`` keeps them alive."""
    if size == 0:
        return memoryview(b"")
    return memoryview(pa.foreign_buffer(address, size, owner)).cast("B")
