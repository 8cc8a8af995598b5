"""Blocks of containers unpacked, within bounds."""

from __future__ import annotations

import zlib

import cramjam

from gueststar.errors import BadPacket

SHARE = 16  # bytes that every packed byte may become, before the common allowance
ALLOWANCE = 64 << 20  # bytes beyond that, for a whole batch

MAX_BLOCK = 1 << 30  # bytes of one block; Arrow's strings end at 2 GB
CHECKSUM = 4  # bytes of zlib's Adler-32, which some writers (fastavro) leave behind deflate data


class Unpacker:
    """Unpacks the blocks of one batch; a bomb uses up the allowance, not the memory."""

    def __init__(self) -> None:
        self.allowance = ALLOWANCE

    def __call__(self, data: memoryview, codec: str) -> bytes:
        """Unpack one block.

        Parameters
        ----------
        data : memoryview
            The block as it is in the container.
        codec : str
            ``deflate`` or ``snappy``.

        Raises
        ------
        BadPacket
            If it cannot be unpacked or would be absurdly large.
        """
        limit = min(SHARE * len(data) + self.allowance, MAX_BLOCK)
        body = _inflate(data, limit) if codec == "deflate" else _unsnappy(data, limit)
        self.allowance -= max(0, len(body) - SHARE * len(data))
        return body


def _inflate(data: memoryview, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=-15)
    try:
        body = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise BadPacket(f"a deflate block cannot be unpacked: {error}") from None
    if len(body) > limit:
        raise BadPacket(f"a deflate block of {len(data)} bytes unpacks to more than {limit} bytes")
    if not stream.eof:
        raise BadPacket("a deflate block ends too early")
    if len(stream.unused_data) > CHECKSUM:
        raise BadPacket(f"a deflate block has {len(stream.unused_data)} bytes behind its end")
    return body


def _unsnappy(data: memoryview, limit: int) -> bytes:
    if len(data) < 5:
        raise BadPacket(f"a snappy block has {len(data)} bytes; its checksum alone takes 4")
    packed, checksum = data[:-4], int.from_bytes(data[-4:], "big")
    try:
        length = cramjam.snappy.decompress_raw_len(packed)
        if length > limit:
            raise BadPacket(
                f"a snappy block of {len(data)} bytes unpacks to {length} bytes, {limit} may be"
            )
        body = bytes(cramjam.snappy.decompress_raw(packed))
    except cramjam.DecompressionError as error:
        raise BadPacket(f"a snappy block cannot be unpacked: {error}") from None
    if zlib.crc32(body) != checksum:
        raise BadPacket("a snappy block does not agree with its checksum")
    return body
