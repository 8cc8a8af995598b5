"""What the decoder is compared with: fastavro, value by value, floats by their bits."""

import io
import random
import struct
from collections.abc import Callable
from typing import Any

import fastavro
import pytest

LOGICAL = {
    "date": ("int", -700_000, 2_900_000),
    "time-millis": ("int", 0, 86_399_999),
    "time-micros": ("long", 0, 86_399_999_999),
    "timestamp-millis": ("long", -62_135_596_800_000, 253_402_300_799_999),
    "timestamp-micros": ("long", -62_135_596_800_000_000, 253_402_300_799_999_999),
    "local-timestamp-millis": ("long", -62_135_596_800_000, 253_402_300_799_999),
    "local-timestamp-micros": ("long", -62_135_596_800_000_000, 253_402_300_799_999_999),
}


def _branch(value: dict[str, Any] | None, branches: list[Any]) -> tuple[Any, Any]:
    """Take schema and value out of the struct that a general union became."""
    chosen = [(k, item) for k, item in (value or {}).items() if item is not None]
    if not chosen:
        return "null", None
    ((name, item),) = chosen
    names = [b["name"] if isinstance(b, dict) else b for b in branches]
    return branches[names.index(name)], item


def assert_same(schema: Any, theirs: Any, ours: Any, path: str = "") -> None:
    """Compare fastavro's value with Arrow's."""
    if isinstance(schema, list):
        real = [branch for branch in schema if branch != "null"]
        if len(real) > 1:
            chosen, ours = _branch(ours, real)
            assert_same(chosen, theirs, ours, path)
            return
        assert (theirs is None) == (ours is None), path
        if theirs is None:
            return
        schema = real[0]
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        assert theirs.keys() == ours.keys(), path
        for item in schema["fields"]:
            name = item["name"]
            assert_same(item["type"], theirs[name], ours[name], f"{path}.{name}")
    elif kind == "array":
        assert len(theirs) == len(ours), path
        for a, b in zip(theirs, ours, strict=True):
            assert_same(schema["items"], a, b, path + "[]")
    elif kind == "map":
        found = dict(ours)
        assert theirs.keys() == found.keys(), path
        for key in theirs:
            assert_same(schema["values"], theirs[key], found[key], f"{path}[{key}]")
    else:
        assert _untyped(theirs) == _untyped(ours), path
        assert type(theirs) is type(ours), path


def _untyped(value: Any) -> Any:
    """Make values of unknown schema comparable: floats by their bits, maps as dicts."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, dict):
        return {key: _untyped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_untyped(item) for item in value]
    return value


@pytest.fixture(scope="session")
def same() -> Callable[..., None]:
    return assert_same


@pytest.fixture(scope="session")
def reference() -> Callable[..., list[Any]]:
    """Read a container with fastavro."""
    return lambda packet: list(fastavro.reader(io.BytesIO(packet)))


@pytest.fixture(scope="session")
def maker() -> type["Maker"]:
    return Maker


class Maker:
    """Makes schemas, and bytes that are valid for them, without a writer in between."""

    def __init__(self, source: random.Random, *, unions: bool = True) -> None:
        self.random = source
        self.unions = unions
        self.names = 0

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def record(self, depth: int = 3) -> dict[str, Any]:
        fields = [
            {"name": self.name(), "type": self.type(depth - 1)}
            for _ in range(self.random.randint(1, 5))
        ]
        return {"type": "record", "name": self.name(), "fields": fields}

    def type(self, depth: int) -> Any:
        kind = self.random.randint(0, 9)
        if depth > 0 and kind == 0:
            return {"type": "array", "items": self.type(depth - 1)}
        if depth > 0 and kind == 1:
            return {"type": "map", "values": self.type(depth - 1)}
        if depth > 0 and kind == 2:
            return self.record(depth)
        if kind <= 6:
            return self._union(depth)
        return self.leaf()

    def _union(self, depth: int) -> list[Any]:
        inner = self.leaf()
        if depth > 0 and self.random.random() < 0.3:
            inner = self.record(depth)
        if inner == "null":
            return ["null", "int"]
        if self.unions and self.random.random() < 0.1:
            branches = ["null", "int", "string", self.record(1)]
            return branches[self.random.randint(0, 1) :]
        if self.random.random() < 0.1:
            return [inner]
        return ["null", inner] if self.random.random() < 0.6 else [inner, "null"]

    def leaf(self) -> Any:
        kinds = ["null", "boolean", "int", "long", "bytes", "string", "enum", "fixed", "logical"]
        kind = self.random.choice([*kinds, "float", "float", "float", "double"])
        if kind == "enum":
            symbols = [f"s{k}" for k in range(self.random.randint(1, 4))]
            return {"type": "enum", "name": self.name(), "symbols": symbols}
        if kind == "fixed":
            return {"type": "fixed", "name": self.name(), "size": self.random.randint(1, 20)}
        if kind == "logical":
            logical = self.random.choice(sorted(LOGICAL))
            return {"type": LOGICAL[logical][0], "logicalType": logical}
        return kind

    def long(self, value: int) -> bytes:
        raw = (value << 1) ^ (value >> 63)
        out = bytearray()
        while raw > 0x7F:
            out.append(raw & 0x7F | 0x80)
            raw >>= 7
        out.append(raw)
        return bytes(out)

    def _integer(self, low: int, high: int) -> bytes:
        if self.random.random() < 0.5:
            low, high = max(low, -70), min(high, 70)
        return self.long(self.random.randint(low, high))

    def _text(self) -> bytes:
        letters = "abc é ☄ 客 \U0001f30c \x00"
        return "".join(
            self.random.choice(letters) for _ in range(self.random.randint(0, 9))
        ).encode()

    def _blocks(self, items: list[bytes]) -> bytes:
        """Write an array in several blocks, some with their size in bytes."""
        out = b""
        while items:
            take = self.random.randint(1, len(items))
            part, items = items[:take], items[take:]
            body = b"".join(part)
            sized = self.random.random() < 0.3
            head = self.long(-take) + self.long(len(body)) if sized else self.long(take)
            out += head + body
        return out + b"\x00"

    def value(self, schema: Any) -> bytes:
        """Return valid bytes for a schema."""
        if isinstance(schema, list):
            index = self.random.randint(0, len(schema) - 1)
            return self.long(index) + self.value(schema[index])
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind == "record":
            return b"".join(self.value(item["type"]) for item in schema["fields"])
        if kind in ("array", "map"):
            count = self.random.choice([0, 1, 2, 5])
            if kind == "array":
                return self._blocks([self.value(schema["items"]) for _ in range(count)])
            keys = [self._bytes(self._text()) for _ in range(count)]
            return self._blocks([key + self.value(schema["values"]) for key in keys])
        return self._leaf(kind, schema)

    def _bytes(self, body: bytes) -> bytes:
        return self.long(len(body)) + body

    def _leaf(self, kind: str, schema: Any) -> bytes:
        if isinstance(schema, dict) and schema.get("logicalType") in LOGICAL:
            return self._integer(*LOGICAL[schema["logicalType"]][1:])
        if kind == "null":
            return b""
        if kind == "boolean":
            return bytes([self.random.randint(0, 1)])
        if kind in ("int", "long"):
            bits = 31 if kind == "int" else 63
            return self._integer(-(1 << bits), (1 << bits) - 1)
        if kind == "enum":
            return self.long(self.random.randint(0, len(schema["symbols"]) - 1))
        sizes = {"float": 4, "double": 8}
        size = sizes.get(kind, schema["size"] if kind == "fixed" else self.random.randint(0, 40))
        body = self.random.randbytes(size)
        if kind == "string":
            return self._bytes(self._text())
        return self._bytes(body) if kind == "bytes" else body
