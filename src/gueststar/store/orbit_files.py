"""Files of orbits in the store: brought in piece by piece, listed, replaced, removed.

Orbits are kept as pieces of packed Arrow columns, for they are read all at once or not at all. A
file that is read anew takes the place of the older one of its name; what was matched by that one
stays, with its version, until somebody asks for it to be matched again.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from gueststar.errors import BadInput, NotThere, StoreError, did_you_mean
from gueststar.store import catalogues
from gueststar.store.catalogues import LOADING, READY, REPLACED
from gueststar.store.session import Session
from gueststar.store.tables import typed

LOCK = "orbits"  # writers share it, who changes the files has it alone
RADIUS_ARCSEC = 5.0
MAX_RADIUS_ARCSEC = 60.0

#: What :meth:`Store.orbit_files` answers.
ORBIT_FILES = pa.schema(
    [
        pa.field("orbits", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("epoch_mjd_tt", pa.float64()),
        pa.field("radius_arcsec", pa.float64(), nullable=False),
        pa.field("n_orbits", pa.int64(), nullable=False),
        pa.field("n_left_out", pa.int64(), nullable=False),
        pa.field("n_matched", pa.int64(), nullable=False),
        pa.field("n_waiting", pa.int64(), nullable=False),
        pa.field("added_unix", pa.float64(), nullable=False),
    ]
)


def tables(word: str, identity: str, blob: str, end: str) -> str:
    """Return the statements that make the tables.

    Parameters
    ----------
    word, identity, blob : str
        Types of texts that are sorted, of a number that counts up by itself, of bytes.
    end : str
        What ends a table whose primary key is its order in the file.
    """
    real = "DOUBLE PRECISION"
    return f"""
CREATE TABLE orbit_files (
    file_id {identity}, name {word} NOT NULL, version TEXT NOT NULL, state INTEGER NOT NULL,
    source TEXT NOT NULL, epoch {real}, radius {real} NOT NULL, n_orbits BIGINT NOT NULL,
    n_left_out BIGINT NOT NULL, added {real} NOT NULL);
CREATE TABLE orbit_pieces (
    file_id BIGINT NOT NULL, piece BIGINT NOT NULL, orbits {blob} NOT NULL,
    PRIMARY KEY (file_id, piece));
CREATE TABLE planet_rows (
    alert_id BIGINT NOT NULL, file_id BIGINT NOT NULL, rank BIGINT NOT NULL,
    designation {word} NOT NULL, number BIGINT, name {word},
    ra {real} NOT NULL, dec {real} NOT NULL, separation_arcsec {real} NOT NULL,
    position_angle {real} NOT NULL, v_mag {real}, r_au {real} NOT NULL, delta_au {real} NOT NULL,
    phase_deg {real} NOT NULL, elongation_deg {real} NOT NULL, motion {real} NOT NULL,
    motion_angle {real} NOT NULL,
    PRIMARY KEY (alert_id, file_id, rank)){end};
CREATE INDEX planet_by_designation ON planet_rows (designation, alert_id);
CREATE INDEX planet_by_name ON planet_rows (upper(name), alert_id);
CREATE INDEX planet_by_file ON planet_rows (file_id);
CREATE TABLE planet_waiting (
    file_id BIGINT NOT NULL, night BIGINT NOT NULL, alert_id BIGINT NOT NULL,
    PRIMARY KEY (file_id, night, alert_id)){end};
"""


@dataclass(frozen=True)
class OrbitFile:
    """A file of orbits in the store.

    Parameters
    ----------
    file_id : int
    name, version : str
    radius : float
        How far an alert may be from a prediction, arcsec.
    """

    file_id: int
    name: str
    version: str
    radius: float


def ready(connection: Session) -> list[OrbitFile]:
    """Return the files that alerts are matched with, in the order of names."""
    query = f"""SELECT file_id, name, version, radius FROM orbit_files
                WHERE state = {READY} ORDER BY name"""
    return [OrbitFile(*row) for row in connection.execute(query).fetchall()]


def named(connection: Session, name: str | None) -> OrbitFile:
    """Return a file; where no name is given, the only one.

    Raises
    ------
    NotThere
        If there is none of this name; the message names the nearest.
    BadInput
        If there are several, and no name was given.
    """
    found = {file.name: file for file in ready(connection)}
    if name is not None:
        _check_among(name, found)
        return found[name]
    if not found:
        raise NotThere("there are no orbits in this store: gueststar planets add MPCORB.DAT")
    if len(found) > 1:
        raise BadInput(f"name: which orbits? There are {', '.join(found)}")
    return next(iter(found.values()))


def _check_among(name: str, known: Collection[str]) -> None:
    if name not in known:
        raise NotThere(f"no orbits {name[:64]!r}.{did_you_mean(name, known)}")


def begin(
    connection: Session, name: str, version: str, source: str, radius: float
) -> OrbitFile | None:
    """Enter a file that is about to be read; return None when this very version is there.

    Raises
    ------
    BadInput
        If a catalogue has this name: filters tell them by it.
    """
    connection.alone(LOCK)
    if any(catalogue.name == name for catalogue in catalogues.ready(connection)):
        raise BadInput(f"name: {name[:64]!r} is a catalogue: orbits need another name")
    if any((file.name, file.version) == (name, version) for file in ready(connection)):
        return None
    query = f"SELECT file_id FROM orbit_files WHERE name = ? AND state = {LOADING}"
    for (left,) in connection.execute(query, (name,)).fetchall():
        drop(connection, left)
    connection.execute(
        """INSERT INTO orbit_files
               (name, version, state, source, epoch, radius, n_orbits, n_left_out, added)
           VALUES (?, ?, ?, ?, NULL, ?, 0, 0, ?)""",
        (name, version, LOADING, source, radius, time.time()),
    )
    query = "SELECT max(file_id) FROM orbit_files WHERE name = ? AND version = ?"
    (file_id,) = connection.execute(query, (name, version)).fetchone()
    return OrbitFile(int(file_id), name, version, radius)


def insert(connection: Session, file_id: int, piece: int, orbits: pa.Table) -> None:
    """Write a piece, columns of :data:`gueststar.catalogs.orbits.ORBITS`."""
    query = "SELECT 1 FROM orbit_files WHERE file_id = ?"
    if connection.execute(query, (file_id,)).fetchone() is None:
        raise BadInput("another process has begun to read these orbits, or has removed them")
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, orbits.schema, options=options) as writer:
        writer.write_table(orbits)
    packed = sink.getvalue().to_pybytes()
    connection.insert("orbit_pieces", ("file_id", "piece", "orbits"), [(file_id, piece, packed)])


def finish(
    connection: Session, file: OrbitFile, given: int, left_out: int, epoch: float | None
) -> None:
    """Put a file in the place of an older one of its name.

    With the first one of a name all alerts wait; with a later one those that still waited do.

    Parameters
    ----------
    given, left_out : int
        Orbits, and lines that held none.
    epoch : float or None
        The commonest epoch, MJD, TT.
    """
    connection.alone(LOCK)
    query = f"SELECT file_id FROM orbit_files WHERE name = ? AND state = {READY}"
    older = [row[0] for row in connection.execute(query, (file.name,)).fetchall()]
    for old in older:
        _clear(connection, "orbit_pieces", old)
        connection.execute(
            "UPDATE planet_waiting SET file_id = ? WHERE file_id = ?", (file.file_id, old)
        )
        connection.execute(f"UPDATE orbit_files SET state = {REPLACED} WHERE file_id = ?", (old,))
    connection.execute(
        f"""UPDATE orbit_files SET state = {READY}, n_orbits = ?, n_left_out = ?, epoch = ?,
                added = ? WHERE file_id = ?""",
        (given, left_out, epoch, time.time(), file.file_id),
    )
    if not older:
        wait(connection, file)


def wait(connection: Session, file: OrbitFile, night: int | None = None) -> None:
    """Let all alerts, or those of a night, wait to be matched."""
    where, values = ("", ()) if night is None else ("WHERE a.night = ?", (night,))
    connection.execute(
        f"""INSERT INTO planet_waiting (file_id, night, alert_id)
            SELECT CAST({file.file_id:d} AS BIGINT), a.night, a.alert_id FROM alert_rows AS a
            {where or "WHERE 1 = 1"} ON CONFLICT DO NOTHING""",
        values,
    )


def drop(connection: Session, file_id: int) -> None:
    """Remove one version of a file with its matches."""
    for table in ("orbit_pieces", "planet_waiting", "planet_rows", "orbit_files"):
        _clear(connection, table, file_id)


def _clear(connection: Session, table: str, file_id: int) -> None:
    connection.execute(f"DELETE FROM {table} WHERE file_id = ?", (file_id,))


def remove(connection: Session, name: str) -> None:
    """Remove a file, all its versions, and what an interrupted reading has left of it.

    Raises
    ------
    NotThere
        If there is none of this name; the message names the nearest.
    """
    connection.alone(LOCK)
    found = connection.execute("SELECT file_id, name FROM orbit_files").fetchall()
    _check_among(name, {other for _, other in found})
    for file_id, other in found:
        if other == name:
            drop(connection, file_id)


def orbits_of(connection: Session, file: OrbitFile) -> pa.Table:
    """Return all orbits of a file.

    Raises
    ------
    StoreError
        If they are not all there.
    """
    query = """SELECT p.orbits, f.n_orbits FROM orbit_pieces AS p
               JOIN orbit_files AS f ON f.file_id = p.file_id
               WHERE p.file_id = ? ORDER BY p.piece"""
    rows = connection.execute(query, (file.file_id,)).fetchall()
    pieces = [pa.ipc.open_stream(bytes(packed)).read_all() for packed, _ in rows]
    if not pieces or sum(piece.num_rows for piece in pieces) != rows[0][1]:
        raise StoreError(f"orbits {file.name} {file.version}: some are missing; bring them in anew")
    return pa.concat_tables(pieces)


def listing(connection: Session) -> pa.Table:
    """Return the files as a table; see :data:`ORBIT_FILES`."""
    query = f"""SELECT name, version, source, epoch, radius, n_orbits, n_left_out,
                    (SELECT count(DISTINCT p.alert_id) FROM planet_rows AS p
                     JOIN orbit_files AS o ON o.file_id = p.file_id WHERE o.name = f.name),
                    (SELECT count(*) FROM planet_waiting AS w WHERE w.file_id = f.file_id),
                    added
                FROM orbit_files AS f WHERE state = {READY} ORDER BY name"""
    return typed(connection.execute(query).fetchall(), ORBIT_FILES)
