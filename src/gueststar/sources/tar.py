"""Packets inside a tar archive, read as a stream: the form of the public ZTF archive."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LARGEST_MEMBER = 64_000_000  # bytes; a packet is about 60 kB

#: Member name, which one of that name, packet, reason it cannot be used, bytes read so far.
Member = tuple[str, int, bytes, str | None, int]


def members(path: Path) -> Iterator[Member]:
    """Yield the packets of an archive without unpacking it to disk.

    Packets are never in memory together. Members that are no ``.avro`` files are passed over. A
    member that is too large, and an archive that ends early, come with a reason.

    Parameters
    ----------
    path : pathlib.Path
        ``.tar``, or compressed by gzip, bzip2 or xz.
    """
    last, seen = "its start", Counter[str]()
    with path.open("rb") as raw:
        try:
            with tarfile.open(fileobj=raw, mode="r|*") as archive:
                while (member := archive.next()) is not None:
                    # It would keep a kilobyte of every member until the end.
                    archive.members.clear()  # type: ignore[attr-defined]
                    if member.isfile() and member.name.lower().endswith(".avro"):
                        last = plain(member.name)
                        packet, reason = _read(archive, member)
                        yield last, seen[last], packet, reason, raw.tell()
                        seen[last] += 1  # an archive may be appended to: one name, two packets
        except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
            yield "", 0, b"", f"the archive breaks off after {last}: {error}", raw.tell()


def plain(name: str) -> str:
    r"""Give a file's name as text that can be stored: bytes that are not UTF-8 are spelt out.

    Examples
    --------
    >>> plain("night_\udcff.avro")
    'night_\\xff.avro'
    """
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes, str | None]:
    if member.size > LARGEST_MEMBER:
        return b"", f"member of {member.size} bytes; a packet has at most {LARGEST_MEMBER}"
    file = archive.extractfile(member)
    return (file.read() if file else b""), None
