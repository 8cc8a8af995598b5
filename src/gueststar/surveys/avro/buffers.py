"""The buffers that the compiled decoder fills: one arena a level, one buffer a text column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gueststar.surveys.avro.kernel import COST, LEVEL_WORDS, ROWS, ROWS_ROOM
from gueststar.surveys.avro.program import DATA, PAYLOAD, ROOM, VALID, Column, Program

MAX_PAYLOAD = (1 << 31) - 1  # bytes: offsets are int32
LINE = 64  # bytes of a cache line, Arrow's alignment
HEADROOM = 1.1  # over what was seen last
AHEAD = 4  # bytes of rows that may be allocated ahead for every byte of the packets
FIRST_ROWS = 1 << 16  # records for which rows are allocated at once


def _padded(size: int) -> int:
    """Whole cache lines, an odd number of them, so that columns do not share cache sets."""
    return ((size + LINE - 1) // LINE | 1) * LINE


def _sizes(column: Column, rows: int) -> tuple[int, int]:
    """Bytes of the validity bitmap and of the data."""
    bitmap = rows // 8 + 1
    data = bitmap if column.bits else column.width * (rows + column.offsets)
    return (_padded(bitmap) if column.valid else 0), (_padded(data) if data else 0)


class Level:
    """The rows of one level: every fixed-width buffer of its columns, in one piece of memory."""

    def __init__(self, program: Program, number: int, rows: int) -> None:
        self.columns = [
            (k, column) for k, column in enumerate(program.columns) if column.level == number
        ]
        self._allocate(rows)

    def _allocate(self, rows: int) -> None:
        self.rows = rows
        self.places: dict[int, tuple[int, int, int, int]] = {}  # valid at, size, data at, size
        at = 0
        for k, column in self.columns:
            valid, data = _sizes(column, rows)
            self.places[k] = (at, valid, at + valid, data)
            at += valid + data
        self.arena = pa.allocate_buffer(max(at, LINE))
        self.bytes = np.frombuffer(self.arena, np.uint8)
        for k, column in self.columns:
            if column.offsets:
                start = self.places[k][2]
                self.bytes[start : start + 4] = 0

    def grow(self, rows: int, used: int) -> None:
        """Make room for more rows; ``used`` of them are there and stay."""
        places, source = self.places, self.bytes
        self._allocate(rows)
        for k, column in self.columns:
            valid, data = _sizes(column, used)
            old, new = places[k], self.places[k]
            for at, size, room in ((0, valid, old[1]), (2, data, old[3])):
                part = source[old[at] : old[at] + min(size, room)]
                self.bytes[new[at] : new[at] + len(part)] = part

    def write(self, table: np.ndarray) -> None:
        """Tell the kernel's table where the columns are."""
        base = self.arena.address
        for k, (valid_at, valid, data_at, _) in self.places.items():
            table[k, VALID] = base + valid_at if valid else 0
            table[k, DATA] = base + data_at

    def buffer(self, k: int, *, validity: bool) -> pa.Buffer | None:
        """Return one buffer of a column, in place."""
        valid_at, valid, data_at, data = self.places[k]
        if validity:
            return self.arena.slice(valid_at, valid) if valid else None
        return self.arena.slice(data_at, data)


class Buffers:
    """All that one run of the kernel writes to.

    Parameters
    ----------
    program : Program
        Whose columns they are.
    records : int
        Records that the blocks say they hold.
    size : int
        Bytes of the blocks: what is allocated ahead stays in proportion to it, whatever the
        packets say and whatever earlier packets were like.
    """

    def __init__(self, program: Program, records: int, size: int) -> None:
        self.program = program
        self.size = size
        self.records = max(1, min(records, size // max(program.node.min_size, 1), FIRST_ROWS))
        rows = [
            min(int(self.records * hint * HEADROOM), self._ahead(k)) + 8
            for k, hint in enumerate(program.rows_hint)
        ]
        rows[0] = self.records + 1
        self.levels = [Level(program, k, count) for k, count in enumerate(rows)]
        self.rows = np.zeros((len(rows), LEVEL_WORDS), np.int64)
        self.rows[:, ROWS_ROOM], self.rows[:, COST] = rows, program.cost
        self.table = program.table.copy()
        for level in self.levels:
            level.write(self.table)
        self.payloads: dict[int, pa.Buffer] = {}
        for k, column in enumerate(program.columns):
            if column.payload:
                hint = program.bytes_hint.get(k, 16.0)
                self.payload(k, min(int(self.records * hint * HEADROOM), size) + LINE)

    def _ahead(self, level: int) -> int:
        """Rows of a level that may be allocated before they are needed."""
        return (AHEAD * self.size + (1 << 20)) // int(self.program.cost[level])

    def payload(self, k: int, size: int) -> None:
        """Make or resize the bytes of a text column."""
        size = min(size, MAX_PAYLOAD)
        if k in self.payloads:
            self.payloads[k].resize(size)
        else:
            self.payloads[k] = pa.allocate_buffer(size, resizable=True)
        self.table[k, PAYLOAD], self.table[k, ROOM] = self.payloads[k].address, size

    def count(self, level: int) -> int:
        """Count the rows of a level."""
        return int(self.rows[level, ROWS])

    def more_rows(self, level: int, need: int, share: float) -> None:
        """Grow a level to ``need`` rows at least; ``share`` of the records are done."""
        ahead = max(2 * int(self.rows[level, ROWS_ROOM]), _outlook(need, share))
        rows = max(need + need // 4, min(ahead, self._ahead(level)))
        self.levels[level].grow(rows, self.count(level))
        self.levels[level].write(self.table)
        self.rows[level, ROWS_ROOM] = rows

    def more_bytes(self, k: int, need: int, share: float) -> bool:
        """Grow a text column to ``need`` bytes; False when Arrow's offsets cannot reach them."""
        if need > MAX_PAYLOAD:
            return False
        ahead = max(2 * int(self.table[k, ROOM]), _outlook(need, share))
        self.payload(k, max(need, min(ahead, self.size)))
        return True

    def learn(self) -> None:
        """Remember how much a record took, for the next batch."""
        records = self.count(0)
        if records == 0:
            return
        self.program.rows_hint[:] = [float(count) / records for count in self.rows[:, ROWS]]
        for k in self.payloads:
            self.program.bytes_hint[k] = self.text_bytes(k) / records

    def text_bytes(self, k: int) -> int:
        """Bytes that a text column holds."""
        number = self.program.columns[k].level
        level = self.levels[number]
        at = level.places[k][2] + 4 * self.count(number)
        return int(level.bytes[at : at + 4].view(np.int32)[0])


def _outlook(need: int, share: float) -> int:
    """Guess what will be needed in all if it goes on like this; at most 64 times what is now."""
    return int(need * min(HEADROOM / max(share, 1e-9), 64.0)) if share > 0.02 else 0
