"""Loads and stores at an address, for the compiled decoder.

They let one compiled function read packets where they lie and write many columns of many types
without a Python object for each. Whoever calls them has checked the bounds; values travel as
int64, floats as their bits, so that no conversion can change them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

INT64 = ir.IntType(64)


def _pointer(builder: Any, address: Any, bits: int) -> Any:
    return builder.inttoptr(address, ir.IntType(bits).as_pointer())


def _loader(bits: int, signed: bool) -> Callable[..., Any]:
    @intrinsic
    def load(typing_context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(_pointer(builder, args[0], bits))
            value.align = 1
            if bits == 64:
                return value
            return builder.sext(value, INT64) if signed else builder.zext(value, INT64)

        return types.int64(types.int64), codegen

    return cast("Callable[..., Any]", load)


def _storer(bits: int) -> Callable[..., Any]:
    @intrinsic
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            raw = args[1] if bits == 64 else builder.trunc(args[1], ir.IntType(bits))
            done = builder.store(raw, _pointer(builder, args[0], bits))
            done.align = 1
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    return cast("Callable[..., Any]", store)


load8 = _loader(8, signed=False)
load32 = _loader(32, signed=True)
load64 = _loader(64, signed=True)
store8 = _storer(8)
store32 = _storer(32)
store64 = _storer(64)


@intrinsic
def copy(typing_context: Any, target: Any, source: Any, count: Any) -> Any:
    """``memcpy(target, source, count)`` between addresses."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target, source = (_pointer(builder, address, 8) for address in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


def table_reader(width: int) -> Callable[..., Any]:
    """Make a reader of tables of int64 with rows of ``width`` words: ``read(table, row, word)``.

    These are intrinsics, for numba compiles a function anew for every constant it is called with.
    """

    @intrinsic
    def read(typing_context: Any, table: Any, row: Any, which: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            index = builder.add(builder.mul(args[1], INT64(width)), args[2])
            return builder.load(word_at(builder, args[0], index))

        return types.int64(types.int64, types.int64, types.int64), codegen

    return cast("Callable[..., Any]", read)


def word_at(builder: Any, table: Any, index: Any) -> Any:
    """Point at a word of a table, for intrinsics."""
    return _pointer(builder, builder.add(table, builder.mul(index, INT64(8))), 64)


@intrinsic
def word(typing_context: Any, table: Any, index: Any) -> Any:
    """Read a word of a table of int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(word_at(builder, args[0], args[1]))

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def put(typing_context: Any, table: Any, index: Any, value: Any) -> Any:
    """Write a word of a table of int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], word_at(builder, args[0], args[1]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@njit(nogil=True)
def same(a: int, b: int, count: int) -> bool:
    """``memcmp(a, b, count) == 0``."""
    lines = count >> 6
    for line in range(lines):  # 64 bytes at once, so that LLVM takes vectors
        differ = 0
        for k in range(8):
            at = 64 * line + 8 * k
            differ |= load64(a + at) ^ load64(b + at)
        if differ != 0:
            return False
    for k in range(lines << 6, count):  # noqa: SIM110  (numba has no generators here)
        if load8(a + k) != load8(b + k):
            return False
    return True


@njit(nogil=True)
def set_bit(base: int, row: int, value: int) -> None:
    """Write bit ``row`` of an Arrow bitmap."""
    address = base + (row >> 3)
    shift = row & 7
    store8(address, (load8(address) & ~(1 << shift)) | (value << shift))


@njit(nogil=True)
def _continuation(address: int, count: int) -> bool:
    for k in range(count):  # noqa: SIM110  (numba has no generators here)
        if load8(address + k) & 0xC0 != 0x80:
            return False
    return True


@njit(nogil=True)
def _sequence_length(lead: int, second: int) -> int:
    """Length of the UTF-8 sequence that starts so; 0 when none may (Unicode table 3-7)."""
    if 0xC2 <= lead <= 0xDF:
        return 2
    if 0xE0 <= lead <= 0xEF:
        short = lead == 0xE0 and second < 0xA0
        surrogate = lead == 0xED and second > 0x9F
        return 0 if short or surrogate else 3
    if 0xF0 <= lead <= 0xF4:
        short = lead == 0xF0 and second < 0x90
        beyond = lead == 0xF4 and second > 0x8F
        return 0 if short or beyond else 4
    return 0


@njit(nogil=True)
def is_utf8(address: int, count: int) -> bool:
    """Tell whether Python's strict UTF-8 decoder would accept these bytes."""
    k = 0
    while k < count:
        if count - k >= 8 and load64(address + k) & -9187201950435737472 == 0:  # 8 x 0x80
            k += 8
            continue
        lead = load8(address + k)
        if lead < 0x80:
            k += 1
            continue
        if k + 1 >= count:
            return False
        length = _sequence_length(lead, load8(address + k + 1))
        if length == 0 or k + length > count or not _continuation(address + k + 1, length - 1):
            return False
        k += length
    return True
