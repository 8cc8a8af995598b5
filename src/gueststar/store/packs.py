"""Packs: the cutouts of one write as one ZIP file, which any ``unzip`` opens and checks.

Members are ``<alert_id>/<kind>.fits.gz``, or ``.fits`` (deflated) where the survey sends plain
FITS. Those of an alert stand one behind the other, so that one range of bytes has them all; their
own headers in it say whose they are, how long, and their CRC-32. See PKWARE's APPNOTE, 4.3.7.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gueststar.batch import CUTOUTS
from gueststar.errors import CutoutsLost

#: Cutouts by alert, in the order of :data:`~gueststar.batch.CUTOUTS`; None where there is none.
Stamps = Mapping[int, Sequence[bytes | None]]

_HEAD = struct.Struct("<4s5H3I2H")
_SIGNATURE = b"PK\x03\x04"
_FITS, _GZIP = b"SIMPLE", b"\x1f\x8b"
_DAY = (1980, 1, 1, 0, 0, 0)  # ZIP's first: the same stamps give the same bytes
FASTEST = 1  # of zlib's levels


class Part(NamedTuple):
    """Where in a pack the cutouts of an alert lie.

    Parameters
    ----------
    alert_id : int
    start, size : int
        Bytes.
    kinds : int
        Bit k says that cutout k is there.
    """

    alert_id: int
    start: int
    size: int
    kinds: int


def pack(stamps: Stamps) -> tuple[bytes, list[Part]]:
    """Write a pack, and say where in it the cutouts of each alert lie.

    Parameters
    ----------
    stamps : mapping
        Alerts without any cutout get no part.
    """
    out, parts = io.BytesIO(), []
    with zipfile.ZipFile(out, "w") as archive:
        for alert_id, mine in stamps.items():
            start = out.tell()
            for name, stamp in zip(CUTOUTS, mine, strict=True):
                if stamp is not None:
                    _add(archive, f"{alert_id}/{name}", stamp)
            if kinds := kinds_of(mine):
                parts.append(Part(alert_id, start, out.tell() - start, kinds))
    return out.getvalue(), parts


def _add(archive: zipfile.ZipFile, name: str, stamp: bytes) -> None:
    """Add a stamp; plain FITS is deflated, all else stands as it is."""
    plain = stamp.startswith(_FITS)
    end = ".fits.gz" if stamp.startswith(_GZIP) else ".fits"
    method = zipfile.ZIP_DEFLATED if plain else zipfile.ZIP_STORED
    archive.writestr(zipfile.ZipInfo(name + end, _DAY), stamp, method, FASTEST)


def kinds_of(stamps: Iterable[bytes | None]) -> int:
    """Return which cutouts are there, a bit each."""
    return sum((stamp is not None) << k for k, stamp in enumerate(stamps))


def unpack(data: bytes, alert_id: int, size: int, where: str) -> dict[str, bytes]:
    """Return the cutouts of an alert from its bytes of a pack, each as it was received.

    Parameters
    ----------
    data : bytes
    alert_id : int
        Whose they should be.
    size : int
        How many bytes they should be.
    where : str
        The pack, for messages.

    Raises
    ------
    CutoutsLost
        If the bytes are others than those that were written.
    """
    found: dict[str, bytes] = {}
    if len(data) != size:
        raise _damaged(alert_id, where)
    while data:
        name, stamp, data = _member(data, alert_id, where)
        found[name.partition("/")[2].partition(".")[0]] = stamp
        if not name.startswith(f"{alert_id}/"):
            raise _damaged(alert_id, where)
    return found


def _member(data: bytes, alert_id: int, where: str) -> tuple[str, bytes, bytes]:
    """Return name and content of the first member, and what is behind it."""
    if len(data) < _HEAD.size:
        raise _damaged(alert_id, where)
    signature, _, _, method, _, _, crc, size, plain, letters, extra = _HEAD.unpack_from(data)
    start = _HEAD.size + letters + extra
    if signature != _SIGNATURE or len(data) < start + size:
        raise _damaged(alert_id, where)
    stamp = data[start : start + size]
    try:
        if method == zipfile.ZIP_DEFLATED:
            stamp = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stamp, max(1, plain))
        name = data[_HEAD.size : _HEAD.size + letters].decode()
    except (zlib.error, UnicodeDecodeError):
        raise _damaged(alert_id, where) from None
    if zlib.crc32(stamp) != crc:
        raise _damaged(alert_id, where)
    return name, stamp, data[start + size :]


def _damaged(alert_id: int, where: str) -> CutoutsLost:
    return CutoutsLost(
        f"the cutouts of alert {alert_id} are damaged in {where}: restore this file from a copy"
    )
