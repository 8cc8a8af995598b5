"""Every real packet, and random schemas and records, against fastavro."""

import io
import random
from dataclasses import replace

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gueststar.surveys.avro import fallback, header, read_containers, read_messages
from gueststar.surveys.avro.packets import Packets

relaxed = settings(
    deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True
)


def read(paths):
    return [path.read_bytes() for path in paths]


@pytest.mark.parametrize("as_arrow", [False, True])
def test_every_real_container_equals_fastavro(data, same, reference, as_arrow):
    folders = ["pre-3.0", "3.0", "3.2", "3.3", "4.01"]
    paths = [p for f in folders for p in sorted((data / "alerts/ztf" / f).glob("*.avro"))]
    assert len(paths) == 239
    paths += sorted((data / "alerts/lsst").glob("schema/**/fakeAlert.avro"))
    paths.append(data / "alerts/lsst/rubin_7_alerts_2026-03.avro")
    assert len(paths) == 239 + 14 + 1
    packets = read(paths)
    decoded = read_containers(pa.array(packets, pa.large_binary()) if as_arrow else packets)
    assert decoded.errors == []
    seen = []
    for group in decoded.groups:
        group.batch.validate(full=True)
        rows = group.batch.to_pylist()
        schema = fastavro.schema.expand_schema(group.schema)
        for row, packet, record in zip(rows, group.row, group.record, strict=True):
            same(schema, reference(packets[packet])[record], row)
            seen.append((int(packet), int(record)))
    assert len(seen) == len(set(seen)) == 239 + 14 + 7


def test_confluent_framed_rubin_alert_equals_fastavro(data, same):
    folder = data / "alerts/lsst"
    schema = fastavro.schema.load_schema(str(folder / "schema/9/0/lsst.v9_0.alert.avsc"))
    packet = (folder / "rubin_confluent_framed_7912941781254298.avro").read_bytes()
    decoded = read_messages([packet], schema, skip=5)
    assert decoded.errors == []
    theirs = fastavro.schemaless_reader(io.BytesIO(packet[5:]), schema, None)
    same(fastavro.schema.expand_schema(schema), theirs, decoded.groups[0].batch.to_pylist()[0])


@relaxed
@given(source=st.randoms(use_true_random=False))
def test_random_schemas_and_records_equal_fastavro(same, maker, source):
    make = maker(source)
    schema = make.record()
    bodies = [make.value(schema) for _ in range(3)]
    decoded = read_messages(bodies, schema)
    assert decoded.errors == []
    (group,) = decoded.groups or [None]
    group.batch.validate(full=True)
    parsed = fastavro.parse_schema(schema)
    for body, row in zip(bodies, group.batch.to_pylist(), strict=True):
        same(schema, fastavro.schemaless_reader(io.BytesIO(body), parsed, None), row)


@pytest.mark.parametrize("seed", range(60))
def test_large_random_batches_equal_fastavro(same, maker, seed):
    make = maker(random.Random(seed))
    schema = make.record(4)
    bodies = [make.value(schema) for _ in range(200)]
    decoded = read_messages(bodies, schema)
    assert decoded.errors == []
    rows = [row for group in decoded.groups for row in group.batch.to_pylist()]
    parsed = fastavro.parse_schema(schema)
    for body, row in zip(bodies, rows, strict=True):
        same(schema, fastavro.schemaless_reader(io.BytesIO(body), parsed, None), row)


@pytest.mark.parametrize("seed", range(60))
def test_the_fallback_gives_what_the_fast_path_gives(maker, seed):
    make = maker(random.Random(seed), unions=False)
    schema = make.record()
    while fallback._endless(header.writer_of(schema).node):
        schema = make.record()  # the fallback refuses arrays of values without bytes
    writer = header.writer_of(schema)
    bodies = [make.value(schema) for _ in range(10)]
    fast = read_messages(bodies, schema).groups[0].batch
    places = Packets(bodies).places
    blocks = np.array([(k, a, a + n, 1, 0) for k, (a, n) in enumerate(places)], np.int64)
    groups, errors = fallback.read_blocks(replace(writer, program=None), blocks)
    assert errors == []
    assert groups[0].batch.schema.equals(fast.schema)
    assert repr(_plain(groups[0].batch.to_pylist())) == repr(_plain(fast.to_pylist()))


def _plain(value):
    """Maps with a key twice: fastavro keeps the last."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return {key: _plain(item) for key, item in value}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def test_decimals_come_through_the_fallback():
    from decimal import Decimal

    money = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    fields = [{"name": "a", "type": ["null", money]}, {"name": "b", "type": "int"}]
    schema = {"type": "record", "name": "r", "fields": fields}
    stream = io.BytesIO()
    rows = [{"a": Decimal("-12.50"), "b": 1}, {"a": None, "b": 2}]
    fastavro.writer(stream, schema, rows)
    decoded = read_containers([stream.getvalue(), b"nothing", stream.getvalue()[:-20]])
    assert decoded.groups[0].batch.to_pylist() == rows
    assert decoded.groups[0].batch.schema.field("a").type == pa.decimal128(9, 2)
    assert [error.row for error in decoded.errors] == [1, 2]


EMPTY = {"type": "record", "name": "empty", "fields": []}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (EMPTY, b""),
        (["null", EMPTY], b"\x02"),
        ({"type": "array", "items": EMPTY}, b"\x06\x00"),
        ({"type": "array", "items": "null"}, b"\x06\x00"),
        ({"type": "map", "values": "null"}, b"\x02\x02a\x00"),
        (["null"], b"\x00"),
        (["int"], b"\x00\x04"),
        ({"type": "array", "items": [EMPTY]}, b"\x04\x00\x00\x00"),
        (["null", "int", EMPTY], b"\x04"),
        ({"type": "array", "items": {"type": "map", "values": {"type": "array", "items": "long"}}},
         b"\x04\x00\x02\x02a\x02\x02\x00\x00\x00"),
    ],
)  # fmt: skip
def test_odd_shapes_equal_fastavro(same, kind, body):
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": kind}]}
    theirs = fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(schema), None)
    decoded = read_messages([body, body], schema)
    assert decoded.errors == []
    batch = decoded.groups[0].batch
    batch.validate(full=True)
    for row in batch.to_pylist():
        same(schema, theirs, row)
