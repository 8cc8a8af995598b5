"""Packets inside a tar archive, read as a stream: the form of the public ZTF archive."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

LARGEST_MEMBER = 64_000_000  # bytes; a packet is about 60 kB

#: Member name, packet, reason it cannot be used, bytes of the archive read so far.
Member = tuple[str, bytes, str | None, int]


def members(path: Path) -> Iterator[Member]:
    """Yield the packets of an archive without unpacking it to disk.

    Memory stays constant however large the archive is. Members that are no ``.avro`` files are
    passed over. A member that is too large, and an archive that ends early, come with a reason.

    Parameters
    ----------
    path : pathlib.Path
        ``.tar``, or compressed by gzip, bzip2 or xz.
    """
    last = "its start"
    with path.open("rb") as raw:
        try:
            with tarfile.open(fileobj=raw, mode="r|*") as archive:
                for member in archive:
                    if member.isfile() and member.name.endswith(".avro"):
                        last = member.name
                        packet, reason = _read(archive, member)
                        yield member.name, packet, reason, raw.tell()
        except (tarfile.TarError, EOFError, zlib.error) as error:
            yield "", b"", f"the archive breaks off after {last}: {error}", raw.tell()


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes, str | None]:
    if member.size > LARGEST_MEMBER:
        return b"", f"member of {member.size} bytes; a packet has at most {LARGEST_MEMBER}"
    file = archive.extractfile(member)
    return (file.read() if file else b""), None
