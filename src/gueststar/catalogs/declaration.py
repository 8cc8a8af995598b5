"""What a catalogue is: which columns of a file mean what, and how objects are matched with it."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from gueststar.errors import BadInput, did_you_mean

Mode = Literal["nearest", "all", "host"]
MODES: tuple[Mode, ...] = ("nearest", "all", "host")
KINDS = ("star", "galaxy", "agn", "variable", "other")
RADIUS = {"nearest": 2.0, "all": 2.0, "host": 60.0}  # arcsec
MAX_RADIUS_ARCSEC = 600.0
HOST_KPC = 30.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Declaration:
    """How a catalogue is read and matched.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    ra, dec : str
        Columns of the position, ICRS.
    id : str, optional
        Column that names a source; the number of the row, from 0, when None.
    columns : tuple of str
        Columns that are kept and stored with every match.
    redshift : str, optional
        Column of the redshift.
    shape : tuple of str
        Columns of a galaxy's semi-major and semi-minor axis (arcsec) and of the position angle of
        the major axis (deg, east of north); all three or none.
    pm_ra, pm_dec : str, optional
        Columns of the proper motion, mas/yr; that in right ascension with the factor cos(dec).
    epoch : float, optional
        Julian year of the positions; needed with proper motions.
    kind : {"star", "galaxy", "agn", "variable", "other"}
        What its sources are.
    mode : {"nearest", "all", "host"}
        Which sources match an object: the nearest, all within the radius, or galaxies by their
        distance (:mod:`gueststar.catalogs.hosts`). Default ``host`` where there is a redshift.
    radius_arcsec : float
        Above 0, at most 600; default 2, of hosts 60.
    kpc : float
        Largest projected distance of a host.
    hours : bool, optional
        Right ascensions are hours; None asks the file.

    Raises
    ------
    BadInput
        If they do not go together.
    """

    name: str
    ra: str = "ra"
    dec: str = "dec"
    id: str | None = None
    columns: tuple[str, ...] = ()
    redshift: str | None = None
    shape: tuple[str, ...] = ()
    pm_ra: str | None = None
    pm_dec: str | None = None
    epoch: float | None = None
    kind: str = "other"
    mode: Mode | None = None
    radius_arcsec: float | None = None
    kpc: float = HOST_KPC
    hours: bool | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadInput(
                f"name: {self.name!r} cannot be: lower-case letters, digits and underscores, the "
                "first a letter, at most 40"
            )
        mode = self.mode or ("host" if self.redshift or self.shape else "nearest")
        check_mode(mode)
        object.__setattr__(self, "mode", mode)
        object.__setattr__(self, "radius_arcsec", self.radius_arcsec or RADIUS[mode])
        check_radius(self.radius_arcsec)
        self._check_together()

    def _check_together(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"kind: {self.kind!r} is none.{did_you_mean(self.kind, KINDS)}")
        if self.mode == "host" and not (self.redshift or self.shape):
            raise BadInput("mode: hosts need a column of redshifts, or the columns of shapes")
        if len(self.shape) not in (0, 3):
            raise BadInput("shape: name three columns: semi-major axis, semi-minor axis, angle")
        if not (math.isfinite(self.kpc) and self.kpc > 0):
            raise BadInput(f"kpc: {self.kpc} cannot be: it must be above 0")
        motion = (self.pm_ra, self.pm_dec, self.epoch)
        if any(v is not None for v in motion) and any(v is None for v in motion):
            raise BadInput("pm_ra, pm_dec, epoch: a proper motion needs all three")
        if self.epoch is not None and not 1800 <= self.epoch <= 2200:
            raise BadInput(f"epoch: {self.epoch:g} is no Julian year of 1800 to 2200")

    @property
    def facts(self) -> tuple[str, ...]:
        """Columns that are kept of every source, each once."""
        roles = (self.redshift, *self.shape, self.pm_ra, self.pm_dec)
        return tuple(dict.fromkeys([*self.columns, *(name for name in roles if name)]))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Those of them that must be numbers."""
        roles = (self.redshift, *self.shape, self.pm_ra, self.pm_dec)
        return tuple(name for name in roles if name)

    @property
    def wanted(self) -> tuple[str, ...]:
        """All columns of the file that are read."""
        own = (self.ra, self.dec, *([self.id] if self.id else []))
        return tuple(dict.fromkeys([*own, *self.facts]))

    def as_json(self) -> str:
        """Return it as the store keeps it."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`as_json` has written."""
        known = {field.name for field in fields(cls)}
        given: dict[str, Any] = {k: v for k, v in orjson.loads(text).items() if k in known}
        for name in ("columns", "shape"):
            given[name] = tuple(given.get(name, ()))
        return cls(**given)

    def version_of(self, content: str) -> str:
        """Return the version of a catalogue: a digest of its content and of these settings.

        Parameters
        ----------
        content : str
            Digest of the content.
        """
        return hashlib.sha256(f"{content}\n{self.as_json()}".encode()).hexdigest()[:16]


def check_mode(mode: str) -> None:
    """Check how matches are chosen.

    Raises
    ------
    BadInput
    """
    if mode not in MODES:
        raise BadInput(f"mode: {mode!r} is none.{did_you_mean(str(mode), MODES)}")


def check_radius(radius: float | None) -> None:
    """Check a radius, arcsec.

    Raises
    ------
    BadInput
    """
    if radius is None or not 0 < radius <= MAX_RADIUS_ARCSEC:
        raise BadInput(
            f"radius: {radius} arcsec cannot be: it must be above 0 and at most "
            f"{MAX_RADIUS_ARCSEC:g}"
        )


def digest_of(path: Path) -> str:
    """Return a digest of the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def columns_named(text: str | None) -> tuple[str, ...]:
    """Read names with commas between.

    Examples
    --------
    >>> columns_named("parallax, phot_g_mean_mag")
    ('parallax', 'phot_g_mean_mag')
    """
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
