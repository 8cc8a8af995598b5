"""How fast the main job is, whole: packets on disk to scored, stored, archived alerts.

The rival is the script that one writes in an afternoon, with the same parts: fastavro, astropy,
ONNX Runtime and sqlite3, one alert at a time. It keeps the candidate, the cutouts and the score,
and neither merges light curves, nor archives, nor keeps a ledger; so it does less. Both read the
same simulated night from the same tar file. The simulation is not timed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gueststar.bench.script import Script
from gueststar.errors import BadInput

RIVAL_ALERTS = 500
SAMPLE_SECONDS = 0.2


def ingest(rival: str = "script", *, alerts: int = 20_000, seed: int = 1) -> dict[str, Any]:
    """Measure the ingest of a simulated night, its memory over time, and the rival.

    Parameters
    ----------
    rival : str
        ``script``, the only one there is.
    alerts, seed : int
        Of the simulated night.

    Returns
    -------
    dict
        ``ours_per_s`` and ``rival_per_s`` (alerts per second, wall clock, all cores), ``ratio``,
        ``seconds`` (of the whole process, its start included), ``peak_mb`` (resident memory),
        ``mb_at`` (largest resident memory in each quarter of the run) and ``how``.

    Raises
    ------
    BadInput
        If the rival is unknown, or the ingest fails.
    """
    if rival != "script":
        raise BadInput(f"no rival {rival!r} for ingest; known: script")
    from gueststar.simulate import write_night

    with tempfile.TemporaryDirectory() as room:
        night = write_night(Path(room), alerts, seed, form="tar")
        account, memory, seconds = _ours(night, Path(room))
        theirs = _rival(night, Path(room), min(RIVAL_ALERTS, alerts))
    return {
        "ours_per_s": account["stored"] / account["seconds"],
        "rival_per_s": theirs,
        "ratio": account["stored"] / account["seconds"] / theirs,
        "rival": rival,
        "alerts": account["stored"],
        "seconds": round(seconds, 1),
        "peak_mb": round(max(memory, default=0)),
        "mb_at": [round(max(part, default=0)) for part in np.array_split(memory, 4)],
        "how": __doc__.split("\n\n")[1].replace("\n", " ") if __doc__ else "",
    }


def _ours(night: Path, room: Path) -> tuple[dict[str, Any], list[float], float]:
    where = ["--store", f"sqlite:///{room / 'night.db'}", "--archive", str(room / "archive")]
    command = [sys.executable, "-m", "gueststar", "ingest", str(night), *where]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--modules", "rb", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    memory: list[float] = []
    watch = threading.Thread(target=_watch, args=(process, memory), daemon=True)
    watch.start()
    output, errors = process.communicate()
    watch.join()
    if process.returncode:
        raise BadInput(f"the ingest failed: {errors.decode().strip()}")
    return json.loads(output), memory, time.perf_counter() - start


def _watch(process: subprocess.Popen[bytes], memory: list[float]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None and status.exists():
        facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
        memory.append(int(facts.get("VmRSS", "0 kB").split()[0]) / 1000)
        time.sleep(SAMPLE_SECONDS)


def _packets(night: Path, most: int) -> Iterator[bytes]:
    with tarfile.open(night) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if most == 0 or file is None:
                return
            yield file.read()
            most -= 1


def _rival(night: Path, room: Path, alerts: int) -> float:
    script = Script(room / "rival.db")
    start = time.perf_counter()
    for packet in _packets(night, alerts):
        script.take(packet)
    return alerts / (time.perf_counter() - start)
