"""Sorting the rows of one write: new, duplicate, known before, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import VOCABULARY, AlertBatch
from gueststar.errors import StoreError
from gueststar.store import ledger
from gueststar.store.ledger import Outcome, Position
from gueststar.store.session import Session

NEW, DUPLICATE, KNOWN, REFUSED = 0, 1, 2, 3
_REQUIRED = tuple(field.name for field in VOCABULARY if not field.nullable)


@dataclass(frozen=True)
class Sorted:
    """One batch of a write and what is to be done with each of its rows.

    Parameters
    ----------
    batch : AlertBatch
    positions : list of Position
    code : numpy.ndarray of int8, shape ``(rows,)``
        ``NEW``, ``DUPLICATE``, ``KNOWN`` or ``REFUSED``.
    reasons : list of str or None
        Why rows were refused.
    """

    batch: AlertBatch
    positions: list[Position]
    code: np.ndarray
    reasons: list[str | None]

    def rows(self, *codes: int) -> np.ndarray:
        """Numbers of the rows with one of these codes."""
        return np.flatnonzero(np.isin(self.code, codes))


class Sorter:
    """Decides for one transaction; later batches see the decisions for earlier ones.

    Parameters
    ----------
    connection : Session
        Holding the write lock.
    batches : sequence of AlertBatch
        All alerts of the transaction.
    dead : sequence of pyarrow.RecordBatch
        All its dead letters.
    """

    def __init__(
        self,
        connection: Session,
        batches: Sequence[AlertBatch],
        dead: Sequence[pa.RecordBatch],
    ) -> None:
        every = [*(batch.arrow for batch in batches), *dead]
        pairs = {pair for batch in every for pair in ledger.pairs_of(batch)}
        self._parts = ledger.enter_parts(connection, pairs)
        positions = [p for batch in every for p in self.positions(batch)]
        self.before = ledger.outcomes(connection, positions)
        self._here: dict[Position, Outcome] = {}
        self._surveys = connection.claim_alerts(_whole(batches))
        #: Dead letters of an earlier time that this write can read.
        self.revived: list[Position] = []
        #: Refused alerts that were dead letters before, and why they are refused now.
        self.refused_again: list[tuple[Position, str, bytes | None]] = []

    def positions(self, batch: pa.RecordBatch) -> list[Position]:
        """Return the ledger's key of every row."""
        return [p for p in ledger.positions_of(batch, self._parts) if p is not None]

    def sort(self, batch: AlertBatch) -> Sorted:
        """Decide about the rows of one alert batch, in order."""
        positions, reasons = self.positions(batch.arrow), _refusals(batch.arrow)
        ids: list[int | None] = batch.column("alert_id").to_pylist()
        surveys: list[str | None] = batch.column("survey").to_pylist()
        code = np.empty(len(batch), dtype=np.int8)
        for row, (position, alert_id, survey) in enumerate(
            zip(positions, ids, surveys, strict=True)
        ):
            if reasons[row] is None and alert_id is not None and survey is not None:
                reasons[row] = self._foreign(alert_id, survey)
            code[row] = self._decide(position, alert_id, survey, reasons[row])
        return Sorted(batch, positions, code, reasons)

    def fresh(self, position: Position) -> bool:
        """Tell whether a dead letter's position is new, and take note of it."""
        if position in self.before or position in self._here:
            return False
        self._here[position] = Outcome(ledger.DEAD, None)
        return True

    def dead_before(self, position: Position) -> bool:
        """Tell whether a position was a dead letter when this write began."""
        return position in self.before and self.before[position].state == ledger.DEAD

    def _foreign(self, alert_id: int, survey: str) -> str | None:
        stored = self._surveys.get(alert_id, survey)
        if stored == survey:
            return None
        return f"alert {alert_id} of {survey} has the id of a stored alert of {stored}"

    def _decide(
        self, position: Position, alert_id: int | None, survey: str | None, reason: str | None
    ) -> int:
        before = self._here.get(position) or self.before.get(position)
        state = ledger.DEAD if reason else ledger.STORED
        if before is not None and self._settled(before, position, alert_id, state):
            if reason and self.dead_before(position):
                self.refused_again.append((position, reason, None))
            return KNOWN
        if before is not None:
            self.revived.append(position)
        self._here[position] = Outcome(state, alert_id)
        if reason or alert_id is None or survey is None:
            return REFUSED
        code = DUPLICATE if alert_id in self._surveys else NEW
        self._surveys[alert_id] = survey
        return code

    def _settled(
        self, before: Outcome, position: Position, alert_id: int | None, state: int
    ) -> bool:
        if before.state == ledger.DEAD or state == ledger.DEAD:
            return before.state == state or state == ledger.DEAD
        if before.alert_id == alert_id:
            return True
        pair = next(pair for pair, part in self._parts.items() if part == position.part_id)
        raise StoreError(
            f"{pair[0]} {pair[1]} offset {position.offset} record {position.record} held alert "
            f"{before.alert_id} when it was first read and holds {alert_id} now: the source has "
            "changed under its name; read it under another name"
        )


def _whole(batches: Iterable[AlertBatch]) -> dict[int, tuple[int, str]]:
    """Night and survey of those alerts that lack nothing, by id; the first of each id counts."""
    found: dict[int, tuple[int, str]] = {}
    for batch in batches:
        names = ("alert_id", "night", "survey")
        columns = (batch.column(name).to_pylist() for name in names)
        for why, alert_id, night, survey in zip(_refusals(batch.arrow), *columns, strict=True):
            if why is None:
                found.setdefault(alert_id, (night, survey))
    return found


def _refusals(batch: pa.RecordBatch) -> list[str | None]:
    """Say which rows lack what no alert may lack."""
    reasons: list[str | None] = [None] * batch.num_rows
    for name in _REQUIRED:
        column = batch.column(batch.schema.get_field_index(name))
        missing = pc.is_null(column, nan_is_null=True)
        if pc.any(missing).as_py():
            for row in np.flatnonzero(missing.to_numpy(zero_copy_only=False)):
                reasons[row] = f"the alert has no {name}"
    return reasons
