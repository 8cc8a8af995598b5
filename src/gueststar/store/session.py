"""What the store's own code asks of a connection, whatever engine is under it.

Queries are written once, in the SQL that all engines share: ``?`` and ``:name`` stand for values,
sets of keys are the table :meth:`Session.wanted`. What differs between engines has a name here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from gueststar.errors import BadInput

Kind = Literal["bigint", "text"]


def too_long(seconds: float) -> BadInput:
    """Return the error of a search that was stopped."""
    return BadInput(f"this took longer than {seconds:.0f} s: narrow it down, by night or by region")


class Session(Protocol):
    """One connection inside one transaction."""

    #: Table with ``alert_id``, ``night`` and ``survey`` of every alert.
    keys: ClassVar[str]
    #: Table that finds whole alerts by their id.
    by_id: ClassVar[str]
    #: Condition that rows ``s`` and ``a`` lie in one partition; empty where there are none.
    same_night: ClassVar[str]
    #: End of a SELECT that passes over rows which another transaction is about to delete.
    skip_locked: ClassVar[str]
    #: Table ``span`` (``low``, ``high``) of the parameters that :meth:`pack_spans` gives.
    spans: ClassVar[str]

    def execute(self, query: str, values: Any = ..., /) -> Any:
        """Run one statement; return a cursor."""
        ...

    def executemany(self, query: str, rows: Iterable[Any], /) -> Any:
        """Run one statement for each row of values."""
        ...

    def wanted(self, kind: Kind, name: str = "") -> str:
        """Return a table ``wanted`` (``key``: place in the list, ``value``) of one parameter.

        The parameter is ``?``, or ``:name`` where a name is given.
        """
        ...

    def pack(self, values: Iterable[Any], /) -> Any:
        """Return the parameter of :meth:`wanted`."""
        ...

    def pack_spans(self, spans: np.ndarray, /) -> dict[str, Any]:
        """Return the parameters of :attr:`spans`: half-open ranges, shape ``(n, 2)``."""
        ...

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Stop what takes longer, with :func:`too_long`."""
        ...

    def index(self, name: str) -> str:
        """Return the words that make a query use an index; empty where the engine chooses."""
        ...

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        key: Sequence[str] = (),
        renew: Sequence[str] = (),
    ) -> None:
        """Insert many rows.

        Parameters
        ----------
        table : str
        columns : sequence of str
        rows : iterable of sequence
        key : sequence of str
            A row whose key is there already is left out, or renewed.
        renew : sequence of str
            Columns that such a row gets anew.
        """
        ...

    def claim_alerts(self, alerts: Mapping[int, tuple[int, str]]) -> dict[int, str]:
        """Keep others off these alerts until the end of the transaction.

        Parameters
        ----------
        alerts : mapping of int to (int, str)
            Night and survey by id of alerts that will be in the store after this transaction.

        Returns
        -------
        dict of int to str
            Survey of those that are in the store already.
        """
        ...

    def claim_curves(self, table: str, key: str, owners: Sequence[Any]) -> None:
        """Keep others off the curves of these owners until the end of the transaction."""
        ...

    def only(self, word: str) -> bool:
        """Tell whether nobody else says a word, and keep others off as :meth:`alone` does."""
        ...

    def share(self, word: str) -> None:
        """Say a word that others may say too, but not alone."""
        ...

    def alone(self, word: str) -> None:
        """Keep others that say the same word off until the end of the transaction."""
        ...
