"""Large Avro containers, block by block: each block becomes a small container of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SMALL_FILE = 8_000_000  # bytes; up to here a file is one packet
LARGEST_BLOCK = 256_000_000
LARGEST_HEADER = 16_000_000
SYNC = 16

#: Block number, bytes of a container with this block, reason it cannot be used.
Block = tuple[int, bytes, str | None]


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of an Avro container file as containers of one block each.

    A block that is cut off or absurdly large ends the file: what follows cannot be found any
    more, because only lengths lead from block to block.
    """
    with path.open("rb") as file:
        try:
            header = _header(file)
        except ValueError as error:
            file.seek(0)
            yield 0, file.read(SMALL_FILE), str(error)
            return
        yield from _blocks(file, header)


def _blocks(file: BinaryIO, header: bytes) -> Iterator[Block]:
    number = 0
    while True:
        start = file.tell()
        try:
            body = _body(file)
        except ValueError as error:
            file.seek(start)
            yield number, header + file.read(SMALL_FILE), f"block {number}: {error}"
            return
        if body is None:
            return
        yield number, header + body, None
        number += 1


def _body(file: BinaryIO) -> bytes | None:
    start = file.tell()
    if not file.read(1):
        return None
    file.seek(start)
    _varint(file)  # number of records
    size = _varint(file)
    if not 0 <= size <= LARGEST_BLOCK:
        raise ValueError(f"it claims {size} bytes; at most {LARGEST_BLOCK} are read")
    length = file.tell() - start + size + SYNC
    file.seek(start)
    body = file.read(length)
    if len(body) < length:
        raise ValueError(f"the file ends {length - len(body)} bytes early")
    return body


def _header(file: BinaryIO) -> bytes:
    if file.read(4) != b"Obj\x01":
        raise ValueError("not an Avro container: it does not begin with 'Obj\\x01'")
    while (count := _varint(file)) != 0:
        if count < 0:
            _varint(file)  # size of the block of entries in bytes
        for _ in range(2 * abs(count)):
            size = _varint(file)
            if size < 0 or file.tell() + size > LARGEST_HEADER:
                raise ValueError(f"a header entry claims {size} bytes")
            file.seek(size, 1)
    end = file.tell() + SYNC
    file.seek(0)
    header = file.read(end)
    if len(header) < end:
        raise ValueError("the header is cut off")
    return header


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("the file ends inside a number")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
    raise ValueError("a number of more than ten bytes")
