"""A module or filter that keeps failing is switched off, with an alarm; the stream goes on."""

from __future__ import annotations

import logging
import threading

import pyarrow as pa

from gueststar.alarms import alarm
from gueststar.batch import AlertBatch
from gueststar.contracts import Filter, ScienceModule
from gueststar.errors import Unavailable
from gueststar.score import FAILED, unscored

log = logging.getLogger(__name__)

LIMIT = 200  # failing calls with no success between them


class _Fuse:
    """Counts failing calls in a row; ``off`` says why it has blown."""

    def __init__(self, what: str, then: str, limit: int) -> None:
        self.off: str | None = None
        self._what, self._then, self._limit, self._failures = what, then, limit, 0

    def worked(self) -> None:
        self._failures = 0

    def failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= self._limit and self.off is None:
            why = f"{type(error).__name__}: {error}"
            self.off = f"{self._what} was switched off after {self._limit} failures, the last {why}"
            alarm(log, "%s. %s until the broker is started again", self.off, self._then)


class Switch:
    """A science module with a switch: it is off after so many failures in a row.

    Its alerts then have nulls and the reason. They stay so until the module comes in another
    version and the same input is read again.

    Parameters
    ----------
    module : ScienceModule
    limit : int
        Failing calls in a row.
    """

    def __init__(self, module: ScienceModule, limit: int = LIMIT) -> None:
        self.name, self.version = module.name, module.version
        self.needs, self.gives = module.needs, module.gives
        self._module = module
        self._fuse = _Fuse(module.name, "Its scores are null", limit)

    @property
    def off(self) -> str | None:
        """Why it is switched off; None while it is on."""
        return self._fuse.off

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        """Score a batch, or say why not."""
        if self.off is not None:
            return unscored(self.gives, len(batch), f"{FAILED}{self.off}")
        try:
            out = self._module(batch)
        except Unavailable:
            raise
        except Exception as error:
            self._fuse.failed(error)
            raise
        self._fuse.worked()
        return out


class FilterSwitch:
    """A filter with a switch: it is off after so many failures in a row, and selects nothing then.

    Parameters
    ----------
    filter : Filter
    limit : int
        Failing calls in a row.
    """

    def __init__(self, filter: Filter, limit: int = LIMIT) -> None:
        self.name, self.needs = filter.name, filter.needs
        self._filter = filter
        self._lock = threading.Lock()  # sources have threads, and a filter is anybody's code
        self._fuse = _Fuse(f"filter {filter.name!r}", "It selects nothing", limit)

    @property
    def off(self) -> str | None:
        """Why it is switched off; None while it is on."""
        return self._fuse.off

    def __call__(self, batch: AlertBatch) -> pa.BooleanArray:
        """Return the filter's mask; nulls when it is off."""
        if self.off is not None:
            return pa.nulls(len(batch), pa.bool_())
        try:
            with self._lock:
                mask = self._filter(batch)
        except Exception as error:
            self._fuse.failed(error)
            raise
        self._fuse.worked()
        return mask
