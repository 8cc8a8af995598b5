"""The checks must find what is wrong; each test hands them one fault."""

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import AlertBatch, packets_batch
from gueststar.checks import check_module, check_sink, check_source
from gueststar.errors import BadModule
from gueststar.score import score_batch, score_schema


class Good:
    """Says how bright an alert is."""

    name, version, needs = "glow", "1", ("flux",)
    gives = score_schema("glow", ["bright"])

    def __call__(self, batch):
        flux = batch.numpy("flux").astype(float)
        reasons = ["no flux" if np.isnan(x) else None for x in flux]
        return score_batch(self.gives, np.nan_to_num(flux) / 100, reasons)


BATCH = AlertBatch.from_columns(alert_id=[1, 2, 3], flux=[10.0, 20.0, None], ra=[1.0, 2.0, 3.0])


def broken(call, **attributes):
    return type("Broken", (Good,), {"__call__": call, **attributes})()


def test_a_good_module_passes():
    check_module(Good(), BATCH)


def sums_the_batch(self, batch):
    return score_batch(self.gives, batch.numpy("flux") * 0 + len(batch), [None] * len(batch))


def peeks(self, batch):
    batch.column("ra")
    return Good.__call__(self, batch)


def sorts(self, batch):
    flux = np.nan_to_num(np.sort(batch.numpy("flux")))
    return score_batch(self.gives, flux, [None] * len(batch))


def drops(self, batch):
    return Good.__call__(self, batch).slice(1)


def says_minus_one(self, batch):
    return score_batch(self.gives, np.full(len(batch), -1.0), [None] * len(batch))


def gives_no_reason(self, batch):
    return score_batch(self.gives, batch.numpy("flux"), [None] * len(batch))


def dies_of_nothing(self, batch):
    batch.numpy("flux")[0]
    return Good.__call__(self, batch)


def returns_a_table(self, batch):
    return pa.Table.from_batches([Good.__call__(self, batch)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (sums_the_batch, "batches of one|reverse|without reason"),
        (peeks, "no column 'ra'"),
        (sorts, "reverse order"),
        (drops, "gave 2 rows for 3"),
        (says_minus_one, "use null"),
        (gives_no_reason, "without reason"),
        (dies_of_nothing, "on 0 rows"),
        (returns_a_table, "not a RecordBatch"),
    ],
)
def test_faults_of_modules_are_found(call, message):
    with pytest.raises(BadModule, match=message):
        check_module(broken(call), BATCH)


def test_a_module_that_changes_its_mind_is_found():
    calls = []

    def changes(self, batch):
        calls.append(1)
        values = np.nan_to_num(batch.numpy("flux")) + len(calls)
        return score_batch(self.gives, values, [None] * len(batch))

    with pytest.raises(BadModule, match="second call"):
        check_module(broken(changes), BATCH)


def test_one_alert_is_too_few_to_try():
    with pytest.raises(BadModule, match="at least two"):
        check_module(Good(), BATCH.slice(0, 1))


class FewSource:
    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)

    def commit(self, batch):
        pass


def test_a_source_with_a_position_twice_is_found():
    batch = packets_batch([b"a", b"b"], "s", ["", ""], [0, 0])
    with pytest.raises(BadModule, match="twice"):
        check_source(lambda: FewSource([batch]))


def test_a_source_that_changes_is_found():
    from itertools import count

    offsets = count()
    make = lambda: FewSource([packets_batch([b"a"], "s", [""], [next(offsets)])])  # noqa: E731
    with pytest.raises(BadModule, match="other batches"):
        check_source(make)


def test_a_source_without_positions_is_found():
    with pytest.raises(BadModule, match="needs"):
        check_source(lambda: FewSource([pa.record_batch({"packet": [b"a"]})]))


class CountingSink:
    def __init__(self, unique):
        self.rows, self.unique = [], unique

    def write(self, batch):
        self.rows += batch.column("alert_id").to_pylist()

    def flush(self):
        if self.unique:
            self.rows = sorted(set(self.rows))

    def count(self):
        return len(self.rows)


def test_a_sink_that_doubles_is_found():
    good, bad = CountingSink(unique=True), CountingSink(unique=False)
    check_sink(good, BATCH, good.count)
    with pytest.raises(BadModule, match="written twice"):
        check_sink(bad, BATCH, bad.count)
