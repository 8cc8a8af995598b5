"""The columnar Avro writer against fastavro, byte for byte."""

from io import BytesIO

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gueststar.batch import HISTORY, AlertBatch, packets_batch
from gueststar.classifiers.choose import modules_named
from gueststar.pipeline import Pipeline
from gueststar.simulate.night import Night
from gueststar.sinks import avro, messages
from store.alerts import random_alerts, replaced, scored

SCHEMA = fastavro.parse_schema(messages.SCHEMA)
SYNC = b"gueststar-alert1"
LONGS = st.integers(-(2**63), 2**63 - 1)
VALUES = {
    "int": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "long": (pa.int64(), LONGS),
    "float": (pa.float32(), st.floats(width=32)),
    "double": (pa.float64(), st.floats()),
    "string": (pa.string(), st.text()),
}


def encoded(schema, value):
    body = BytesIO()
    fastavro.schemaless_writer(body, schema, value)
    return body.getvalue()


def by_records(batch):
    """The writer of one record at a time, which the columnar one replaced."""
    head = BytesIO()
    fastavro.writer(head, SCHEMA, [], sync_marker=SYNC)
    for record in messages.records(batch):
        data = encoded(SCHEMA, record)
        yield head.getvalue() + b"\x02" + encoded("long", len(data)) + data + SYNC


def assert_same(batch):
    ours = list(messages.avro_messages(batch))
    assert ours == list(by_records(batch))
    assert [next(fastavro.reader(BytesIO(m)))["alert_id"] for m in ours] == batch.column(
        "alert_id"
    ).to_pylist()


def test_random_alerts_are_the_same_bytes():
    assert_same(random_alerts(1100, 1))  # more than are encoded at a time
    assert_same(random_alerts(7, 2, points=1).slice(2, 4))
    assert_same(random_alerts(0, 3))


def test_missing_values_and_words_of_any_length_are_the_same_bytes():
    batch = random_alerts(6, 4)
    histories = batch.column("history").to_pylist()
    point = {f.name: None for f in HISTORY}
    histories[:4] = [None, [], [point], [{**point, "band": "ž" * 200, "flux": float("inf")}] * 70]
    batch = replaced(
        batch,
        history=histories,
        object_id=[None, "", "é☄", "x" * 5000, "a", "b"],
        flux=[None, float("nan"), float("inf"), -1.0, 0.0, 3631.0],
        program=[None] * 6,
        offset=[0, -1, 63, 64, 2**62, None],
        alert_id=[0, -1, 2**63 - 1, -(2**63), 8191, 8192],
    )
    assert_same(batch)
    assert_same(batch.slice(1, 4))


def test_several_modules_and_reasons_are_the_same_bytes():
    batch = random_alerts(5, 5)
    reasons = ["no stamps", None, "r" * 300, None, ""]
    assert_same(scored(batch, np.arange(5.0), "second", "2+def", reasons))
    names = [name for name in batch.names if not name.startswith("rb_")]
    assert_same(batch.select(names))  # nothing has scored it


def test_simulated_packets_are_the_same_bytes():
    packets = list(Night(40, 3))
    source = packets_batch(packets, "kafka:x", ["0"] * 40, range(40))
    (result,) = Pipeline(modules_named(["rb"])).one(source)
    assert_same(AlertBatch(result))


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_every_value_is_the_same_bytes(kind, data):
    arrow, values = VALUES[kind]
    some = data.draw(st.lists(st.none() | values, max_size=20))
    column = pa.array([None, *some], arrow).slice(1)
    got = avro.nullable(column, kind).to_pylist()
    assert got == [encoded(["null", kind], value) for value in column.to_pylist()]
    there = column.drop_null()
    assert avro.pieces(there, kind).to_pylist() == [encoded(kind, v) for v in there.to_pylist()]
