"""The Kafka sink against a real Kafka, read back by a stranger's means."""

import json
import re
import time
from io import BytesIO
from pathlib import Path

import fastavro
import pytest

from gueststar.checks import check_sink
from gueststar.errors import BadInput, StreamError, StreamUnavailable
from gueststar.sinks.kafka import KafkaSink
from store.alerts import letters, random_alerts
from streams import create, read

ROOT = Path(__file__).resolve().parents[2]


def records_of(message):
    return next(iter(fastavro.reader(BytesIO(message.value()))))


def test_the_public_check_finds_nothing(kafka):
    topic = create(kafka.servers)
    sink = KafkaSink(kafka.servers, topic)
    check_sink(sink, random_alerts(60, 1), lambda: sink.sent)
    assert len(read(kafka.servers, topic, 61, timeout=5)) == 60


def test_avro_has_its_schema_and_all_values(kafka):
    topic = create(kafka.servers)
    sink, batch = KafkaSink(kafka.servers, topic), random_alerts(20, 2)
    sink.write(batch.arrow)
    sink.write(letters(3))
    sink.flush()
    found = {r["alert_id"]: r for r in map(records_of, read(kafka.servers, topic, 20))}
    for want in batch.arrow.to_pylist():
        got = found[want["alert_id"]]
        assert got["object_id"] == want["object_id"]
        assert got["flux"] == want["flux"]
        assert got["scores"][0]["value"] == want["rb_real"]
        assert len(got["history"]) == len(want["history"])
        assert (got["mag"] is None) == (want["flux"] <= 0)


def test_json_keeps_large_ids(kafka):
    topic = create(kafka.servers)
    sink, batch = KafkaSink(kafka.servers, topic, form="json"), random_alerts(5, 3)
    sink.write(batch.arrow)
    sink.flush()
    messages = read(kafka.servers, topic, 5)
    assert {json.loads(m.value())["alert_id"] for m in messages} == {
        str(i) for i in batch.column("alert_id").to_pylist()
    }
    assert {m.key().decode() for m in messages} == set(batch.column("object_id").to_pylist())


def test_what_is_known_does_not_go_out(kafka):
    topic, batch = create(kafka.servers), random_alerts(10, 4)
    known = set(batch.column("alert_id").to_pylist()[:4])
    sink = KafkaSink(kafka.servers, topic, known=lambda ids: known & set(ids))
    sink.write(batch.arrow)
    sink.flush()
    assert sink.sent == 6


def test_a_failure_raises_and_keeps_the_batch(kafka):
    topic = create(kafka.servers)
    sink = KafkaSink("127.0.0.1:1", topic, options={"message.timeout.ms": 500, "log_level": 0})
    sink.write(random_alerts(3, 5).arrow)
    for _ in range(2):
        with pytest.raises(StreamError, match=topic):
            sink.flush()


def test_a_form_that_is_none():
    with pytest.raises(BadInput, match="avro or json"):
        KafkaSink("localhost:1", "x", form="xml")


def test_the_strangers_client_of_the_documentation(kafka, capsys):
    page = (ROOT / "docs" / "streams.md").read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[-1]
    topic = create(kafka.servers)
    sink = KafkaSink(kafka.servers, topic)
    sink.write(random_alerts(7, 6).arrow)
    sink.flush()
    exec(code, {"SERVERS": kafka.servers, "TOPIC": topic, "WANTED": 7})
    assert len(capsys.readouterr().out.splitlines()) == 7


def flush_until_it_works(sink, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return sink.flush()
        except StreamUnavailable as error:
            last = error
    raise last


def test_a_flush_that_is_tried_again_sends_nothing_twice(own_kafka):
    topic = create(own_kafka.servers)
    sink = KafkaSink(own_kafka.servers, topic, flush_s=0.5)
    sink.write(random_alerts(30, 4).arrow)
    flush_until_it_works(sink)
    own_kafka.stop()
    sink.write(random_alerts(30, 5, first_id=100_000).arrow)
    for _ in range(3):
        with pytest.raises(StreamUnavailable, match="not acknowledged"):
            sink.flush()
    own_kafka.start()
    flush_until_it_works(sink)
    sink.flush()
    assert len(read(own_kafka.servers, topic, 90, timeout=5)) == sink.sent == 60
