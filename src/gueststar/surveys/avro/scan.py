"""Finding the blocks of Avro containers: compiled, in place, before anything is decoded."""

from __future__ import annotations

from numba import njit

from gueststar.surveys.avro.raw import same
from gueststar.surveys.avro.sources import SOURCES, entry
from gueststar.surveys.avro.values import (
    BAD_SYNC,
    BLOCK_COUNT,
    BLOCK_LENGTH,
    EMPTY,
    varint,
)

SYNC = 16  # bytes of the marker that ends a header and every block


@njit(nogil=True)
def _one_packet(p, start, head, end, blocks, used, errors):  # type: ignore[no-untyped-def]
    """Write down the blocks of one packet: the new number of blocks, or minus a code."""
    sync = start + head
    pos = sync + SYNC
    records = 0
    while pos < end:
        if used >= len(blocks):
            return -1
        errors[p, 1] = records
        errors[p, 2] = pos - start
        count, after = varint(pos, end)
        size = 0
        if after > 0:
            size, after = varint(after, end)
        errors[p, 3] = size
        errors[p, 4] = end - after - SYNC
        if after < 0:
            errors[p, 0] = -after
        elif count < 0:
            errors[p, 0] = BLOCK_COUNT
            errors[p, 3] = count
        elif size < 0 or size > end - after - SYNC:
            errors[p, 0] = BLOCK_LENGTH
        elif not same(after + size, sync, SYNC):
            errors[p, 0] = BAD_SYNC
        if errors[p, 0] != 0:
            return used
        blocks[used, 0] = p
        blocks[used, 1] = after
        blocks[used, 2] = after + size
        blocks[used, 3] = count
        blocks[used, 4] = records
        used += 1
        records += count
        pos = after + size + SYNC
    if records == 0:
        errors[p, 0] = EMPTY
    return used


def _entries(sources):  # type: ignore[no-untyped-def]
    @entry
    def match_headers(packets, heads, first, which):  # type: ignore[no-untyped-def]
        """Find the known header that each packet begins with; -1 where there is none.

        ``packets`` and ``heads`` have a row each: address, length. A header is everything before
        the sync marker, which differs from file to file. ``first`` is the number of ``heads[0]``.
        """
        _ = sources  # in the cache's key
        last = 0
        for p in range(len(packets)):
            if which[p] >= 0:
                continue
            for k in range(len(heads)):
                h = (last + k) % len(heads)
                fits = heads[h, 1] + SYNC <= packets[p, 1]
                if fits and same(packets[p, 0], heads[h, 0], heads[h, 1]):
                    which[p] = first + h
                    last = h
                    break

    @entry
    def find_blocks(packets, heads, at, n, blocks, errors):  # type: ignore[no-untyped-def]
        """Walk the blocks of packets from number ``at`` on: (next packet, blocks so far).

        ``heads`` are the lengths of the headers without marker; negative: leave it alone.
        ``blocks`` gets a row each: packet, address, end, records, number of its first record;
        ``errors`` a row a packet: code, record, byte, what was said, what there is. It stops
        before a packet for which ``blocks`` is too small.
        """
        _ = sources
        for p in range(at, len(packets)):
            if heads[p] < 0:
                continue
            start, end = packets[p, 0], packets[p, 0] + packets[p, 1]
            after = _one_packet(p, start, heads[p], end, blocks, n, errors)
            if after < 0:
                return p, n
            n = after
        return len(packets), n

    return match_headers, find_blocks


match_headers, find_blocks = _entries(SOURCES)
