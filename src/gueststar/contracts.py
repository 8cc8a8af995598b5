"""The contracts: what a science module, a filter, a source and a sink must look like.

They are structural (:class:`typing.Protocol`): nothing has to be inherited. The functions of
:mod:`gueststar.checks` try to prove an implementation wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa

from gueststar.batch import AlertBatch


@dataclass(frozen=True)
class Reading:
    """Where the reading of one partition of a stream stands.

    Parameters
    ----------
    source, partition : str
        As in the ledger.
    position : int
        The first offset that is not safe in the store yet.
    end : int
        One after the newest message there is; ``end - position`` messages wait.
    """

    source: str
    partition: str
    position: int
    end: int


@runtime_checkable
class ScienceModule(Protocol):
    """Gives every alert of a batch some numbers, or null with a reason.

    Attributes
    ----------
    name : str
        Prefix of its columns: lower-case letters, digits and underscores.
    version : str
        Code version and digest of its weights; stored with every score.
    needs : tuple of str
        Columns it is given, and no others.
    gives : pyarrow.Schema
        Columns it adds; see :func:`gueststar.score.score_schema`.
    """

    @property
    def name(self) -> str:
        """Prefix of its columns."""
        ...

    @property
    def version(self) -> str:
        """Code version and digest of its weights."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns it is given."""
        ...

    @property
    def gives(self) -> pa.Schema:
        """Columns it adds."""
        ...

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        """Return the columns of ``gives`` for the same rows in the same order."""
        ...


@runtime_checkable
class Filter(Protocol):
    """Says which alerts of a batch somebody wants.

    It must answer the same whenever it is asked, and for each row alone: batches are cut
    differently after a restart.

    Attributes
    ----------
    name : str
        Lower-case letters, digits and underscores.
    needs : tuple of str
        Columns it is given, and no others.
    """

    @property
    def name(self) -> str:
        """Lower-case letters, digits and underscores."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns it is given."""
        ...

    def __call__(self, batch: AlertBatch) -> pa.BooleanArray:
        """Return a mask, same rows, same order; null means "not selected"."""
        ...


@runtime_checkable
class Source(Protocol):
    """Where batches come from, and how they are acknowledged."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches with the columns of :data:`gueststar.batch.PACKETS`.

        A source of alerts that are columns already (Parquet) gives a ``native`` struct column
        in the place of ``packet``; one of alerts that were decoded before (an archive, a store)
        gives all columns of :data:`gueststar.batch.VOCABULARY`, and their scores. The same input
        gives the same batches at every run.

        A live source gives a batch without rows while nothing comes: what is in flight is then
        written and committed, and then that batch too.
        """
        ...

    def commit(self, batch: pa.RecordBatch) -> None:
        """Acknowledge a batch; called only after every sink has flushed it."""
        ...


@runtime_checkable
class Stream(Source, Protocol):
    """A source that never ends by itself and can tell how far behind it is."""

    def readings(self) -> list[Reading]:
        """Tell where its partitions stand; called from another thread than the iteration."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Where batches go. Writing an alert twice writes it once."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch of alerts or of dead letters."""
        ...

    def flush(self) -> None:
        """Return only when everything written is safe."""
        ...
