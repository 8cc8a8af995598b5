"""What was seen of an object in every exposure: one truth for all its packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gueststar.batch import POGSON
from gueststar.simulate.calibration import Calibration
from gueststar.simulate.encode import FixedPart, long, optional_list, part, text
from gueststar.simulate.exposures import GAIN
from gueststar.simulate.neighbours import nearest_reference
from gueststar.simulate.patch import Patch, Slot, Thing
from gueststar.simulate.schema import FORCED_FLUX, PRV_PARTS

_DETECTED = FixedPart(PRV_PARTS[3], {"ssnamenr": "null"})
_FORCED = FixedPart(FORCED_FLUX, {"procstatus": "0"})
_FAILED = -99999.0


@dataclass
class History:
    """Observations of one object, by exposure of its patch's log.

    Attributes
    ----------
    flux, error : numpy.ndarray
        PSF flux in the difference image and its error, DN.
    detected : numpy.ndarray of bool
        Above 5 sigma, or an alert.
    candid : list of int
        Identifier of the detection in each exposure.
    earlier, start : int, float
        Detections before the log begins, and the Julian date of the first of all (d).
    """

    flux: np.ndarray
    error: np.ndarray
    detected: np.ndarray
    candid: list[int]
    earlier: int
    start: float
    entries: dict[int, bytes]
    forced: dict[int, bytes]

    def detections(self, exposure: int) -> int:
        """Count detections up to and with an exposure."""
        return self.earlier + int(self.detected[: exposure + 1].sum())


def observe_thing(
    patch: Patch, thing: Thing, table_number: int, measured: dict[int, tuple[float, float]]
) -> History:
    """Observe an object in every exposure of its patch.

    Parameters
    ----------
    patch, thing : Patch, Thing
        The object and its patch.
    table_number : int
        Its row in the extraction tables.
    measured : dict
        Flux and error of tonight's alerts, DN, by exposure: they are what the image shows.
    """
    rng, log = patch.rng, patch.log
    true = thing.source.flux / log.to_njy(np.arange(len(log)))
    if thing.source.spurious is not None:
        true = true + thing.source.spurious / log.to_njy(np.arange(len(log)))
    error = np.sqrt(log.flux_err**2 + np.abs(true) / GAIN)
    flux = true + error * rng.standard_normal(len(log))
    for e, (value, sigma) in measured.items():
        flux[e], error[e] = value, sigma
    detected = np.abs(flux) > 5 * error
    detected[list(measured)] = True
    sign = np.where(flux < 0, 10_000, 15_000)
    candid = [int(p) * 1_000_000 + int(s) + table_number
              for p, s in zip(log.pid, sign, strict=True)]  # fmt: skip
    persistent = thing.source.star is not None
    earlier = int(detected.sum() * rng.uniform(1, 15)) if persistent else 0
    first = float(log.jd[int(np.argmax(detected))])
    start = float(log.jd[0] - rng.uniform(300, 2800)) if earlier else first
    return History(flux, error, detected, candid, earlier, start, {}, {})


def encode_history(patch: Patch, calibration: Calibration, slot: Slot, history: History) -> None:
    """Write the entries of an object's history, once for all its packets."""
    used = np.arange(calibration.first, len(patch.log))
    seen = used[history.detected[used]]
    rows = _DETECTED.rows(_detected_columns(patch, slot, history, seen), len(seen))
    for e, row in zip(seen.tolist(), rows, strict=True):
        sign = b"\x02\x02t" if history.flux[e] > 0 else b"\x02\x02f"
        candid = history.candid[e]
        table_number = b"\x02" + long(candid % 1000)
        history.entries[e] = b"".join(
            [calibration.head[e], b"\x02", long(candid), sign, table_number,
             calibration.place[e], row, calibration.tail[e]]
        )  # fmt: skip
    _encode_forced(patch, calibration, slot, history, used)


def _encode_forced(
    patch: Patch, calibration: Calibration, slot: Slot, history: History, used: np.ndarray
) -> None:
    rng = patch.rng
    failed = rng.random(len(used)) < 0.03
    noise = 0.15 * history.error[used] * rng.standard_normal(len(used))
    columns = {
        "forcediffimflux": np.where(failed, _FAILED, history.flux[used] + noise),
        "forcediffimfluxunc": np.where(failed, _FAILED, history.error[used]),
    }
    failing = text("61")
    bands = set(patch.log.fid[used].tolist())
    tails = {fid: _forced_tail(slot, fid) for fid in bands}
    for e, bad, row in zip(used.tolist(), failed, _FORCED.rows(columns, len(used)), strict=True):
        kept = row[:-2] + failing if bad else row
        tail = tails[int(patch.log.fid[e])]
        history.forced[e] = calibration.forced[e] + kept + tail


def _forced_tail(slot: Slot, fid: int) -> bytes:
    near = nearest_reference(slot.thing, fid)
    return part("forced_object", near | {"distnr": near["distnr"] * 1.01})  # here in arcsec


def _detected_columns(
    patch: Patch, slot: Slot, history: History, seen: np.ndarray
) -> dict[str, Any]:
    log, rng, thing, n = patch.log, patch.rng, slot.thing, len(seen)
    ratio = np.abs(history.flux[seen]) / history.error[seen]
    mag = log.zero_point[seen] - 2.5 * np.log10(np.abs(history.flux[seen]))
    fwhm, elong = log.seeing[seen] * rng.lognormal(0, 0.05, n), 1 + np.abs(rng.normal(0, 0.08, n))
    jitter = 0.3 / ratio * rng.standard_normal((2, n)) / 3600
    near = nearest_reference(slot.thing, 2)
    ap = rng.normal(0, 0.05, n)
    return {
        "xpos": thing.x, "ypos": thing.y,
        "ra": thing.ra + jitter[0], "dec": thing.dec + jitter[1],
        "magpsf": mag, "sigmapsf": POGSON / ratio, "chipsf": rng.uniform(0.8, 2, n),
        "magap": mag + ap, "sigmagap": 1.5 / ratio, "magapbig": mag + ap, "sigmagapbig": 2 / ratio,
        "sky": rng.normal(0, 0.4, n), "magdiff": ap, "magfromlim": log.limit[seen] - mag - ap,
        "fwhm": fwhm, "seeratio": log.seeing[seen] / fwhm, "classtar": 0.98, "elong": elong,
        "aimage": 0.42 * fwhm * elong, "bimage": 0.42 * fwhm,
        "aimagerat": 0.42 * elong, "bimagerat": 0.42,
        "mindtoedge": edge_distance(thing), "nneg": rng.integers(0, 6, n), "nbad": 0,
        "rb": np.clip(rng.normal(0.7 if thing.source.real else 0.4, 0.1, n), 0, 1),
        "ssdistnr": -999.0, "ssmagnr": -999.0, "sumrat": 1 - 0.8 / ratio, "scorr": ratio,
        **{k: near[k] for k in
           ("distnr", "magnr", "sigmagnr", "chinr", "sharpnr", "ranr", "decnr")},
    }  # fmt: skip


def edge_distance(thing: Thing) -> float:
    """Distance of an object to the nearest edge of the detector, pixel."""
    return min(thing.x, thing.y, 3072.0 - thing.x, 3080.0 - thing.y)


def history_bytes(
    patch: Patch, calibration: Calibration, slot: Slot, history: History
) -> tuple[bytes, bytes]:
    """Join ``prv_candidates`` and ``fp_hists`` of one packet: the 30 days before it."""
    jd, e = patch.log.jd, slot.exposure
    used = [i for i in range(calibration.first, e) if jd[i] > jd[e] - 30.0]
    previous = [history.entries.get(i, calibration.limit[i]) for i in used]
    forced = [history.forced[i] for i in reversed(used)]
    return optional_list(previous), optional_list(forced)
