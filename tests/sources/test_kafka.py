"""The Kafka source against a real Kafka."""

import json
import threading
import time
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import fastavro
import numpy as np
import pytest

from gueststar.batch import PACKETS
from gueststar.checks import check_source
from gueststar.errors import BadInput, StreamError
from gueststar.pipeline import Pipeline
from gueststar.run.ingest import ingest
from gueststar.simulate.night import Night
from gueststar.sources import open_source
from gueststar.sources.kafka import KafkaSource, patterns
from gueststar.store import open_store
from gueststar.streams import client
from streams import create, send


@pytest.fixture(scope="module")
def packets():
    return list(Night(60, seed=3))


def group():
    return f"g-{uuid.uuid4().hex[:8]}"


def source(kafka, topics, **options):
    given = {"group": group(), "until": "caught-up", "wait_s": 0.3, **options}
    return KafkaSource(kafka.servers, topics, **given)


def rows(batches):
    names = ("source", "partition", "offset")
    columns = [b.column(n).to_pylist() for b in batches for n in names]
    found = [list(zip(*columns[i : i + 3], strict=True)) for i in range(0, len(columns), 3)]
    return [row for part in found for row in part]


def test_the_public_check_finds_nothing(kafka):
    topic = create(kafka.servers)
    send(kafka.servers, topic, [b"%d" % n for n in range(300)])
    name = group()
    assert check_source(lambda: source(kafka, topic, batch_size=100, group=name)) == 300


def test_several_partitions_into_the_store(kafka, packets, tmp_path):
    topic = create(kafka.servers, 3)
    send(kafka.servers, topic, [*packets, *packets[:5]], partitions=3)
    name = group()
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        given = source(kafka, topic, batch_size=16, group=name)
        account = ingest([given], Pipeline([]), store, workers=2)
        assert (account.received, account.stored, account.duplicate) == (65, 60, 5)
        assert given.size == 65
        assert store.health()["in_equals_out"]
        again = ingest([source(kafka, topic, group=name)], Pipeline([]), store)
        assert again.received == 0, "the group's offsets were committed"
        afresh = ingest([source(kafka, topic)], Pipeline([]), store)
        assert (afresh.received, afresh.known) == (65, 65)
        found = store.sql('SELECT DISTINCT source, "partition" FROM ledger').to_pylist()
        assert {row["source"] for row in found} == {f"kafka:{topic}"}
        assert len(found) == 3


def test_nothing_is_committed_before_commit(kafka):
    topic = create(kafka.servers)
    send(kafka.servers, topic, [b"a", b"b", b"c", b"d"])
    name = group()
    first = source(kafka, topic, group=name, batch_size=2)
    batches = [batch for batch in first if batch.num_rows]
    first.commit(batches[0])
    first.close()
    rest = source(kafka, topic, group=name)
    assert [offset for _, _, offset in rows(rest)] == [2, 3]
    rest.close()


def test_tombstones_become_dead_letters(kafka, packets, tmp_path):
    topic = create(kafka.servers)
    send(kafka.servers, topic, [packets[0], None, b"<html>", packets[1]])
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        account = ingest([source(kafka, topic)], Pipeline([]), store)
        assert (account.received, account.stored, account.dead_letter) == (4, 2, 2)
        reasons = {line["reason"] for line in store.health()["dead_letters"]}
        assert any("empty" in reason for reason in reasons)


def test_topics_by_date_and_a_topic_that_appears_later(kafka):
    stem = uuid.uuid4().hex[:8]
    for topic in (f"{stem}_20261119_programid1", f"{stem}_20261119_programid2"):
        send(kafka.servers, create(kafka.servers, 1, topic), [b"x", b"y"])
    found = []
    given = source(
        kafka,
        f"{stem}_YYYYMMDD_programid1",
        until=5,
        options={"topic.metadata.refresh.interval.ms": 500},
    )
    for batch in given:
        found += rows([batch])
        if len(found) == 2:
            later = create(kafka.servers, 2, f"{stem}_20261120_programid1")
            send(kafka.servers, later, [b"1", b"2", b"3"], partitions=2)
            found.append(None)
    given.close()
    topics = [row[0] for row in found if row]
    assert topics == [f"kafka:{stem}_20261119_programid1"] * 2 + [f"kafka:{later}"] * 3


def test_start_and_end_at_a_time(kafka):
    topic = create(kafka.servers, 2)
    base = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000) - 3_600_000
    stamps = [base + 60_000 * n for n in range(10)]
    send(kafka.servers, topic, [b"%d" % n for n in range(10)], 2, stamps)
    at = lambda n: datetime.fromtimestamp(stamps[n] / 1000, UTC)  # noqa: E731
    given = source(kafka, topic, start=at(4), until="caught-up")
    assert len(rows(given)) == 6
    given.close()
    ended = source(kafka, topic, until=at(6), batch_size=1)
    assert set(rows(ended)) >= {(f"kafka:{topic}", str(n % 2), n // 2) for n in range(6)}
    ended.close()
    latest = source(kafka, topic, start="latest")
    assert rows(latest) == []
    latest.close()


def test_a_number_of_alerts_is_exact_and_the_rest_stays(kafka, tmp_path):
    topic = create(kafka.servers)
    send(kafka.servers, topic, [b"%d" % n for n in range(50)])
    name = group()
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        first = ingest([source(kafka, topic, until=20, group=name)], Pipeline([]), store)
        rest = ingest([source(kafka, topic, group=name)], Pipeline([]), store)
        assert (first.received, rest.received) == (20, 30)


def test_two_members_share_and_both_end(kafka, packets, tmp_path):
    topic = create(kafka.servers, 4)
    send(kafka.servers, topic, packets, partitions=4)
    name, url = group(), f"sqlite:///{tmp_path}/night.db"
    accounts = []

    def work():
        with open_store(url) as store:
            given = source(kafka, topic, group=name, batch_size=8)
            accounts.append(ingest([given], Pipeline([]), store, workers=1))

    with open_store(url):
        pass
    members = [threading.Thread(target=work) for _ in range(2)]
    for member in members:
        member.start()
        time.sleep(0.5)
    for member in members:
        member.join(60)
    assert len(accounts) == 2
    with open_store(url, read_only=True) as store:
        health = store.health()
        assert (health["received"], health["stored"]) == (60, 60)


def test_large_messages(kafka):
    topic = create(kafka.servers)
    given = [np.random.default_rng(n).bytes(5_000_000) for n in range(4)]
    send(kafka.servers, topic, given)
    got = source(kafka, topic, batch_bytes=8_000_000)
    batches = [batch for batch in got if batch.num_rows]
    assert [p for b in batches for p in b.column("packet").to_pylist()] == given
    assert len(batches) == 2
    got.close()


def test_framed_messages_with_a_schema_registry(kafka, data, tmp_path, monkeypatch):
    """Rubin's framing passes through; the registry is a few lines of ours, the frame is not."""
    sample = next((data / "alerts" / "lsst").glob("rubin_7*.avro"), None)
    if sample is None:
        pytest.skip("no LSST sample")
    with sample.open("rb") as file:
        reader = fastavro.reader(file)
        schema, records = reader.writer_schema, [r for r, _ in zip(reader, range(3), strict=False)]
    topic = create(kafka.servers)
    send(kafka.servers, topic, [framed(7, schema, record) for record in records])
    server = HTTPServer(("127.0.0.1", 0), registry({7: schema}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("GUESTSTAR_SCHEMAS", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        with open_store(f"sqlite:///{tmp_path}/night.db") as store:
            account = ingest([source(kafka, topic)], Pipeline([]), store)
            assert account.received == account.stored == len(records)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def framed(number, schema, record):
    body = BytesIO(b"\0" + number.to_bytes(4, "big"))
    body.seek(5)
    fastavro.schemaless_writer(body, schema, record)
    return body.getvalue()


def registry(schemas):
    class Registry(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = json.dumps({"schema": json.dumps(schemas[int(self.path.split("/")[-1])])})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    return Registry


def test_a_url_is_a_source(kafka):
    topic = create(kafka.servers)
    send(kafka.servers, topic, [b"x"])
    (given,) = open_source([f"kafka://{kafka.servers}/{topic}?group={group()}&until=caught-up"])
    batches = [batch for batch in given if batch.num_rows]
    given.close()
    assert [b.num_rows for b in batches] == [1]
    assert batches[0].schema == PACKETS


def test_nobody_answers():
    given = KafkaSource("127.0.0.1:1", "ztf", options={"log_level": 0})
    before = time.monotonic()
    with pytest.raises(StreamError, match=r"127\.0\.0\.1:1"):
        next(iter(given))
    assert time.monotonic() - before < 20


def test_a_missing_topic_is_named(kafka):
    create(kafka.servers, 1, near := f"ztf-{uuid.uuid4().hex}")
    given = source(kafka, near[:-1])
    with pytest.raises(BadInput, match=f"Did you mean '{near}'"):
        next(iter(given))
    given.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("kafka://localhost:9092", "kafka://host:port/topic"),
        ("kafka://localhost:9092/ztf?grup=x", "Did you mean 'group'"),
        ("kafka://localhost:9092/ztf?until=soon", "2026-11-20T03:00"),
        ("kafka://localhost:9092/ztf?until=0", "until is"),
    ],
)
def test_urls_that_cannot_be(url, sentence):
    with pytest.raises(BadInput, match=sentence):
        open_source([url])


def test_settings_that_cannot_be():
    with pytest.raises(BadInput, match="securty"):
        next(iter(KafkaSource("localhost:1", "ztf", options={"securty.protocol": "ssl"})))


def test_a_regular_expression_stays():
    assert patterns(["^ztf_.*_programid1"]) == ["^ztf_.*_programid1"]


def test_a_partition_whose_moment_nobody_knows_is_an_error_and_no_offset(kafka):
    """An answer with an error holds the moment itself as offset: to seek there would start anew."""
    from gueststar.streams import client

    topic = create(kafka.servers)
    send(kafka.servers, topic, [b"x"])
    consumer = client.consumer({"bootstrap.servers": kafka.servers, "group.id": group()})
    try:
        with pytest.raises(StreamError, match="Kafka does not answer"):
            client.at_time(consumer, [(topic, 0), (topic, 7)], datetime(2026, 11, 20, tzinfo=UTC))
    finally:
        consumer.close()


def test_what_is_sent_while_a_start_is_looked_for_is_read(kafka):
    """A topic has no message so new; before reading begins, one comes."""
    from confluent_kafka import TopicPartition

    from gueststar.sources.offsets import seek

    topic = create(kafka.servers, 2)
    old = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
    send(kafka.servers, topic, [b"old"], timestamps=[old])
    consumer = client.consumer({"bootstrap.servers": kafka.servers, "group.id": group()})
    try:
        found = seek(
            consumer,
            [TopicPartition(topic, n) for n in range(2)],
            datetime(2026, 11, 21, tzinfo=UTC),
        )
        assert [(part.partition, part.offset) for part in found] == [(0, 1), (1, 0)]
        send(kafka.servers, topic, [b"new", b"too"], 2)
        consumer.assign(found)
        messages = [consumer.poll(30) for _ in range(2)]
        assert {message.value() for message in messages} == {b"new", b"too"}
    finally:
        consumer.close()


def test_a_consumer_that_does_not_end_keeps_nobody_waiting():
    class Stuck:
        asked = threading.Event()

        def close(self):
            self.asked.set()
            threading.Event().wait(60)

    assert not client.close(Stuck(), 0.1)
    assert Stuck.asked.is_set()
