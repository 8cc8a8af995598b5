"""Headers of Avro containers, and writers' schemas, each understood once."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gueststar.errors import BadPacket
from gueststar.surveys.avro.program import Program, compile_program
from gueststar.surveys.avro.scan import SYNC
from gueststar.surveys.avro.schema import Node, fingerprint, parse

MAGIC = b"Obj\x01"
CODECS = ("null", "deflate", "snappy")
MAX_HEADER = 4 << 20  # bytes; real ones have 10 to 60 thousand
MAX_ENTRIES = 1000  # of a header's metadata; real ones have 2 to 6
CACHED = 64  # headers and schemas that are remembered
CACHED_SIZE = 256 << 10  # bytes; larger headers are not remembered

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """The last values that were made, by key; safe among threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made now if it is not remembered."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        value = make()
        with self._lock:
            self._items[key] = value
            while len(self._items) > self._size:
                self._items.popitem(last=False)
        return value

    def items(self) -> list[tuple[K, V]]:
        """Return what is remembered, latest first."""
        with self._lock:
            return list(reversed(self._items.items()))


@dataclass(frozen=True)
class Writer:
    """A writer's schema, understood.

    Attributes
    ----------
    schema : dict
        As it was written.
    fingerprint : str
        Of the schema without doc strings.
    node : Node
        Its tree.
    program : Program or None
        What the kernel runs; None when only the fallback can read it.
    """

    schema: dict[str, Any]
    fingerprint: str
    node: Node
    program: Program | None


@dataclass(frozen=True)
class Header:
    """Head of a container: who wrote it, how its blocks are packed, where they start."""

    writer: Writer
    codec: str
    length: int  # without the sync marker


_writers: Memory[str, Writer] = Memory(CACHED)
_headers: Memory[bytes, Header] = Memory(CACHED)


def writer_of(schema: dict[str, Any]) -> Writer:
    """Understand a writer's schema, once.

    Parameters
    ----------
    schema : dict
        The Avro schema.

    Returns
    -------
    Writer
        With its program.

    Raises
    ------
    BadPacket
        If it is no valid schema of records.
    """
    try:
        key = fingerprint(schema)
        return _writers.get(key, lambda: _understand(schema, key))
    except RecursionError:
        raise BadPacket("the schema nests too deeply to be read") from None


def _understand(schema: dict[str, Any], key: str) -> Writer:
    node = parse(schema)
    return Writer(schema, key, node, None if node.exotic else compile_program(node))


def known_headers() -> list[tuple[bytes, Header]]:
    """Headers that were met already, latest first."""
    return _headers.items()


def read_header(packet: memoryview) -> tuple[bytes, Header]:
    """Read the head of a container.

    Parameters
    ----------
    packet : memoryview
        The whole container.

    Returns
    -------
    head : bytes
        The header without its sync marker.
    header : Header
        What it says.

    Raises
    ------
    BadPacket
        If it is not the head of an Avro container that we can read; the message says why.
    """
    _check_magic(packet)
    reader = HeadReader(packet[: MAX_HEADER + SYNC])
    metadata = reader.metadata()
    length = reader.pos
    if length + SYNC > len(packet):
        raise BadPacket("the container ends inside its header")
    head = bytes(packet[:length])
    if length > CACHED_SIZE:
        return head, _header(metadata, length)
    return head, _headers.get(head, lambda: _header(metadata, length))


def _check_magic(packet: memoryview) -> None:
    if bytes(packet[:4]) != MAGIC:
        raise BadPacket(f"not an Avro container: {_start(bytes(packet[:24]))}")


def _start(first: bytes) -> str:
    return f"starts with {first!r}" if first else "it is empty"


def _header(metadata: dict[str, bytes], length: int) -> Header:
    codec = metadata.get("avro.codec", b"null").decode("utf-8", "replace")
    if codec not in CODECS:
        raise BadPacket(f"the codec {codec[:40]!r} cannot be read; known: {', '.join(CODECS)}")
    if "avro.schema" not in metadata:
        raise BadPacket("the container's header has no schema")
    try:
        schema = json.loads(metadata["avro.schema"])
    except RecursionError:
        raise BadPacket("the schema nests too deeply to be read") from None
    except ValueError as error:
        raise BadPacket(f"the schema in the header is not JSON: {error}") from None
    return Header(writer_of(schema), codec, length)


def head_length(data: memoryview) -> int:
    """Measure the header of a container that begins here, without its sync marker.

    Raises
    ------
    BadPacket
        If it is no header, is cut short, or goes on behind the data.
    """
    _check_magic(data)
    reader = HeadReader(data)
    reader.metadata()
    return reader.pos


class HeadReader:
    """Reads the metadata map of a header, and the numbers of a block's head, within bounds.

    Parameters
    ----------
    data : memoryview
        A container from its start, or a block from its start.
    pos : int
        Where to begin to read.
    """

    def __init__(self, data: memoryview, pos: int = len(MAGIC)) -> None:
        self.data = data
        self.pos = pos

    def metadata(self) -> dict[str, bytes]:
        """Read the whole map."""
        found: dict[str, bytes] = {}
        while count := self.long():
            if count < 0:
                count = -count
                self.long()
            if count + len(found) > MAX_ENTRIES:
                raise BadPacket(
                    f"the header has {count} entries; at most {MAX_ENTRIES} can be read"
                )
            for _ in range(count):
                key = bytes(self.bytes()).decode("utf-8", "replace")
                found[key] = bytes(self.bytes())
        return found

    def bytes(self) -> memoryview:
        """Read one string of bytes, in place."""
        length = self.long()
        left = len(self.data) - self.pos
        if not 0 <= length <= left:
            raise BadPacket(f"the header has a length of {length} bytes where {left} are left")
        self.pos += length
        return self.data[self.pos - length : self.pos]

    def long(self) -> int:
        """Read one zigzag varint."""
        value = 0
        for shift in range(0, 70, 7):
            if self.pos >= len(self.data):
                raise BadPacket("the container ends inside its header, or the header is too long")
            byte = self.data[self.pos]
            self.pos += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
        raise BadPacket("an integer of the container is longer than ten bytes")
