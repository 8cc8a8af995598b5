"""The ledger: how every input position ended, written with the alerts it speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gueststar.store.session import Session

STORED, DUPLICATE, DEAD = 0, 1, 2
_KEY = ("part_id", '"offset"', "record")
_OUTCOME = ("state", "alert_id", "reason")

Pair = tuple[str, str]


class Position(NamedTuple):
    """Where one input record was; the key of the ledger."""

    part_id: int
    offset: int
    record: int


class Outcome(NamedTuple):
    """How a position ended before."""

    state: int
    alert_id: int | None


class Entry(NamedTuple):
    """One new line of the ledger."""

    position: Position
    state: int
    alert_id: int | None
    reason: str | None


def pairs_of(batch: pa.RecordBatch) -> list[Pair]:
    """Return (source, partition) of every row; null reads as the empty string."""
    source, partition = (_words(batch, name) for name in ("source", "partition"))
    return list(zip(source, partition, strict=True))


def places_of(batch: pa.RecordBatch) -> list[tuple[str, str, int]]:
    """Return (source, partition, offset) of every row, as the ledger reads them."""
    return [
        (*pair, offset)
        for pair, offset in zip(pairs_of(batch), _numbers(batch, "offset"), strict=True)
    ]


def _words(batch: pa.RecordBatch, name: str) -> list[str]:
    column: list[str | None] = batch.column(batch.schema.get_field_index(name)).to_pylist()
    return [word or "" for word in column]


def _numbers(batch: pa.RecordBatch, name: str) -> list[int]:
    column: list[int | None] = batch.column(batch.schema.get_field_index(name)).to_pylist()
    return [number or 0 for number in column]


def find_parts(connection: Session, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """Return the ids of those (source, partition) that the ledger has met."""
    query = """SELECT p.part_id FROM parts AS p JOIN sources AS s ON s.source_id = p.source_id
               WHERE s.source = ? AND p.partition = ?"""
    found = {pair: connection.execute(query, pair).fetchone() for pair in set(pairs)}
    return {pair: row[0] for pair, row in found.items() if row is not None}


def enter_parts(connection: Session, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """Return the ids of all these (source, partition); new ones are entered."""
    wanted = sorted(set(pairs))
    names = sorted({source for source, _ in wanted})
    there = find_parts(connection, wanted)
    if len(there) == len(wanted):
        return there
    connection.executemany(
        "INSERT INTO sources (source) VALUES (?) ON CONFLICT DO NOTHING", [(n,) for n in names]
    )
    connection.executemany(
        """INSERT INTO parts (source_id, partition)
           SELECT source_id, ? FROM sources WHERE source = ? ON CONFLICT DO NOTHING""",
        [(partition, source) for source, partition in wanted if (source, partition) not in there],
    )
    return find_parts(connection, wanted)


def positions_of(batch: pa.RecordBatch, parts: dict[Pair, int]) -> list[Position | None]:
    """Return the ledger's key of every row; None where its part is not among ``parts``."""
    columns = (pairs_of(batch), _numbers(batch, "offset"), _numbers(batch, "record"))
    return [
        Position(parts[pair], offset, record) if pair in parts else None
        for pair, offset, record in zip(*columns, strict=True)
    ]


def outcomes(connection: Session, positions: Iterable[Position]) -> dict[Position, Outcome]:
    """Look up those positions that the ledger knows."""
    spans: dict[int, list[int]] = defaultdict(list)
    for position in positions:
        spans[position.part_id].append(position.offset)
    query = """SELECT "offset", record, state, alert_id FROM ledger_rows
               WHERE part_id = ? AND "offset" BETWEEN ? AND ?"""
    return {
        Position(part, row[0], row[1]): Outcome(row[2], row[3])
        for part, offsets in spans.items()
        for row in connection.execute(query, (part, min(offsets), max(offsets)))
    }


def known(connection: Session, positions: pa.RecordBatch, modules: Mapping[str, str]) -> np.ndarray:
    """Tell which (source, partition, offset) need no work.

    A packet's records are written in one transaction, so that one line of the ledger proves
    them all. With ``modules``, their alerts must have the scores of these versions too.
    """
    parts = find_parts(connection, pairs_of(positions))
    keys = [
        (parts[pair], offset) if pair in parts else None
        for pair, offset in zip(pairs_of(positions), _numbers(positions, "offset"), strict=True)
    ]
    there = outcomes(connection, [Position(*key, 0) for key in keys if key])
    ids = {outcome.alert_id for outcome in there.values() if outcome.state != DEAD}
    lacking = unscored(connection, {i for i in ids if i is not None}, modules)
    seen = {(position.part_id, position.offset) for position in there}
    seen -= {(p.part_id, p.offset) for p, outcome in there.items() if outcome.alert_id in lacking}
    return np.array([key in seen for key in keys], dtype=bool)


def known_records(
    connection: Session, positions: pa.RecordBatch, modules: Mapping[str, str]
) -> np.ndarray:
    """Tell which records are alerts, stored or duplicate, with the scores of these modules."""
    keys = positions_of(positions, find_parts(connection, pairs_of(positions)))
    there = outcomes(connection, [key for key in keys if key])
    alive = {key: o.alert_id for key, o in there.items() if o.state != DEAD}
    lacking = unscored(connection, {i for i in alive.values() if i is not None}, modules)
    return np.array([key in alive and alive[key] not in lacking for key in keys], dtype=bool)


def unscored(
    connection: Session, alert_ids: Collection[int], modules: Mapping[str, str]
) -> set[int]:
    """Return those alerts that a module of this version has not seen."""
    wanted = connection.pack(alert_ids)
    lacking: set[int] = set()
    lacks = f"""SELECT wanted.value FROM {connection.wanted("bigint")}
                WHERE NOT EXISTS (SELECT 1 FROM {connection.keys} AS a CROSS JOIN score_rows AS s
                                  WHERE a.alert_id = wanted.value AND s.alert_id = a.alert_id
                                        AND s.name_id = ? AND s.version_id = ?
                                        {connection.same_night})"""
    for module, version in modules.items():
        query = "SELECT version_id FROM module_versions WHERE module = ? AND version = ?"
        found = connection.execute(query, (module, version)).fetchone()
        if found is None:
            return set(alert_ids)
        names = connection.execute("SELECT name_id FROM score_names WHERE module = ?", (module,))
        for (name_id,) in names.fetchall():
            lacking.update(row[0] for row in connection.execute(lacks, (wanted, name_id, *found)))
    return lacking


def enter(connection: Session, entries: Sequence[Entry]) -> None:
    """Write lines; a position that was a dead letter and can now be read gets its new state."""
    connection.insert(
        "ledger_rows",
        (*_KEY, *_OUTCOME),
        [(*e.position, e.state, e.alert_id, e.reason) for e in entries],
        key=_KEY,
        renew=_OUTCOME,
    )


def enter_dead(
    connection: Session, entries: Sequence[Entry], packets: Sequence[bytes | None]
) -> None:
    """Keep the bytes of dead letters, and the cells that they tell, beside their lines."""
    rows = zip(entries, packets, _cells_of(packets), strict=True)
    connection.insert(
        "dead_rows",
        (*_KEY, "reason", "packet", "healpix29"),
        [(*entry.position, entry.reason, packet, cell) for entry, packet, cell in rows],
    )


def renew(connection: Session, letters: Sequence[tuple[Position, str, bytes | None]]) -> None:
    """Write the newer reasons of positions that are still dead, and bytes where none are kept.

    Of a packet with several dead records one line holds the bytes; when that one is revived, the
    next takes them over.
    """
    cells = _cells_of([packet for _, _, packet in letters])
    rows = [
        {"reason": why, "packet": p, "given": p is not None, "cell": cell, **position._asdict()}
        for (position, why, p), cell in zip(letters, cells, strict=True)
    ]
    here = 'part_id = :part_id AND "offset" = :offset AND record = :record'
    connection.executemany(
        f"""UPDATE dead_rows SET packet = coalesce(packet, :packet), reason = :reason,
                                 healpix29 = coalesce(healpix29, :cell)
            WHERE {here} AND (reason <> :reason OR (packet IS NULL AND :given))""",
        rows,
    )
    connection.executemany(
        f"""UPDATE ledger_rows SET reason = :reason WHERE {here} AND state = {DEAD}
            AND (reason IS NULL OR reason <> :reason)""",
        rows,
    )


def revive(connection: Session, positions: Sequence[Position]) -> None:
    """Forget the bytes of dead letters that have been read after all."""
    connection.executemany(
        'DELETE FROM dead_rows WHERE part_id = ? AND "offset" = ? AND record = ?', positions
    )


def _cells_of(packets: Sequence[bytes | None]) -> list[int | None]:
    """Return where dead letters lay; this alone brings the decoder."""
    if not packets:
        return []
    from gueststar.surveys.salvage import cells_of

    return cells_of(packets)
