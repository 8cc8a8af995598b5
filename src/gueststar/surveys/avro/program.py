"""A schema compiled to a flat program of four-word operations, and the columns that it fills.

Every array or map opens a level: a table of its own whose rows are the items. A column belongs to
one level; a record inside a record lies in the level of its parent. Runs of neighbours of one
kind become one operation.

===========  ==========================================================================
``FIXED4``   float: 4 bytes; third word the null mode, fourth the length of the run
``FIXED8``   double
``INT``      int, long, enum, dates and times: a varint
``BOOL``     one byte
``STRING``   length and UTF-8; ``BYTES`` the same without the check
``FIXED``    bytes of known width
``NULL``     a union index alone
``STRUCT``   nullable record; fourth word where to go on when it is null
``UNION``    general union; its ``ENTRY`` operations follow, one a branch
``JUMP``     end of a branch
``LIST``     array or map; the body follows up to ``END``, which closes one item
``DONE``     end of the record
===========  ==========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gueststar.surveys.avro.schema import BRANCH, NULL_FIRST, NULL_SECOND, PLAIN, Node

(NULL, BOOL, INT, FIXED4, FIXED8, STRING, BYTES, FIXED, STRUCT, UNION, ENTRY, JUMP, LIST, END,
 DONE) = range(15)  # fmt: skip

# Words of a column's row in the kernel's table.
DATA, VALID, WIDTH, PAYLOAD, ROOM, LOW, HIGH, CHILD, LEVEL, LEAST, BRANCHES = range(11)
COLUMN_WORDS = 11

_LEAVES = {
    "null": (NULL, 0),
    "boolean": (BOOL, 0),
    "int": (INT, 4),
    "long": (INT, 8),
    "enum": (INT, 4),
    "float": (FIXED4, 4),
    "double": (FIXED8, 8),
    "string": (STRING, 4),
    "bytes": (BYTES, 4),
}


@dataclass(frozen=True)
class Column:
    """One buffer or more of a level.

    Attributes
    ----------
    path : str
        Name for people, ``candidate.jd``.
    level : int
        Whose rows it has.
    width : int
        Bytes a row; 0 for none or, with ``bits``, one bit.
    valid, bits, offsets, payload : bool
        Whether it has a validity bitmap; one bit a row; one row more (offsets); variable bytes.
    """

    path: str
    level: int
    width: int = 0
    valid: bool = False
    bits: bool = False
    offsets: bool = False
    payload: bool = False


@dataclass
class Program:
    """What the kernel runs, and what is needed to make Arrow arrays of its output."""

    node: Node
    ops: np.ndarray  # (n, 4) int64
    table: np.ndarray  # (columns, COLUMN_WORDS) int64, without addresses
    columns: list[Column]
    parents: list[int]  # of each level; -1 for the records
    cost: np.ndarray  # bytes of one row of each level
    rows_hint: list[float]  # rows of each level per record, as last seen
    bytes_hint: dict[int, float]  # variable bytes of a column per record, as last seen


@dataclass
class _Compiler:
    ops: list[list[int]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    extra: list[dict[int, int]] = field(default_factory=list)
    parents: list[int] = field(default_factory=lambda: [-1])
    barrier: int = 0  # operations before it are jump targets' neighbours: never fuse across

    def column(self, column: Column, **words: int) -> int:
        self.columns.append(column)
        named = {"low": LOW, "high": HIGH, "child": CHILD, "least": LEAST, "branches": BRANCHES}
        self.extra.append({named[key]: value for key, value in words.items()})
        return len(self.columns) - 1

    def emit(self, code: int, column: int = 0, mode: int = PLAIN, last: int = 0) -> int:
        self.ops.append([code, column, mode, last])
        return len(self.ops) - 1

    def land(self, *sources: int) -> None:
        """Make the operations jump to here."""
        for source in sources:
            self.ops[source][3] = len(self.ops)
        self.barrier = len(self.ops)

    def value(self, node: Node, path: str, level: int) -> None:
        if node.kind == "record":
            self.record(node, path, level)
        elif node.kind == "union":
            self.union(node, path, level)
        elif node.kind in ("array", "map"):
            self.items(node, path, level)
        elif node.kind == "fixed":
            column = self.column(Column(path, level, node.size, _has_bitmap(node)))
            self.emit(FIXED, column, node.mode, 1)
        elif node.kind != "null" or node.mode != PLAIN:
            self.leaf(node, path, level)

    def leaf(self, node: Node, path: str, level: int) -> None:
        code, width = _LEAVES[node.kind]
        text = code in (STRING, BYTES)
        column = self.column(
            Column(path, level, width, _has_bitmap(node), code == BOOL, text, text),
            low=node.low, high=node.high,
        )  # fmt: skip
        if len(self.ops) > self.barrier and code != NULL:
            before = self.ops[-1]
            alike = before[0] == code and before[2] == node.mode
            if (
                alike
                and before[1] + before[3] == column
                and self.columns[column - 1].width == width
            ):
                before[3] += 1
                return
        self.emit(code, column, node.mode, 1)

    def record(self, node: Node, path: str, level: int) -> None:
        start = -1
        if node.mode != PLAIN:
            column = self.column(Column(path, level, valid=_has_bitmap(node)))
            start = self.emit(STRUCT, column, node.mode)
        for name, child in zip(node.names, node.children, strict=True):
            self.value(child, f"{path}.{name}" if path else name, level)
        if start >= 0:
            self.land(start)

    def union(self, node: Node, path: str, level: int) -> None:
        column = self.column(Column(path, level, valid=node.size >= 0), branches=len(node.children))
        start = self.emit(UNION, column, node.size)
        entries = [self.emit(ENTRY, column, last=-1) for _ in node.children]
        jumps = []
        for entry, name, child in zip(entries, node.names, node.children, strict=True):
            if child.kind != "null":
                self.land(entry)
                self.value(child, f"{path}.{name}", level)
                jumps.append(self.emit(JUMP))
        self.land(start, *jumps)

    def items(self, node: Node, path: str, level: int) -> None:
        child = len(self.parents)
        self.parents.append(level)
        (item,) = node.children
        least = item.min_size + (node.kind == "map")
        column = self.column(
            Column(path, level, 4, _has_bitmap(node), offsets=True), child=child, least=least
        )
        start = self.emit(LIST, column, node.mode)
        self.barrier = len(self.ops)
        if node.kind == "map":
            self.leaf(Node("string", node.arrow.key_type), f"{path}.key", child)
            self.barrier = len(self.ops)
        self.value(item, f"{path}[]", child)
        self.emit(END, column, node.mode, start)
        self.land(start)


def _has_bitmap(node: Node) -> bool:
    return node.kind != "null" and node.mode in (NULL_FIRST, NULL_SECOND, BRANCH)


def _table(compiler: _Compiler) -> np.ndarray:
    table = np.zeros((len(compiler.columns), COLUMN_WORDS), np.int64)
    for row, column, extra in zip(table, compiler.columns, compiler.extra, strict=True):
        row[LEVEL], row[WIDTH] = column.level, column.width
        for word, value in extra.items():
            row[word] = value
    return table


def _cost(compiler: _Compiler) -> np.ndarray:
    bits = np.zeros(len(compiler.parents), np.int64)
    for column in compiler.columns:
        bits[column.level] += 8 * column.width + column.valid + column.bits
    return bits // 8 + 1


def compile_program(node: Node) -> Program:
    """Compile a schema.

    Parameters
    ----------
    node : Node
        The tree of the writer's schema, a record, nothing exotic in it.

    Returns
    -------
    Program
        Operations and columns.
    """
    compiler = _Compiler()
    compiler.value(node, "", 0)
    compiler.emit(DONE)
    return Program(
        node=node,
        ops=np.array(compiler.ops, np.int64),
        table=_table(compiler),
        columns=compiler.columns,
        parents=compiler.parents,
        cost=_cost(compiler),
        rows_hint=[1.0] * len(compiler.parents),
        bytes_hint={},
    )
