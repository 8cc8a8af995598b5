"""``/audit``: who changed what, for operators."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gueststar.serve.api.fields import AFTER, LIMIT
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.audit import AUDIT, unix_of


@asks(
    Operation(
        "/audit",
        "audit",
        "Who has changed what, newest first, page by page; for operators",
        "Annotations, tokens, accounts, logins and commands that change the store; and what was "
        "refused, alike ones of some seconds in one line (`times`). `at` is Unix time, s.",
        fields=(
            Field("since", "text", "an ISO date or time, UTC", example="2026-11-20T03:00"),
            Field("who", "text", "only by this account, token's name or system user"),
            Field("what", "text", "only where verb and route, or the command, hold this"),
            AFTER,
            LIMIT,
        ),
        answer=AUDIT,
        group="Access",
        operators=True,
        effort="search",
    )
)
def audit(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer one page."""
    since = given.pop("since")
    return store.audit(since=None if since is None else unix_of(since, "since"), **given)
