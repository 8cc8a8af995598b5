"""A night of alerts: offline, seeded, the same however it is read.

Alert ``k`` of a seed is always the same, whatever the night's length: it comes from patch
``k // 16``, which is drawn as a whole from the seed and its number.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from gueststar.errors import BadInput
from gueststar.simulate.fits import stamp_bytes
from gueststar.simulate.images import take_images
from gueststar.simulate.packet import Alerts, complete
from gueststar.simulate.patch import ALERTS, draw_patch
from gueststar.simulate.truth import truth_row, truth_table

#: Longest night: beyond it, start times of exposures would repeat.
MOST_ALERTS = 10_000_000
MOST_SEED = 2**31 - 1


class Night:
    r"""A simulated night; iterating gives its packets.

    Parameters
    ----------
    alerts : int
        How many, 0 to 10,000,000.
    seed : int
        Which night; 0 to 2**31 - 1.
    bogus : float
        Share of alerts that are artefacts, 0 to 1.

    Raises
    ------
    BadInput
        If a number is out of range.

    Examples
    --------
    >>> night = Night(alerts=3, seed=1)
    >>> [packet[:4] for packet in night]
    [b'Obj\x01', b'Obj\x01', b'Obj\x01']
    """

    def __init__(self, alerts: int, seed: int = 1, *, bogus: float = 0.45) -> None:
        if not 0 <= alerts <= MOST_ALERTS:
            raise BadInput(f"a night has 0 to {MOST_ALERTS:,} alerts, not {alerts}")
        if not 0 <= seed <= MOST_SEED:
            raise BadInput(f"a seed lies between 0 and {MOST_SEED:,}, not {seed}")
        if not 0.0 <= bogus <= 1.0:
            raise BadInput(f"the share of artefacts lies between 0 and 1, not {bogus}")
        self.alerts, self.seed, self.bogus = alerts, seed, bogus

    def __len__(self) -> int:
        return self.alerts

    def __iter__(self) -> Iterator[bytes]:
        for alerts, index in self.complete():
            yield alerts.packet(index)

    @property
    def patches(self) -> range:
        """Numbers of the patches that hold this night's alerts."""
        return range(-(-self.alerts // ALERTS))

    def complete(self, patches: Iterable[int] | None = None) -> Iterator[tuple[Alerts, int]]:
        """Give every alert with all that is known about it: its patch, and its place in it."""
        for number in self.patches if patches is None else patches:
            alerts = complete(draw_patch(self.seed, number, self.bogus))
            for index in range(min(ALERTS, self.alerts - number * ALERTS)):
                yield alerts, index

    def cutouts(self) -> Iterator[tuple[bytes, bytes, bytes, int, str]]:
        """Give only the cutouts, which are those of the packets, with what they show.

        Yields
        ------
        science, template, difference : bytes
            gzip FITS, as in the packet.
        label : int
            1 real, 0 bogus.
        kind : str
            As in the truth table.
        """
        for number in self.patches:
            patch = draw_patch(self.seed, number, self.bogus)
            images = take_images(patch)
            for index in range(min(ALERTS, self.alerts - number * ALERTS)):
                slot = patch.slots[index]
                science, template, difference = map(stamp_bytes, images.stamps(index, slot))
                source = slot.thing.source
                yield science, template, difference, int(source.real), source.kind


def write_night(
    out: Path,
    alerts: int,
    seed: int = 1,
    *,
    form: Literal["files", "tar"] = "files",
    bogus: float = 0.45,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write a night of packets and the truth about them.

    Parameters
    ----------
    out : pathlib.Path
        Folder; made when absent. Gets ``truth.parquet`` (columns of
        :data:`~gueststar.simulate.truth.TRUTH`) and the packets.
    alerts, seed, bogus
        As of :class:`Night`.
    form : str
        ``files``: one Avro container file an alert, ``<candid>.avro``. ``tar``: all of them in
        ``night.tar.gz``, the form of the public archive.
    progress : callable, optional
        Called with the number of alerts written so far.

    Returns
    -------
    pathlib.Path
        What to ingest: the folder, or the tar file.

    Raises
    ------
    BadInput
        If a number is out of range, the form is unknown, or the folder holds a night already.
    """
    if form not in ("files", "tar"):
        raise BadInput(f"packets are written as 'files' or 'tar', not {form!r}")
    if (out / "truth.parquet").exists():
        raise BadInput(f"{out} holds a simulated night already: give another folder, or remove it")
    night = Night(alerts, seed, bogus=bogus)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    write, close, written = _folder(out) if form == "files" else _tar(out / "night.tar.gz")
    try:
        for done, (patch, index) in enumerate(night.complete(), 1):
            write(f"{patch.candid[index]}.avro", patch.packet(index))
            rows.append(truth_row(patch, index))
            if progress is not None:
                progress(done)
    finally:
        close()
    pq.write_table(truth_table(rows), out / "truth.parquet")
    return written


_Writer = tuple[Callable[[str, bytes], None], Callable[[], None], Path]


def _folder(out: Path) -> _Writer:
    def write(name: str, packet: bytes) -> None:
        (out / name).write_bytes(packet)

    return write, lambda: None, out


def _tar(path: Path) -> _Writer:
    archive = tarfile.open(path, "w:gz", compresslevel=1)  # noqa: SIM115  (closed by the caller)

    def write(name: str, packet: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(packet)
        archive.addfile(member, io.BytesIO(packet))

    return write, archive.close, path
