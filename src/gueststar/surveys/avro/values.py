"""Readers of single values, for the compiled decoder: a run of columns from one row.

Each takes ``pos`` and ``end`` (addresses) and gives the next position, or a negative number: a
reason code with its sign turned. Nothing is read at or behind ``end``, nothing is written outside
the rows and bytes that the buffers have. Tables are given as addresses too: numba counts the
references of arrays that are passed on, which took a third of the time.
"""

from __future__ import annotations

from numba import njit, types
from numba.extending import intrinsic

from gueststar.surveys.avro.program import (
    COLUMN_WORDS,
    DATA,
    HIGH,
    LOW,
    PAYLOAD,
    ROOM,
    STRING,
    VALID,
    WIDTH,
)
from gueststar.surveys.avro.raw import (
    INT64,
    copy,
    is_utf8,
    load8,
    load32,
    load64,
    set_bit,
    store8,
    store32,
    store64,
    table_reader,
    word_at,
)
from gueststar.surveys.avro.schema import ALONE, NULL_FIRST, NULL_SECOND

# Reason codes; reasons.py has their sentences.
(_, MORE_ROWS, MORE_BYTES, CUT_SHORT, LONG_VARINT, BAD_BRANCH, BAD_RANGE, BAD_LENGTH, NOT_UTF8,
 BAD_COUNT, TOO_MANY, TOO_WIDE, TRAILING, BAD_SYNC, BLOCK_LENGTH, BLOCK_COUNT,
 EMPTY) = range(17)  # fmt: skip

# Words of the state: where a failure was, and where to resume.
(FAIL_COLUMN, FAIL_POS, FAIL_VALUE, BLOCK, RECORD, POS, LEFT, POOL, BAD_PACKET,
 STATE_WORDS) = range(10)  # fmt: skip


col = table_reader(COLUMN_WORDS)  # a word of a column's row


@intrinsic
def fail(typing_context, state, code, column, pos, value):  # type: ignore[no-untyped-def]
    """Note where and on what it failed; give the code with its sign turned."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        for which, noted in ((FAIL_COLUMN, args[2]), (FAIL_POS, args[3]), (FAIL_VALUE, args[4])):
            builder.store(noted, word_at(builder, args[0], INT64(which)))
        return builder.neg(args[1])

    return types.int64(*[types.int64] * 5), codegen


@njit(nogil=True)
def varint(pos, end):  # type: ignore[no-untyped-def]
    """Read a zigzag varint of at most ten bytes: (value, next position or minus a code)."""
    raw = 0
    shift = 0
    while pos < end:
        byte = load8(pos)
        pos += 1
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            if shift == 63 and byte > 1:
                return 0, -LONG_VARINT
            return ((raw >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(raw & 1), pos
        shift += 7
        if shift > 63:
            return 0, -LONG_VARINT
    return 0, -CUT_SHORT


@njit(nogil=True)
def branch(state, column, mode, pos, end):  # type: ignore[no-untyped-def]
    """Read whether a value is there: (0 or 1, next position)."""
    if mode != NULL_FIRST and mode != NULL_SECOND and mode != ALONE:
        return 1, pos
    index, after = varint(pos, end)
    if after < 0:
        return 0, fail(state, -after, column, pos, 0)
    if index == mode:
        return 0, after
    if index == (0 if mode == ALONE else 1 - mode):
        return 1, after
    return 0, fail(state, BAD_BRANCH, column, pos, index)


@njit(nogil=True)
def mark(cols, column, row, valid):  # type: ignore[no-untyped-def]
    """Write the validity of one value, where the column has a bitmap."""
    base = col(cols, column, VALID)
    if base != 0:
        set_bit(base, row, valid)


@njit(nogil=True)
def store(address, row, width, value):  # type: ignore[no-untyped-def]
    """Store the low bytes of a value."""
    if width == 4:
        store32(address + 4 * row, value)
    else:
        store64(address + 8 * row, value)


@njit(nogil=True)
def fixed_run(cols, state, first, count, mode, width, row, pos, end):  # type: ignore[no-untyped-def]
    """Floats and doubles."""
    null = 2 * mode  # the byte of the null branch
    nullable = mode in (NULL_FIRST, NULL_SECOND)
    for k in range(first, first + count):
        if nullable and end - pos > width and load8(pos) & 0xFD == 0:  # without a branch
            valid = 1 if load8(pos) != null else 0
            value = load32(pos + 1) if width == 4 else load64(pos + 1)
            store(col(cols, k, DATA), row, width, value & -valid)
            set_bit(col(cols, k, VALID), row, valid)
            pos += 1 + width * valid
            continue
        valid, pos = branch(state, k, mode, pos, end)
        if pos < 0:
            return pos
        value = 0
        if valid:
            if end - pos < width:
                return fail(state, CUT_SHORT, k, pos, 0)
            value = load32(pos) if width == 4 else load64(pos)
            pos += width
        mark(cols, k, row, valid)
        store(col(cols, k, DATA), row, width, value)
    return pos


@njit(nogil=True)
def int_run(cols, state, first, count, mode, row, pos, end):  # type: ignore[no-untyped-def]
    """Ints, longs, enums, dates and times."""
    for k in range(first, first + count):
        valid, pos = branch(state, k, mode, pos, end)
        if pos < 0:
            return pos
        value = 0
        if valid:
            value, after = varint(pos, end)
            if after < 0:
                return fail(state, -after, k, pos, 0)
            if value < col(cols, k, LOW) or value > col(cols, k, HIGH):
                return fail(state, BAD_RANGE, k, pos, value)
            pos = after
        mark(cols, k, row, valid)
        store(col(cols, k, DATA), row, col(cols, k, WIDTH), value)
    return pos


@njit(nogil=True)
def bool_run(cols, state, first, count, mode, row, pos, end):  # type: ignore[no-untyped-def]
    """Booleans: any byte but 0 is true, as fastavro has it."""
    for k in range(first, first + count):
        valid, pos = branch(state, k, mode, pos, end)
        if pos < 0:
            return pos
        value = 0
        if valid:
            if pos >= end:
                return fail(state, CUT_SHORT, k, pos, 0)
            value = 1 if load8(pos) != 0 else 0
            pos += 1
        mark(cols, k, row, valid)
        set_bit(col(cols, k, DATA), row, value)
    return pos


@njit(nogil=True)
def append(cols, state, k, kind, row, pos, end):  # type: ignore[no-untyped-def]
    """One string or bytes, behind those of the rows before."""
    length, after = varint(pos, end)
    if after < 0:
        return fail(state, -after, k, pos, 0)
    if length < 0 or length > end - after:
        return fail(state, BAD_LENGTH, k, pos, length)
    start = load32(col(cols, k, DATA) + 4 * row)
    if start + length > col(cols, k, ROOM):
        return fail(state, MORE_BYTES, k, pos, start + length)
    if kind == STRING and not is_utf8(after, length):
        return fail(state, NOT_UTF8, k, pos, length)
    copy(col(cols, k, PAYLOAD) + start, after, length)
    store32(col(cols, k, DATA) + 4 * row + 4, start + length)
    return after + length


@njit(nogil=True)
def text_run(cols, state, first, count, mode, kind, row, pos, end):  # type: ignore[no-untyped-def]
    """Strings and bytes."""
    for k in range(first, first + count):
        valid, pos = branch(state, k, mode, pos, end)
        if pos < 0:
            return pos
        mark(cols, k, row, valid)
        if valid:
            pos = append(cols, state, k, kind, row, pos, end)
            if pos < 0:
                return pos
        else:
            store32(col(cols, k, DATA) + 4 * row + 4, load32(col(cols, k, DATA) + 4 * row))
    return pos


@njit(nogil=True)
def fixed_bytes(cols, state, k, mode, row, pos, end):  # type: ignore[no-untyped-def]
    """Read a value of Avro's ``fixed``."""
    valid, pos = branch(state, k, mode, pos, end)
    if pos < 0:
        return pos
    width = col(cols, k, WIDTH)
    mark(cols, k, row, valid)
    if not valid:
        clear(col(cols, k, DATA) + width * row, width)
        return pos
    if end - pos < width:
        return fail(state, CUT_SHORT, k, pos, 0)
    copy(col(cols, k, DATA) + width * row, pos, width)
    return pos + width


@njit(nogil=True)
def clear(address, width):  # type: ignore[no-untyped-def]
    """Zero some bytes."""
    for k in range(width):
        store8(address + k, 0)
