"""The log of writes, as every store offers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from gueststar.store.audit import Refusal


class Audits(Protocol):
    """The auditing part of :class:`gueststar.store.interface.Store`.

    What people write, accounts, tokens and logins note themselves, each in its own transaction.
    """

    def audit(
        self,
        *,
        since: float | None = None,
        who: str | None = None,
        what: str | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of the log, newest first.

        Parameters
        ----------
        since : float, optional
            Unix time, s.
        who : str, optional
            Only by this account, token's name or system user.
        what : str, optional
            Only where verb and route, or the command, hold this.
        after : str, optional
            Where to begin: :func:`gueststar.store.selection.next_of` the page before.
        limit : int
            Lines, 1 to 10,000.

        Returns
        -------
        pyarrow.Table
            ``audit_id, at`` (Unix time, s)``, who`` (null: unknown)``, address, what, about,
            outcome`` (``ok``, a status, or an error's kind)``, times``.
        """
        ...

    def note_audit(self, done: str, about: str, outcome: str = "ok") -> None:
        """Note what has no transaction of its own, right after it has ended."""
        ...

    def note_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Note what was refused; of very many the oldest are forgotten."""
        ...

    def prune_audit(self, before: float) -> int:
        """Forget what is older (Unix time, s), and note that; return how many lines."""
        ...
