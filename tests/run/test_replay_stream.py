"""Replay of a stream: a real Kafka, a broker's own group untouched, nothing doubled."""

import uuid
from datetime import UTC, datetime

import pytest

from gueststar.pipeline import Pipeline
from gueststar.run.config import read_config
from gueststar.run.ingest import ingest
from gueststar.run.replay import Job, replay_stream
from gueststar.simulate.night import Night
from gueststar.sources.kafka import KafkaSource
from gueststar.store import open_store
from gueststar.streams import client
from replays import contents, rows_of
from streams import create, send

BASE = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000) - 3_600_000


@pytest.fixture(scope="module")
def packets():
    return list(Night(40, seed=4))


def at(minute):
    return datetime.fromtimestamp(BASE / 1000 + 60 * minute, UTC)


@pytest.fixture
def topic(kafka, packets):
    """40 alerts on two partitions, one a minute."""
    topic = create(kafka.servers, 2)
    send(kafka.servers, topic, packets, 2, [BASE + 60_000 * n for n in range(40)])
    return topic


@pytest.fixture
def config(kafka, topic, tmp_path):
    path = tmp_path / "broker.toml"
    path.write_text(
        f'store = "sqlite:///{tmp_path}/night.db"\nmodules = []\n'
        f'[source]\nservers = "{kafka.servers}"\ntopics = ["{topic}"]\n'
        f'group = "broker-{uuid.uuid4().hex[:8]}"\nbatch_size = 7\n'
    )
    return path


def committed(kafka, group, topic):
    from confluent_kafka import Consumer

    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": group})
    found = client.committed(consumer, [(topic, 0), (topic, 1)])
    consumer.close()
    return found


def groups(kafka):
    from confluent_kafka.admin import AdminClient

    listed = AdminClient({"bootstrap.servers": kafka.servers}).list_consumer_groups()
    return {group.group_id for group in listed.result(30).valid}


def test_what_is_missing_is_stored_and_the_rest_is_known(kafka, topic, config, tmp_path):
    given = read_config(config)
    source = KafkaSource(kafka.servers, topic, group=given.sources[0].group, until=15, batch_size=5)
    with open_store(given.store) as store:
        ingest([source], Pipeline([]), store)
        before = committed(kafka, given.sources[0].group, topic)
        assert sum(max(0, offset) for offset in before.values()) == 15
        kept = rows_of(store, "ledger")
        job = Job(store, Pipeline([]))
        done = replay_stream(job, given, at(0), at(10))
        assert done.read == 10
        known = len([row for row in kept if minute(row) < 10])
        assert done.stored == len(rows_of(store, "ledger")) - 15
        assert done.known == known
        done = replay_stream(job, given, at(4))
        assert done.read == 36
        assert done.stored + done.known == 36
        stored = {minute(row) for row in rows_of(store, "ledger")}
        assert stored >= set(range(40))
        assert len(rows_of(store, "alerts")) == 40
        assert store.health()["in_equals_out"]
        before_again = contents(store)
        again = replay_stream(job, given, at(0))
        assert (again.read, again.known, again.stored) == (40, 40, 0)
        assert contents(store) == before_again
        assert replay_stream(job, given, at(100)).read == 0
        # The broker goes on where it was, and what it reads is known.
        assert committed(kafka, given.sources[0].group, topic) == before
        assert not [name for name in groups(kafka) if f"{given.sources[0].group}-replay" in name]
        rest = KafkaSource(kafka.servers, topic, group=given.sources[0].group, until="caught-up")
        account = ingest([rest], Pipeline([]), store)
        assert (account.received, account.known) == (25, 25)


def minute(row):
    """Messages went to the two partitions in turn."""
    return 2 * row[2] + int(row[1])


def test_the_command(kafka, config, capsys, monkeypatch):
    import json
    import sys

    from gueststar.cli import main

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gueststar", "replay", "stream", str(config), *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    since = at(20).isoformat()
    code, out, err = run("--since", since, "--json")
    assert code == 0, err
    account = json.loads(out)
    assert (account["read"], account["stored"], account["in_equals_out"]) == (20, 20, True)
    code, _, err = run("--since", since, "--until", at(3).isoformat())
    assert code == 1
    assert "is not after --since" in err
    code, _, err = run("--since", "yesterday")
    assert "is no time" in err
