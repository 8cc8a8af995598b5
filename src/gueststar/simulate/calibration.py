"""Facts of each exposure that every packet of a patch repeats, encoded once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from gueststar.simulate.encode import FixedPart, part
from gueststar.simulate.patch import Patch
from gueststar.simulate.schema import PRV_PARTS, fields

_NIGHT, _DATE = 3400, date(2026, 4, 24)
_BANDS = " gri"
FOREST = "t17_f5_c3"
WINDOW = 30.0  # d: how far back a packet's history goes
_ZERO_POINT = FixedPart(PRV_PARTS[4], {"rbversion": FOREST})
_NO_NAME, _NOTHING = bytes(len(fields(PRV_PARTS[1]))), bytes(len(fields(PRV_PARTS[3])))


@dataclass(frozen=True)
class Calibration:
    """Encoded and plain facts of the exposures of a patch, by exposure.

    Attributes
    ----------
    first : int
        Exposures before this one are older than any packet's history.
    limit : dict of int to bytes
        A whole ``prv_candidates`` entry for an object that was not detected.
    head, place, tail : dict of int to bytes
        First, third and last part of an entry for one that was.
    forced : dict of int to bytes
        First part of an ``fp_hists`` entry.
    facts : list of dict
        Fields of the candidate record that belong to the exposure.
    covered : int
        Times the patch was observed before the log begins.
    """

    first: int
    limit: dict[int, bytes]
    head: dict[int, bytes]
    place: dict[int, bytes]
    tail: dict[int, bytes]
    forced: dict[int, bytes]
    facts: dict[int, dict[str, Any]]
    covered: int


def calibrate(patch: Patch) -> Calibration:
    """Encode what the packets of a patch share."""
    log, rng = patch.log, patch.rng
    first = int(np.searchsorted(log.jd, log.jd[log.tonight[0]] - WINDOW))
    used = range(first, len(log))
    facts = {e: _facts(patch, e, rng.random(6).tolist()) for e in used}
    names = [f["name"] for f in fields(PRV_PARTS[4]) if f["name"] != "rbversion"]
    columns = {name: [facts[e][name] for e in used] for name in names}
    tail = dict(zip(used, _ZERO_POINT.rows(columns, len(used)), strict=True))
    head = {e: part("prv_exposure", facts[e]) for e in used}
    place = {e: part("prv_place", facts[e]) for e in used}
    return Calibration(
        first=first,
        limit={e: head[e] + _NO_NAME + place[e] + _NOTHING + tail[e] for e in used},
        head=head,
        place=place,
        tail=tail,
        forced={e: part("forced_exposure", facts[e]) for e in used},
        facts=facts,
        covered=int(rng.integers(100, 2000)),
    )


def _facts(patch: Patch, e: int, u: list[float]) -> dict[str, Any]:
    log = patch.log
    fid, colour = int(log.fid[e]), (0.0, -0.06, 0.1, -0.02)
    zero_point = float(log.zero_point[e])
    return {
        "jd": float(log.jd[e]),
        "fid": fid,
        "pid": int(log.pid[e]),
        "diffmaglim": float(log.limit[e]),
        "pdiffimfilename": _file_name(patch, e),
        "programpi": "gueststar",
        "programid": 1,
        "nid": int(log.night[e]),
        "rcid": log.rcid,
        "field": log.field,
        "rfid": log.field * 1_000_000 + fid * 100_000 + 20_000 + log.rcid,
        "sciinpseeing": float(log.seeing[e]),
        "scibckgnd": float(log.sky[e]),
        "scisigpix": float(log.sigma[e]),
        "magzpsci": zero_point,
        "magzpsciunc": 1e-5 * (1 + 5 * u[0]),
        "magzpscirms": 0.02 + 0.03 * u[1],
        "clrcoeff": colour[fid] + 0.02 * (u[2] - 0.5),
        "clrcounc": 1e-5 * (1 + 5 * u[0]),
        "exptime": 30.0,
        "adpctdif1": 0.08 + 0.01 * u[3],
        "adpctdif2": 0.08 + 0.01 * u[4],
        "rbversion": FOREST,
        "zpclrcov": -6e-5,
        "zpmed": zero_point - 0.03 * u[5],
        "nmatches": 300 + int(1500 * u[5]),
    }


def _file_name(patch: Patch, e: int) -> str:
    log = patch.log
    night = int(log.night[e])
    day = _DATE + timedelta(days=night - _NIGHT)
    ticks = int(log.pid[e]) // 10_000 % 100_000
    chip, quadrant = log.rcid // 4 + 1, log.rcid % 4 + 1
    band = _BANDS[int(log.fid[e])]
    return (
        f"ztf_{day:%Y%m%d}{ticks:05d}4_{log.field:06d}_z{band}"
        f"_c{chip:02d}_o_q{quadrant}_scimrefdiffimg.fits"
    )
