"""Every input record ends in exactly one place."""

import io
import json
from collections import Counter

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gueststar.batch import DEAD_LETTERS, POSITION_NAMES, VOCABULARY, packets_batch
from gueststar.errors import BadInput, UnknownSchema
from gueststar.surveys.decode import decode

CANDIDATE = {
    "type": "record",
    "name": "candidate",
    "fields": [
        *({"name": name, "type": ["null", "double"]} for name in ("jd", "ra", "dec")),
        {"name": "magpsf", "type": "float"},
        {"name": "sigmapsf", "type": "float"},
        {"name": "isdiffpos", "type": "string"},
        {"name": "fid", "type": "int"},
        {"name": "pid", "type": "long"},
    ],
}
ZTF = {
    "type": "record",
    "name": "alert",
    "fields": [
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": ["null", "long"]},
        {"name": "candidate", "type": CANDIDATE},
        {"name": "news", "type": {"type": "map", "values": "int"}, "default": {}},
    ],
}
GOOD = {
    "objectId": "ZTF18abc",
    "candid": 2630155241315015005,
    "candidate": {
        "jd": 2459000.5,
        "ra": 10.0,
        "dec": -5.0,
        "magpsf": 20.0,
        "sigmapsf": 0.1,
        "isdiffpos": "f",
        "fid": 2,
        "pid": 7,
    },
    "news": {"a field of tomorrow": 1},
}
STRANGER = {"type": "record", "name": "weather", "fields": [{"name": "rain", "type": "double"}]}


def without(**candidate):
    return {**GOOD, "candidate": {**GOOD["candidate"], **candidate}}


def container(*records, schema=ZTF):
    out = io.BytesIO()
    fastavro.writer(out, schema, records)
    return out.getvalue()


def framed(record, schema_id, schema=ZTF):
    out = io.BytesIO(b"\0" + schema_id.to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, schema, record)
    return out.getvalue()


def batch(*packets):
    return packets_batch(packets, "memory", ["p"] * len(packets), range(len(packets)))


def states(result):
    """Count of the outcomes of each position."""
    places = Counter()
    for one in [*(alerts.arrow for alerts in result.alerts), result.dead]:
        if one is not None:
            rows = one.select(list(POSITION_NAMES)).to_pylist()
            places.update((row["offset"], row["record"]) for row in rows)
    return places


def test_containers_and_frames_and_strangers_in_one_batch():
    packets = [
        container(GOOD, GOOD),
        b"<!DOCTYPE HTML><html>500",
        framed(GOOD, 900),
        b"",
        framed(GOOD, 901),
        json.dumps(GOOD).encode(),
        b"\0\0",
        container({"rain": 1.0}, schema=STRANGER),
        container(),
        container(GOOD)[:-20],
    ]

    def schemas(schema_id):
        if schema_id == 900:
            return ZTF
        raise UnknownSchema(f"schema {schema_id} is unknown here")

    result = decode(batch(*packets), schemas=schemas)
    assert states(result) == {(0, 0): 1, (0, 1): 1, **{(n, 0): 1 for n in range(1, 10)}}
    assert sum(map(len, result.alerts)) == 3
    assert result.dead.schema == DEAD_LETTERS
    reasons = dict(
        zip(result.dead["offset"].to_pylist(), result.dead["reason"].to_pylist(), strict=True)
    )
    assert "24 bytes that start with '<!DOCTYPE HTML><html>500" in reasons[1]
    assert "empty" in reasons[3]
    assert reasons[4] == "schema 901 is unknown here"
    assert "start with '{" in reasons[5]
    assert "2 bytes" in reasons[6]
    assert "no survey that we know has these fields: rain" in reasons[7]
    assert "no record" in reasons[8]
    assert reasons[9]
    kept = result.dead["packet"].to_pylist()
    assert kept == [packets[n] for n in result.dead["offset"].to_pylist()]


def test_an_alert_and_its_position():
    result = decode(batch(container(GOOD)))
    [alerts] = result.alerts
    assert result.dead is None
    assert alerts.arrow.schema.names == [*VOCABULARY.names, "native"]
    [row] = alerts.arrow.to_pylist()
    assert row["alert_id"] == GOOD["candid"]
    assert row["flux"] == pytest.approx(-(10**4.56))
    assert (row["source"], row["partition"], row["offset"], row["record"]) == ("memory", "p", 0, 0)
    assert row["science"] is None
    assert row["native"]["news"] == [("a field of tomorrow", 1)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (without(ra=None), "no position on the sky: ra=nan"),
        (without(dec=91.0), "dec=91.0"),
        (without(jd=None), "no time of observation"),
        ({**GOOD, "candid": None}, "no alert id"),
    ],
)
def test_one_bad_row_harms_one_row(bad, reason):
    result = decode(batch(container(GOOD, bad, GOOD, bad)))
    [alerts] = result.alerts
    assert alerts.column("record").to_pylist() == [0, 2]
    assert result.dead["record"].to_pylist() == [1, 3]
    assert all(reason in text for text in result.dead["reason"].to_pylist())
    kept = result.dead["packet"].to_pylist()
    assert kept[0] is not None
    assert kept[1] is None  # the bytes are with the first dead record of the packet


def test_types_that_do_not_fit_are_dead_letters():
    fields = [{"name": n, "type": "string"} for n in ("objectId", "candid", "candidate")]
    odd = {"type": "record", "name": "alert", "fields": fields}
    packet = container({"objectId": "a", "candid": "not a number", "candidate": "b"}, schema=odd)
    result = decode(batch(container(GOOD), packet))
    assert sum(map(len, result.alerts)) == 1
    assert "types that do not fit" in result.dead["reason"][0].as_py()


def test_an_unreachable_registry_stops_and_loses_nothing():
    def schemas(schema_id):
        raise BadInput("the registry cannot be reached")

    with pytest.raises(BadInput, match="cannot be reached"):
        decode(batch(framed(GOOD, 900)), schemas=schemas)


def test_no_packets():
    result = decode(batch())
    assert result.alerts == []
    assert result.dead is None


def test_records_that_are_columns(records_batch):
    table = pa.Table.from_pylist([GOOD, without(ra=None), GOOD])
    result = decode(records_batch(table))
    assert states(result) == {(0, 0): 1, (1, 0): 1, (2, 0): 1}
    [alerts] = result.alerts
    assert alerts.column("offset").to_pylist() == [0, 2]
    [kept] = result.dead["packet"].to_pylist()
    row = pa.ipc.open_stream(kept).read_all()["native"][0].as_py()
    assert row["objectId"] == "ZTF18abc"


def test_real_alerts(data):
    folder = data / "alerts/ztf"
    good = sorted(file for v in folder.iterdir() if v.name[0] in "p34" for file in v.glob("*.avro"))
    bad = sorted((folder / "unreadable").glob("*.avro"))
    assert (len(good), len(bad)) == (239, 11)
    result = decode(batch(*(file.read_bytes() for file in good + bad)))
    assert sum(map(len, result.alerts)) == 239
    ids = {i for alerts in result.alerts for i in alerts.column("alert_id").to_pylist()}
    assert ids == {int(file.stem.split("_")[-1]) for file in good}
    assert result.dead["offset"].to_pylist() == list(range(239, 250))
    reasons = result.dead["reason"].to_pylist()
    assert all("290 bytes that start with '<!DOCTYPE HTML" in reason for reason in reasons[:8])
    assert all("block" in reason or "sync" in reason for reason in reasons[8:])


def test_real_parquet(data, records_batch):
    files = sorted((data / "alerts/ztf/parquet").glob("*.parquet"))
    results = [decode(records_batch(pq.read_table(file))) for file in files]
    assert [sum(map(len, result.alerts)) for result in results] == [51, 72, 17]
    assert all(result.dead is None for result in results)


def test_real_alerts_of_rubin(data):
    folder = data / "alerts/lsst"
    files = sorted(folder.rglob("*.avro"))
    result = decode(batch(*(file.read_bytes() for file in files)), schemas=folder / "schema")
    assert result.dead is None
    assert sum(map(len, result.alerts)) == 7 + 1 + 14
    ids = {i for alerts in result.alerts for i in alerts.column("alert_id").to_pylist()}
    assert {7912941781254298, 170094456272322680} <= ids


def test_columns_are_what_fastavro_reads(data, records):
    folder = data / "alerts/ztf/4.01"
    files = sorted(folder.glob("*.avro"))
    [alerts] = decode(batch(*(file.read_bytes() for file in files))).alerts
    for file, native in zip(files, alerts.column("native").to_pylist(), strict=True):
        [record] = records(file)
        expected = {k: v for k, v in record.items() if not k.startswith("cutout")}
        np.testing.assert_equal(native, expected)


def test_a_schema_that_cannot_be_used():
    result = decode(batch(framed(GOOD, 900)), schemas=lambda _: {"type": "no such type"})
    assert result.alerts == []
    assert result.dead["reason"][0].as_py()


@given(
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4),
    st.integers(0, 2**16),
    st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_damaged_packets_raise_nothing_and_harm_no_neighbour(changes, cut, framing):
    whole = bytearray(framed(GOOD, 900) if framing else container(GOOD, GOOD))
    for at, value in changes:
        whole[at % len(whole)] = value
    damaged = bytes(whole[: cut % (len(whole) + 1)])
    result = decode(batch(container(GOOD), damaged, container(GOOD)), schemas=lambda _: ZTF)
    places = states(result)
    assert set(places.values()) == {1}
    assert {offset for offset, _ in places} == {0, 1, 2}
    good = [o for a in result.alerts for o in a.column("offset").to_pylist()]
    assert {0, 2} <= set(good)
