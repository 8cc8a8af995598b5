"""Filled buffers as Arrow arrays, without copying them."""

from __future__ import annotations

import pyarrow as pa

from gueststar.surveys.avro.buffers import Buffers
from gueststar.surveys.avro.program import CHILD
from gueststar.surveys.avro.schema import PLAIN, Node


class _Assembly:
    """Walks the tree in the order in which the program numbered its columns."""

    def __init__(self, buffers: Buffers) -> None:
        self.buffers = buffers
        self.column = 0

    def _next(self) -> int:
        self.column += 1
        return self.column - 1

    def array(self, node: Node, level: int) -> pa.Array:
        rows = self.buffers.count(level)
        if node.kind == "null":
            if node.mode != PLAIN:
                self._next()
            return pa.nulls(rows)
        if node.kind in ("record", "union"):
            return self._struct(node, level, rows)
        if node.kind in ("array", "map"):
            return self._list(node, level, rows)
        return self._leaf(node, level, rows)

    def _struct(self, node: Node, level: int, rows: int) -> pa.Array:
        validity = None
        if node.kind == "union" or node.mode != PLAIN:
            validity = self.buffers.levels[level].buffer(self._next(), validity=True)
        children = [
            self.array(child, level)
            for child in node.children
            if not (node.kind == "union" and child.kind == "null")
        ]
        return pa.Array.from_buffers(node.arrow, rows, [validity], children=children)

    def _list(self, node: Node, level: int, rows: int) -> pa.Array:
        column = self._next()
        place = self.buffers.levels[level]
        bits, offsets = place.buffer(column, validity=True), place.buffer(column, validity=False)
        child = int(self.buffers.table[column, CHILD])
        if node.kind == "array":
            items = self.array(node.children[0], child)
        else:
            key = self._leaf(Node("string", pa.string()), child, self.buffers.count(child))
            value = self.array(node.children[0], child)
            entries = pa.struct([node.arrow.key_field, node.arrow.item_field])
            items = pa.Array.from_buffers(entries, len(key), [None], children=[key, value])
        return pa.Array.from_buffers(node.arrow, rows, [bits, offsets], children=[items])

    def _leaf(self, node: Node, level: int, rows: int) -> pa.Array:
        column = self._next()
        place = self.buffers.levels[level]
        parts = [place.buffer(column, validity=True), place.buffer(column, validity=False)]
        if column in self.buffers.payloads:
            parts.append(self.buffers.payloads[column])
        if node.kind != "enum":
            return pa.Array.from_buffers(node.arrow, rows, parts)
        indices = pa.Array.from_buffers(pa.int32(), rows, parts)
        return pa.DictionaryArray.from_arrays(indices, pa.array(node.symbols, pa.string()))


def assemble(buffers: Buffers) -> pa.RecordBatch:
    """Make a record batch of what the kernel wrote.

    Parameters
    ----------
    buffers : Buffers
        Filled; they belong to the batch from now on.

    Returns
    -------
    pyarrow.RecordBatch
        One column per top-level field, one row per record.
    """
    node = buffers.program.node
    assembly = _Assembly(buffers)
    arrays = [assembly.array(child, 0) for child in node.children]
    return pa.RecordBatch.from_arrays(arrays, schema=batch_schema(node))


def batch_schema(node: Node) -> pa.Schema:
    """Arrow schema of a batch of this record."""
    return pa.schema(
        [child.field(name) for name, child in zip(node.names, node.children, strict=True)]
    )
