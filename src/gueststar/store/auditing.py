"""What every store offers for its log of writes, and how an engine gives it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gueststar.store import audit
from gueststar.store.audit import Refusal
from gueststar.store.transactions import Transactions


class Auditing:
    """Gives a store its log of writes; the store gives ``_reading`` and ``_commit``."""

    def audit(
        self: Transactions,
        *,
        since: float | None = None,
        who: str | None = None,
        what: str | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of the log; see :meth:`gueststar.store.audits.Audits.audit`."""
        self._operators_only("lines of the audit log")
        with self._reading() as connection:
            return audit.find(connection, since, who, what, after, limit)

    def note_audit(self: Transactions, done: str, about: str, outcome: str = "ok") -> None:
        """Note what has no transaction of its own, right after it has ended."""
        with self._lock:
            self._commit(lambda c: audit.note(c, done, about, outcome=outcome))

    def note_refusals(self: Transactions, refusals: Sequence[Refusal]) -> None:
        """Note what was refused; of very many the oldest are forgotten."""
        with self._lock:
            self._commit(lambda c: audit.note_refusals(c, refusals))

    def prune_audit(self: Transactions, before: float) -> int:
        """Forget what is older (Unix time, s), and note that; return how many lines."""
        with self._lock:
            count: int = self._commit(lambda c: audit.prune(c, before))
        return count
