"""Health: counts of independent tables that must agree."""

from __future__ import annotations

from typing import Any

from gueststar.store import flow, ledger, moving, tiling, unsent
from gueststar.store.session import Session

TOP_REASONS = 20


def health(connection: Session, size: int) -> dict[str, Any]:
    """Count; see :meth:`gueststar.store.engine.EngineStore.health`."""

    def number(query: str, *values: int) -> int:
        return int(connection.execute(query, values).fetchone()[0] or 0)

    in_ledger = [
        number("SELECT count(*) FROM ledger_rows WHERE state = ?", state)
        for state in (ledger.STORED, ledger.DUPLICATE, ledger.DEAD)
    ]
    received = number("SELECT sum(received) FROM write_rows")
    alerts = number("SELECT count(*) FROM alert_rows")
    letters = number("SELECT count(*) FROM dead_rows")
    last = connection.execute("SELECT max(at) FROM write_rows").fetchone()[0]
    topics = _topics(connection)
    lags = [topic["lag"] for topic in topics if topic["lag"] is not None]
    return {
        "received": received,
        "stored": alerts,
        "duplicate": in_ledger[ledger.DUPLICATE],
        "dead_letter": letters,
        "in_equals_out": received == alerts + in_ledger[ledger.DUPLICATE] + letters
        and [alerts, letters] == [in_ledger[ledger.STORED], in_ledger[ledger.DEAD]],
        "lag": sum(lags) if lags else None,
        "topics": topics,
        "alerts": alerts,
        "objects": number("SELECT count(*) FROM object_rows"),
        "nights": number("SELECT count(DISTINCT night) FROM night_rows"),
        "scores": number("SELECT count(*) FROM score_rows"),
        "dead_letters": _reasons(connection),
        **unsent.unsent(connection),
        "cutouts": _cutouts(connection),
        "alarms": flow.alarms(connection),
        "modules": [list(row) for row in connection.execute(_MODULES)],
        "last_write_unix": last,
        "size_mb": round(size / 1e6, 1),
    }


def _cutouts(connection: Session) -> dict[str, Any]:
    """Where new cutouts go, and what is there; the caller says whether it can be read."""
    (now,) = (one for one in moving.places(connection) if one["used"])
    facts = {"place": now["place"]}
    if "packs" in now:
        facts |= {"packs": now["packs"], "mb": round(now["bytes"] / 1e6, 1)}
    return facts


def _topics(connection: Session) -> list[dict[str, Any]]:
    """Every stream: how its messages ended, gaps in its offsets, and how it flows."""
    found = []
    for stream in flow.flow(connection):
        name = stream.pop("source")
        found.append({**stream, **tiling.tiling(connection, name)})
    return found


_MODULES = "SELECT module, version FROM module_versions ORDER BY version_id"


def _reasons(connection: Session) -> list[dict[str, Any]]:
    query = """SELECT reason, count(*) AS n FROM dead_rows GROUP BY reason
               ORDER BY n DESC, reason LIMIT ?"""
    found = connection.execute(query, (TOP_REASONS,))
    return [{"reason": reason, "count": count} for reason, count in found]
