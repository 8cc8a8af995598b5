"""Packets for benchmarks: simulated once, kept in a file, read by every process that needs them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fastavro
import pyarrow as pa

from gueststar.batch import PACKETS
from gueststar.errors import BadInput
from gueststar.simulate.encode import long
from gueststar.simulate.source import SimulatedSource

STEP = 10**15  # from one copy of an alert to the next, in candid
MOST_COPIES = 90  # an object's name has two digits for the year
_YEAR = slice(3, 5)  # of ZTF26abcdefg


def simulate(alerts: int, seed: int, file: Path, tell: Callable[[int], None]) -> Path:
    """Simulate packets on all cores, and write them into an Arrow file."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = min(cores or 1, alerts // 500)
    with pa.OSFile(str(file), "wb") as raw, pa.ipc.new_file(raw, PACKETS) as out:
        done = 0
        for batch in SimulatedSource(alerts, seed, workers=workers):
            out.write_batch(batch)
            done += batch.num_rows
            tell(done)
    return file


def read(file: Path) -> Iterator[bytes]:
    """Give the packets of a file."""
    with pa.memory_map(str(file)) as raw, pa.ipc.open_file(raw) as found:
        for number in range(found.num_record_batches):
            for packet in found.get_batch(number).column("packet"):
                yield packet.as_py()


def copies(file: Path, alerts: int) -> Iterator[bytes]:
    """Give so many packets, repeating those of a file as alerts and objects of their own.

    A copy has another ``candid`` and its object another name; every other byte stays.

    Raises
    ------
    BadInput
        If the file has too few packets for so many.
    """
    base = [(packet, *_names(packet)) for packet in read(file)]
    if alerts > MOST_COPIES * len(base):
        raise BadInput(f"{len(base)} packets cannot be copied into {alerts}: simulate more")
    for number in range(alerts):
        copy, at = divmod(number, len(base))
        packet, candid, name = base[at]
        yield renamed(packet, candid, name, copy) if copy else packet


def renamed(packet: bytes, candid: int, name: str, copy: int) -> bytes:
    """Make another alert of another object, byte for byte as long as the packet."""
    year = (int(name[_YEAR]) + copy) % 100
    other = f"{name[: _YEAR.start]}{year:02d}{name[_YEAR.stop :]}"
    out = packet.replace(name.encode(), other.encode(), 1)
    return out.replace(long(candid), long(candid + copy * STEP))


def _names(packet: bytes) -> tuple[int, str]:
    alert = next(iter(fastavro.reader(io.BytesIO(packet))))
    assert isinstance(alert, dict)
    return int(alert["candid"]), str(alert["objectId"])
