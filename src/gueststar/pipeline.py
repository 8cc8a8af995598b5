"""The pipeline: packets in, scored alerts and dead letters out.

A :class:`Pipeline` is a callable ``Iterable[RecordBatch] -> Iterator[RecordBatch]``, so the same
object runs in one process, in several consumers and on Spark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from gueststar.batch import VOCABULARY, AlertBatch, is_dead_letters
from gueststar.contracts import Filter, ScienceModule
from gueststar.errors import BadModule, Unavailable, did_you_mean
from gueststar.score import FAILED, unscored, without_scores

#: After so many failing rows of one module in one batch, the rest of the batch is not tried.
FAILURES_PER_BATCH = 32

Decode = Callable[[pa.RecordBatch], tuple[Sequence[AlertBatch], pa.RecordBatch | None]]


class Pipeline:
    """Decoding, then science modules in order.

    Parameters
    ----------
    modules : sequence of ScienceModule
        Checked here: names, needs and gives must fit together.
    decode : callable, optional
        Turns a source batch into alert batches and dead letters.

    Raises
    ------
    BadModule
        If a name stands twice, a module needs a column that nothing before it gives, or gives
        columns that are not its own.

    Examples
    --------
    >>> Pipeline([]).names
    ()
    """

    def __init__(self, modules: Sequence[ScienceModule], decode: Decode | None = None) -> None:
        self.modules = tuple(modules)
        self._decode = decode or _default_decode
        known = {*VOCABULARY.names, "native"}
        for module in self.modules:
            check_declaration(module, known)
            known |= set(module.gives.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modules, in order."""
        return tuple(module.name for module in self.modules)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield, for every source batch, its alert batches and then its dead letters."""
        for batch in batches:
            yield from self.one(batch)

    def one(self, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        """Process one source batch.

        Returns
        -------
        list of pyarrow.RecordBatch
            Alert batches (one a writer's schema), then dead letters if there are any. Every
            input record is in exactly one of them.
        """
        if is_dead_letters(batch):  # a source found something that it could not read
            return [batch]
        if "alert_id" in batch.schema.names:  # an archive or a store: decoded before
            return [part.arrow for part in self.again(AlertBatch(batch))]
        alerts, dead = self._decode(batch)
        out = [self.score(part).arrow for part in alerts if len(part)]
        return [*out, dead] if dead is not None and dead.num_rows else out

    def score(self, batch: AlertBatch) -> AlertBatch:
        """Run every module over a batch of alerts."""
        return _scored(batch, self.modules)

    def again(self, batch: AlertBatch) -> list[AlertBatch]:
        """Score alerts that were decoded before.

        Scores that they have of these very versions stay, and are not computed again.

        Returns
        -------
        list of AlertBatch
            The alerts with all scores; where they came with scores of other versions of these
            modules, the batch as it came stands before it, so that both can be stored.
        """
        wanted = [m for m in self.modules if batch.modules.get(m.name) != m.version]
        fresh = _scored(without_scores(batch, {module.name for module in wanted}), wanted)
        replaced = any(module.name in batch.modules for module in wanted)
        return [batch, fresh] if replaced else [fresh]


def _scored(batch: AlertBatch, modules: Iterable[ScienceModule]) -> AlertBatch:
    for module in modules:
        added = run_module(module, batch.select(module.needs))
        batch = batch.with_columns(added).with_module(module.name, module.version)
    return batch


def _default_decode(batch: pa.RecordBatch) -> tuple[Sequence[AlertBatch], pa.RecordBatch | None]:
    from gueststar.surveys.decode import decode

    decoding = decode(batch)
    return decoding.alerts, decoding.dead


def check_declaration(module: ScienceModule, known: set[str]) -> None:
    """Check what a module declares against the columns that exist before it.

    Raises
    ------
    BadModule
        With the module, the column and the way out.
    """
    if not isinstance(module, ScienceModule):
        raise BadModule(
            f"{module!r} is no science module: it needs name, version, needs, gives and __call__"
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", module.name):
        raise BadModule(f"module name {module.name!r} must be lower-case letters, digits and _")
    for column in module.needs:
        if column not in known:
            hint = did_you_mean(column, known)
            raise BadModule(f"module {module.name!r} needs column {column!r}.{hint}")
    for column in module.gives.names:
        if not column.startswith(f"{module.name}_"):
            raise BadModule(f"module {module.name!r} gives {column!r}: it must begin with its name")
        if column in known:
            raise BadModule(f"column {column!r} of module {module.name!r} is there already")


def run_module(module: ScienceModule, batch: AlertBatch) -> pa.RecordBatch:
    """Call a module so that one bad row harms one row.

    A call that raises is repeated on halves of the batch until the failing rows stand alone;
    they get nulls and the reason. The runner is the one place that may catch everything.

    Raises
    ------
    Unavailable
        If the module says that what it needs is away and may come back.
    """
    return _attempt(module, batch, [FAILURES_PER_BATCH])


def _attempt(module: ScienceModule, batch: AlertBatch, budget: list[int]) -> pa.RecordBatch:
    if budget[0] <= 0:
        return unscored(module.gives, len(batch), f"{FAILED}{module.name} on too many rows")
    try:
        return _checked(module, batch, module(batch))
    except Unavailable:  # what it needs may come back: the runner waits, and tries again
        raise
    except Exception as error:  # noqa: BLE001  a module is anybody's code
        if len(batch) <= 1:
            budget[0] -= 1
            why = f"{FAILED}{type(error).__name__}: {error}"
            return unscored(module.gives, len(batch), why)
    middle = len(batch) // 2
    halves = [batch.slice(0, middle), batch.slice(middle)]
    return _joined([_attempt(module, half, budget) for half in halves], module.gives)


def _checked(module: ScienceModule, batch: AlertBatch, out: pa.RecordBatch) -> pa.RecordBatch:
    if out.num_rows != len(batch):
        raise BadModule(f"{module.name} gave {out.num_rows} rows for {len(batch)}")
    if not out.schema.equals(module.gives):
        raise BadModule(f"{module.name} gave {out.schema.names}, not {module.gives.names}")
    # The declared schema carries which columns are classes; the module's own may have lost it.
    return pa.RecordBatch.from_arrays(out.columns, schema=module.gives)


def _joined(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.concat_arrays([p.column(i) for p in parts]) for i in range(len(schema))]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def check_filter_declaration(filter: Filter, known: Iterable[str]) -> None:
    """Check what a filter declares against the columns that exist when all modules have run.

    Raises
    ------
    BadModule
        With the filter, the column and the nearest that there is.
    """
    if not isinstance(filter, Filter):
        raise BadModule(f"{filter!r} is no filter: it needs name, needs and __call__")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", filter.name):
        raise BadModule(f"filter name {filter.name!r} must be lower-case letters, digits and _")
    columns = set(known)
    for column in filter.needs:
        if column not in columns:
            hint = did_you_mean(column, {*columns, "mag"})
            raise BadModule(f"filter {filter.name!r}: no column {column!r}.{hint}")


def run_filter(filter: Filter, batch: AlertBatch) -> tuple[pa.BooleanArray, list[str]]:
    """Call a filter so that one bad row harms one row.

    Returns
    -------
    mask : pyarrow.BooleanArray
        Null where the filter failed; what it says itself is never null.
    reasons : list of str
        Why it failed, one sentence a failure.
    """
    if off := getattr(filter, "off", None):
        return pa.nulls(len(batch), pa.bool_()), [str(off)]
    reasons: list[str] = []
    return _decided(filter, batch.select(filter.needs), reasons), reasons


def _decided(filter: Filter, batch: AlertBatch, reasons: list[str]) -> pa.BooleanArray:
    if len(reasons) >= FAILURES_PER_BATCH:
        return pa.nulls(len(batch), pa.bool_())
    try:
        return check_mask(filter, batch, filter(batch)).fill_null(False)
    except Exception as error:  # noqa: BLE001  a filter is anybody's code
        if len(batch) <= 1:
            reasons.append(f"{type(error).__name__}: {error}")
            return pa.nulls(len(batch), pa.bool_())
    middle = len(batch) // 2
    halves = [batch.slice(0, middle), batch.slice(middle)]
    return pa.concat_arrays([_decided(filter, half, reasons) for half in halves])


def check_mask(filter: Filter, batch: AlertBatch, mask: pa.BooleanArray) -> pa.BooleanArray:
    """Return a filter's answer, if it is one.

    Raises
    ------
    BadModule
        If it is no mask for these rows.
    """
    if not isinstance(mask, pa.BooleanArray):
        raise BadModule(f"filter {filter.name!r} gave a {type(mask).__name__}, not a BooleanArray")
    if len(mask) != len(batch):
        raise BadModule(f"filter {filter.name!r} gave {len(mask)} rows for {len(batch)}")
    return mask
