"""What runs inside Spark's Python workers: packets in, results as Arrow IPC streams out.

``mapInArrow`` wants one schema for its whole output, fixed before it runs. Ours has none: the
column ``native`` holds the survey's own record, whose fields differ from survey to survey and
from version to version. So each result batch travels as one Arrow IPC stream in a binary column,
with its schema and the versions of its modules inside, and is opened again by :func:`unpacked`.

The pipeline is never pickled. What travels is a :class:`Recipe` of names; each worker process
builds its own pipeline from it, once (:func:`pipeline_of`), so weights load once a process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import PACKETS, AlertBatch, is_dead_letters
from gueststar.classifiers.choose import available, modules_named
from gueststar.errors import BadBundle
from gueststar.pipeline import Pipeline
from gueststar.sinks.archived import archived_batches
from gueststar.sources.files import (
    BATCH_BYTES,
    FINGERPRINT_BYTES,
    FileSource,
    fingerprint_of,
)
from gueststar.streams import SOURCE

Batches = Iterator[pa.RecordBatch]
Mapped = Callable[[Iterable[pa.RecordBatch]], Batches]

#: What every job gives, in Spark's words.
RESULTS = "kind string, rows int, ipc binary"
_RESULTS = pa.schema(
    [
        pa.field("kind", pa.string()),  # alerts, dead-letters
        pa.field("rows", pa.int32()),
        pa.field("ipc", pa.binary()),  # one Arrow IPC stream of one batch
    ]
)


@dataclass(frozen=True)
class Recipe:
    """How a worker builds its pipeline.

    Parameters
    ----------
    modules : tuple of (str, str)
        Names and versions of the science modules, in order.
    schemas : str, optional
        Folder or registry of Avro schemas, for framed messages.
    batch_size : int
        Packets a batch at most.
    """

    modules: tuple[tuple[str, str], ...]
    schemas: str | None = None
    batch_size: int = 500

    @classmethod
    def of(cls, names: Sequence[str] | None, schemas: str | None, batch_size: int) -> Recipe:
        """Note which versions these modules have here; all that are available when None.

        Raises
        ------
        BadModule
            If a name is unknown, stands twice, or the modules do not fit together.
        """
        wanted = available() if names is None else tuple(names)
        made = Pipeline(modules_named(wanted)).modules
        versions = tuple(module.version for module in made)
        return cls(tuple(zip(wanted, versions, strict=True)), schemas, batch_size)


@cache
def pipeline_of(recipe: Recipe) -> Pipeline:
    """Return the pipeline of a recipe: one per process, however many tasks ask for it.

    Raises
    ------
    BadBundle
        If this machine has other code or weights than the one that started the job.
    """
    from gueststar.surveys.decode import decode

    def decoded(batch: pa.RecordBatch) -> tuple[Sequence[AlertBatch], pa.RecordBatch | None]:
        decoding = decode(batch, schemas=recipe.schemas)
        return decoding.alerts, decoding.dead

    made = modules_named([name for name, _ in recipe.modules])
    for module, (name, version) in zip(made, recipe.modules, strict=True):
        if module.version != version:
            raise BadBundle(
                f"module {name!r} is {module.version} on this worker and {version} where the job "
                "was started: install the same gueststar and bundles on every machine"
            )
    return Pipeline(made, decoded)


def messages_job(recipe: Recipe) -> Mapped:
    """Return the function for Spark's Kafka rows: value, topic, partition, offset, timestamp."""
    return _job(recipe, partial(_scored, read=_messages))


def contents_job(recipe: Recipe) -> Mapped:
    """Return the function for rows of Spark's ``binaryFile`` source (path, length, content)."""
    return _job(recipe, partial(_scored, read=_contents))


def files_job(recipe: Recipe, groups: Sequence[Sequence[str]]) -> Mapped:
    """Return the function for rows of numbers: each is a group of files, read by a FileSource."""

    def read(batch: pa.RecordBatch, recipe: Recipe) -> Batches:
        for number in batch.column("id").to_pylist():
            yield from FileSource(groups[number], recipe.batch_size)

    return _job(recipe, partial(_scored, read=read))


def archive_job(recipe: Recipe, groups: Sequence[Sequence[str]]) -> Mapped:
    """Return the function that scores alerts of our own Parquet archive again."""

    def results(batch: pa.RecordBatch, recipe: Recipe) -> Batches:
        for number in batch.column("id").to_pylist():
            for path in groups[number]:
                yield from _rescored(Path(path), recipe)

    return _job(recipe, results)


def shipped_job(recipe: Recipe) -> Mapped:
    """Return the function for source batches that the driver has read and packed."""

    def read(batch: pa.RecordBatch, recipe: Recipe) -> Batches:
        yield from (unpacked(ipc.as_buffer()) for ipc in batch.column("ipc"))

    return _job(recipe, partial(_scored, read=read))


def _job(recipe: Recipe, results: Callable[[pa.RecordBatch, Recipe], Batches]) -> Mapped:
    def mapped(batches: Iterable[pa.RecordBatch]) -> Batches:
        for batch in batches:
            yield from map(packed, results(batch, recipe))

    return mapped


def _scored(batch: pa.RecordBatch, recipe: Recipe, read: Any) -> Batches:
    yield from pipeline_of(recipe)(read(batch, recipe))


def _rescored(path: Path, recipe: Recipe) -> Batches:
    """Score alerts that are columns already; their positions are those of their first reading."""
    for batch, _ in archived_batches(path, recipe.batch_size):
        yield pipeline_of(recipe).score(batch).arrow


def _messages(batch: pa.RecordBatch, recipe: Recipe) -> Batches:
    """Turn messages into packets; the positions are those of the local runner's Kafka source."""
    topics = [SOURCE + topic for topic in batch.column("topic").to_pylist()]
    arrays = [
        batch.column("value").cast(pa.large_binary()).fill_null(b""),
        pa.array(topics, pa.string()),
        batch.column("partition").cast(pa.string()),
        batch.column("offset").cast(pa.int64()),
        pa.array(np.zeros(batch.num_rows, np.int32)),
        _unix(batch.column("timestamp")),
    ]
    packets = pa.RecordBatch.from_arrays(arrays, schema=PACKETS)
    yield from _portions(packets, recipe.batch_size)


def _unix(times: pa.Array) -> pa.Array:
    micros = times.cast(pa.timestamp("us", times.type.tz)).cast(pa.int64()).cast(pa.float64())
    return pc.divide(micros, 1e6)


def _contents(batch: pa.RecordBatch, recipe: Recipe) -> Batches:
    """Turn whole files into packets; the positions of local files are those of a FileSource."""
    contents = batch.column("content").cast(pa.large_binary())
    names = [path.removeprefix("file:") for path in batch.column("path").to_pylist()]
    heads = [value.as_py() for value in pc.binary_slice(contents, 0, FINGERPRINT_BYTES)]
    sizes = batch.column("length").to_pylist()
    sources = [fingerprint_of(*item) for item in zip(names, heads, sizes, strict=True)]
    nothing = pa.array(np.zeros(batch.num_rows, np.int64))
    arrays = [
        contents,
        pa.array(sources, pa.string()),
        pa.array([""] * batch.num_rows, pa.string()),
        nothing,
        nothing.cast(pa.int32()),
        pa.nulls(batch.num_rows, pa.float64()),
    ]
    packets = pa.RecordBatch.from_arrays(arrays, schema=PACKETS)
    yield from _portions(packets, recipe.batch_size)


def _portions(packets: pa.RecordBatch, rows: int) -> Batches:
    """Cut a batch where it has enough rows or bytes."""
    sizes = pc.binary_length(packets.column("packet")).to_numpy(zero_copy_only=False)
    start = held = 0
    for row, size in enumerate(sizes.tolist()):
        if row > start and (row - start >= rows or held + size > BATCH_BYTES):
            yield packets.slice(start, row - start)
            start, held = row, 0
        held += size
    if start < packets.num_rows:
        yield packets.slice(start)


def packed(result: pa.RecordBatch) -> pa.RecordBatch:
    """Make a row of :data:`RESULTS` of a result batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, result.schema) as writer:
        writer.write_batch(result)
    kind = "dead-letters" if is_dead_letters(result) else "alerts"
    body = pa.Array.from_buffers(pa.binary(), 1, _one(sink.getvalue()))
    arrays = [pa.array([kind]), pa.array([result.num_rows], pa.int32()), body]
    return pa.RecordBatch.from_arrays(arrays, schema=_RESULTS)


def _one(body: pa.Buffer) -> list[pa.Buffer | None]:
    """Buffers of a binary array that holds this one value, without a copy."""
    return [None, pa.py_buffer(np.array([0, body.size], np.int32)), body]


def unpacked(ipc: bytes | pa.Buffer) -> pa.RecordBatch:
    """Open what :func:`packed` has closed."""
    with pa.ipc.open_stream(pa.py_buffer(ipc)) as reader:
        return reader.read_next_batch()
