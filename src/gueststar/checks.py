"""Public conformance tests: they try to prove a module, filter, source, sink or bundle wrong.

Call them in your own package's tests::

    from gueststar.checks import check_module
    check_module(MyModule(), batch)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from gueststar.batch import DEAD_LETTERS, PACKETS, POSITION, VOCABULARY, AlertBatch, is_dead_letters
from gueststar.contracts import Filter, ScienceModule, Sink, Source
from gueststar.errors import BadModule
from gueststar.pipeline import check_declaration, check_filter_declaration, check_mask

TOLERANCE = 1e-5  # between a batch of one and a batch of many: float32 sums differ in order


def check_module(module: ScienceModule, batch: AlertBatch) -> None:
    """Try to prove a science module wrong.

    It must declare what it needs and gives, work with those columns and no others, keep rows and
    their order, answer the same twice, score a batch of one as it scores a batch of many, survive
    nulls in every column that may be null, leave a reason for each null, and accept no rows.

    Parameters
    ----------
    module : ScienceModule
    batch : AlertBatch
        Alerts to try it on, at least two, such as ``simulate`` gives.

    Raises
    ------
    BadModule
        With what was found.
    """
    if len(batch) < 2:
        raise BadModule(f"check_module needs a batch of at least two alerts, not {len(batch)}")
    check_declaration(module, {*VOCABULARY.names, "native"})
    given = batch.select(module.needs)
    whole = _call(module, given)
    _check_reasons(module, whole)
    _same(module, _call(module, given), whole, "a second call on the same batch")
    _same(module, _reversed_call(module, given), whole, "the rows in reverse order")
    ones = [_call(module, given.slice(i, 1)) for i in range(min(len(given), 8))]
    _same(module, _stack(ones), whole.slice(0, len(ones)), "batches of one")
    _call(module, given.slice(0, 0))
    for name in module.needs:
        if batch.arrow.schema.field(name).nullable:
            _check_reasons(module, _call(module, _nulled(given, name)))


def _call(module: ScienceModule, batch: AlertBatch) -> pa.RecordBatch:
    try:
        out = module(batch)
    except Exception as error:
        raise BadModule(
            f"{module.name} raised {type(error).__name__} on {len(batch)} rows: {error}"
        ) from error
    if not isinstance(out, pa.RecordBatch):
        raise BadModule(f"{module.name} gave a {type(out).__name__}, not a RecordBatch")
    if not out.schema.equals(module.gives):
        raise BadModule(f"{module.name} gave {out.schema}, but declares {module.gives}")
    if out.num_rows != len(batch):
        raise BadModule(f"{module.name} gave {out.num_rows} rows for {len(batch)}")
    return out


def _reversed_call(module: ScienceModule, batch: AlertBatch) -> pa.RecordBatch:
    order = pa.array(range(len(batch) - 1, -1, -1))
    return _call(module, AlertBatch(batch.arrow.take(order))).take(order)


def _stack(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [pa.concat_arrays([p.column(i) for p in parts]) for i in range(len(parts[0].schema))]
    return pa.RecordBatch.from_arrays(columns, schema=parts[0].schema)


def _nulled(batch: AlertBatch, name: str) -> AlertBatch:
    arrow = batch.arrow
    index = arrow.schema.get_field_index(name)
    empty = pa.nulls(len(batch), arrow.schema.field(index).type)
    return AlertBatch(arrow.set_column(index, arrow.schema.field(index), empty))


def _same(module: ScienceModule, got: pa.RecordBatch, want: pa.RecordBatch, what: str) -> None:
    for name in want.schema.names:
        pairs = zip(got.column(name).to_pylist(), want.column(name).to_pylist(), strict=True)
        for row, (a, b) in enumerate(pairs):
            if not _close(a, b):
                raise BadModule(
                    f"{module.name}: {what} gave {name} = {a!r} in row {row}, before {b!r}"
                )


def _close(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= TOLERANCE * max(1.0, abs(b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_close, a, b))
    return a == b


def _check_reasons(module: ScienceModule, out: pa.RecordBatch) -> None:
    name = f"{module.name}_reason"
    if name not in out.schema.names:
        return
    reasons = out.column(name).to_pylist()
    for field in out.schema:
        if field.name == name:
            continue
        for row, value in enumerate(out.column(field.name).to_pylist()):
            if value is None and not reasons[row]:
                raise BadModule(f"{module.name}: {field.name} is null in row {row} without reason")
            if value is not None and value in (-1, -99, -999):
                raise BadModule(f"{module.name}: {field.name} = {value} in row {row}; use null")


def check_filter(filter: Filter, batch: AlertBatch) -> None:
    """Try to prove a filter wrong.

    It must work with the columns that it declares and no others, keep rows and their order,
    answer the same twice, judge a batch of one as it judges a batch of many, survive nulls in
    every column that may be null, and accept no rows.

    Parameters
    ----------
    filter : Filter
    batch : AlertBatch
        Alerts to try it on, at least two, scored if it needs scores.

    Raises
    ------
    BadModule
        With what was found.
    """
    if len(batch) < 2:
        raise BadModule(f"check_filter needs a batch of at least two alerts, not {len(batch)}")
    check_filter_declaration(filter, batch.names)
    given = batch.select(filter.needs)
    whole = _mask(filter, given)
    order = pa.array(range(len(given) - 1, -1, -1))
    tries = {
        "a second call on the same batch": _mask(filter, given),
        "the rows in reverse order": _mask(filter, AlertBatch(given.arrow.take(order)))[::-1],
        "batches of one": [
            answer for row in range(len(given)) for answer in _mask(filter, given.slice(row, 1))
        ],
    }
    for what, answers in tries.items():
        for row, (got, want) in enumerate(zip(answers, whole, strict=True)):
            if got != want:
                raise BadModule(f"{filter.name}: {what} gave {got} in row {row}, before {want}")
    _mask(filter, given.slice(0, 0))
    for name in filter.needs:
        if batch.arrow.schema.field(name).nullable:
            _mask(filter, _nulled(given, name))


def _mask(filter: Filter, batch: AlertBatch) -> list[bool]:
    """Call a filter; null is "not selected"."""
    try:
        answer = filter(batch)
    except Exception as error:
        raise BadModule(
            f"{filter.name} raised {type(error).__name__} on {len(batch)} rows: {error}"
        ) from error
    return [bool(value) for value in check_mask(filter, batch, answer).to_pylist()]


def check_source(make: Callable[[], Source]) -> int:
    """Try to prove a source wrong: schemas, positions, and the same batches at every run.

    Parameters
    ----------
    make : callable
        Makes a new source over the same input.

    Returns
    -------
    int
        Rows that the source gave.

    Raises
    ------
    BadModule
        With what was found.
    """
    first, second = _read(make()), _read(make())
    if len(first) != len(second) or not all(map(pa.RecordBatch.equals, first, second)):
        raise BadModule("the source gave other batches when it was read again")
    seen: set[tuple[object, ...]] = set()
    for batch in first:
        _check_source_batch(batch)
        for position in zip(*(batch.column(n).to_pylist() for n in POSITION.names), strict=True):
            if position in seen:
                raise BadModule(f"the source gave the position {position} twice")
            seen.add(position)
    _read(make(), commit=True)
    return len(seen)


def _read(source: Source, *, commit: bool = False) -> list[pa.RecordBatch]:
    """Read to the end; a live source gives batches without rows, too."""
    batches = []
    for batch in source:
        batches.append(batch)
        if commit:
            source.commit(batch)
    if callable(close := getattr(source, "close", None)):
        close()
    return [batch for batch in batches if batch.num_rows]


def _check_source_batch(batch: pa.RecordBatch) -> None:
    if "native" in batch.schema.names:
        wanted = POSITION
    else:
        wanted = DEAD_LETTERS if is_dead_letters(batch) else PACKETS
    for field in wanted:
        index = batch.schema.get_field_index(field.name)
        if index < 0 and field.name == "arrived":  # streams alone know it
            continue
        if index < 0 or batch.schema.field(index).type != field.type:
            raise BadModule(f"a source batch needs {field.name}: {field.type}, got {batch.schema}")
    for name in POSITION.names:
        if batch.column(name).null_count:
            raise BadModule(f"a source batch has rows without {name}")


def check_sink(sink: Sink, batch: AlertBatch, count: Callable[[], int]) -> None:
    """Try to prove a sink wrong: writing twice must write once, and flush must be repeatable.

    Parameters
    ----------
    sink : Sink
        Empty.
    batch : AlertBatch
        Alerts with distinct ids.
    count : callable
        Tells how many alerts the sink holds.

    Raises
    ------
    BadModule
        With what was found.
    """
    if count() != 0:
        raise BadModule(f"check_sink needs an empty sink; it holds {count()} alerts")
    for attempt in ("once", "twice"):
        sink.write(batch.arrow)
        sink.flush()
        sink.flush()
        if count() != len(batch):
            raise BadModule(f"{len(batch)} alerts written {attempt}, but the sink holds {count()}")
    sink.write(batch.slice(0, 0).arrow)
    sink.flush()
    if count() != len(batch):
        raise BadModule("an empty batch changed the sink")


def check_bundle(path: str | Path) -> None:
    """Try to prove a model bundle wrong: its files, its card, and its golden vectors.

    Raises
    ------
    BadBundle
        With what was found.
    """
    from gueststar.models.bundle import Bundle

    Bundle.load(Path(path)).check()
