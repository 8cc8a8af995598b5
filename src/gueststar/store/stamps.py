"""Cutouts in the tables: in the database itself, or where in which pack they lie."""

from __future__ import annotations

import logging
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gueststar.alarms import alarm
from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.errors import CutoutsLost
from gueststar.store.packs import FASTEST, Stamps, kinds_of, unpack
from gueststar.store.places import place_of
from gueststar.store.session import Session
from gueststar.store.sorting import DUPLICATE, NEW, Sorted

log = logging.getLogger(__name__)

Found = dict[int, dict[str, bytes]]  # cutouts by alert and kind
_FITS = b"SIMPLE"


def tables(word: str, integer: str, identity: str, real: str, end: str) -> str:
    """Return the tables of cutouts outside of the database, in an engine's own types.

    Parameters
    ----------
    word, integer, identity, real : str
        Types of names, of numbers, of a number that counts by itself, of times.
    end : str
        What stands behind the columns of a table with a key of its own.

    Notes
    -----
    ``cutout_names`` has the names under which packs may lie that no alert refers to: each is
    written there and committed before its pack is, and goes in the transaction that refers to it.
    What was ``dropped`` can be used no more, so that its pack may be deleted at any time.
    """
    return f"""
CREATE TABLE cutout_places (place_id {identity}, url {word} NOT NULL UNIQUE, used INTEGER NOT NULL);
CREATE TABLE cutout_packs (
    pack_id {identity}, place_id {integer} NOT NULL, name {word} NOT NULL, size {integer} NOT NULL);
CREATE INDEX cutout_pack_by_place ON cutout_packs (place_id);
CREATE TABLE cutout_parts (
    alert_id {integer} NOT NULL, pack_id {integer} NOT NULL, start {integer} NOT NULL,
    size {integer} NOT NULL, kinds INTEGER NOT NULL, PRIMARY KEY (alert_id, pack_id)){end};
CREATE INDEX cutout_part_by_pack ON cutout_parts (pack_id);
CREATE TABLE cutout_names (
    place_id {integer} NOT NULL, name {word} NOT NULL, at {real} NOT NULL, dropped INTEGER NOT NULL,
    PRIMARY KEY (place_id, name)){end};
"""


def brought(connection: Session, parts: Sequence[Sorted]) -> dict[int, list[bytes | None]]:
    """Return the cutouts that sorted alerts bring and the store lacks.

    The first packet's are kept; a duplicate gives those alone that are missing.
    """
    found: dict[int, list[bytes | None]] = {}
    for part in parts:
        for alert_id, *stamps in _given(part.batch, part.rows(NEW, DUPLICATE)):
            mine = found.setdefault(alert_id, [None] * len(CUTOUTS))
            for k, stamp in enumerate(stamps):
                if mine[k] is None:
                    mine[k] = stamp
    twice = {i for part in parts for i in _ids(part.batch, part.rows(DUPLICATE)) if i in found}
    for alert_id, kinds in _kinds(connection, twice).items():
        for k in range(len(CUTOUTS)):
            if kinds >> k & 1:
                found[alert_id][k] = None
    return {alert_id: stamps for alert_id, stamps in found.items() if kinds_of(stamps)}


def _given(batch: AlertBatch, rows: np.ndarray) -> Iterable[tuple[Any, ...]]:
    picked = pa.array(rows)
    columns = (batch.column(name).take(picked).to_pylist() for name in ("alert_id", *CUTOUTS))
    return zip(*columns, strict=True)


def _ids(batch: AlertBatch, rows: np.ndarray) -> list[int]:
    found: list[int] = batch.column("alert_id").take(pa.array(rows)).to_pylist()
    return found


def _kinds(connection: Session, alert_ids: Collection[int]) -> dict[int, int]:
    """Return which cutouts some alerts have, wherever they lie: bit k for cutout k."""
    if not alert_ids:
        return {}
    wanted = connection.pack(alert_ids)
    bits = " + ".join(
        f"CASE WHEN c.{n} IS NULL THEN 0 ELSE {1 << k} END" for k, n in enumerate(CUTOUTS)
    )
    found: dict[int, int] = defaultdict(int)
    for kinds, table in ((bits, "cutout_rows"), ("c.kinds", "cutout_parts")):
        query = f"""SELECT c.alert_id, {kinds} FROM {connection.wanted("bigint")}
                    CROSS JOIN {table} AS c WHERE c.alert_id = wanted.value"""
        for alert_id, some in connection.execute(query, (wanted,)):
            found[alert_id] |= some
    return found


def insert(connection: Session, stamps: Stamps) -> None:
    """Put cutouts into the database; those that are there already stay."""
    columns = ("alert_id", "packed", *CUTOUTS)
    rows = [_row(alert_id, mine) for alert_id, mine in stamps.items()]
    there = _in_database(connection, stamps)
    new = [row for row in rows if row[0] not in there]
    connection.insert("cutout_rows", columns, new, key=columns[:1])
    for alert_id, packed, *small in (row for row in rows if row[0] in there):
        for k, (name, stamp) in enumerate(zip(CUTOUTS, small, strict=True)):
            if stamp is not None:
                connection.execute(
                    f"""UPDATE cutout_rows SET {name} = ?, packed = packed | ?
                        WHERE alert_id = ? AND {name} IS NULL""",
                    (stamp, packed & 1 << k, alert_id),
                )


def _in_database(connection: Session, alert_ids: Iterable[int]) -> set[int]:
    query = f"""SELECT c.alert_id FROM {connection.wanted("bigint")}
                CROSS JOIN cutout_rows AS c WHERE c.alert_id = wanted.value"""
    return {row[0] for row in connection.execute(query, (connection.pack(alert_ids),))}


def _row(alert_id: int, stamps: Sequence[bytes | None]) -> tuple[Any, ...]:
    """Return a row of ``cutout_rows``; bit k of ``packed`` says that we compressed cutout k."""
    small = [None if stamp is None else _smaller(stamp) for stamp in stamps]
    packed = sum((a is not b) << k for k, (a, b) in enumerate(zip(small, stamps, strict=True)))
    return (alert_id, packed, *small)


def _smaller(stamp: bytes) -> bytes:
    """Compress plain FITS where that helps; gzip'ed stamps stay as they are."""
    if not stamp.startswith(_FITS):
        return stamp
    small = zlib.compress(stamp, FASTEST)
    return small if len(small) < len(stamp) else stamp


class Piece(NamedTuple):
    """Cutouts of an alert that lie in a pack."""

    alert_id: int
    url: str
    name: str
    start: int
    size: int


def find(
    connection: Session, alert_ids: Collection[int], names: Sequence[str] = CUTOUTS
) -> tuple[Found, list[Piece]]:
    """Return the cutouts of alerts that are in the database, and where the others lie."""
    wanted = connection.pack(alert_ids)
    query = f"""SELECT c.alert_id, c.packed, {", ".join(f"c.{name}" for name in names)}
                FROM {connection.wanted("bigint")}
                CROSS JOIN cutout_rows AS c WHERE c.alert_id = wanted.value"""
    found: Found = {}
    for alert_id, packed, *stamps in connection.execute(query, (wanted,)):
        found[alert_id] = {
            name: _unpacked(stamp, packed >> CUTOUTS.index(name) & 1)
            for name, stamp in zip(names, stamps, strict=True)
            if stamp is not None
        }
    mask = sum(1 << CUTOUTS.index(name) for name in names)
    query = f"""SELECT c.alert_id, l.url, k.name, c.start, c.size
                FROM {connection.wanted("bigint", "ids")} CROSS JOIN cutout_parts AS c
                CROSS JOIN cutout_packs AS k CROSS JOIN cutout_places AS l
                WHERE c.alert_id = wanted.value AND c.kinds & :mask <> 0
                    AND k.pack_id = c.pack_id AND l.place_id = k.place_id"""
    pieces = connection.execute(query, {"ids": wanted, "mask": mask})
    return found, [Piece(*row) for row in pieces]


def _unpacked(stamp: bytes, compressed: int) -> bytes:
    """Return a stamp as it was received."""
    return zlib.decompress(stamp) if compressed else stamp


def fetch(pieces: Iterable[Piece]) -> tuple[Found, dict[int, CutoutsLost]]:
    """Read cutouts out of their packs.

    Returns
    -------
    found : dict
    lost : dict of int to CutoutsLost
        Alerts whose pack is not there or damaged, and why.

    Raises
    ------
    StoreUnavailable
        If their place is away.
    """
    by_pack: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_pack[piece.url, piece.name].append(piece)
    found: Found = defaultdict(dict)
    lost: dict[int, CutoutsLost] = {}
    for (url, name), mine in by_pack.items():
        where = f"{url}/{name}"
        try:
            spans = [(piece.start, piece.start + piece.size) for piece in mine]
            parts = place_of(url).read(name, spans)
        except CutoutsLost as error:
            lost |= dict.fromkeys((piece.alert_id for piece in mine), error)
            continue
        for piece, data in zip(mine, parts, strict=True):
            try:
                found[piece.alert_id] |= unpack(data, piece.alert_id, piece.size, where)
            except CutoutsLost as error:
                lost[piece.alert_id] = error
    return found, lost


def read(connection: Session, alert_ids: Collection[int], names: Sequence[str]) -> Found:
    """Return the cutouts of many alerts; those that are lost are left out, with an alarm.

    Raises
    ------
    StoreUnavailable
        If a place is away.
    """
    found, pieces = find(connection, alert_ids, names)
    fetched, lost = fetch(pieces)
    for alert_id, stamps in fetched.items():
        found[alert_id] = _merged(stamps, found.get(alert_id, {}))
    for sentence in {str(error) for error in lost.values()}:
        alarm(log, sentence)
    return found


def _merged(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> dict[str, bytes]:
    return {**one, **other}
