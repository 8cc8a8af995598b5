"""Whether the positions of a stream tile: every offset once in the ledger, from first to last.

That none stands twice is the ledger's key. A gap is an offset that was never given to us: a marker
of a producer's transaction, a message that Kafka had dropped or compacted before it was read, a
group that began later than the first one, or a loss.
"""

from __future__ import annotations

from typing import Any

from gueststar.store.session import Session

SHOWN = 20  # gaps


def tiling(connection: Session, source: str) -> dict[str, Any]:
    """Count how the positions of one source ended, and look for gaps.

    Returns
    -------
    dict
        ``received``, ``stored``, ``duplicate``, ``dead_letter``; ``missing`` (offsets between the
        first and the last that the ledger lacks) and ``gaps`` (where: ``partition``, ``first``,
        ``last``).
    """
    parts = connection.execute(_PARTS, (source,)).fetchall()
    sums = [sum(part[k] or 0 for part in parts) for k in range(2, 7)]
    received, stored, duplicate, dead, missing = sums
    holed = [part for part in parts if part[6]]
    gaps = [gap for part in holed for gap in _gaps(connection, part[0], part[1])]
    return {
        "received": received,
        "stored": stored,
        "duplicate": duplicate,
        "dead_letter": dead,
        "missing": missing,
        "gaps": gaps[:SHOWN],
    }


_PARTS = """
    SELECT p.part_id, p.partition, count(*), count(*) FILTER (WHERE l.state = 0),
           count(*) FILTER (WHERE l.state = 1), count(*) FILTER (WHERE l.state = 2),
           max(l."offset") - min(l."offset") + 1 - count(*) FILTER (WHERE l.record = 0)
    FROM parts AS p JOIN sources AS s ON s.source_id = p.source_id
    JOIN ledger_rows AS l ON l.part_id = p.part_id
    WHERE s.source = ? GROUP BY p.part_id ORDER BY p.part_id"""


def _gaps(connection: Session, part_id: int, partition: str) -> list[dict[str, Any]]:
    query = """
        SELECT before + 1, at - 1
        FROM (SELECT "offset" AS at, lag("offset") OVER (ORDER BY "offset") AS before
              FROM ledger_rows WHERE part_id = ?) AS steps
        WHERE at > before + 1 LIMIT ?"""
    found = connection.execute(query, (part_id, SHOWN))
    return [{"partition": partition, "first": a, "last": b} for a, b in found]
