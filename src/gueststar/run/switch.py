"""A module that keeps failing is switched off, with an alarm, instead of slowing the stream."""

from __future__ import annotations

import logging

import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.contracts import ScienceModule
from gueststar.score import FAILED, unscored

log = logging.getLogger(__name__)

LIMIT = 200  # failing calls with no success between them


class Switch:
    """A science module with a switch: it is off after so many failures in a row.

    Its alerts then have nulls and the reason. They stay so until the module comes in another
    version and the same input is read again.

    Parameters
    ----------
    module : ScienceModule
    limit : int
        Failing calls in a row.

    Attributes
    ----------
    off : str or None
        Why it is switched off.
    """

    def __init__(self, module: ScienceModule, limit: int = LIMIT) -> None:
        self.name, self.version = module.name, module.version
        self.needs, self.gives = module.needs, module.gives
        self.off: str | None = None
        self._module, self._limit, self._failures = module, limit, 0

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        """Score a batch, or say why not."""
        if self.off is not None:
            return unscored(self.gives, len(batch), f"{FAILED}{self.off}")
        try:
            out = self._module(batch)
        except Exception as error:
            self._failed(error)
            raise
        self._failures = 0
        return out

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= self._limit and self.off is None:
            why = f"{type(error).__name__}: {error}"
            self.off = f"{self.name} was switched off after {self._limit} failures, the last {why}"
            log.error("ALARM: %s. Its scores are null until the broker is started again", self.off)
