"""How streams flow: settled messages, latency and lag by topic, minute by minute; and alarms.

A stream is a source whose messages carry the time at which it took them in. What is kept here is
for watching only. The proof that nothing was lost is counted in the ledger (:mod:`.health`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from gueststar.contracts import Reading
from gueststar.store import ledger
from gueststar.store.interface import Alarm
from gueststar.store.session import Session
from gueststar.streams import SOURCE

STEP = 1.05  # ratio of neighbouring bins: a percentile is right to 2.5 %
SHORTEST = 1e-3  # s; a message from the future (a clock that jumped) counts as this
RATE_MINUTES = 5
LATENCY_MINUTES = 60
ALARMS = 20  # how many of the newest are shown


def note_settled(connection: Session, rows: Iterable[pa.RecordBatch], now: float) -> None:
    """Count messages of streams that this transaction settles, and how long they took.

    Parameters
    ----------
    connection : Session
        In the transaction; it knows the sources.
    rows : iterable of pyarrow.RecordBatch
        Columns ``source`` and ``arrived`` (Unix time, s; null outside streams) of new lines of
        the ledger.
    now : float
        Unix time, s.
    """
    table = pa.Table.from_batches([row.select(["source", "arrived"]) for row in rows] or [_NONE])
    table = table.drop_null()
    names = table.column("source").to_numpy(zero_copy_only=False)
    taken = np.maximum(now - table.column("arrived").to_numpy(), SHORTEST)
    for source in np.unique(names.astype(str)):
        _add(connection, str(source), taken[names == source], now)


_NONE = pa.RecordBatch.from_arrays(
    [pa.array([], pa.string()), pa.array([], pa.float64())], names=["source", "arrived"]
)


def _add(connection: Session, source: str, taken: np.ndarray, now: float) -> None:
    (source_id,) = connection.execute(
        "SELECT source_id FROM sources WHERE source = ?", (source,)
    ).fetchone()
    key, count = (source_id, int(now // 60)), len(taken)
    connection.alone(f"flow {source_id}")
    query = "SELECT latencies FROM flow_rows WHERE source_id = ? AND minute = ?"
    before = connection.execute(query, key).fetchone()
    bins = _summed([before[0]] if before else [], _bins(taken))
    connection.execute(
        """INSERT INTO flow_rows VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (source_id, minute) DO UPDATE SET
               settled = flow_rows.settled + excluded.settled,
               last_at = CASE WHEN flow_rows.last_at > excluded.last_at THEN flow_rows.last_at
                              ELSE excluded.last_at END,
               latencies = excluded.latencies""",
        (*key, count, count, now, now, orjson.dumps(bins).decode()),
    )


def _bins(taken: np.ndarray) -> dict[str, int]:
    """Histogram of times by powers of :data:`STEP`."""
    number = np.floor(np.log(taken / SHORTEST) / np.log(STEP)).astype(int)
    found, counts = np.unique(number, return_counts=True)
    return {str(b): int(n) for b, n in zip(found.tolist(), counts.tolist(), strict=True)}


def _summed(texts: Iterable[str], bins: Mapping[str, int] | None = None) -> dict[str, int]:
    out = dict(bins or {})
    for text in texts:
        for name, count in orjson.loads(text).items():
            out[name] = out.get(name, 0) + count
    return out


def percentile(bins: Mapping[str, int], share: float) -> float | None:
    """Return the time below which a share of the messages lies, s; None without messages.

    Examples
    --------
    >>> percentile({"0": 98, "200": 2}, 0.5)
    0.001
    """
    if not bins:
        return None
    numbers = np.array(sorted(int(name) for name in bins))
    counts = np.cumsum([bins[str(number)] for number in numbers])
    at = int(numbers[np.searchsorted(counts, share * counts[-1])])
    return float(np.round(SHORTEST * STEP ** (at + 0.5), 3))


def note_readings(connection: Session, readings: Sequence[Reading], now: float) -> None:
    """Keep where the reading of partitions stands, and where they end."""
    pairs = [(reading.source, reading.partition) for reading in readings]
    parts = ledger.enter_parts(connection, pairs)
    connection.executemany(
        """INSERT INTO reading_rows VALUES (?, ?, ?, ?)
           ON CONFLICT (part_id) DO UPDATE SET position = excluded.position, last = excluded.last,
                                     at = excluded.at""",
        [
            (parts[pair], reading.position, reading.end, now)
            for pair, reading in zip(pairs, readings, strict=True)
        ],
    )


def note_alarms(connection: Session, raised: Sequence[Alarm]) -> None:
    """Keep alarms, for the page of health."""
    connection.executemany("INSERT INTO alarm_rows (at, who, text) VALUES (?, ?, ?)", raised)


def alarms(connection: Session) -> list[dict[str, Any]]:
    """Return the newest alarms, newest first."""
    query = "SELECT at, who, text FROM alarm_rows ORDER BY alarm_id DESC LIMIT ?"
    return [
        {"at_unix": at, "who": who, "text": text}
        for at, who, text in connection.execute(query, (ALARMS,))
    ]


def flow(connection: Session) -> list[dict[str, Any]]:
    """Return rate, latency and lag of every stream, without counting the ledger.

    Returns
    -------
    list of dict
        ``topic`` (the source's name in the ledger), ``alerts_per_s`` (of the newest five minutes
        in which messages were settled), ``latency_p50_s``, ``latency_p98_s`` (from arrival to
        stored, newest hour with messages), ``lag`` (messages that wait), ``lag_at_unix`` (when
        that was noted), ``last_unix`` (when a message was settled last).
    """
    streams = connection.execute(_STREAMS).fetchall()
    return [
        {
            "topic": source.removeprefix(SOURCE),
            "source": source,
            **_pace(connection, source_id),
            "lag": lag,
            "lag_at_unix": at,
        }
        for source_id, source, lag, at in streams
    ]


_STREAMS = """
    SELECT s.source_id, s.source, r.lag, r.at
    FROM sources AS s
    LEFT JOIN (SELECT p.source_id, min(r.at) AS at,
                      CAST(sum(CASE WHEN r.last > r.position THEN r.last - r.position ELSE 0 END)
                           AS BIGINT) AS lag
               FROM reading_rows AS r JOIN parts AS p ON p.part_id = r.part_id
               GROUP BY p.source_id) AS r ON r.source_id = s.source_id
    WHERE r.source_id IS NOT NULL
          OR EXISTS (SELECT 1 FROM flow_rows AS f WHERE f.source_id = s.source_id)
    ORDER BY s.source"""


def _pace(connection: Session, source_id: int) -> dict[str, Any]:
    rows = connection.execute(
        """SELECT minute, settled, opened, first_at, last_at, latencies FROM flow_rows
           WHERE source_id = ? ORDER BY minute DESC LIMIT ?""",
        (source_id, LATENCY_MINUTES),
    ).fetchall()
    bins = _summed(row[5] for row in rows)
    return {
        "alerts_per_s": _rate([row for row in rows if row[0] > rows[0][0] - RATE_MINUTES]),
        "latency_p50_s": percentile(bins, 0.5),
        "latency_p98_s": percentile(bins, 0.98),
        "last_unix": max((row[4] for row in rows), default=None),
    }


def _rate(rows: Sequence[tuple[Any, ...]]) -> float | None:
    """Messages a second after the first write: when that one began is not known."""
    if not rows:
        return None
    span = max(row[4] for row in rows) - min(row[3] for row in rows)
    later = sum(row[1] for row in rows) - rows[-1][2]
    return round(later / span, 1) if span > 0 else None
