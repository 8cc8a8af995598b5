"""Large Avro containers, block by block: each block becomes a small container of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

from gueststar.errors import BadPacket

SMALL_FILE = 8_000_000  # bytes; up to here a file is one packet
LARGEST_BLOCK = 256_000_000
LONGEST_NUMBER = 10  # bytes of a varint
SYNC = 16
MOST_FAULTS = 100  # each costs a search and a dead letter; then the rest of the file is one
STEP = 1_000_000  # bytes searched at once

#: Block number, bytes of a container with this block, reason it cannot be used.
Block = tuple[int, bytes, str | None]


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of an Avro container file as containers of one block each.

    A block without its sync marker at the end comes with a reason and with all bytes up to the
    next marker, 8 MB at most. Blocks of no records are passed over.
    """
    with path.open("rb") as file:
        try:
            header = _header(file)
        except BadPacket as error:
            file.seek(0)
            yield 0, file.read(SMALL_FILE), str(error)
            return
        yield from _blocks(file, header)


def _blocks(file: BinaryIO, header: bytes) -> Iterator[Block]:
    sync, faults = header[-SYNC:], 0
    for number in count():
        start = file.tell()
        try:
            body = _body(file, sync)
        except BadPacket as error:
            faults += 1
            end = _after_sync(file, start, sync) if faults < MOST_FAULTS else None
            file.seek(start)
            lost = file.read(min(SMALL_FILE, end - start) if end else SMALL_FILE)
            yield number, header + lost, f"block {number}: {error}"
            if end is None:
                return
            file.seek(end)
            continue
        if body is None:
            return
        if body != b"\0\0" + sync:
            yield number, header + body, None


def _after_sync(file: BinaryIO, start: int, sync: bytes) -> int | None:
    """Find where the next block begins: behind the next sync marker."""
    file.seek(start)
    before = b""
    while part := file.read(STEP):
        place = (before + part).find(sync)
        if place >= 0:
            return file.tell() - len(part) - len(before) + place + SYNC
        before = (before + part)[-SYNC + 1 :]
    return None


def _body(file: BinaryIO, sync: bytes) -> bytes | None:
    from gueststar.surveys.avro.header import HeadReader

    start = file.tell()
    head = HeadReader(memoryview(file.read(2 * LONGEST_NUMBER)), 0)
    if not head.data:
        return None
    head.long()  # number of records
    size = head.long()
    if not 0 <= size <= LARGEST_BLOCK:
        raise BadPacket(f"it claims {size} bytes; at most {LARGEST_BLOCK} are read")
    length = head.pos + size + SYNC
    file.seek(start)
    body = file.read(length)
    if len(body) < length:
        raise BadPacket(f"the file ends {length - len(body)} bytes early")
    if not body.endswith(sync):
        raise BadPacket("its sync marker is not where it says: bytes were lost, added or changed")
    return body


def _header(file: BinaryIO) -> bytes:
    from gueststar.surveys.avro.header import MAX_HEADER, head_length  # compiled: only here

    first = file.read(MAX_HEADER)
    end = head_length(memoryview(first)) + SYNC
    if end > len(first):
        raise BadPacket("the container ends inside its header")
    file.seek(end)
    return first[:end]
