"""What catalogues say about the surroundings of an alert, from the scene that was drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gueststar.simulate.exposures import PIXEL
from gueststar.simulate.patch import Slot, Thing

_NONE = -999.0
_PS1_RADIUS = 30.0  # arcsec
_DEEP = 22.3  # mag: the reference's catalogue ends here


def nearest_reference(
    thing: Thing, fid: int, position: tuple[float, float] = (0.0, 0.0)
) -> dict[str, Any]:
    """Describe the nearest source of the reference image.

    Parameters
    ----------
    thing : Thing
        The object.
    fid : int
        The filter.
    position : tuple of float
        Measured minus true position of the candidate, pixel.
    """
    scene = thing.scene
    mags = scene.mags[:, fid]
    distance = np.where(mags < _DEEP, scene.distance, np.inf)
    i = int(np.argmin(distance)) if len(distance) else -1
    if i < 0 or distance[i] == np.inf:
        return _reference(thing, (17.0, 19.0), position, 21.9, False)
    place = (scene.x[i].item(), scene.y[i].item())
    return _reference(thing, place, position, mags[i].item(), bool(scene.extended[i]))


def _reference(
    thing: Thing,
    place: tuple[float, float],
    position: tuple[float, float],
    mag: float,
    extended: bool,
) -> dict[str, Any]:
    """Turn an offset in pixels into a place; x grows to the west, y to the north."""
    east = -place[0] * PIXEL / 3600 / math.cos(math.radians(thing.dec))
    return {
        "ranr": (thing.ra + east) % 360.0,
        "decnr": thing.dec - place[1] * PIXEL / 3600,
        "distnr": math.hypot(place[0] - position[0], place[1] - position[1]),
        "magnr": mag,
        "sigmagnr": min(0.015 + 10 ** (0.4 * (mag - 24.5)), 0.4),
        "chinr": 1.6 if extended else 0.7,
        "sharpnr": 0.3 if extended else -0.02,
    }


def catalogues(slot: Slot) -> dict[str, Any]:
    """Describe the nearest PS1 and Gaia sources."""
    scene = slot.thing.scene
    arcsec = scene.distance * PIXEL
    order = np.argsort(arcsec, kind="stable")
    near = [int(i) for i in order if arcsec[i] < _PS1_RADIUS and scene.mags[i, 2] < 23]
    out: dict[str, Any] = {"nmtchps": len(near)}
    for n in (1, 2, 3):
        out.update(_ps1(slot, n, near[n - 1] if len(near) >= n else None))
    stars = [int(i) for i in order if not scene.extended[i] and scene.mags[i, 2] < 20.5]
    bright = [i for i in stars if scene.mags[i, 2] < 14]
    for distance, mag, rows in (
        ("neargaia", "maggaia", stars),
        ("neargaiabright", "maggaiabright", bright),
    ):
        out[distance] = float(arcsec[rows[0]]) if rows else _NONE
        out[mag] = float(scene.mags[rows[0], 2]) if rows else _NONE
    return out


def _ps1(slot: Slot, n: int, i: int | None) -> dict[str, Any]:
    names = [f"s{b}mag{n}" for b in "griz"]
    if i is None:
        empty: dict[str, Any] = dict.fromkeys([*names, f"sgscore{n}", f"distpsnr{n}"], _NONE)
        return empty | {f"objectidps{n}": None}
    scene = slot.thing.scene
    mags = [*scene.mags[i, 1:].tolist(), float(scene.mags[i, 3]) - 0.1]
    faint = min(max((mags[1] - 20.0) / 4.0, 0.0), 0.5)  # the score is unsure for the faint
    score = 0.02 + faint if scene.extended[i] else 0.985 - faint
    place = int((slot.thing.dec + 90) * 120) * 10**13 + int(slot.thing.ra * 1e6) * 10**4
    return dict(zip(names, mags, strict=True)) | {
        f"sgscore{n}": score,
        f"distpsnr{n}": float(scene.distance[i]) * PIXEL,
        f"objectidps{n}": place + i,
    }


def solar_system(slot: Slot, mag: float) -> dict[str, Any]:
    """Describe the nearest known Solar System body."""
    source = slot.thing.source
    if source.kind != "asteroid" or not source.truth["known"]:
        return {"ssdistnr": _NONE, "ssmagnr": _NONE, "ssnamenr": "null"}
    number = 1000 + round(slot.thing.ra * 1e6) % 600_000
    return {"ssdistnr": 1.0 + (number % 30) / 10, "ssmagnr": mag + 0.2, "ssnamenr": str(number)}
