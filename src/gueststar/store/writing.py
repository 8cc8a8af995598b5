"""One write: alerts, curves, scores, natives, cutouts, archive and ledger in one transaction."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch, magnitude, origins, stream_bytes
from gueststar.store import flow, ledger, natives, objects, planet_match, scoring, stamps, tally
from gueststar.store.ledger import Entry
from gueststar.store.planet_match import Found
from gueststar.store.reports import WriteReport
from gueststar.store.session import Session
from gueststar.store.shelf import Shelf
from gueststar.store.sorting import DUPLICATE, KNOWN, NEW, REFUSED, Sorted, Sorter

if TYPE_CHECKING:
    from gueststar.sinks.archive import Archive
    from gueststar.store.moves import Move

_ALERT = (
    "healpix29", "alert_id", "object_id", "survey", "band", "mjd_tai", "night", "ra", "dec",
    "flux", "flux_err", "published_rb", "program", "mag", "age", "chunk_id", "chunk_row",
)  # fmt: skip
_GIVEN = _ALERT[: _ALERT.index("mag")]


def write(
    connection: Session,
    alerts: Sequence[AlertBatch],
    dead: Sequence[pa.RecordBatch],
    archive: Archive | None,
    owner: str,
    shelf: Shelf,
    catalogs: Collection[str] | None = None,
    planets: Sequence[Found] = (),
) -> tuple[WriteReport, list[Move]]:
    """Write everything of some batches; the caller opens and ends the transaction.

    Cutouts that go outside of the database go first, while the fewest rows are held.

    Returns
    -------
    report : WriteReport
    moves : list of Move
        Archive files to be renamed once the transaction is committed.
    """
    from gueststar.store import matching  # brings astropy

    sorter = Sorter(connection, alerts, dead)
    parts = [sorter.sort(batch) for batch in alerts]
    ledger.revive(connection, sorter.revived)
    _keep_cutouts(connection, parts, shelf)
    begun, moved = objects.update(connection, parts)
    matching.renew(connection, moved, catalogs)
    planet_match.keep(connection, parts, planets)
    scores = sum(_write_part(connection, part, begun) for part in parts)
    buried = [_bury(connection, sorter, batch) for batch in dead]
    ledger.renew(connection, sorter.refused_again)
    count = sum(batch.num_rows for batch in buried)
    report = _report(parts, dead, count, len(sorter.revived), scores)
    received = report.received - len(sorter.revived)
    if received:
        connection.execute(
            "INSERT INTO write_rows (at, received) VALUES (?, ?)", (time.time(), received)
        )
    moves = _archive(connection, parts, archive, owner) if archive else []
    flow.note_settled(connection, [*_settled(parts), *buried], time.time())
    tally.add(connection, parts)
    return report, moves


def _keep_cutouts(connection: Session, parts: Sequence[Sorted], shelf: Shelf) -> None:
    place = shelf.place(connection)
    kept = stamps.brought(connection, parts)
    if place is None:
        stamps.insert(connection, kept)
    else:
        shelf.keep(connection, kept)


def _settled(parts: Sequence[Sorted]) -> Iterator[pa.RecordBatch]:
    """Origins of the rows that get a new line in the ledger."""
    for part in parts:
        rows = part.rows(NEW, DUPLICATE, REFUSED)
        yield origins(part.batch.arrow).take(pa.array(rows))


def _archive(
    connection: Session, parts: Sequence[Sorted], archive: Archive, owner: str
) -> list[Move]:
    """Write the new alerts aside, and note in the transaction which name each file shall get."""
    fresh = [_only(part.batch, part.rows(NEW)) for part in parts]
    moves = archive.prepare([batch for batch in fresh if len(batch)], owner)
    connection.executemany(
        "INSERT INTO archive_moves (temporary, final) VALUES (?, ?)",
        [(str(move.temporary), str(move.final)) for move in moves],
    )
    return moves


def _only(batch: AlertBatch, rows: np.ndarray) -> AlertBatch:
    if len(rows) == len(batch):
        return batch
    mask = np.zeros(len(batch), dtype=bool)
    mask[rows] = True
    return AlertBatch(batch.arrow.filter(pa.array(mask)))


def _report(
    parts: Sequence[Sorted], dead: Sequence[pa.RecordBatch], buried: int, revived: int, scores: int
) -> WriteReport:
    code = np.concatenate([np.empty(0, np.int8), *(part.code for part in parts)])
    stored, duplicate, known, refused = np.bincount(code, minlength=4).tolist()
    known += sum(batch.num_rows for batch in dead) - buried
    dead_letter = refused + buried
    received = stored + duplicate + dead_letter
    return WriteReport(received, stored, duplicate, dead_letter, known, revived, scores)


def _write_part(connection: Session, part: Sorted, begun: Mapping[str, float | None]) -> int:
    """Write one batch; return how many scores were new."""
    scores = 0
    new = part.rows(NEW)
    if len(new):
        _insert_alerts(connection, part.batch, new, begun)
        scores += scoring.insert(connection, part.batch, new)
    scores += scoring.add(connection, part.batch, part.rows(DUPLICATE, KNOWN))
    _enter(connection, part)
    return scores


def _insert_alerts(
    connection: Session,
    batch: AlertBatch,
    rows: np.ndarray,
    begun: Mapping[str, float | None],
) -> None:
    """Insert in the order of the clustering, so that neighbouring pages are met once."""
    places = natives.insert(connection, natives.native_of(batch.arrow, rows), len(rows))
    columns = dict(zip(_GIVEN, _columns(batch, rows, _GIVEN), strict=True))
    mag = pa.array(magnitude(batch.numpy("flux"))[rows], from_pandas=True).to_pylist()
    age = [
        None if (first := begun.get(name)) is None else mjd - first
        for name, mjd in zip(columns["object_id"], columns["mjd_tai"], strict=True)
    ]
    order = np.lexsort((batch.numpy("alert_id")[rows], batch.numpy("healpix29")[rows]))
    tuples = list(zip(*columns.values(), mag, age, *zip(*places, strict=True), strict=True))
    connection.insert("alert_rows", _ALERT, [tuples[row] for row in order])


def _columns(batch: AlertBatch, rows: np.ndarray, names: Sequence[str]) -> list[list[Any]]:
    if len(rows) == len(batch):
        return [batch.column(name).to_pylist() for name in names]
    picked = pa.array(rows)
    return [batch.column(name).take(picked).to_pylist() for name in names]


def _enter(connection: Session, part: Sorted) -> None:
    """Write the ledger's lines, and keep what was refused."""
    states = {NEW: ledger.STORED, DUPLICATE: ledger.DUPLICATE, REFUSED: ledger.DEAD}
    ids = part.batch.column("alert_id").to_pylist()
    entries = [
        Entry(part.positions[row], states[int(part.code[row])], ids[row], part.reasons[row])
        for row in part.rows(NEW, DUPLICATE, REFUSED).tolist()
    ]
    ledger.enter(connection, entries)
    refused = part.rows(REFUSED)
    if len(refused):
        lost = [e for e in entries if e.state == ledger.DEAD]
        ledger.enter_dead(
            connection, lost, [stream_bytes(part.batch.arrow.slice(r, 1)) for r in refused]
        )


def _bury(connection: Session, sorter: Sorter, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Write one batch of dead letters; return the origins of those that were new."""
    positions = sorter.positions(batch)
    _renew(connection, sorter, batch, positions)
    rows = [row for row, position in enumerate(positions) if sorter.fresh(position)]
    picked = batch.take(pa.array(rows, pa.int64()))
    if not rows:
        return origins(picked)
    reasons, packets = (picked.column(n).to_pylist() for n in ("reason", "packet"))
    entries = [
        Entry(positions[row], ledger.DEAD, None, reason)
        for row, reason in zip(rows, reasons, strict=True)
    ]
    ledger.enter(connection, entries)
    ledger.enter_dead(connection, entries, packets)
    return origins(picked)


def _renew(
    connection: Session,
    sorter: Sorter,
    batch: pa.RecordBatch,
    positions: Sequence[ledger.Position],
) -> None:
    rows = [row for row, position in enumerate(positions) if sorter.dead_before(position)]
    reasons, packets = (batch.column(n).take(pa.array(rows, pa.int64())) for n in _KEPT)
    letters = zip(rows, reasons.to_pylist(), packets.to_pylist(), strict=True)
    ledger.renew(connection, [(positions[row], why, packet) for row, why, packet in letters])


_KEPT = ("reason", "packet")
