"""Sixteen alerts of one patch of sky: the unit that is always drawn as a whole.

Everything about alert ``k`` of a seed follows from patch ``k // 16``, so it is the same in every
night of that seed, whatever its length and however it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gueststar.simulate.artefacts import Fault, draw_bogus, draw_fault
from gueststar.simulate.exposures import Exposures, night_of, observe
from gueststar.simulate.masks import Mask, draw_mask
from gueststar.simulate.objects import DETECTION, Source, draw_real, significance
from gueststar.simulate.scene import Scene, draw_crowding, draw_scene

ALERTS = 16
_LETTERS = 26**7
_DETECTOR = (3072.0, 3080.0)  # pixels


@dataclass
class Thing:
    """An object in a patch: its source, its surroundings, its name and place.

    ``exposures`` lists tonight's exposures in which it gives an alert.
    """

    source: Source
    scene: Scene
    name: str
    ra: float
    dec: float
    x: float
    y: float
    exposures: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Slot:
    """One alert: an object in one exposure, and what its stamps have to show."""

    thing: Thing
    exposure: int
    offset: tuple[float, float]  # of the object from the central pixel
    fault: Fault
    mask: Mask


@dataclass(frozen=True)
class Patch:
    """A patch: its log of exposures, its objects, and its alerts in order.

    Attributes
    ----------
    number, seed : int
        Alerts ``16 * number`` to ``16 * number + 15`` of the night of ``seed``.
    crowding : str
        ``sparse``, ``medium`` or ``crowded``.
    log : Exposures
    slots : list of Slot
        One an alert.
    rng : numpy.random.Generator
        For the images; drawn from after everything else.
    """

    number: int
    seed: int
    crowding: str
    log: Exposures
    things: list[Thing]
    slots: list[Slot]
    rng: np.random.Generator

    @property
    def table_numbers(self) -> range:
        """Row number of each alert in its extraction table: distinct within an exposure."""
        first = (self.seed % 60) * ALERTS
        return range(first, first + ALERTS)


def draw_patch(seed: int, number: int, bogus: float = 0.45) -> Patch:
    """Draw one patch of sky.

    Parameters
    ----------
    seed, number : int
        Which night and which patch of it; the same two give the same patch.
    bogus : float
        Share of alerts that are artefacts.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, number)))
    crowding = draw_crowding(rng)
    crowded = crowding == "crowded"
    log = observe(rng, seed, number, cloudy=rng.random() < (0.65 if crowded else 0.04))
    centre = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-0.5, 0.98)))
    things: list[Thing] = []
    n_real = int(rng.binomial(ALERTS, 1 - _bogus_share(bogus, log)))
    for real, wanted in ((True, n_real), (False, ALERTS - n_real)):
        while wanted > 0:
            thing = _draw_thing(rng, log, crowding, centre, real, (seed, number, len(things)))
            thing.exposures = thing.exposures[:wanted]
            wanted -= len(thing.exposures)
            things.append(thing)
    slots = [_slot(rng, t, log, e, crowded) for t in things for e in t.exposures]
    order = rng.permutation(ALERTS)
    return Patch(number, seed, crowding, log, things, [slots[i] for i in order], rng)


def _bogus_share(bogus: float, log: Exposures) -> float:
    """Give a patch its share of artefacts: clouds make more of them, at the same mean."""
    odds = bogus * (4.0 if log.cloudy else 0.72)
    return odds / (odds + 1 - bogus)


def _draw_thing(
    rng: np.random.Generator,
    log: Exposures,
    crowding: str,
    centre: tuple[float, float],
    real: bool,
    identity: tuple[int, int, int],
) -> Thing:
    crowded = crowding == "crowded"
    source = draw_real(rng, log, crowded) if real else draw_bogus(rng, log, crowded)
    x, y = rng.uniform(60, _DETECTOR[0] - 60), rng.uniform(60, _DETECTOR[1] - 60)
    dec = float(np.clip(centre[1] - (y - 1540) * 1.01 / 3600, -89.5, 89.5))
    ra = (centre[0] - (x - 1536) * 1.01 / 3600 / np.cos(np.radians(dec))) % 360.0
    return Thing(
        source=source,
        scene=draw_scene(rng, source, log, crowding),
        name=_name(identity, _first_year(rng, source)),
        ra=float(ra),
        dec=dec,
        x=float(x),
        y=float(y),
        exposures=_alerts_of(rng, source, log),
    )


def _alerts_of(rng: np.random.Generator, source: Source, log: Exposures) -> list[int]:
    tonight = np.asarray(log.tonight)
    if not source.real:
        return [int(rng.choice(tonight))]
    ratio = significance(source, log)
    seen = tonight[ratio > DETECTION]
    return [int(e) for e in (seen if len(seen) else tonight[[np.argmax(ratio)]])]


def _slot(
    rng: np.random.Generator, thing: Thing, log: Exposures, exposure: int, crowded: bool
) -> Slot:
    x, y = rng.uniform(-0.5, 0.5, 2)
    fault = draw_fault(rng, thing.source, log, exposure)
    if thing.source.kind == "dipole":  # the detection sits on the positive lobe, not on the star
        x, y = x - 1.6 * fault.shift[0], y - 1.6 * fault.shift[1]
    mask = draw_mask(rng, thing.source.kind, crowded)
    return Slot(thing, exposure, (float(x), float(y)), fault, mask)


def _first_year(rng: np.random.Generator, source: Source) -> int:
    if source.star is not None:
        return int(rng.integers(17, 24))
    return 26 if source.real else int(rng.integers(18, 27))


def _name(identity: tuple[int, int, int], year: int) -> str:
    """Name an object as the survey does: ZTF, year, seven letters."""
    seed, patch, thing = identity
    number = (seed * 10_000_019 + patch * ALERTS + thing) * 2_654_435_761 % _LETTERS
    letters = ""
    for _ in range(7):
        number, letter = divmod(number, 26)
        letters = chr(97 + letter) + letters
    return f"ZTF{year:02d}{letters}"


def night(patch: Patch) -> int:
    """Give the night number of a patch."""
    return night_of(patch.seed)
