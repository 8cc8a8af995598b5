"""Bad input: a reason for that packet, the others untouched, no read outside, little memory."""

import ctypes
import io
import json
import mmap
import random
import resource

import fastavro
import pyarrow as pa
import pytest

from gueststar.errors import BadPacket
from gueststar.surveys.avro import read_containers, read_messages

FLOAT = ["null", "float"]
POINT = {
    "type": "record",
    "name": "point",
    "fields": [{"name": "jd", "type": "double"}, {"name": "mag", "type": FLOAT}],
}
ALERT = {
    "type": "record",
    "name": "alert",
    "fields": [
        {"name": "candid", "type": "long"},
        {"name": "name", "type": "string"},
        {"name": "point", "type": ["null", POINT]},
        {"name": "history", "type": ["null", {"type": "array", "items": "point"}]},
        {"name": "flag", "type": {"type": "enum", "name": "flag", "symbols": ["a", "b"]}},
        {"name": "stamp", "type": ["null", "bytes"]},
    ],
}
ROW = {
    "candid": 1 << 40,
    "name": "ZTF ☄",
    "point": {"jd": 2.5e6, "mag": None},
    "history": [{"jd": float(k), "mag": k / 3} for k in range(4)],
    "flag": "b",
    "stamp": bytes(range(50)),
}


def one(kind, body):
    """Read one value of a type."""
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": kind}]}
    return read_messages([body], schema)


def reason(kind, body):
    decoded = one(kind, body)
    assert decoded.groups == []
    (error,) = decoded.errors
    assert (error.row, error.record) == (0, 0)
    return error.reason


def message(row=ROW, schema=ALERT):
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, row)
    return stream.getvalue()


def container(rows=(ROW,), schema=ALERT, **options):
    stream = io.BytesIO()
    fastavro.writer(stream, schema, rows, **options)
    return stream.getvalue()


def long(value):
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    return bytes([*out, raw])


ARRAY = {"type": "array", "items": "int"}
WIDE = {
    "type": "record",
    "name": "w",
    "fields": [{"name": f"f{k}", "type": "double"} for k in range(500)],
}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("string", long(2_000_000_000) + b"abc", "length is given as 2000000000 bytes, 8 are left"),
        ("bytes", long(-1) + b"abc", "length is given as -1 bytes"),
        ("bytes", long(-(1 << 63)), "length is given as -9223372036854775808 bytes"),
        ("bytes", long((1 << 63) - 1), "length is given as 9223372036854775807 bytes"),
        ("string", b"\x04\xc3\x28", "not UTF-8"),
        ("string", b"\x06\xed\xa0\x80", "not UTF-8"),
        ("string", b"\x04\xc0\x80", "not UTF-8"),
        ("long", b"\xff" * 10 + b"\x01", "longer than ten bytes"),
        ("long", b"\xff" * 9 + b"\x7f", "longer than ten bytes"),
        ("long", b"\xff" * 5, "end inside the value"),
        ("int", long(1 << 31), "2147483648 is out of the range"),
        ("float", b"\x00" * 3, "end inside the value"),
        (FLOAT, b"\x02\x00\x00", "end inside the value"),
        (FLOAT, b"\x04\x00\x00\x00\x00", "2 is not a branch"),
        (FLOAT, b"\x01\x00\x00\x00\x00", "-1 is not a branch"),
        (["int", "string", "null"], b"\x06", "3 is not a branch"),
        (["int", "string", "null"], b"\x01", "-1 is not a branch"),
        ("boolean", b"", "end inside the value"),
        ({"type": "fixed", "name": "f", "size": 4}, b"abc", "end inside the value"),
        ({"type": "enum", "name": "e", "symbols": ["a"]}, b"\x02", "1 is out of the range"),
        ({"type": "enum", "name": "e", "symbols": ["a"]}, b"\x01", "-1 is out of the range"),
        (ARRAY, long(1 << 60), "1152921504606846976 items cannot be in the 9 bytes"),
        (ARRAY, long(-(1 << 60)) + b"\x00", "items cannot be"),
        (ARRAY, long(-(1 << 63)) + b"\x00", "block of items gives its size"),
        (ARRAY, b"\x03" + long(-5) + b"\x02\x02\x00", "gives its size as -5 bytes"),
        (ARRAY, b"\x03" + long(50) + b"\x02\x02\x00", "gives its size as 50 bytes"),
        (ARRAY, b"\x04\x02\x02", "end inside the value"),
        ({"type": "array", "items": "null"}, long(1 << 60) + b"\x00", "more memory"),
        ({"type": "map", "values": "null"}, long(1 << 60) + b"\x00", "items cannot be"),
        ({"type": "array", "items": ["null", WIDE]}, long(100_000) + b"\x00" * 100_001, "memory"),
        ({"type": "int", "logicalType": "date"}, long(3_000_000), "out of the range"),
        ("int", b"\x02\x00", "1 bytes are left over"),
    ],
)  # fmt: skip
def test_a_bad_value_gets_its_reason(kind, body, words):
    assert words in reason(kind, body)


def test_the_reason_names_the_field_and_the_byte():
    body = message()
    at = body.index(b"ZTF") - 1
    broken = body[:at] + b"\x7e" + body[at + 1 :]
    (error,) = read_messages([broken[: at + 10]], ALERT).errors
    assert error.reason.startswith("cannot read 'name' at byte 6 of the data: its length is given")


@pytest.mark.parametrize("byte", [0, 1, 2, 200])
def test_any_byte_but_zero_is_true(byte):
    assert one("boolean", bytes([byte])).groups[0].batch.to_pylist() == [{"x": byte != 0}]


def test_a_long_union_index_is_read_like_a_short_one():
    body = b"\x82\x00" + b"\x00\x00\x80\x3f"
    assert one(FLOAT, body).groups[0].batch.to_pylist() == [{"x": 1.0}]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("strange", "'strange'"),
        (["null", "r"], "recursive"),
        (5, "where a type should"),
        ([], "empty union"),
        (["null", "null"], "null twice"),
        (["null", ["int", "null"]], "union directly inside"),
        ({"type": "fixed", "name": "f", "size": -1}, "fixed of -1"),
        ({"type": "record", "name": "s", "fields": 5}, "'fields'"),
        ({"type": "record", "name": "s"}, "'fields'"),
        ({"type": "record", "fields": []}, "'name'"),
        ({"type": "enum", "name": "e", "symbols": []}, "enum without symbols"),
        ({"type": "array"}, "where a type should"),
    ],
)
def test_a_bad_schema_gets_its_reason(kind, words):
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": kind}]}
    with pytest.raises(BadPacket, match=words):
        read_messages([b""], schema)
    head = b"Obj\x01\x02" + long(11) + b"avro.schema"
    text = json.dumps(schema).encode()
    packet = head + long(len(text)) + text + b"\x00" + b"s" * 16 + b"\x02\x00" + b"s" * 16
    (error,) = read_containers([packet]).errors
    assert words in error.reason


def nested(depth):
    kind = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return {"type": "record", "name": "r", "fields": [{"name": "a", "type": kind}]}


def test_nesting_is_bounded():
    assert read_messages([b"\x00"], nested(25)).errors == []
    for depth in (40, 400, 20_000):
        with pytest.raises(BadPacket, match="nests"):
            read_messages([b"\x00"], nested(depth))


def test_deep_json_in_a_header_is_refused():
    text = b"[" * 200_000
    packet = b"Obj\x01\x02" + long(11) + b"avro.schema" + long(len(text)) + text + b"\x00" * 40
    (error,) = read_containers([packet]).errors
    assert "too deeply" in error.reason


def test_a_schema_that_multiplies_itself_is_refused():
    fields = [{"name": "a", "type": "int"}]
    kind = {"type": "record", "name": "r0", "fields": fields}
    for k in range(1, 25):
        fields = [{"name": "a", "type": kind}, {"name": "b", "type": f"r{k - 1}"}]
        kind = {"type": "record", "name": f"r{k}", "fields": fields}
    with pytest.raises(BadPacket, match="more than 10000 values"):
        read_messages([b""], kind)


def test_bad_packets_leave_the_others_untouched():
    good = container()
    packets = [good, b"", good[:-5], None, b"<html>", good, b"Obj\x01", b"Obj\x01" + b"\xff" * 40]
    for given in (packets, pa.array(packets, pa.large_binary()), pa.array(packets, pa.binary())):
        decoded = read_containers(given)
        (group,) = decoded.groups
        assert group.row.tolist() == [0, 5]
        assert group.batch.to_pylist()[0]["candid"] == 1 << 40
        assert [error.row for error in decoded.errors] == [1, 2, 3, 4, 6, 7]
    assert decoded.errors[3].reason == "not an Avro container: starts with b'<html>'"
    assert "it is empty" in decoded.errors[0].reason
    assert "truncated block" in decoded.errors[1].reason


def test_sliced_arrow_packets_are_read_in_place():
    packets = pa.array([b"no", container(), b"no", container()], pa.large_binary()).slice(1)
    decoded = read_containers(packets)
    assert decoded.groups[0].row.tolist() == [0, 2]
    assert [error.row for error in decoded.errors] == [1]


class Fence:
    """Memory that ends at a forbidden page: reading one byte too far kills the process."""

    def __init__(self, size):
        page = mmap.PAGESIZE
        self.room = (size // page + 1) * page
        self.map = mmap.mmap(-1, self.room + page)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mprotect(ctypes.c_void_p(self.address + self.room), page, 0) == 0
        self.free = lambda: libc.mprotect(ctypes.c_void_p(self.address + self.room), page, 3)

    def hold(self, data):
        """Put bytes right before the fence."""
        start = self.room - len(data)
        self.map[start : self.room] = data
        return memoryview(self.map)[start : self.room]


@pytest.fixture
def fence():
    fence = Fence(1 << 17)
    yield fence
    fence.free()


def test_all_truncations_of_a_message_are_errors(fence):
    body = message()
    for size in range(len(body)):
        decoded = read_messages([fence.hold(body[:size])], ALERT)
        assert (decoded.groups, len(decoded.errors)) == ([], 1), size
    assert read_messages([fence.hold(body)], ALERT).groups[0].batch.to_pylist() == [ROW_AS_READ]


AS_READ = [{"jd": float(k), "mag": pa.scalar(k / 3, pa.float32()).as_py()} for k in range(4)]
ROW_AS_READ = {**ROW, "history": AS_READ}


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_all_truncations_of_a_container_are_errors(fence, codec):
    packet = container(codec=codec)
    for size in range(len(packet)):
        decoded = read_containers([fence.hold(packet[:size])])
        assert (decoded.groups, len(decoded.errors)) == ([], 1), size
    assert read_containers([fence.hold(packet)]).errors == []


def test_all_truncations_of_a_real_packet_are_errors(data):
    path = min((data / "alerts/ztf/3.3").glob("*.avro"), key=lambda p: p.stat().st_size)
    packet = path.read_bytes()
    reader = fastavro.reader(io.BytesIO(packet))
    schema, record = reader.writer_schema, next(reader)
    body = memoryview(message(record, schema))
    for start in range(0, len(body), 4000):
        part = [body[:size] for size in range(start, min(start + 4000, len(body)))]
        decoded = read_messages(part, schema)
        assert decoded.groups == []
        assert len(decoded.errors) == len(part)


def changed(source, body):
    """Change, drop, add or swap some bytes."""
    out = bytearray(body)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(out) or 1)
        what = source.random() if out else 1.0
        if what < 0.6:
            out[at] = source.choice([0, 1, 2, 0x7F, 0x80, 0xFF, source.randrange(256)])
        elif what < 0.75:
            del out[at]
        elif what < 0.9:
            out.insert(at, source.randrange(256))
        else:
            out[at:at] = source.choice([b"\xff" * 10, long(1 << 40), long(-(1 << 33))])
    return bytes(out)


def theirs(body, schema):
    """Return fastavro's value and whether every byte was read; None for an error."""
    stream = io.BytesIO(body)
    try:
        value = fastavro.schemaless_reader(stream, schema, None)
    except Exception:
        return None
    return value if stream.tell() == len(body) else None


def test_mutated_messages_give_fastavros_value_or_an_error(fence, same):
    source = random.Random(5)
    body, schema = message(), fastavro.parse_schema(ALERT)
    values = 0
    for _ in range(8000):
        broken = changed(source, body)
        decoded = read_messages([fence.hold(broken)], ALERT)
        assert len(decoded.groups) + len(decoded.errors) == 1
        if decoded.groups:
            values += 1
            expanded = fastavro.schema.expand_schema(ALERT)
            (row,) = decoded.groups[0].batch.to_pylist()
            same(expanded, theirs(broken, schema), row)
    assert values > 100


def test_mutated_random_messages_give_fastavros_value_or_an_error(same, maker):
    for seed in range(150):
        source = random.Random(seed)
        make = maker(source)
        schema = make.record()
        parsed = fastavro.parse_schema(schema)
        bodies = [changed(source, make.value(schema) or b"\x00") for _ in range(30)]
        decoded = read_messages(bodies, schema)
        rows = {}
        for group in decoded.groups:
            group.batch.validate(full=True)
            rows |= zip(group.row.tolist(), group.batch.to_pylist(), strict=True)
        assert rows.keys() | {error.row for error in decoded.errors} == set(range(30))
        for number, row in rows.items():
            same(schema, theirs(bodies[number], parsed), row)


def test_mutated_containers_never_crash(fence):
    source = random.Random(7)
    packet = container([ROW] * 3, sync_interval=100)
    for _ in range(4000):
        decoded = read_containers([fence.hold(changed(source, packet))])
        assert decoded.groups or decoded.errors


def test_mutated_real_packets_never_crash(data, fence):
    paths = sorted((data / "alerts/ztf").glob("[34]*/*.avro"))
    source = random.Random(11)
    for _ in range(300):
        packet = source.choice(paths).read_bytes()
        head = bytearray(packet[: 20_000 + source.randrange(20_000)])
        broken = changed(source, bytes(head)) + packet[len(head) :]
        decoded = read_containers([fence.hold(broken)])
        assert decoded.groups or decoded.errors


def test_hostile_packets_take_little_memory():
    items = {"type": "array", "items": ["null", WIDE]}
    wide = {"type": "record", "name": "r", "fields": [{"name": "x", "type": items}]}
    bodies = [long(60_000) + b"\x00" * 60_001] * 300
    before = pa.total_allocated_bytes()
    decoded = read_messages(bodies, wide)
    assert len(decoded.errors) == 300
    assert pa.total_allocated_bytes() - before < 200 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 3 << 20  # kB


def test_what_hostile_packets_were_like_does_not_swell_later_batches():
    point = {"type": "record", "name": "p", "fields": [{"name": "a", "type": "double"}]}
    items = {"type": "array", "items": ["null", point]}
    schema = {"type": "record", "name": "swell", "fields": [{"name": "x", "type": items}]}
    before = pa.total_allocated_bytes()
    hostile = read_messages([long(60_000) + b"\x00" * 60_001], schema)
    assert hostile.errors == []
    later = read_messages([b"\x00"] * 5000, schema)
    assert len(later.groups[0].batch) == 5000
    assert pa.total_allocated_bytes() - before < 8 << 20


def test_memory_does_not_grow_with_the_number_of_batches():
    packets = [container([{**ROW, "stamp": bytes(20_000)}])] * 300
    peaks = []
    for _ in range(12):
        for _ in range(10):
            read_containers(packets)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[-1] - peaks[2] < 20_000  # kB
