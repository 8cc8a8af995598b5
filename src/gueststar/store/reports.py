"""What became of the rows that a store was given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WriteReport:
    """What became of the rows that one write was given.

    Parameters
    ----------
    received : int
        Rows whose position the ledger did not know: ``stored + duplicate + dead_letter``.
    stored, duplicate, dead_letter : int
        How they ended.
    known : int
        Rows whose position was in the ledger before, with the same outcome; nothing was done.
    revived : int
        Of those stored or duplicate: dead letters of an earlier time, which are gone.
    scores : int
        Scores that the store did not have.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    dead_letter: int = 0
    known: int = 0
    revived: int = 0
    scores: int = 0

    def __add__(self, other: WriteReport) -> WriteReport:
        return WriteReport(
            self.received + other.received,
            self.stored + other.stored,
            self.duplicate + other.duplicate,
            self.dead_letter + other.dead_letter,
            self.known + other.known,
            self.revived + other.revived,
            self.scores + other.scores,
        )
