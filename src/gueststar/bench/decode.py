"""How fast packets become record batches, against fastavro on the same packets.

Both get the same list of packets, each an Avro container as surveys send them, and decode all of
it: history, candidate and stamps. Ours gives one Arrow record batch per schema with the stamps
copied into it; fastavro gives a dict per alert. They run by turns in one thread, and the medians
are compared.
"""

from __future__ import annotations

import io
import itertools
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fastavro

from gueststar.errors import BadInput
from gueststar.surveys.avro import read_containers, warm_up

DEFAULT_DATA = Path("../shared/data")
VERSIONS = ("3.3", "4.01")
SIMULATED = 200  # alerts, repeated to fill a batch


def decode(
    rival: str = "fastavro",
    *,
    packets: Path | None = None,
    batch: int = 2000,
    seconds: float = 20.0,
) -> dict[str, Any]:
    """Measure our decoder against a rival, in one process and one thread.

    Parameters
    ----------
    rival : str
        ``fastavro``, the only one there is.
    packets : pathlib.Path, optional
        Folder of ``.avro`` packets. Otherwise the real ones of ``$GUESTSTAR_DATA`` (ZTF schema
        3.3 and 4.01), or simulated ones where those are absent.
    batch : int
        Packets in a batch; real ones are repeated to fill it.
    seconds : float
        Time to spend, roughly.

    Returns
    -------
    dict
        ``ours_per_s`` and ``rival_per_s`` (alerts per second, one core), ``ratio``, ``alerts`` in
        a batch, ``threads``, ``bytes_per_alert``, ``repeats``, ``parts`` (the same per schema
        version) and ``how``. The totals are over all versions: alerts by summed median times.

    Raises
    ------
    BadInput
        If the rival is unknown or there are no packets.
    """
    if rival != "fastavro":
        raise BadInput(f"no rival {rival!r} for decoding; known: fastavro")
    warm_up()
    sets = _packet_sets(packets)
    parts = {
        name: _compare(list(itertools.islice(itertools.cycle(some), batch)), seconds / len(sets))
        for name, some in sets.items()
    }
    return _total(parts, rival)


def _packet_sets(folder: Path | None) -> dict[str, list[bytes]]:
    """Return the packets to decode, by name of the set."""
    if folder is not None:
        found = {folder.name: _read(folder)}
    else:
        root = Path(os.environ.get("GUESTSTAR_DATA", DEFAULT_DATA)) / "alerts" / "ztf"
        found = {name: _read(root / name) for name in VERSIONS}
    found = {name: packets for name, packets in found.items() if packets}
    if not found and folder is not None:
        raise BadInput(f"no .avro packets in {folder}")
    return found or {"simulated": _simulated()}


def _read(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.avro"))]


def _simulated() -> list[bytes]:
    from gueststar.simulate.night import Night

    return [bytes(packet) for packet in Night(alerts=SIMULATED, seed=1)]


def _ours(packets: Sequence[bytes]) -> int:
    decoded = read_containers(packets)
    if decoded.errors:
        raise BadInput(f"packet {decoded.errors[0].row}: {decoded.errors[0].reason}")
    return sum(group.batch.num_rows for group in decoded.groups)


def _fastavro(packets: Sequence[bytes]) -> int:
    return sum(1 for packet in packets for _ in fastavro.reader(io.BytesIO(packet)))


def _time(run: Callable[[Sequence[bytes]], int], packets: Sequence[bytes]) -> tuple[int, float]:
    start = time.perf_counter()
    alerts = run(packets)
    return alerts, time.perf_counter() - start


def _compare(packets: list[bytes], seconds: float) -> dict[str, Any]:
    """Run both by turns: ours five times for each time that the rival runs."""
    alerts, _ = _time(_ours, packets)
    stop = time.perf_counter() + seconds
    ours: list[float] = []
    theirs: list[float] = []
    while len(theirs) < 3 or time.perf_counter() < stop:
        ours += [_time(_ours, packets)[1] for _ in range(5)]
        seen, spent = _time(_fastavro, packets)
        if seen != alerts:
            raise BadInput(f"the decoders disagree: {alerts} and {seen} alerts")
        theirs.append(spent)
    return {
        "alerts": alerts,
        "bytes": sum(map(len, packets)),
        "ours_s": statistics.median(ours),
        "rival_s": statistics.median(theirs),
        "ratio": statistics.median(theirs) / statistics.median(ours),
        "repeats": len(theirs),
    }


def _total(parts: dict[str, dict[str, Any]], rival: str) -> dict[str, Any]:
    alerts = sum(part["alerts"] for part in parts.values())
    ours = sum(part["ours_s"] for part in parts.values())
    theirs = sum(part["rival_s"] for part in parts.values())
    for part in parts.values():
        part["ours_per_s"] = part["alerts"] / part.pop("ours_s")
        part["rival_per_s"] = part["alerts"] / part.pop("rival_s")
    return {
        "ours_per_s": alerts / ours,
        "rival_per_s": alerts / theirs,
        "ratio": theirs / ours,
        "rival": rival,
        "alerts": alerts,
        "threads": 1,
        "bytes_per_alert": sum(part["bytes"] for part in parts.values()) / alerts,
        "parts": parts,
        "how": "packets to a RecordBatch with history, candidate and stamps (copied), against "
        "fastavro.reader on the same packets in the same run; alternating, medians, one thread",
    }
