"""The compiled decoder: one call reads a batch of blocks into the columns of a schema.

It never allocates. When a table or a buffer of bytes is full it takes back the record it was in
and says what it needs; Python makes room and calls it again.
"""

from __future__ import annotations

from numba import njit

from gueststar.surveys.avro.program import (
    BOOL,
    BRANCHES,
    BYTES,
    CHILD,
    DATA,
    END,
    FIXED,
    FIXED4,
    FIXED8,
    INT,
    JUMP,
    LEAST,
    LEVEL,
    LIST,
    NULL,
    STRING,
    STRUCT,
    UNION,
    WIDTH,
)
from gueststar.surveys.avro.raw import load32, set_bit, store32
from gueststar.surveys.avro.values import (
    BAD_BRANCH,
    BAD_COUNT,
    BAD_PACKET,
    BLOCK,
    FAIL_COLUMN,
    FAIL_POS,
    FAIL_VALUE,
    LEFT,
    MORE_BYTES,
    MORE_ROWS,
    POOL,
    POS,
    RECORD,
    TOO_MANY,
    TOO_WIDE,
    TRAILING,
    bool_run,
    branch,
    clear,
    fail,
    fixed_bytes,
    fixed_run,
    int_run,
    mark,
    store,
    text_run,
    varint,
)

SHARE = 16  # bytes of columns that every byte of a packet may become, before the common pool


@njit(nogil=True, cache=True)
def fill(ops, cols, n, row, pc, stop):  # type: ignore[no-untyped-def]
    """Write a null (or zero) into every column of this level between two operations."""
    while pc < stop:
        code = ops[pc, 0]
        if code == LIST:
            column = ops[pc, 1]
            mark(cols, column, row, 0)
            store32(cols[column, DATA] + 4 * row + 4, n[cols[column, CHILD]])
            pc = ops[pc, 3]
            continue
        if code <= FIXED:
            for column in range(ops[pc, 1], ops[pc, 1] + ops[pc, 3]):
                _fill_leaf(cols, code, column, row)
        elif code in (STRUCT, UNION):
            mark(cols, ops[pc, 1], row, 0)
        pc += 1


@njit(nogil=True, cache=True)
def _fill_leaf(cols, code, column, row):  # type: ignore[no-untyped-def]
    mark(cols, column, row, 0)
    data = cols[column, DATA]
    if code in (STRING, BYTES):
        store32(data + 4 * row + 4, load32(data + 4 * row))
    elif code == BOOL:
        set_bit(data, row, 0)
    elif code == FIXED:
        clear(data + cols[column, WIDTH] * row, cols[column, WIDTH])
    elif code != NULL:
        store(data, row, cols[column, WIDTH], 0)


@njit(nogil=True, cache=True)
def next_items(cols, state, n, caps, cost, column, pos, end):  # type: ignore[no-untyped-def]
    """Read the head of a block of items: (how many, next position)."""
    start = pos
    count, pos = varint(pos, end)
    if pos < 0:
        return 0, fail(state, -pos, column, start, 0)
    if count < 0:  # then its size in bytes follows
        count = -count
        size, pos = varint(pos, end)
        if pos < 0:
            return 0, fail(state, -pos, column, start, 0)
        if count < 0 or size < 0 or size > end - pos:
            return 0, fail(state, BAD_COUNT, column, start, size)
    least = cols[column, LEAST]
    if least > 0 and count > (end - pos) // least:
        return 0, fail(state, TOO_MANY, column, start, count)
    child = cols[column, CHILD]
    if count > state[LEFT] // cost[child]:
        return 0, fail(state, TOO_WIDE, column, start, count)
    if n[child] + count > caps[child]:
        return 0, fail(state, MORE_ROWS, child, start, n[child] + count)
    state[LEFT] -= count * cost[child]
    return count, pos


@njit(nogil=True, cache=True)
def choose(ops, cols, state, n, pc, row, pos, end):  # type: ignore[no-untyped-def]
    """Read the index of a general union: (next operation, next position)."""
    column = ops[pc, 1]
    index, after = varint(pos, end)
    if after < 0:
        return 0, fail(state, -after, column, pos, 0)
    branches = cols[column, BRANCHES]
    if index < 0 or index >= branches:
        return 0, fail(state, BAD_BRANCH, column, pos, index)
    stop = ops[pc, 3]
    fill(ops, cols, n, row, pc + 1 + branches, stop)
    target = ops[pc + 1 + index, 3]
    mark(cols, column, row, 0 if target < 0 else 1)
    return (stop if target < 0 else target), after


@njit(nogil=True, cache=True)
def record(ops, cols, n, caps, cost, frames, state, pos, end):  # type: ignore[no-untyped-def]
    """Read one record: the next position, or minus a reason code."""
    pc = 0
    depth = -1
    row = n[0]
    while True:
        code, column, mode, last = ops[pc, 0], ops[pc, 1], ops[pc, 2], ops[pc, 3]
        if code == FIXED4:
            pos = fixed_run(cols, state, column, last, mode, 4, row, pos, end)
        elif code == FIXED8:
            pos = fixed_run(cols, state, column, last, mode, 8, row, pos, end)
        elif code == INT:
            pos = int_run(cols, state, column, last, mode, row, pos, end)
        elif code in (STRING, BYTES):
            pos = text_run(cols, state, column, last, mode, code == STRING, row, pos, end)
        elif code == BOOL:
            pos = bool_run(cols, state, column, last, mode, row, pos, end)
        elif code in (LIST, END):
            if code == LIST:
                valid, pos = branch(state, column, mode, pos, end)
                if pos < 0:
                    return pos
                mark(cols, column, row, valid)
                if valid == 0:
                    store32(cols[column, DATA] + 4 * row + 4, n[cols[column, CHILD]])
                    pc = last
                    continue
                depth += 1
                frames[depth] = 0
            else:
                pc = last  # its LIST
                n[cols[column, CHILD]] += 1
                frames[depth] -= 1
            if frames[depth] == 0:
                frames[depth], pos = next_items(cols, state, n, caps, cost, column, pos, end)
                if pos < 0:
                    return pos
            if frames[depth] > 0:
                row = n[cols[column, CHILD]]
            else:
                depth -= 1
                row = n[cols[column, LEVEL]]
                store32(cols[column, DATA] + 4 * row + 4, n[cols[column, CHILD]])
                pc = ops[pc, 3]
                continue
        elif code == STRUCT:
            valid, pos = branch(state, column, mode, pos, end)
            if pos < 0:
                return pos
            mark(cols, column, row, valid)
            if valid == 0:
                fill(ops, cols, n, row, pc + 1, last)
                pc = last
                continue
        elif code == UNION:
            pc, pos = choose(ops, cols, state, n, pc, row, pos, end)
            if pos < 0:
                return pos
            continue
        elif code == JUMP:
            pc = last
            continue
        elif code == FIXED:
            pos = fixed_bytes(cols, state, column, mode, row, pos, end)
        elif code == NULL:
            _, pos = branch(state, column, mode, pos, end)
        else:  # DONE
            return pos
        if pos < 0:
            return pos
        pc += 1


@njit(nogil=True, cache=True)
def open_block(state, n, block_start, addr, end):  # type: ignore[no-untyped-def]
    """Start a block: the bytes of columns that it may take are its share and the pool."""
    state[POS] = addr
    state[LEFT] = SHARE * (end - addr) + state[POOL]
    block_start[:] = n


@njit(nogil=True, cache=True)
def one_record(ops, cols, n, caps, cost, frames, state, end):  # type: ignore[no-untyped-def]
    """Read a record into the next row, if there is room for the row: 0 or a reason code."""
    if n[0] >= caps[0]:
        return -fail(state, MORE_ROWS, 0, state[POS], n[0] + 1)
    if cost[0] > state[LEFT]:
        return -fail(state, TOO_WIDE, -1, state[POS], n[0])
    pos = record(ops, cols, n, caps, cost, frames, state, state[POS], end)
    if pos < 0:
        return -pos
    n[0] += 1
    state[LEFT] -= cost[0]
    state[POS] = pos
    state[RECORD] += 1
    return 0


@njit(nogil=True, cache=True)
def close_block(state, n, block_start, end):  # type: ignore[no-untyped-def]
    """End a block: every byte must have been read, else its records are not to be trusted."""
    state[POOL] = min(state[POOL], state[LEFT])
    if state[POS] == end:
        return 0
    n[:] = block_start
    state[RECORD] = 0
    return -fail(state, TRAILING, -1, state[POS], end - state[POS])


@njit(nogil=True, cache=True)
def give_up(state, code, errors, packet):  # type: ignore[no-untyped-def]
    """Write down why a block could not be read; the packet's later blocks are left alone."""
    errors[0] = code
    errors[1] = state[FAIL_COLUMN]
    errors[2] = state[FAIL_POS]
    errors[3] = state[FAIL_VALUE]
    state[POOL] = min(state[POOL], state[LEFT])
    state[BAD_PACKET] = packet


@njit(nogil=True, cache=True)
def decode(ops, cols, n, caps, cost, frames, state, saved, block_start, blocks, decoded, errors):  # type: ignore[no-untyped-def]
    """Read blocks until all are done or more room is needed.

    ``blocks`` has a row each: packet, address, end, number of records. Gives 0 when done, else
    ``MORE_ROWS`` or ``MORE_BYTES`` with the level or column, and the need, in ``state``.
    """
    while state[BLOCK] < len(blocks):
        b = state[BLOCK]
        packet, addr, end, count = blocks[b, 0], blocks[b, 1], blocks[b, 2], blocks[b, 3]
        if packet == state[BAD_PACKET]:
            state[BLOCK] += 1
            continue
        if state[RECORD] == 0:
            open_block(state, n, block_start, addr, end)
        code = 0
        while code == 0 and state[RECORD] < count:
            saved[:] = n
            left = state[LEFT]
            code = one_record(ops, cols, n, caps, cost, frames, state, end)
            if code != 0:
                n[:] = saved
                state[LEFT] = left
            if code in (MORE_ROWS, MORE_BYTES):
                return code
        if code == 0:
            code = close_block(state, n, block_start, end)
        decoded[b] = state[RECORD]
        if code != 0:
            give_up(state, code, errors[b], packet)
        state[RECORD] = 0
        state[BLOCK] += 1
    return 0
