"""Avro containers and framed messages to Arrow: which schema, which blocks, then the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.errors import BadPacket
from gueststar.surveys.avro.codecs import Unpacker
from gueststar.surveys.avro.fallback import read_blocks
from gueststar.surveys.avro.header import Header, Writer, known_headers, read_header, writer_of
from gueststar.surveys.avro.packets import MAX_PACKET, Packets, view
from gueststar.surveys.avro.reasons import container_reason
from gueststar.surveys.avro.run import (
    COUNT,
    PACKET,
    START,
    STOP,
    Group,
    PacketError,
    run_blocks,
)
from gueststar.surveys.avro.scan import find_blocks, match_headers


@dataclass
class Decoded:
    """What packets held.

    Attributes
    ----------
    groups : list of Group
        Records, by writer's schema.
    errors : list of PacketError
        At most one a packet, in the order of the packets. Records before it are in ``groups``.
    """

    groups: list[Group] = field(default_factory=list)
    errors: list[PacketError] = field(default_factory=list)


class _Faults:
    """The first fault of each packet."""

    def __init__(self) -> None:
        self._first: dict[int, PacketError] = {}

    def add(self, error: PacketError) -> None:
        known = self._first.get(error.row)
        if known is None or error.record < known.record:
            self._first[error.row] = error

    def sorted(self) -> list[PacketError]:
        return [self._first[row] for row in sorted(self._first)]


def read_containers(packets: pa.Array | Sequence[bytes]) -> Decoded:
    """Decode packets that are Avro container files each.

    Codecs null, deflate and snappy; any number of blocks and records; schemas may differ.

    Parameters
    ----------
    packets : pyarrow.LargeBinaryArray or list of bytes
        Read in place.

    Returns
    -------
    Decoded
        Records by schema, and why packets could not be read. Nothing is raised for a bad packet.

    Examples
    --------
    >>> read_containers([b"<html>"]).errors[0].reason
    "not an Avro container: starts with b'<html>'"
    """
    held = Packets(packets)
    faults = _Faults()
    headers, which = _headers(held, faults)
    blocks = _blocks(held, headers, which, faults)
    decoded = Decoded()
    unpacked = _unpack(blocks, headers, which, faults)
    for writer, part in _by_writer(blocks, headers, which):
        _read(writer, part, decoded, faults)
    del unpacked  # the addresses in blocks lead there: it had to live until here
    decoded.errors = faults.sorted()
    return decoded


def count_records(packets: pa.Array | Sequence[bytes]) -> np.ndarray:
    """Count the records that packets claim to hold, without decoding them.

    Returns
    -------
    numpy.ndarray of int64, shape ``(n,)``
        Summed over the blocks before the first fault; 0 for what is no container.
    """
    held, faults = Packets(packets), _Faults()
    headers, which = _headers(held, faults)
    blocks = _blocks(held, headers, which, faults)
    counts = np.zeros(len(held), np.int64)
    np.add.at(counts, blocks[:, PACKET], blocks[:, COUNT])
    return counts


def read_messages(
    bodies: pa.Array | Sequence[bytes], schema: dict[str, Any], *, skip: int = 0
) -> Decoded:
    """Decode Avro bodies without a header, one record each, all of one schema.

    Parameters
    ----------
    bodies : pyarrow.LargeBinaryArray or list of bytes
        Read in place.
    schema : dict
        The writer's.
    skip : int
        Bytes of framing before each body (5 in Confluent's).

    Returns
    -------
    Decoded
        Records in one group, and why messages could not be read.

    Raises
    ------
    BadPacket
        If the schema itself cannot be used.
    """
    writer = writer_of(schema)
    held = Packets(bodies)
    faults = _Faults()
    blocks = np.zeros((len(held), 5), np.int64)
    blocks[:, PACKET] = np.arange(len(held))
    blocks[:, START] = held.places[:, 0] + skip
    blocks[:, STOP] = held.places.sum(axis=1)
    blocks[:, COUNT] = 1
    good = (held.places[:, 1] >= skip) & (held.places[:, 1] <= MAX_PACKET)
    for row in np.flatnonzero(~good):
        size = int(held.places[row, 1])
        reason = f"a message of {size} bytes; {skip} to {MAX_PACKET} can be read"
        faults.add(PacketError(int(row), 0, reason))
    decoded = Decoded()
    _read(writer, blocks[good], decoded, faults)
    decoded.errors = faults.sorted()
    return decoded


def _read(writer: Writer, blocks: np.ndarray, decoded: Decoded, faults: _Faults) -> None:
    if len(blocks) == 0:
        return
    groups, errors = (run_blocks if writer.program else read_blocks)(writer, blocks)
    decoded.groups += groups
    for error in errors:
        faults.add(error)


def _headers(held: Packets, faults: _Faults) -> tuple[list[Header], np.ndarray]:
    """Find the header of every packet: those we know by comparison, others by reading them."""
    known = known_headers()
    headers = [header for _, header in known]
    which = np.full(len(held), -1, np.int64)
    _match(held, [head for head, _ in known], 0, which)
    for row in np.flatnonzero(which < 0):
        if which[row] >= 0:  # another stranger had the same header
            continue
        try:
            head, header = _read_head(held, int(row))
        except BadPacket as error:
            faults.add(PacketError(int(row), 0, str(error)))
            continue
        headers.append(header)
        _match(held, [head], len(headers) - 1, which)
    return headers, which


def _match(held: Packets, heads: list[bytes], first: int, which: np.ndarray) -> None:
    if heads:
        buffers = [pa.py_buffer(head) for head in heads]
        places = np.array([(buffer.address, buffer.size) for buffer in buffers], np.int64)
        match_headers(held.places, places, first, which)


def _read_head(held: Packets, row: int) -> tuple[bytes, Header]:
    size = int(held.places[row, 1])
    if size > MAX_PACKET:
        raise BadPacket(f"a packet of {size} bytes; at most {MAX_PACKET} can be read")
    return read_header(held.view(row))


def _blocks(held: Packets, headers: list[Header], which: np.ndarray, faults: _Faults) -> np.ndarray:
    lengths = np.array([header.length for header in headers] + [-1], np.int64)[which]
    errors = np.zeros((len(held), 5), np.int64)
    blocks = np.empty((len(held) + 64, 5), np.int64)
    at, used = 0, 0
    while True:
        at, used = find_blocks(held.places, lengths, at, used, blocks, errors)
        if at == len(held):
            break
        blocks = np.concatenate([blocks, np.empty_like(blocks)])
    for row in np.flatnonzero(errors[:, 0]):
        reason = container_reason(errors[row].tolist())
        faults.add(PacketError(int(row), int(errors[row, 1]), reason))
    return blocks[:used]


def _unpack(
    blocks: np.ndarray, headers: list[Header], which: np.ndarray, faults: _Faults
) -> list[bytes]:
    """Unpack the blocks that are packed, and point their rows at the result."""
    codecs = np.array([header.codec != "null" for header in headers] + [False])
    packed = np.flatnonzero(codecs[which[blocks[:, PACKET]]])
    unpack, alive, bad = Unpacker(), [], set()
    for b in packed:
        packet, start, stop, count, first = (int(word) for word in blocks[b])
        body = b""
        try:
            if packet not in bad:
                body = unpack(view(start, stop - start, blocks), headers[which[packet]].codec)
        except BadPacket as error:
            faults.add(PacketError(packet, first, str(error)))
            bad.add(packet)
        alive.append(body)
        address = pa.py_buffer(body).address
        blocks[b, START], blocks[b, STOP] = address, address + len(body)
        blocks[b, COUNT] = 0 if packet in bad else count
    return alive


def _by_writer(
    blocks: np.ndarray, headers: list[Header], which: np.ndarray
) -> list[tuple[Writer, np.ndarray]]:
    """Sort the blocks by schema, keeping their order."""
    writers: dict[str, Writer] = {}
    for header in headers:
        writers.setdefault(header.writer.fingerprint, header.writer)
    number = {key: k for k, key in enumerate(writers)}
    of_header = np.array([number[header.writer.fingerprint] for header in headers] + [-1])
    of_block = of_header[which[blocks[:, PACKET]]]
    return [
        (writer, blocks[of_block == number[key]])
        for key, writer in writers.items()
        if (of_block == number[key]).any()
    ]
