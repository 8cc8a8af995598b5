"""Whose data somebody may see: rights by survey program, and the bits that stand for programs.

Alerts and points of light curves carry the number of a survey program (ZTF ``programid``). A
survey without programs gives none; where a survey has programs and a row does not tell its own,
the program is unknown, and nobody with restricted rights sees the row.

A set of programs is one number, a **mask**: bit 0 for rows of surveys without programs, bit
``p + 1`` for program ``p``, bit 8 for the unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gueststar.errors import BadInput

LAST_PROGRAM = 6
NONE, UNKNOWN = 1, 1 << 8
EVERYTHING = 2 * UNKNOWN - 1


def bits_of(program: pa.Array, unknown: np.ndarray) -> np.ndarray:
    """Return the bit of each program.

    Parameters
    ----------
    program : pyarrow.Array of int, shape ``(n,)``
    unknown : numpy.ndarray of bool, shape ``(n,)``
        Where null means unknown; elsewhere that the survey has no programs.

    Examples
    --------
    >>> program = pa.array([1, None, None, 99])
    >>> bits_of(program, np.array([True, False, True, True])).tolist()
    [4, 1, 256, 256]
    """
    nothing = np.where(unknown, UNKNOWN, NONE)
    if program.null_count == len(program):
        return nothing
    number = program.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    listed = (number >= 0) & (number <= LAST_PROGRAM)
    known = np.where(listed, 2 << np.where(listed, number, 0), UNKNOWN)
    missing = program.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, nothing, known)


@dataclass(frozen=True)
class Rights:
    """What somebody may see.

    Parameters
    ----------
    programs : frozenset of int, optional
        Survey programs, 0 to 6; beside them rows of surveys without programs. None is
        everything, also what does not tell its program.

    Raises
    ------
    BadInput
        If a program cannot be.

    Examples
    --------
    >>> PUBLIC.mask, Rights.of([1, 2]).mask, UNRESTRICTED.mask
    (5, 13, 511)
    """

    programs: frozenset[int] | None = None

    def __post_init__(self) -> None:
        for program in self.programs or ():
            if not 0 <= program <= LAST_PROGRAM:
                raise BadInput(f"program {program} cannot be: give 0 to {LAST_PROGRAM}")

    @classmethod
    def of(cls, programs: Iterable[int]) -> Rights:
        """Return the rights to some programs."""
        return cls(frozenset(programs))

    def __and__(self, other: Rights) -> Rights:
        """Return what both may see."""
        if self.programs is None or other.programs is None:
            return other if self.programs is None else self
        return Rights(self.programs & other.programs)

    @property
    def restricted(self) -> bool:
        """Whether there may be rows that are not seen."""
        return self.programs is not None

    @property
    def mask(self) -> int:
        """The programs as one number."""
        if self.programs is None:
            return EVERYTHING
        return NONE + sum(2 << program for program in self.programs)


UNRESTRICTED = Rights()
#: What the surveys have published: ZTF's public program, and surveys without programs.
PUBLIC = Rights.of([1])
