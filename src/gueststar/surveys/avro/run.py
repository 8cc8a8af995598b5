"""Blocks of one schema through the kernel, to record batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.surveys.avro.arrow import assemble
from gueststar.surveys.avro.buffers import Buffers
from gueststar.surveys.avro.header import Writer
from gueststar.surveys.avro.kernel import decode_blocks
from gueststar.surveys.avro.program import Program
from gueststar.surveys.avro.reasons import record_reason
from gueststar.surveys.avro.schema import MAX_DEPTH
from gueststar.surveys.avro.values import (
    BAD_PACKET,
    BLOCK,
    FAIL_COLUMN,
    FAIL_VALUE,
    MORE_ROWS,
    POOL,
    STATE_WORDS,
)

COMMON_POOL = 64 << 20  # bytes of columns that a batch may take beyond the packets' shares

# Words of a block's row.
PACKET, START, STOP, COUNT, FIRST = range(5)


@dataclass(frozen=True)
class PacketError:
    """Why a packet could not be read to its end.

    Attributes
    ----------
    row : int
        Index of the packet among those that were given.
    record : int
        First record in it that could not be read.
    reason : str
        A sentence.
    """

    row: int
    record: int
    reason: str


@dataclass(frozen=True)
class Group:
    """Records of one writer's schema.

    Attributes
    ----------
    schema : dict
        The writer's.
    fingerprint : str
        Digest of the schema without doc strings.
    batch : pyarrow.RecordBatch
        One column per top-level field, fully nested.
    row : numpy.ndarray of int64, shape ``(records,)``
        Index of the packet that each record came from.
    record : numpy.ndarray of int32, shape ``(records,)``
        Number of the record within its packet.
    """

    schema: dict[str, Any]
    fingerprint: str
    batch: pa.RecordBatch
    row: np.ndarray
    record: np.ndarray


@dataclass
class _Run:
    """State of the kernel over the blocks of one schema."""

    program: Program
    blocks: np.ndarray

    def __post_init__(self) -> None:
        self.state = np.zeros(STATE_WORDS, np.int64)
        self.state[BAD_PACKET], self.state[POOL] = -1, COMMON_POOL
        self.frames = np.zeros(MAX_DEPTH + 2, np.int64)
        self.decoded = np.zeros(len(self.blocks), np.int64)
        self.errors = np.zeros((len(self.blocks), 4), np.int64)

    def batches(self) -> list[pa.RecordBatch]:
        """Run to the end; one batch, or more when text columns pass Arrow's 2 GB."""
        done = []
        records = int(self.blocks[:, COUNT].clip(0, 1 << 20).sum())
        size = int((self.blocks[:, STOP] - self.blocks[:, START]).sum())
        buffers = Buffers(self.program, records, size)
        while code := self._call(buffers):
            if not self._grow(buffers, code):
                done.append(assemble(buffers))
                buffers = Buffers(self.program, 1, size)  # a block that has begun goes on in these
        buffers.learn()
        done.append(assemble(buffers))
        return done

    def _call(self, buffers: Buffers) -> int:
        tables = (self.program.ops, buffers.table, buffers.rows)
        outputs = (self.decoded, self.errors)
        return int(
            decode_blocks(
                *map(_address, tables), len(buffers.rows), _address(self.frames),
                _address(self.state), _address(self.blocks), len(self.blocks),
                *map(_address, outputs),
            )
        )  # fmt: skip

    def _grow(self, buffers: Buffers, code: int) -> bool:
        target, need = int(self.state[FAIL_COLUMN]), int(self.state[FAIL_VALUE])
        share = float(self.state[BLOCK]) / len(self.blocks)
        if code == MORE_ROWS:
            buffers.more_rows(target, need, share)
            return True
        return buffers.more_bytes(target, need, share)


def _address(table: np.ndarray) -> int:
    return int(table.ctypes.data)


def run_blocks(writer: Writer, blocks: np.ndarray) -> tuple[list[Group], list[PacketError]]:
    """Decode blocks of one schema.

    Parameters
    ----------
    writer : Writer
        Whose schema it is; it has a program.
    blocks : numpy.ndarray of int64, shape ``(n, 5)``
        Packet, start address, end address, records, number of the first record. The memory
        must stay until this returns.

    Returns
    -------
    groups : list of Group
        Usually one.
    errors : list of PacketError
        At most one a packet.
    """
    assert writer.program is not None
    run = _Run(writer.program, np.ascontiguousarray(blocks))
    batches = run.batches()
    row, record = _origin(blocks, run.decoded)
    groups, at = [], 0
    for batch in batches:
        part = slice(at, at + batch.num_rows)
        at += batch.num_rows
        if batch.num_rows:
            groups.append(Group(writer.schema, writer.fingerprint, batch, row[part], record[part]))
    return groups, _errors(writer.program, blocks, run)


def _origin(blocks: np.ndarray, decoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row = np.repeat(blocks[:, PACKET], decoded)
    before = np.repeat(np.cumsum(decoded) - decoded - blocks[:, FIRST], decoded)
    return row, (np.arange(len(row)) - before).astype(np.int32)


def _errors(program: Program, blocks: np.ndarray, run: _Run) -> list[PacketError]:
    found = []
    for b in np.flatnonzero(run.errors[:, 0]):
        packet, start, stop, _, first = (int(word) for word in blocks[b])
        reason = record_reason(run.errors[b].tolist(), program.columns, start, stop)
        found.append(PacketError(packet, first + int(run.decoded[b]), reason))
    return found
