"""Many alerts as one Arrow batch: the column vocabulary that every stage shares.

Every stage is batch in, batch out, same rows, same order. A column that is missing in a survey
is null, never a sentinel. Times are MJD TAI at mid-exposure, fluxes are difference fluxes in nJy
(AB zero point 31.4 mag) with their sign, positions are ICRS degrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.errors import BadModule, did_you_mean

#: One photometric point of an object. ``kind`` is ``detection``, ``forced`` or ``limit``.
HISTORY = pa.struct(
    [
        pa.field("exposure_id", pa.int64()),  # ZTF pid, LSST visit; null when unknown
        pa.field("mjd_tai", pa.float64()),  # d, mid-exposure
        pa.field("band", pa.string()),
        pa.field("flux", pa.float32()),  # nJy, difference
        pa.field("flux_err", pa.float32()),  # nJy
        pa.field("total_flux", pa.float32()),  # nJy, reference + difference; null when unknown
        pa.field("total_flux_err", pa.float32()),  # nJy
        pa.field("limit", pa.float32()),  # AB mag, 5 sigma, of the exposure
        pa.field("kind", pa.string()),
        pa.field("program", pa.int32()),  # ZTF programid; null where a survey has none
    ]
)

#: Where a row came from; the ledger's key.
POSITION = pa.schema(
    [
        pa.field("source", pa.string()),  # what was read: a file, a Kafka topic
        pa.field("partition", pa.string()),  # a part of it: a tar member, a Kafka partition
        pa.field("offset", pa.int64()),  # Avro block, Parquet row, Kafka offset
        pa.field("record", pa.int32()),  # record inside the block, 0 when there is one
    ]
)
POSITION_NAMES = tuple(POSITION.names)

#: Position, and when the stream took the message in (Kafka's timestamp); null outside streams.
ORIGIN = pa.schema([*POSITION, pa.field("arrived", pa.float64())])  # Unix time, s

#: The columns of every alert batch. The survey's own record follows as ``native`` (a struct
#: whose fields are the survey's), then the columns that modules add.
VOCABULARY = pa.schema(
    [
        pa.field("alert_id", pa.int64(), nullable=False),  # ZTF candid, LSST diaSourceId
        pa.field("object_id", pa.string()),  # ZTF objectId, LSST diaObjectId
        pa.field("survey", pa.string(), nullable=False),  # ztf, lsst
        pa.field("band", pa.string()),  # g r i, u g r i z y
        pa.field("mjd_tai", pa.float64(), nullable=False),  # d, mid-exposure
        pa.field("night", pa.int32(), nullable=False),  # YYYYMMDD of the observing night
        pa.field("ra", pa.float64(), nullable=False),  # deg, ICRS
        pa.field("dec", pa.float64(), nullable=False),  # deg, ICRS
        pa.field("healpix29", pa.int64(), nullable=False),  # nested, order 29
        pa.field("flux", pa.float32()),  # nJy, difference, signed
        pa.field("flux_err", pa.float32()),  # nJy
        pa.field("published_rb", pa.float32()),  # the survey's own deep score (drb, reliability)
        pa.field("program", pa.int32()),  # ZTF programid; null for LSST
        pa.field("history", pa.list_(HISTORY)),  # all points of the packet, this one included
        pa.field("science", pa.binary()),  # cutouts as received
        pa.field("template", pa.binary()),
        pa.field("difference", pa.binary()),
        *ORIGIN,
    ]
)
CUTOUTS = ("science", "template", "difference")

#: What a source gives when it reads packets: bytes and where they were.
PACKETS = pa.schema([pa.field("packet", pa.large_binary()), *ORIGIN])

#: An input that could not be used: its bytes, where it was, and why.
DEAD_LETTERS = pa.schema([*PACKETS, pa.field("reason", pa.string(), nullable=False)])

AB_ZERO_POINT = 31.4  # mag of 1 nJy, AB (Rubin DPDD)
POGSON = 2.5 / np.log(10)  # mag per relative error of a flux
MODULES_KEY = b"gueststar.modules"


def magnitude(flux: np.ndarray | float) -> np.ndarray:
    """AB magnitude of a flux; NaN where the flux is not positive.

    Parameters
    ----------
    flux : array-like, shape ``(n,)``
        Flux, nJy.

    Returns
    -------
    numpy.ndarray, shape ``(n,)``
        ``31.4 - 2.5 log10(flux)``, mag (Oke & Gunn 1983 zero point, in nJy).

    Examples
    --------
    >>> magnitude([3631.0, 1.0, -5.0]).round(2)
    array([22.5, 31.4,  nan])
    """
    flux = np.asarray(flux, dtype=np.float64)
    safe = np.where(flux > 0, flux, np.nan)
    return np.asarray(AB_ZERO_POINT - 2.5 * np.log10(safe))


def magnitude_error(flux: np.ndarray | float, flux_err: np.ndarray | float) -> np.ndarray:
    """Error of :func:`magnitude` to first order: ``2.5/ln 10 * flux_err / flux``, mag."""
    flux = np.asarray(flux, dtype=np.float64)
    safe = np.where(flux > 0, flux, np.nan)
    return np.asarray(POGSON * np.asarray(flux_err, dtype=np.float64) / safe)


def flux_of(mag: np.ndarray | float, zero_point: np.ndarray | float = AB_ZERO_POINT) -> np.ndarray:
    """Flux of a magnitude: ``10**(0.4 * (zero_point - mag))``, nJy for AB magnitudes.

    With another zero point it is in that point's unit, such as DN.

    Examples
    --------
    >>> flux_of(22.5).round(0)
    np.float64(3631.0)
    """
    return np.asarray(10 ** (0.4 * (zero_point - np.asarray(mag, dtype=np.float64))))


def is_dead_letters(batch: pa.RecordBatch) -> bool:
    """Tell a batch of dead letters from a batch of alerts."""
    return "reason" in batch.schema.names and "packet" in batch.schema.names


@dataclass(frozen=True)
class AlertBatch:
    """Many alerts as one Arrow :class:`~pyarrow.RecordBatch`.

    Parameters
    ----------
    arrow : pyarrow.RecordBatch
        Columns of :data:`VOCABULARY` (or some of them), ``native``, and scores.

    Examples
    --------
    >>> batch = AlertBatch.from_columns(ra=[10.0], dec=[-5.0])
    >>> len(batch), batch.names
    (1, ('ra', 'dec'))
    """

    arrow: pa.RecordBatch

    @classmethod
    def from_columns(cls, **columns: Any) -> AlertBatch:
        """Build a batch from arrays; known names get the vocabulary's types."""
        arrays, fields = [], []
        for name, values in columns.items():
            known = VOCABULARY.get_field_index(name)
            field = VOCABULARY.field(known) if known >= 0 else None
            array = (
                values
                if isinstance(values, pa.Array)
                else pa.array(values, type=field.type if field else None)
            )
            arrays.append(array)
            fields.append(field or pa.field(name, array.type))
        return cls(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)))

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.arrow.schema.names)

    def column(self, name: str) -> pa.Array:
        """Return one column.

        Raises
        ------
        BadModule
            If there is no such column; the message says which there are.
        """
        index = self.arrow.schema.get_field_index(name)
        if index < 0:
            raise BadModule(f"no column {name!r} in this batch.{did_you_mean(name, self.names)}")
        return self.arrow.column(index)

    def numpy(self, name: str) -> np.ndarray:
        """Return one column as NumPy; nulls of float columns become NaN."""
        return np.asarray(self.column(name).to_numpy(zero_copy_only=False))

    def select(self, names: Iterable[str]) -> AlertBatch:
        """Return the named columns only; the schema's metadata stays.

        Raises
        ------
        BadModule
            If a column is missing.
        """
        wanted = list(names)
        for name in wanted:
            self.column(name)
        return AlertBatch(self.arrow.select(wanted))

    def slice(self, offset: int, length: int | None = None) -> AlertBatch:
        """Return some rows, without copying."""
        return AlertBatch(self.arrow.slice(offset, length))

    def with_columns(self, added: pa.RecordBatch) -> AlertBatch:
        """Return this batch with more columns at its right.

        Raises
        ------
        BadModule
            If the rows do not agree or a column is there already.
        """
        if added.num_rows != self.arrow.num_rows:
            raise BadModule(f"{added.num_rows} rows cannot stand beside {len(self)}")
        if twice := set(added.schema.names) & set(self.names):
            raise BadModule(f"the batch already has the columns {sorted(twice)}")
        schema = pa.schema([*self.arrow.schema, *added.schema], metadata=self.arrow.schema.metadata)
        return AlertBatch(
            pa.RecordBatch.from_arrays([*self.arrow.columns, *added.columns], schema=schema)
        )

    @property
    def modules(self) -> dict[str, str]:
        """Versions of the modules that scored this batch, by name."""
        metadata = self.arrow.schema.metadata or {}
        return dict(json.loads(metadata.get(MODULES_KEY, b"{}")))

    def with_module(self, name: str, version: str) -> AlertBatch:
        """Note in the batch's metadata that a module of this version has scored it."""
        metadata = dict(self.arrow.schema.metadata or {})
        metadata[MODULES_KEY] = json.dumps({**self.modules, name: version}).encode()
        return AlertBatch(self.arrow.replace_schema_metadata(metadata))


def history_rows(history: pa.Array) -> tuple[np.ndarray, pa.RecordBatch]:
    """Flatten a ``history`` column.

    Parameters
    ----------
    history : pyarrow.ListArray
        ``list<HISTORY>``, one list an alert; a null list is an empty one.

    Returns
    -------
    row : numpy.ndarray of int64, shape ``(points,)``
        The alert that each point belongs to.
    points : pyarrow.RecordBatch
        The points, columns of :data:`HISTORY`.
    """
    lengths = history.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    row = np.repeat(np.arange(len(history), dtype=np.int64), lengths)
    points = whole_history(history).flatten()
    return row, pa.RecordBatch.from_arrays(points.flatten(), names=[f.name for f in HISTORY])


def whole_history(history: pa.Array) -> pa.Array:
    """Return a ``history`` column with all fields of :data:`HISTORY`.

    Points of an archive that an older gueststar wrote do not tell their program: it is null.
    """
    if history.type.value_type.get_field_index("program") >= 0:
        return history
    points = history.flatten()
    program = pa.nulls(len(points), pa.int32())
    whole = pa.StructArray.from_arrays([*points.flatten(), program], fields=list(HISTORY))
    lengths = history.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = history.is_null() if history.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), whole, mask=mask)


def dead_letters(
    positions: pa.RecordBatch, packets: Sequence[bytes | None] | pa.Array, reasons: Sequence[str]
) -> pa.RecordBatch:
    """Build a batch of dead letters.

    Parameters
    ----------
    positions : pyarrow.RecordBatch
        Columns of :data:`ORIGIN`; ``arrived`` may be left out.
    packets : sequence of bytes
        The bytes, kept as they came.
    reasons : sequence of str
        Why each could not be used, one sentence.
    """
    arrays = [
        packets if isinstance(packets, pa.Array) else pa.array(packets, pa.large_binary()),
        *origins(positions).columns,
        pa.array(reasons, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=DEAD_LETTERS)


def origins(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the columns of :data:`ORIGIN`; what is no stream need not give ``arrived``."""
    arrays = [batch.column(name) for name in POSITION_NAMES]
    at = batch.schema.get_field_index("arrived")
    arrived = batch.column(at) if at >= 0 else pa.nulls(batch.num_rows, pa.float64())
    return pa.RecordBatch.from_arrays([*arrays, arrived], schema=ORIGIN)


def packets_batch(
    packets: Sequence[bytes],
    source: str | Sequence[str],
    partitions: Sequence[str],
    offsets: Sequence[int],
) -> pa.RecordBatch:
    """Build what a source gives: packets with their positions; one name stands for all."""
    n = len(packets)
    arrays = [
        pa.array(packets, pa.large_binary()),
        pa.array([source] * n if isinstance(source, str) else source, pa.string()),
        pa.array(partitions, pa.string()),
        pa.array(offsets, pa.int64()),
        pa.array(np.zeros(n, np.int32)),
        pa.nulls(n, pa.float64()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=PACKETS)


def stream_bytes(batch: pa.RecordBatch) -> bytes:
    """Write a batch as an Arrow IPC stream: how a record without a packet is kept."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())
