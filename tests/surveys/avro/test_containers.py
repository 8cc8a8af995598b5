"""Containers: codecs, headers, blocks, and what is kept when one is damaged."""

import io
import json
import os
import random
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest

from gueststar.errors import BadPacket
from gueststar.surveys.avro import read_containers, read_messages, warm, warm_up
from gueststar.surveys.avro.header import CACHED, CACHED_SIZE, known_headers, read_header

SCHEMA = {
    "type": "record",
    "name": "alert",
    "fields": [
        {"name": "candid", "type": "long"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "stamp", "type": ["null", "bytes"]},
    ],
}
SYNC = bytes(range(16))


def rows(count, size=10):
    source = random.Random(count)
    return [
        {"candid": k, "tags": ["x" * (k % 3)] * (k % 4), "stamp": source.randbytes(size)}
        for k in range(count)
    ]


def container(records, **options):
    stream = io.BytesIO()
    fastavro.writer(stream, SCHEMA, records, sync_marker=SYNC, **options)
    return stream.getvalue()


def long(value):
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    return bytes([*out, raw])


def by_hand(*blocks, codec="null", schema=SCHEMA):
    """Build a container of (count, body) blocks."""
    text = json.dumps(schema).encode()
    out = b"Obj\x01" + long(2)
    for key, value in ((b"avro.schema", text), (b"avro.codec", codec.encode())):
        out += long(len(key)) + key + long(len(value)) + value
    out += b"\x00" + SYNC
    for count, body in blocks:
        out += long(count) + long(len(body)) + body + SYNC
    return out


def body(record):
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, SCHEMA, record)
    return stream.getvalue()


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
@pytest.mark.parametrize("count", [1, 7, 3000])
def test_every_codec_and_many_blocks(codec, count):
    records = rows(count)
    packet = container(records, codec=codec, sync_interval=500)
    decoded = read_containers([packet, b"?", packet])
    (group,) = decoded.groups
    assert group.batch.to_pylist() == records + records
    assert group.row.tolist() == [0] * count + [2] * count
    assert group.record.tolist() == 2 * list(range(count))
    assert [error.row for error in decoded.errors] == [1]


def test_schemas_that_differ_only_in_doc_strings_are_one_group():
    other = {**SCHEMA, "doc": "edited"}
    packets = [by_hand((1, body(rows(2)[1])), schema=s) for s in (SCHEMA, other, SCHEMA)]
    (group,) = read_containers(packets).groups
    assert sorted(group.row.tolist()) == [0, 1, 2]
    assert group.schema["name"] == "alert"


def test_schemas_that_differ_are_groups_of_their_own():
    wider = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "new", "type": "null"}]}
    packets = [by_hand((1, body(rows(2)[1])), schema=s) for s in (SCHEMA, wider, SCHEMA)]
    groups = read_containers(packets).groups
    assert sorted(tuple(group.row.tolist()) for group in groups) == [(0, 2), (1,)]
    assert len({group.fingerprint for group in groups}) == 2


def test_a_fault_keeps_the_records_before_it_and_gives_one_error():
    good = [body(row) for row in rows(4)]
    late = by_hand((2, good[0] + good[1]), (2, good[2] + b"\xff" * 12), (1, good[3]))
    decoded = read_containers([late, by_hand((1, good[3]))])
    (group,) = decoded.groups
    assert list(zip(group.row.tolist(), group.record.tolist(), strict=True)) == [
        (0, 0), (0, 1), (0, 2), (1, 0),
    ]  # fmt: skip
    (error,) = decoded.errors
    assert (error.row, error.record) == (0, 3)


def test_bytes_left_in_a_block_make_all_its_records_uncertain():
    good = [body(row) for row in rows(3)]
    packet = by_hand((1, good[0]), (1, good[1] + b"\x00"), (1, good[2]))
    decoded = read_containers([packet])
    assert decoded.groups[0].record.tolist() == [0]
    (error,) = decoded.errors
    assert error.record == 1
    assert "1 bytes are left over" in error.reason


def test_the_earlier_of_two_faults_is_told():
    good = [body(row) for row in rows(3)]
    packet = by_hand((1, b"\xff" * 12), (1, good[1]))[:-3]
    (error,) = read_containers([packet]).errors
    assert error.record == 0
    assert "candid" in error.reason


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda p: p[:-16] + b"x" * 16, "sync marker does not stand behind"),
        (lambda p: p[:-40] + p[-39:], "truncated block: it says it holds"),
        (lambda p: p + b"\x02", "ends inside the head of a block"),
        (lambda p: p + b"\x01\x02" + SYNC, "says it holds -1 records"),
        (lambda p: p + b"\x02\x01" + SYNC, "says it holds -1 bytes"),
        (lambda p: p + b"\xff" * 12, "integer longer than ten bytes"),
    ],
)
def test_damaged_blocks_get_their_reason(damage, words):
    (error,) = read_containers([damage(container(rows(1, 100)))]).errors
    assert words in error.reason


def test_a_container_without_records_is_an_error():
    (error,) = read_containers([by_hand()]).errors
    assert error.reason == "the container holds no record"


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (by_hand(codec="zstandard"), "codec 'zstandard' cannot be read; known: null"),
        (by_hand(schema="string"), "top level is string"),
        (by_hand(schema={**SCHEMA, "fields": []}), "without fields"),
        (b"Obj\x01\x02\x16avro.schema\x02{\x00" + SYNC, "not JSON"),
        (b"Obj\x01\x00" + SYNC, "no schema"),
        (b"Obj\x01\x02" + long(1 << 40), "length of 1099511627776 bytes"),
        (b"Obj\x01" + long(1 << 60) + b"\x00" * 5_000_000, "1152921504606846976 entries"),
        (by_hand()[:-1], "ends inside its header"),
        (b"PAR1" + bytes(40), "not an Avro container: starts with b'PAR1"),
    ],
)
def test_bad_headers_get_their_reason(packet, words):
    (error,) = read_containers([packet]).errors
    assert words in error.reason


def test_a_bomb_is_refused_and_harms_nobody():
    bomb = zlib.compress(bytes(200 << 20), wbits=-15)
    good = container(rows(1), codec="deflate")
    packet = by_hand((1, bomb), codec="deflate")
    decoded = read_containers([good, packet, good])
    assert decoded.groups[0].row.tolist() == [0, 2]
    assert "unpacks to more than" in decoded.errors[0].reason


@pytest.mark.parametrize(
    ("codec", "block", "words"),
    [
        ("deflate", b"\xff\xff", "deflate block cannot be unpacked"),
        ("deflate", zlib.compress(b"abc", wbits=-15)[:-1], "ends too early"),
        ("snappy", b"\x00", "checksum alone takes 4"),
        ("snappy", b"\xff\xff\xff\xff\x07" + bytes(20), "snappy block of 25 bytes unpacks to"),
        ("snappy", b"\x03\x08abc" + bytes(4), "does not agree with its checksum"),
        ("snappy", b"\x09\x08abc" + bytes(4), "snappy block cannot be unpacked"),
    ],
)
def test_damaged_packed_blocks_get_their_reason(codec, block, words):
    (error,) = read_containers([by_hand((1, block), codec=codec)]).errors
    assert words in error.reason


def test_lost_bytes_of_real_files_are_named(data):
    paths = sorted((data / "alerts/ztf/unreadable").glob("*.avro"))
    decoded = read_containers([path.read_bytes() for path in paths])
    assert decoded.groups == []
    reasons = {paths[error.row].name: error.reason for error in decoded.errors}
    assert len(reasons) == 11
    for name, reason in reasons.items():
        words = "truncated block" if name.startswith("lost") else "not an Avro container: starts"
        assert words in reason


def test_buffers_grow_from_one_record_to_many():
    schema = {**SCHEMA, "name": "grows"}
    small = [body({"candid": 1, "tags": [], "stamp": b""})] * 3
    large = [body({"candid": 2, "tags": ["é" * 50] * 300, "stamp": bytes(100_000)})] * 40
    assert read_messages(small, schema).errors == []
    decoded = read_messages(small + large + small, schema)
    (group,) = decoded.groups
    group.batch.validate(full=True)
    sizes = [len(row["tags"]) for row in group.batch.to_pylist()]
    assert sizes == [0] * 3 + [300] * 40 + [0] * 3


def test_one_container_of_many_records_has_one_group():
    packet = container(rows(20_000, 0))
    (group,) = read_containers([packet]).groups
    assert group.record.tolist() == list(range(20_000))


def test_more_headers_than_are_remembered():
    record = body(rows(2)[1])
    packets = [
        by_hand((1, record), schema={**SCHEMA, "name": f"alert{k}"}) for k in range(2 * CACHED)
    ]
    for _ in range(2):
        groups = read_containers(packets + packets).groups
        assert sum(group.batch.num_rows for group in groups) == 4 * CACHED


def test_threads_give_what_one_thread_gives():
    packets = [container(rows(k % 50 + 1, 300)) for k in range(40)]
    alone = [read_containers([packet]).groups[0].batch for packet in packets]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            together = pool.map(lambda packet: read_containers([packet]).groups[0].batch, packets)
            assert all(a.equals(b) for a, b in zip(alone, together, strict=True))


def test_a_huge_header_is_read_and_not_remembered():
    schema = {**SCHEMA, "name": "huge", "note": "x" * CACHED_SIZE}
    packet = by_hand((1, body(rows(2)[1])), schema=schema)
    decoded = read_containers([packet, packet])
    assert decoded.groups[0].row.tolist() == [0, 1]
    assert all(len(head) <= CACHED_SIZE for head, _ in known_headers())


def test_no_packets_and_other_arrays():
    assert read_containers([]).groups == []
    assert read_containers(pa.array([], pa.large_binary())).errors == []
    chunked = pa.chunked_array([[container(rows(1))], [b"no"]], pa.binary())
    decoded = read_containers(chunked)
    assert len(decoded.groups) == len(decoded.errors) == 1


def test_short_messages_and_skipped_framing():
    framed = b"\x00\x00\x00\x03\x84" + body(rows(2)[1])
    decoded = read_messages([framed, b"abc"], SCHEMA, skip=5)
    assert decoded.groups[0].row.tolist() == [0]
    assert "a message of 3 bytes; 5 to" in decoded.errors[0].reason


def test_read_header_says_what_it_is():
    with pytest.raises(BadPacket, match="it is empty"):
        read_header(memoryview(b""))


def test_warm_up_says_when_it_compiles(monkeypatch):
    said = []
    monkeypatch.setattr(warm, "is_compiled", lambda: False)
    warm_up(said.append)
    monkeypatch.setattr(warm, "is_compiled", lambda: True)
    warm_up(said.append)
    assert len(said) == 1
    assert "compiling" in said[0]
    assert warm._mark().exists()


@pytest.mark.slow
def test_the_compiled_code_is_kept_for_the_next_process(tmp_path):
    code = "from gueststar.surveys.avro import warm_up; warm_up(print)"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for _ in range(2)
    ]
    assert "compiling" in said[0]
    assert said[1] == ""
    kept = {path.name.split("-")[0] for path in Path(tmp_path).rglob("*.nbc")}
    assert any("decode_blocks" in name for name in kept)


@pytest.mark.slow
def test_it_works_where_nothing_can_be_kept():
    code = (
        "from numba.core.caching import CacheImpl; CacheImpl._locator_classes = []\n"
        "from gueststar.surveys.avro import warm_up; warm_up(print)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "compiling" in done.stdout
