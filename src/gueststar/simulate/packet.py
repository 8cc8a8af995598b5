"""From a patch to its packets: ZTF alerts of schema 4.02 as Avro container files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gueststar.simulate.calibration import Calibration, calibrate
from gueststar.simulate.encode import container, long, part, text
from gueststar.simulate.exposures import PIXEL
from gueststar.simulate.fits import stamp_bytes
from gueststar.simulate.history import (
    History,
    edge_distance,
    encode_history,
    history_bytes,
    observe_thing,
)
from gueststar.simulate.images import Images, take_images
from gueststar.simulate.measure import measure
from gueststar.simulate.neighbours import catalogues, nearest_reference, solar_system
from gueststar.simulate.patch import ALERTS, Patch, Slot
from gueststar.simulate.schema import PUBLISHER, VERSION

_REFERENCE = {"jdstartref": 2458200.7, "jdendref": 2458500.9, "nframesref": 15}
_CONSTANT = {
    "tooflag": 0, "clrmed": 0.6, "clrrms": 0.28, "drb": None, "drbversion": "none",
}  # fmt: skip


@dataclass
class Alerts:
    """The alerts of a patch, with all that is known about them.

    Attributes
    ----------
    patch : Patch
    images : Images
    measured : dict
        Columns of :func:`~gueststar.simulate.measure.measure`.
    candid : list of int
        Identifier of each alert.
    """

    patch: Patch
    images: Images
    measured: dict[str, Any]
    calibration: Calibration
    histories: dict[str, History]
    candid: list[int]

    def packet(self, index: int) -> bytes:
        """Write one alert as an Avro container file.

        Parameters
        ----------
        index : int
            0 to 15: the alert's place in the patch.
        """
        slot = self.patch.slots[index]
        history = self.histories[slot.thing.name]
        stamps = self.images.stamps(index, slot)
        body = [
            text(VERSION),
            text(PUBLISHER),
            text(slot.thing.name),
            long(self.candid[index]),
            part("candidate", self._candidate(index, slot, history)),
            *history_bytes(self.patch, self.calibration, slot, history),
            *self._cutouts(index, slot, stamps),
        ]
        return container(b"".join(body))

    def _cutouts(self, index: int, slot: Slot, stamps: tuple[np.ndarray, ...]) -> list[bytes]:
        candid, pid = self.candid[index], int(self.patch.log.pid[slot.exposure])
        order = "scimref" if self.measured["flux"][index] > 0 else "refmsci"
        names = (
            f"candid{candid}_pid{pid}_targ_sci.fits.gz",
            f"candid{candid}_ref.fits.gz",
            f"candid{candid}_pid{pid}_targ_{order}.fits.gz",
        )
        return [b"\x02" + text(name) + text(stamp_bytes(stamp))
                for name, stamp in zip(names, stamps, strict=True)]  # fmt: skip

    def _candidate(self, index: int, slot: Slot, history: History) -> dict[str, Any]:
        e, log, thing = slot.exposure, self.patch.log, slot.thing
        facts = self.calibration.facts[e]
        numbers = {name: values[index].item() for name, values in self.measured.items()}
        x, y = numbers.pop("x"), numbers.pop("y")
        return (
            _CONSTANT
            | _REFERENCE
            | facts
            | numbers
            | nearest_reference(thing, facts["fid"], (x, y))
            | catalogues(slot)
            | solar_system(slot, numbers["magpsf"])
            | {
                "candid": self.candid[index],
                "isdiffpos": "t" if numbers["flux"] > 0 else "f",
                "tblid": self.candid[index] % 1000,
                "xpos": thing.x,
                "ypos": thing.y,
                "ra": thing.ra - x * PIXEL / 3600 / float(np.cos(np.radians(thing.dec))),
                "dec": thing.dec - y * PIXEL / 3600,
                "mindtoedge": edge_distance(thing),
                "ndethist": history.detections(e),
                "ncovhist": self.calibration.covered + e + 1,
                "jdstarthist": history.start,
                "jdendhist": float(log.jd[e]),
            }
        )


def complete(patch: Patch) -> Alerts:
    """Draw the images of a patch, measure them, and observe its objects in the past."""
    images = take_images(patch)
    measured = measure(patch, images)
    spread = 0.12 + 0.6 / measured["scorr"]
    measured["x"], measured["y"] = spread * patch.rng.standard_normal((2, ALERTS))
    calibration = calibrate(patch)
    flux, error = measured["flux"].tolist(), measured["flux_err"].tolist()
    histories: dict[str, History] = {}
    for thing in patch.things:
        rows = [i for i, slot in enumerate(patch.slots) if slot.thing is thing]
        seen = {patch.slots[i].exposure: (flux[i], error[i]) for i in rows}
        history = observe_thing(patch, thing, patch.table_numbers[rows[0]], seen)
        encode_history(patch, calibration, patch.slots[rows[0]], history)
        histories[thing.name] = history
    candid = [histories[s.thing.name].candid[s.exposure] for s in patch.slots]
    return Alerts(patch, images, measured, calibration, histories, candid)
