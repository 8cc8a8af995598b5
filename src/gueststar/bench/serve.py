"""What a server answers to many clients while an ingest runs, and what that costs the ingest.

``gueststar serve`` and ``gueststar ingest`` are started as users start them. The same number of
alerts is ingested four times, each time others: to fill the store, with an idle server, with
clients at it, and with an idle server again. The clients ask cones, objects, pages and SQL, each as
soon as it has its answer, so that the server is never idle. All share one machine's processors.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gueststar.bench import packets
from gueststar.bench.clients import MIX, Place, Visit, visiting
from gueststar.bench.kafka import Tell, silent
from gueststar.bench.processes import Watch, cpu_of
from gueststar.bench.serving import asked, serving
from gueststar.errors import BadInput, ServerError

DISTINCT = 3_000  # packets that are simulated; the others are copies
PLACES = 500
ALONE_S = 10.0
RUN_IN_S = 3.0
RIVALS = ("none",)
ROUNDS = ("fill", "before", "clients", "after")


def serve(
    rival: str = "none",
    *,
    alerts: int = 5_000,
    clients: int = 50,
    seed: int = 1,
    tell: Tell = silent,
) -> dict[str, Any]:
    """Measure a server and an ingest that share a store and a machine.

    Parameters
    ----------
    rival : str
        ``none``: nobody is measured beside it.
    alerts : int
        Of each ingest.
    clients : int
        At once.
    seed : int
        Of the simulated night.
    tell : callable, optional
        Told what is going on.

    Returns
    -------
    dict
        ``ingest_per_s`` with an idle server (before and after) and with clients, and
        ``slowed_by``, a share; ``while_ingesting`` and ``without_ingest``: requests a second,
        p50 and p99 in s by kind, and how answers ended; ``cores`` that each of the three took;
        ``in_equals_out``.

    Raises
    ------
    BadInput
        If an argument cannot be.
    ServerError
        If the server or an ingest fails.
    """
    if rival not in RIVALS:
        raise BadInput(f"no rival {rival!r} for serve; known: none")
    with tempfile.TemporaryDirectory(prefix="gueststar-bench-") as name:
        room = Path(name)
        nights = dict(zip(ROUNDS, _nights(room, alerts, seed, tell), strict=True))
        store = f"sqlite:///{room / 'night.db'}"
        tell("ingest", 0, len(ROUNDS))
        speeds = {"fill": _ingest(store, nights["fill"]).per_s}
        with serving(store) as (address, server):
            places = _places(address)
            tell("ingest", 1, len(ROUNDS))
            speeds["before"] = _ingest(store, nights["before"]).per_s
            tell("ingest", 2, len(ROUNDS))
            without = _alone(address, clients, places)
            busy = _together(address, clients, places, store, nights["clients"], server)
            tell("ingest", 3, len(ROUNDS))
            speeds["after"] = _ingest(store, nights["after"]).per_s
            health = json.loads(asked(address, "/api/health"))
    idle = (speeds["before"] + speeds["after"]) / 2
    return {
        "ingest_per_s": {
            "idle_server": [round(speeds["before"], 1), round(speeds["after"], 1)],
            "with_clients": round(busy["ingest_per_s"], 1),
        },
        "slowed_by": round(1 - busy.pop("ingest_per_s") / idle, 3),
        "cores": busy.pop("cores"),
        "while_ingesting": busy,
        "without_ingest": without,
        "clients": clients,
        "alerts": alerts,
        "mix": dict(MIX),
        "in_equals_out": health["in_equals_out"] and health["alerts"] == len(ROUNDS) * alerts,
        "how": __doc__.split("\n\n")[1].replace("\n", " ") if __doc__ else "",
    }


def _nights(room: Path, alerts: int, seed: int, tell: Tell) -> Iterator[Path]:
    """Write tar files of packets, each of alerts of its own."""
    some, file = min(DISTINCT, alerts), room / "packets.arrow"
    packets.simulate(some, seed, file, lambda n: tell("simulate packets", n, some))
    ready = packets.copies(file, len(ROUNDS) * alerts)
    for name in ROUNDS:
        path = room / f"{name}.tar"
        with tarfile.open(path, "w") as archive:
            for number, packet in enumerate(islice(ready, alerts)):
                member = tarfile.TarInfo(f"{number}.avro")
                member.size = len(packet)
                archive.addfile(member, io.BytesIO(packet))
        yield path


@dataclass(frozen=True)
class _Ingested:
    per_s: float
    cores: float
    begun: float
    ended: float


def _ingest(store: str, night: Path) -> _Ingested:
    command = [sys.executable, "-m", "gueststar", "ingest", str(night), "--store", store]
    begun = time.monotonic()
    process = subprocess.Popen(
        [*command, "--modules", "rb", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with Watch(process.pid) as watch:
        output, errors = process.communicate()
    if process.returncode:
        raise ServerError(f"the ingest failed: {errors.decode().strip()}")
    account, ended = json.loads(output), time.monotonic()
    per_s = account["stored"] / account["seconds"]
    return _Ingested(per_s, watch.cpu_s / (ended - begun), begun, ended)


def _places(address: str) -> list[Place]:
    rows = json.loads(asked(address, f"/api/objects?limit={PLACES}"))["rows"]
    return [(row["object_id"], row["ra"], row["dec"]) for row in rows]


def _alone(address: str, count: int, places: Sequence[Place]) -> dict[str, Any]:
    with visiting(address, count, places) as clients:
        time.sleep(RUN_IN_S)
        begun = time.monotonic()
        time.sleep(ALONE_S)
        ended = time.monotonic()
        return summary(clients.visits(), begun, ended)


def _together(
    address: str, count: int, places: Sequence[Place], store: str, night: Path, server: int
) -> dict[str, Any]:
    with visiting(address, count, places) as clients:
        time.sleep(RUN_IN_S)
        before = [cpu_of(server), cpu_of(clients.process.pid)]
        done = _ingest(store, night)
        used = [cpu_of(server) - before[0], cpu_of(clients.process.pid) - before[1]]
        visits = clients.visits()
    wall = done.ended - done.begun
    cores = {"ingest": done.cores, "server": used[0] / wall, "clients": used[1] / wall}
    return {
        "ingest_per_s": done.per_s,
        "cores": {name: round(value, 2) for name, value in cores.items()},
        **summary(visits, done.begun, done.ended),
    }


def summary(visits: Sequence[Visit], begun: float, ended: float) -> dict[str, Any]:
    """Give the speed of requests that ended within a span of time, and how they ended.

    Examples
    --------
    >>> summary([Visit("cone", 200, 0.5, 1.0), Visit("cone", 200, 9.5, 1.0)], 0.0, 10.0)["cone"]
    {'n': 1, 'p50_s': 1.0, 'p99_s': 1.0}
    """
    seen = [one for one in visits if begun <= one.begun + one.took <= ended]
    kinds = {kind: [one.took for one in seen if one.kind == kind] for kind in MIX}
    return {
        "requests_per_s": round(len(seen) / (ended - begun), 1),
        **_times([one.took for one in seen]),
        **{kind: {"n": len(took), **_times(took)} for kind, took in kinds.items()},
        "answers": {str(status): n for status, n in Counter(v.status for v in seen).items()},
    }


def _times(took: Sequence[float]) -> dict[str, float]:
    if not took:
        return {"p50_s": float("nan"), "p99_s": float("nan")}
    median, high = np.quantile(took, [0.5, 0.99])
    return {"p50_s": round(float(median), 4), "p99_s": round(float(high), 4)}
