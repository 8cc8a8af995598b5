"""A writer's schema as a tree of nodes, each with its Arrow type.

How Avro becomes Arrow: record -> struct, array -> list, map -> map, enum -> dictionary of
strings, fixed -> fixed-size binary, ``[null, T]`` -> nullable T, any other union -> a struct with
one nullable member per branch (named like the branch), dates and times -> Arrow's.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from gueststar.errors import BadPacket

MAX_DEPTH = 32  # of nesting; real alerts have 4
MAX_NODES = 10_000  # after named types are expanded; real alerts have up to 1,400
MAX_FIXED = 1 << 16  # bytes

# How a value says whether it is null.
PLAIN = -1  # it cannot be
NULL_FIRST = 0  # [null, T]
NULL_SECOND = 1  # [T, null]
BRANCH = 2  # the branch of a general union that was chosen: there, and nullable otherwise
ALONE = 3  # [T]: an index that must be 0

_ARROW = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}
_MIN_SIZE = {"null": 0, "float": 4, "double": 8}
_DAY_MS = 86_400_000
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 1 to 9999, as datetime has

#: (Avro type, logical type) -> (Arrow type, least value, greatest value); fastavro's ranges.
_LOGICAL: dict[tuple[str, str], tuple[pa.DataType, int, int]] = {
    ("int", "date"): (pa.date32(), -719_162, 2_932_896),
    ("int", "time-millis"): (pa.time32("ms"), 0, _DAY_MS - 1),
    ("long", "time-micros"): (pa.time64("us"), 0, 1000 * _DAY_MS - 1),
}
for _unit, _name, _scale in (("ms", "millis", 1000), ("us", "micros", 1_000_000)):
    _range = (_FIRST_SECOND * _scale, (_LAST_SECOND + 1) * _scale - 1)
    _LOGICAL["long", f"timestamp-{_name}"] = (pa.timestamp(_unit, "UTC"), *_range)
    _LOGICAL["long", f"local-timestamp-{_name}"] = (pa.timestamp(_unit), *_range)

_INT_RANGE = {"int": (-(1 << 31), (1 << 31) - 1), "long": (-(1 << 63), (1 << 63) - 1)}


@dataclass(frozen=True)
class Node:
    """One value of the schema.

    Attributes
    ----------
    kind : str
        The Avro type; ``union`` only for unions that are not ``[null, T]``.
    arrow : pyarrow.DataType
        What it becomes.
    mode : int
        How it says that it is null: one of the constants above.
    names, children : tuple
        Fields of a record, branches of a union, the item of an array or map.
    min_size : int
        Least number of bytes that a value takes.
    size : int
        Bytes of a fixed, symbols of an enum, null branch of a union (-1: none).
    low, high : int
        Range of an integer.
    exotic : bool
        True when only the fallback reads it.
    """

    kind: str
    arrow: pa.DataType
    mode: int = PLAIN
    names: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()
    min_size: int = 1
    size: int = 0
    low: int = 0
    high: int = 0
    exotic: bool = False
    symbols: tuple[str, ...] = ()

    @property
    def nullable(self) -> bool:
        """Whether a null can stand here."""
        return self.kind == "null" or self.mode in (NULL_FIRST, NULL_SECOND, BRANCH) or (
            self.kind == "union" and self.size >= 0
        )  # fmt: skip

    def field(self, name: str) -> pa.Field:
        """Return the Arrow field that holds it."""
        return pa.field(name, self.arrow, nullable=self.nullable)


@dataclass
class _Parser:
    """Walks a schema once, with the names that it has met."""

    named: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    nodes: int = 0

    def parse(self, schema: Any, namespace: str, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise BadPacket(f"the schema has more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise BadPacket(f"the schema nests deeper than {MAX_DEPTH} levels")
        if isinstance(schema, list):
            return self._union(schema, namespace, depth)
        if isinstance(schema, str):
            return self._name(schema, namespace, depth)
        if not isinstance(schema, dict) or "type" not in schema:
            raise BadPacket(f"the schema has {str(schema)[:80]!r} where a type should be")
        return self._dict(schema, namespace, depth)

    def _name(self, name: str, namespace: str, depth: int) -> Node:
        if name in _ARROW:
            low, high = _INT_RANGE.get(name, (0, 0))
            return Node(name, _ARROW[name], min_size=_MIN_SIZE.get(name, 1), low=low, high=high)
        full = _fullname(name, namespace)
        if full not in self.named:
            raise BadPacket(f"the schema uses the type {name!r} and does not define it")
        if full in self.open:
            raise BadPacket(
                f"the schema is recursive ({full} holds itself); Arrow has no such type"
            )
        definition, inner = self.named[full]
        return self._named(definition, full, inner, depth)

    def _dict(self, schema: dict[str, Any], namespace: str, depth: int) -> Node:
        kind = schema["type"]
        if not isinstance(kind, str):  # {"type": {"type": ...}}, as some writers nest
            return self.parse(kind, namespace, depth + 1)
        if kind in ("record", "error", "enum", "fixed"):
            full = _fullname(_required(schema, "name", str), schema.get("namespace") or namespace)
            if full in self.named and self.named[full][0] is not schema:
                raise BadPacket(f"the schema defines {full} twice")
            inner = full.rpartition(".")[0]
            self.named[full] = (schema, inner)
            return _logical(self._named(schema, full, inner, depth), schema)
        if kind in ("array", "map"):
            item = schema.get("items" if kind == "array" else "values")
            item = self.parse(item, namespace, depth + 1)
            return Node(kind, _container(kind, item), children=(item,), exotic=item.exotic)
        return _logical(self._name(kind, namespace, depth), schema)

    def _named(self, schema: dict[str, Any], full: str, namespace: str, depth: int) -> Node:
        if schema["type"] == "fixed":
            return _fixed(schema)
        if schema["type"] == "enum":
            return _enum(schema)
        self.open.append(full)
        names, children = [], []
        for item in _required(schema, "fields", list):
            if not isinstance(item, dict) or "type" not in item:
                raise BadPacket(f"{full} has {str(item)[:80]!r} where a field should be")
            names.append(_required(item, "name", str))
            children.append(self.parse(item["type"], namespace, depth + 1))
        self.open.pop()
        if len(set(names)) < len(names):
            raise BadPacket(f"the record {full} has two fields of one name")
        return _struct("record", names, children, sum(child.min_size for child in children))

    def _union(self, branches: list[Any], namespace: str, depth: int) -> Node:
        if not branches:
            raise BadPacket("the schema has an empty union")
        nodes = [self.parse(branch, namespace, depth + 1) for branch in branches]
        if any(node.kind == "union" or node.mode != PLAIN for node in nodes):
            raise BadPacket("the schema has a union directly inside a union")
        nulls = [k for k, node in enumerate(nodes) if node.kind == "null"]
        if len(nulls) > 1:
            raise BadPacket("the schema has a union with null twice")
        if len(nodes) == 1:
            return replace(nodes[0], mode=ALONE, min_size=1 + nodes[0].min_size)
        if len(nodes) == 2 and nulls:
            return replace(nodes[1 - nulls[0]], mode=nulls[0], min_size=1)
        return _general_union(branches, nodes, nulls)


def _general_union(branches: list[Any], nodes: list[Node], nulls: list[int]) -> Node:
    names = [_branch_name(branch) for branch in branches]
    if len(set(names)) < len(names):
        raise BadPacket(f"the schema has a union with {names} whose names are not distinct")
    children = [node if node.kind == "null" else replace(node, mode=BRANCH) for node in nodes]
    least = 1 + min(node.min_size for node in nodes)
    union = _struct("union", names, children, least)
    return replace(union, size=nulls[0] if nulls else -1)


def _struct(kind: str, names: list[str], children: list[Node], least: int) -> Node:
    """Node of a record or union. The null branch of a union has no column."""
    pairs = zip(names, children, strict=True)
    fields = [c.field(n) for n, c in pairs if not (kind == "union" and c.kind == "null")]
    exotic = any(child.exotic for child in children)
    node = Node(kind, pa.struct(fields), min_size=least, exotic=exotic)
    return replace(node, names=tuple(names), children=tuple(children))


def _container(kind: str, item: Node) -> pa.DataType:
    if kind == "array":
        return pa.list_(item.field("item"))
    return pa.map_(pa.string(), item.field("value"))


def _fixed(schema: dict[str, Any]) -> Node:
    size = _required(schema, "size", int)
    if not 0 < size <= MAX_FIXED:
        raise BadPacket(f"the schema has a fixed of {size} bytes; 1 to {MAX_FIXED} can be read")
    return Node("fixed", pa.binary(size), min_size=size, size=size)


def _enum(schema: dict[str, Any]) -> Node:
    symbols = _required(schema, "symbols", list)
    if not symbols or not all(isinstance(symbol, str) for symbol in symbols):
        raise BadPacket("the schema has an enum without symbols")
    kind = pa.dictionary(pa.int32(), pa.string())
    return Node("enum", kind, size=len(symbols), high=len(symbols) - 1, symbols=tuple(symbols))


def _logical(node: Node, schema: dict[str, Any]) -> Node:
    """Apply a logical type; an unknown one is ignored, as Avro asks."""
    logical = schema.get("logicalType")
    if logical == "decimal" and node.kind in ("bytes", "fixed"):
        return _decimal(node, schema)
    known = _LOGICAL.get((node.kind, str(logical)))
    if known is None:
        return node
    return replace(node, arrow=known[0], low=known[1], high=known[2])


def _decimal(node: Node, schema: dict[str, Any]) -> Node:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if not (
        isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision <= 76
    ):
        raise BadPacket(f"the schema has a decimal of precision {precision} and scale {scale}")
    make = pa.decimal128 if precision <= 38 else pa.decimal256
    return replace(node, arrow=make(precision, scale), exotic=True)


def _required(schema: dict[str, Any], key: str, kind: type) -> Any:
    value = schema.get(key)
    if not isinstance(value, kind):
        raise BadPacket(
            f"the schema has a {schema.get('type')!r} whose {key!r} is {str(value)[:40]!r}"
        )
    return value


def _fullname(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _branch_name(branch: Any) -> str:
    if isinstance(branch, dict):
        name = branch["name"] if "name" in branch else branch["type"]
        return name if isinstance(name, str) else _branch_name(name)
    return str(branch)


def parse(schema: Any) -> Node:
    """Read a writer's schema.

    Parameters
    ----------
    schema : dict
        An Avro schema whose top level is a record.

    Returns
    -------
    Node
        The tree.

    Raises
    ------
    BadPacket
        If it is not a valid Avro schema of records, is recursive, or is absurdly large.
    """
    node = _Parser().parse(schema, "", 0)
    if node.kind != "record" or node.mode != PLAIN:
        raise BadPacket(f"the schema's top level is {node.kind}, not a record")
    if not node.children:
        raise BadPacket("the schema is a record without fields")
    return node


def _undocumented(schema: Any) -> Any:
    """Leave out doc strings, and what fastavro adds to schemas that it has parsed."""
    if isinstance(schema, list):
        return [_undocumented(item) for item in schema]
    if isinstance(schema, dict):
        kept = {k: v for k, v in schema.items() if k != "doc" and not k.startswith("__")}
        return {k: _undocumented(v) for k, v in kept.items()}
    return schema


def fingerprint(schema: Any) -> str:
    """Digest of a schema without its doc strings, which surveys edit between nights.

    Examples
    --------
    >>> fingerprint({"type": "int", "doc": "a"}) == fingerprint({"type": "int"})
    True
    """
    text = json.dumps(_undocumented(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
