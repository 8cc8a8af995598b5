"""The compiled decoder: one call reads a batch of blocks into the columns of a schema.

It never allocates. When a table or a buffer of bytes is full it takes back the record it was in
and says what it needs; Python makes room and calls it again. All tables are int64, given by their
address (see values.py).
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
from gueststar.surveys.avro.raw import load32, put, set_bit, store32, table_reader, word
from gueststar.surveys.avro.sources import SOURCES, entry
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
    col,
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

# Words of a level's row: rows there, room for rows, bytes of a row, rows at the start of the
# record, rows at the start of the block.
ROWS, ROWS_ROOM, COST, RECORD_START, BLOCK_START, LEVEL_WORDS = range(6)


op = table_reader(4)  # a word of an operation
lev = table_reader(LEVEL_WORDS)  # a word of a level's row
block_word = table_reader(5)


@njit(nogil=True)
def rows_of(cols, levels, column):  # type: ignore[no-untyped-def]
    """Count the rows in the level that a list opens."""
    return lev(levels, col(cols, column, CHILD), ROWS)


@njit(nogil=True)
def close_list(cols, levels, column, row):  # type: ignore[no-untyped-def]
    """Write where the items of a list end."""
    store32(col(cols, column, DATA) + 4 * row + 4, rows_of(cols, levels, column))


@njit(nogil=True)
def fill(ops, cols, levels, row, pc, stop):  # type: ignore[no-untyped-def]
    """Write a null (or zero) into every column of this level between two operations."""
    while pc < stop:
        code, column, last = op(ops, pc, 0), op(ops, pc, 1), op(ops, pc, 3)
        if code == LIST:
            mark(cols, column, row, 0)
            close_list(cols, levels, column, row)
            pc = last
            continue
        if code <= FIXED:
            for k in range(column, column + last):
                _fill_leaf(cols, code, k, row)
        elif code in (STRUCT, UNION):
            mark(cols, column, row, 0)
        pc += 1


@njit(nogil=True)
def _fill_leaf(cols, code, column, row):  # type: ignore[no-untyped-def]
    mark(cols, column, row, 0)
    data, width = col(cols, column, DATA), col(cols, column, WIDTH)
    if code in (STRING, BYTES):
        store32(data + 4 * row + 4, load32(data + 4 * row))
    elif code == BOOL:
        set_bit(data, row, 0)
    elif code == FIXED:
        clear(data + width * row, width)
    elif code != NULL:
        store(data, row, width, 0)


@njit(nogil=True)
def next_items(cols, state, levels, column, pos, end):  # type: ignore[no-untyped-def]
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
    least = col(cols, column, LEAST)
    if least > 0 and count > (end - pos) // least:
        return 0, fail(state, TOO_MANY, column, start, count)
    child = col(cols, column, CHILD)
    cost, need = lev(levels, child, COST), lev(levels, child, ROWS) + count
    if count > word(state, LEFT) // cost:
        return 0, fail(state, TOO_WIDE, column, start, count)
    if need > lev(levels, child, ROWS_ROOM):
        return 0, fail(state, MORE_ROWS, child, start, need)
    put(state, LEFT, word(state, LEFT) - count * cost)
    return count, pos


@njit(nogil=True)
def choose(ops, cols, state, levels, pc, row, pos, end):  # type: ignore[no-untyped-def]
    """Read the index of a general union: (next operation, next position)."""
    column, stop = op(ops, pc, 1), op(ops, pc, 3)
    index, after = varint(pos, end)
    if after < 0:
        return 0, fail(state, -after, column, pos, 0)
    branches = col(cols, column, BRANCHES)
    if index < 0 or index >= branches:
        return 0, fail(state, BAD_BRANCH, column, pos, index)
    fill(ops, cols, levels, row, pc + 1 + branches, stop)
    target = op(ops, pc + 1 + index, 3)
    mark(cols, column, row, 0 if target < 0 else 1)
    return (stop if target < 0 else target), after


@njit(nogil=True)
def walk_list(ops, cols, levels, frames, state, pc, depth, row, pos, end):  # type: ignore[no-untyped-def]
    """Begin a list, or go on after one of its elements: (next operation, depth, row, position)."""
    code, column = op(ops, pc, 0), op(ops, pc, 1)
    mode, last = op(ops, pc, 2), op(ops, pc, 3)
    if code == LIST:
        valid, pos = branch(state, column, mode, pos, end)
        if pos < 0:
            return pc, depth, row, pos
        mark(cols, column, row, valid)
        if valid == 0:
            close_list(cols, levels, column, row)
            return last, depth, row, pos
        depth += 1
        items = 0
    else:
        pc = last  # its LIST
        child = col(cols, column, CHILD)
        put(levels, LEVEL_WORDS * child + ROWS, lev(levels, child, ROWS) + 1)
        items = word(frames, depth) - 1
    if items == 0:
        items, pos = next_items(cols, state, levels, column, pos, end)
        if pos < 0:
            return pc, depth, row, pos
    if items == 0:
        row = lev(levels, col(cols, column, LEVEL), ROWS)
        close_list(cols, levels, column, row)
        return op(ops, pc, 3), depth - 1, row, pos
    put(frames, depth, items)
    return pc + 1, depth, rows_of(cols, levels, column), pos


@njit(nogil=True)
def record(ops, cols, levels, frames, state, pos, end):  # type: ignore[no-untyped-def]
    """Read one record: the next position, or minus a reason code."""
    pc = 0
    depth = -1
    row = lev(levels, 0, ROWS)
    while True:
        code, column = op(ops, pc, 0), op(ops, pc, 1)
        mode, last = op(ops, pc, 2), op(ops, pc, 3)
        if code == FIXED4:
            pos = fixed_run(cols, state, column, last, mode, 4, row, pos, end)
        elif code == FIXED8:
            pos = fixed_run(cols, state, column, last, mode, 8, row, pos, end)
        elif code == INT:
            pos = int_run(cols, state, column, last, mode, row, pos, end)
        elif code in (STRING, BYTES):
            pos = text_run(cols, state, column, last, mode, code, row, pos, end)
        elif code == BOOL:
            pos = bool_run(cols, state, column, last, mode, row, pos, end)
        elif code in (LIST, END):
            pc, depth, row, pos = walk_list(
                ops, cols, levels, frames, state, pc, depth, row, pos, end
            )
            if pos < 0:
                return pos
            continue
        elif code == STRUCT:
            valid, pos = branch(state, column, mode, pos, end)
            if pos < 0:
                return pos
            mark(cols, column, row, valid)
            if valid == 0:
                fill(ops, cols, levels, row, pc + 1, last)
                pc = last
                continue
        elif code == UNION:
            pc, pos = choose(ops, cols, state, levels, pc, row, pos, end)
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


@njit(nogil=True)
def keep(levels, count, target, source):  # type: ignore[no-untyped-def]
    """Copy one word of every level's row to another."""
    for k in range(count):
        put(levels, LEVEL_WORDS * k + target, lev(levels, k, source))


@njit(nogil=True)
def open_block(state, levels, count, addr, end):  # type: ignore[no-untyped-def]
    """Start a block: the bytes of columns that it may take are its share and the pool."""
    put(state, POS, addr)
    put(state, LEFT, SHARE * (end - addr) + word(state, POOL))
    keep(levels, count, BLOCK_START, ROWS)


@njit(nogil=True)
def one_record(ops, cols, levels, frames, state, end):  # type: ignore[no-untyped-def]
    """Read a record into the next row, if there is room for the row: 0 or a reason code."""
    rows, cost = lev(levels, 0, ROWS), lev(levels, 0, COST)
    if rows >= lev(levels, 0, ROWS_ROOM):
        return -fail(state, MORE_ROWS, 0, word(state, POS), rows + 1)
    if cost > word(state, LEFT):
        return -fail(state, TOO_WIDE, -1, word(state, POS), word(state, RECORD))
    pos = record(ops, cols, levels, frames, state, word(state, POS), end)
    if pos < 0:
        return -pos
    put(levels, ROWS, rows + 1)
    put(state, LEFT, word(state, LEFT) - cost)
    put(state, POS, pos)
    put(state, RECORD, word(state, RECORD) + 1)
    return 0


@njit(nogil=True)
def close_block(state, levels, count, end):  # type: ignore[no-untyped-def]
    """End a block: every byte must have been read, else its records are not to be trusted."""
    put(state, POOL, min(word(state, POOL), word(state, LEFT)))
    if word(state, POS) == end:
        return 0
    keep(levels, count, ROWS, BLOCK_START)
    put(state, RECORD, 0)
    return -fail(state, TRAILING, -1, word(state, POS), end - word(state, POS))


@njit(nogil=True)
def give_up(state, code, errors, packet):  # type: ignore[no-untyped-def]
    """Write down why a block could not be read; the packet's later blocks are left alone."""
    put(errors, 0, code)
    put(errors, 1, word(state, FAIL_COLUMN))
    put(errors, 2, word(state, FAIL_POS))
    put(errors, 3, word(state, FAIL_VALUE))
    put(state, POOL, min(word(state, POOL), word(state, LEFT)))
    put(state, BAD_PACKET, packet)


@njit(nogil=True)
def next_block(state):  # type: ignore[no-untyped-def]
    """Go on to the next block."""
    put(state, RECORD, 0)
    put(state, BLOCK, word(state, BLOCK) + 1)


def _entry(sources):  # type: ignore[no-untyped-def]
    @entry
    def decode_blocks(ops, cols, levels, count, frames, state, blocks, stop, decoded, errors):  # type: ignore[no-untyped-def]
        """Read blocks until all are done or more room is needed.

        ``blocks`` has a row each: packet, address, end, number of records, number of its first.
        ``count`` is the number of levels, ``stop`` the number of blocks. Gives 0 when done, else
        ``MORE_ROWS`` or ``MORE_BYTES`` with the level or column, and the need, in ``state``.
        """
        _ = sources  # in the cache's key
        while word(state, BLOCK) < stop:
            b = word(state, BLOCK)
            packet, addr = block_word(blocks, b, 0), block_word(blocks, b, 1)
            end, records = block_word(blocks, b, 2), block_word(blocks, b, 3)
            if packet == word(state, BAD_PACKET):
                next_block(state)
                continue
            if word(state, RECORD) == 0:
                open_block(state, levels, count, addr, end)
            code = 0
            while code == 0 and word(state, RECORD) < records:
                keep(levels, count, RECORD_START, ROWS)
                left = word(state, LEFT)
                code = one_record(ops, cols, levels, frames, state, end)
                if code != 0:
                    keep(levels, count, ROWS, RECORD_START)
                    put(state, LEFT, left)
                if code in (MORE_ROWS, MORE_BYTES):
                    return code
            if code == 0:
                code = close_block(state, levels, count, end)
            put(decoded, b, word(state, RECORD))
            if code != 0:
                give_up(state, code, errors + 32 * b, packet)
            next_block(state)
        return 0

    return decode_blocks


decode_blocks = _entry(SOURCES)
