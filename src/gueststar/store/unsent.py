"""Alerts that are stored, and that a topic out did not take: which, where, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from gueststar.store.interface import Unsent
from gueststar.store.session import Session

NEWEST = 20  # how many are shown


def note(connection: Session, rows: Sequence[Unsent]) -> None:
    """Keep what a topic did not take; once for an alert and a topic, the newest reason."""
    now = time.time()
    connection.alone("unsent")  # writers enter them in any order
    connection.executemany(
        """INSERT INTO unsent_rows (alert_id, topic, at, reason) VALUES (?, ?, ?, ?)
           ON CONFLICT (alert_id, topic) DO UPDATE SET at = excluded.at,
                                                      reason = excluded.reason""",
        [(row.alert_id, row.topic, now, row.reason) for row in rows],
    )


def unsent(connection: Session) -> dict[str, Any]:
    """Return how many there are, and the newest.

    Returns
    -------
    dict
        ``unsent`` (a count) and ``unsent_alerts`` (``alert_id`` as text, ``topic``, ``at_unix``,
        ``reason``).
    """
    (count,) = connection.execute("SELECT count(*) FROM unsent_rows").fetchone()
    query = """SELECT alert_id, topic, at, reason FROM unsent_rows
               ORDER BY at DESC, alert_id LIMIT ?"""
    newest = [
        {"alert_id": str(alert_id), "topic": topic, "at_unix": at, "reason": reason}
        for alert_id, topic, at, reason in connection.execute(query, (NEWEST,))
    ]
    return {"unsent": int(count), "unsent_alerts": newest}
