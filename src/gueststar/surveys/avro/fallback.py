"""What the compiled decoder does not cover (decimals), read by fastavro record by record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import numpy as np
import pyarrow as pa

from gueststar.errors import BadPacket
from gueststar.surveys.avro.arrow import batch_schema
from gueststar.surveys.avro.header import Writer
from gueststar.surveys.avro.packets import view
from gueststar.surveys.avro.run import FIRST, PACKET, Group, PacketError
from gueststar.surveys.avro.schema import Node

#: What fastavro raises on data that do not fit the schema.
_FAULTS = (
    EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, ArithmeticError,
    MemoryError,
    pa.ArrowException,
)  # fmt: skip


class _Bounded:
    """A file-like view of one block that refuses to read past its end."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.pos = 0

    def read(self, size: int) -> bytes:
        left = len(self.data) - self.pos
        if not 0 <= size <= left:
            raise EOFError(f"a length of {size} bytes at byte {self.pos}, {left} are left")
        self.pos += size
        return bytes(self.data[self.pos - size : self.pos])


def _fits_leaf(node: Node, value: Any) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "boolean": (bool,),
        "int": (int, date, time),
        "long": (int, date, time),
        "float": (float,),
        "double": (float,),
        "bytes": (bytes, Decimal),
        "fixed": (bytes, Decimal),
        "string": (str, UUID),
        "array": (list,),
        "map": (dict,),
    }
    if isinstance(value, bool) and node.kind != "boolean":
        return False
    return isinstance(value, kinds.get(node.kind, ()))


def _fits(node: Node, value: Any) -> bool:
    """Tell whether a value can be of a branch."""
    if node.kind == "record":
        return isinstance(value, dict) and value.keys() == set(node.names)
    if node.kind == "enum":
        return value in node.symbols
    return _fits_leaf(node, value)


def _adapt(node: Node, value: Any) -> Any:
    """Turn fastavro's value into what pyarrow takes for the node's type."""
    if value is None:
        return None
    if node.kind == "record":
        pairs = zip(node.names, node.children, strict=True)
        return {name: _adapt(child, value[name]) for name, child in pairs}
    if node.kind == "array":
        return [_adapt(node.children[0], item) for item in value]
    if node.kind == "map":
        return [(key, _adapt(node.children[0], item)) for key, item in value.items()]
    if node.kind == "union":
        return _adapt_union(node, value)
    return str(value) if isinstance(value, UUID) else value


def _adapt_union(node: Node, value: Any) -> dict[str, Any]:
    for name, child in zip(node.names, node.children, strict=True):
        if _fits(child, value):
            return {name: _adapt(child, value)}
    raise ValueError(f"{value!r} is of no branch of {list(node.names)}")


def _endless(node: Node) -> bool:
    """Tell whether a few bytes could hold endless items: arrays of values without bytes."""
    here = node.kind == "array" and node.children[0].min_size == 0
    return here or any(_endless(child) for child in node.children)


class _Reader:
    """Reads records of one writer's schema."""

    def __init__(self, writer: Writer) -> None:
        if _endless(writer.node):
            raise BadPacket("the schema has an array of values that take no bytes")
        try:
            self.schema = fastavro.parse_schema(writer.schema, _force=True)
        except (fastavro.schema.SchemaParseException, *_FAULTS) as error:
            raise BadPacket(f"fastavro refuses the schema: {error}") from None
        self.node = writer.node
        self.arrow = batch_schema(writer.node)

    def record(self, block: _Bounded) -> pa.RecordBatch:
        try:
            value = _adapt(self.node, fastavro.schemaless_reader(block, self.schema, None))
            return pa.RecordBatch.from_pylist([value], schema=self.arrow)
        except _FAULTS as error:
            raise BadPacket(
                f"cannot read the record before byte {block.pos} of the data: {_say(error)}"
            ) from None

    def block(self, data: memoryview, count: int) -> Iterator[pa.RecordBatch]:
        """Give the records of a block, one by one; raise where one is bad."""
        bounded = _Bounded(data)
        for _ in range(count):
            yield self.record(bounded)
        if left := len(data) - bounded.pos:
            raise BadPacket(f"{left} bytes are left over behind the last record")


def _say(error: Exception) -> str:
    return str(error) or type(error).__name__


def _read_block(
    reader: _Reader, block: list[int], owner: object
) -> tuple[list[pa.RecordBatch], str | None]:
    _, start, stop, count, _ = block
    records: list[pa.RecordBatch] = []
    try:
        for record in reader.block(view(start, stop - start, owner), count):
            records.append(record)  # noqa: PERF402  (what was read before a fault is kept)
    except BadPacket as error:
        if len(records) == count:
            records = []  # bytes are left over: no boundary in this block is certain
        return records, str(error)
    return records, None


def read_blocks(writer: Writer, blocks: np.ndarray) -> tuple[list[Group], list[PacketError]]:
    """Decode blocks of one schema with fastavro; same contract as ``run.run_blocks``."""
    records: list[pa.RecordBatch] = []
    origin: list[tuple[int, int]] = []
    errors: dict[int, PacketError] = {}
    try:
        reader = _Reader(writer)
    except BadPacket as error:
        firsts = {int(b[PACKET]): int(b[FIRST]) for b in blocks[::-1]}
        return [], [PacketError(row, first, str(error)) for row, first in firsts.items()]
    for block in blocks.tolist():
        if block[PACKET] in errors:
            continue
        got, reason = _read_block(reader, block, blocks)
        records += got
        origin += [(block[PACKET], block[FIRST] + k) for k in range(len(got))]
        if reason is not None:
            errors[block[PACKET]] = PacketError(block[PACKET], block[FIRST] + len(got), reason)
    return _group(writer, records, origin), list(errors.values())


def _group(
    writer: Writer, records: list[pa.RecordBatch], origin: list[tuple[int, int]]
) -> list[Group]:
    if not records:
        return []
    table = pa.Table.from_batches(records).combine_chunks().unify_dictionaries()
    (batch,) = table.to_batches()
    row = np.array([packet for packet, _ in origin], np.int64)
    record = np.array([number for _, number in origin], np.int32)
    return [Group(writer.schema, writer.fingerprint, batch, row, record)]
