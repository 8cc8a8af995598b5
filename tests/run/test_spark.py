"""Spark gives, row for row, what the local runner gives; restarts lose and double nothing."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

import pyarrow as pa
import pytest

from gueststar.batch import packets_batch
from gueststar.classifiers.choose import modules_named
from gueststar.errors import BadBundle, BadInput, BadModule, EngineError, MissingExtra, StoreError
from gueststar.pipeline import Pipeline
from gueststar.run.ingest import ingest
from gueststar.run.spark import CONNECTOR, run_batch, run_stream, spark_session
from gueststar.run.spark.plan import plan
from gueststar.run.spark.streams import java_options, read_options
from gueststar.run.spark.worker import Recipe, packed, pipeline_of, unpacked
from gueststar.simulate import write_night
from gueststar.simulate.night import Night
from gueststar.sinks.archive import Archive
from gueststar.sinks.store import StoreSink
from gueststar.sources import FileSource
from gueststar.store import open_store

pytestmark = [
    pytest.mark.spark,
    # pyspark leaves the socket of a finished toLocalIterator to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"),
]
ALERTS = 240
VIEWS = {
    "alerts": "alert_id",
    "scores": "alert_id, module, class",
    "lightcurves": "object_id, mjd_tai, band, kind",
    "ledger": '"source", "partition", "offset", record',
}


@pytest.fixture(scope="session")
def spark():
    """Two cores of Spark; with its Kafka connector, which Maven fetches, where there is a Kafka."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no pyspark: pip install 'gueststar[spark]'")
    if shutil.which("java") is None:
        pytest.skip("no Java 17 in the path")
    wanted = (CONNECTOR,) if os.environ.get("GUESTSTAR_KAFKA") or shutil.which("mvn") else ()
    quiet = {"spark.ui.enabled": "false", "spark.log.level": "ERROR"}
    session = spark_session("tests", master="local[2]", packages=wanted, options=quiet)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def packets():
    return list(Night(ALERTS, 11))


@pytest.fixture(scope="session")
def night(tmp_path_factory, packets):
    """A folder of packets, some of them broken."""
    folder = write_night(tmp_path_factory.mktemp("night"), ALERTS, 11)
    (folder / "cut.avro").write_bytes(packets[0][:3000])
    (folder / "noise.avro").write_bytes(b"neither this nor that")
    (folder / "empty.avro").write_bytes(b"")
    return folder


def contents(store):
    """Everything that people can ask for, in an order of its own."""
    return {
        view: store.sql(f"SELECT * FROM {view} ORDER BY {order}", limit=1_000_000).to_pylist()
        for view, order in VIEWS.items()
    }


@pytest.fixture
def stores(tmp_path):
    """Give a new store by name."""
    opened = {}

    def get(name):
        if name not in opened:
            opened[name] = open_store(f"sqlite:///{tmp_path / name}.db")
        return opened[name]

    yield get
    for store in opened.values():
        store.close()


def local(sources, store, archive=None):
    return ingest(sources, Pipeline(modules_named(["rb"])), store, archive=archive)


def assert_same(one, other):
    assert one.health()["in_equals_out"]
    first, second = contents(one), contents(other)
    for view in VIEWS:
        assert first[view] == second[view], view


def test_a_folder_gives_row_for_row_what_the_local_runner_gives(spark, night, stores, tmp_path):
    sink = StoreSink(stores("spark"), Archive(tmp_path / "archive"))
    done = run_batch(spark, [night], [sink], modules=["rb"], round_bytes=4_000_000)
    local([FileSource([night])], stores("local"))
    assert (done.alerts, done.dead_letters) == (ALERTS, 3)
    assert sink.report.stored == ALERTS
    assert_same(stores("spark"), stores("local"))
    assert len(Archive(tmp_path / "archive").sql("SELECT alert_id FROM alerts")) == ALERTS


def test_small_rounds_and_batches_change_nothing(spark, night, stores):
    options = {"batch_size": 16, "round_bytes": 3_000_000}
    rounds = plan([night], 3_000_000).rounds
    assert len(rounds) > 2
    assert any(len(part.groups) > 1 for part in rounds)
    done = run_batch(spark, [night], [StoreSink(stores("spark"))], modules=["rb"], **options)
    local([FileSource([night])], stores("local"))
    assert done.rounds == len(rounds)
    assert_same(stores("spark"), stores("local"))


def test_real_packets_and_parquet_score_as_on_the_local_runner(spark, data, stores):
    folder = data / "alerts" / "ztf"
    sink = StoreSink(stores("spark"))
    done = run_batch(spark, [folder], [sink], modules=["rb"])
    assert done.rounds == 1
    account = local([FileSource([folder])], stores("local"))
    assert done.alerts + done.dead_letters == account.received
    assert list(map(str, account.ignored)) == list(done.ignored)
    assert (account.stored, account.dead_letter) == (sink.report.stored, sink.report.dead_letter)
    assert_same(stores("spark"), stores("local"))


def test_parquet_alone_gives_the_same_store(spark, data, stores):
    file = sorted((data / "alerts" / "ztf" / "parquet").glob("*.parquet"))[0]
    run_batch(spark, [file], [StoreSink(stores("spark"))], modules=["rb"])
    local([FileSource([file])], stores("local"))
    assert_same(stores("spark"), stores("local"))


def test_a_tar_that_is_larger_than_a_round_is_shipped(spark, stores, tmp_path):
    tar = write_night(tmp_path / "night", ALERTS, 11, form="tar")
    assert [part.kind for part in plan([tar], 3_000_000).rounds] == ["shipped"]
    options = {"modules": ["rb"], "batch_size": 30, "round_bytes": 3_000_000}
    calls = []
    progress = lambda done: calls.append(done.alerts)  # noqa: E731
    done = run_batch(spark, [tar], [StoreSink(stores("spark"))], progress=progress, **options)
    local([FileSource([tar])], stores("local"))
    assert done.rounds == 1
    assert len(set(calls)) > 2
    assert_same(stores("spark"), stores("local"))


def test_spark_s_own_reader_gives_the_same_positions(spark, night, stores, tmp_path):
    night = shutil.copytree(night, tmp_path / "night")
    (night / "empty.avro").unlink()  # Spark's reader leaves empty files out
    run_batch(spark, [f"file://{night}"], [StoreSink(stores("spark"))], modules=["rb"])
    local([FileSource([night])], stores("local"))
    assert_same(stores("spark"), stores("local"))


def test_an_archive_of_ours_is_scored_again(spark, night, stores, tmp_path):
    archive = Archive(tmp_path / "archive")
    unscored = stores("spark")
    ingest([FileSource([night])], Pipeline([]), unscored, archive=archive)
    sink = StoreSink(unscored, archive)
    files = archive.files()
    done = run_batch(spark, [archive.folder], [sink], modules=["rb"])
    local([FileSource([night])], stores("local"))
    assert (done.alerts, sink.report.stored, sink.report.known) == (ALERTS, 0, ALERTS)
    assert archive.files() == files
    assert_same(unscored, stores("local"))


class Breaks:
    """A sink that fails once, before or after another one has flushed."""

    def __init__(self, inner, at, *, after):
        self.inner, self.at, self.after, self.flushes = inner, at, after, 0

    def write(self, batch):
        self.inner.write(batch)

    def flush(self):
        self.flushes += 1
        if self.flushes == self.at and not self.after:
            raise StoreError("the disk is full")
        self.inner.flush()
        if self.flushes == self.at:
            raise StoreError("the power failed")


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupted_archive_is_completed(spark, night, stores, tmp_path, after):
    options = {"modules": ["rb"], "round_bytes": 3_000_000, "checkpoint": tmp_path / "notes"}
    sink = StoreSink(stores("spark"))
    with pytest.raises(StoreError):
        run_batch(spark, [night], [Breaks(sink, 2, after=after)], **options)
    sink = StoreSink(stores("spark"))
    done = run_batch(spark, [night], [sink], **options)
    assert done.skipped == 1
    local([FileSource([night])], stores("local"))
    assert_same(stores("spark"), stores("local"))
    assert run_batch(spark, [night], [sink], **options).rounds == 0


def test_stop_ends_between_two_rounds(spark, night, stores):
    stop = threading.Event()
    sink = StoreSink(stores("spark"))
    options = {"modules": [], "round_bytes": 3_000_000, "stop": stop}
    done = run_batch(spark, [night], [sink], progress=lambda _: stop.set(), **options)
    assert done.rounds == 1
    assert sink.report.received == done.alerts + done.dead_letters < ALERTS


def test_weights_load_once_in_every_worker_process(spark):
    recipe = Recipe.of(["rb"], None, 499)

    def probe(batches):
        import os

        import pyarrow as pa

        from gueststar.models import net
        from gueststar.run.spark.worker import pipeline_of

        for _ in batches:
            before = pipeline_of.cache_info().misses
            pipeline_of(recipe)
            built = pipeline_of.cache_info().misses - before
            row = {"pid": [os.getpid()], "built": [built], "nets": [len(net._nets)]}
            yield pa.RecordBatch.from_pydict(row)

    numbers = spark.range(0, 16, 1, 16)
    rows = numbers.mapInArrow(probe, "pid long, built long, nets long").collect()
    assert len(rows) == 16
    assert sum(row.built for row in rows) == len({row.pid for row in rows}) <= 4
    assert {row.nets for row in rows} == {1}


def test_another_net_on_a_worker_is_refused(spark, night):
    other = Recipe((("rb", "1+000000000000"),))
    with pytest.raises(BadBundle, match="install the same"):
        pipeline_of(other)
    with pytest.raises(BadModule, match="nonsense"):
        run_batch(spark, [night], [], modules=["nonsense"])


def test_a_result_keeps_its_schema_and_modules_on_its_way():
    schema = pa.schema({"a": pa.list_(pa.float32())}, metadata={b"gueststar.modules": b"{}"})
    result = pa.RecordBatch.from_pylist([{"a": [1.0, None]}, {"a": None}], schema=schema)
    row = packed(result.slice(1))
    assert row.select(["kind", "rows"]).to_pylist() == [{"kind": "alerts", "rows": 1}]
    back = unpacked(row.column("ipc")[0].as_py())
    assert back.equals(result.slice(1), check_metadata=True)


def test_nothing_to_do_is_said(spark, tmp_path):
    with pytest.raises(BadInput, match="no alerts in"):
        run_batch(spark, [tmp_path], [])


def test_without_pyspark_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtra, match=r"gueststar\[spark\]"):
        spark_session()


def test_without_java_it_is_named(monkeypatch, tmp_path):
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BadInput, match="Java 17"):
        spark_session()


# --- Kafka


def test_settings_are_spelt_for_java():
    given = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": 'a"b',
        "ssl.ca.location": "ca.pem",
    }
    spelt = java_options(given)
    assert spelt["sasl.mechanism"] == "SCRAM-SHA-512"
    assert spelt["ssl.truststore.location"] == "ca.pem"
    assert 'ScramLoginModule required username="me" password="a\\"b";' in spelt["sasl.jaas.config"]
    with pytest.raises(BadInput, match="GSSAPI"):
        java_options({**given, "sasl.mechanisms": "GSSAPI"})


def test_topics_and_patterns():
    options = read_options("k:1", ["a", "b"], "earliest", 5, {})
    assert options["subscribe"] == "a,b"
    pattern = read_options("k:1", ["^ztf_2024", "x.y"], "earliest", 5, {})["subscribePattern"]
    assert pattern == r"(?:ztf_2024).*|x\.y"
    with pytest.raises(BadInput, match="no Kafka topic"):
        read_options("k:1", [], "earliest", 5, {})
    with pytest.raises(BadInput, match="yesterday"):
        read_options("k:1", ["a"], "yesterday", 5, {})


class Sent:
    """Packets that are in a topic, and a source that gives them as the local runner would."""

    def __init__(self, servers, bodies, partitions=2):
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient, NewTopic

        self.servers, self.topic = servers, f"spark_{uuid.uuid4().hex[:8]}"
        admin = AdminClient({"bootstrap.servers": servers})
        admin.create_topics([NewTopic(self.topic, partitions, 1)])[self.topic].result(30)
        self.rows = []
        producer = Producer({"bootstrap.servers": servers, "message.max.bytes": 16_000_000})
        for number, body in enumerate(bodies):
            producer.produce(
                self.topic, body, partition=number % partitions, on_delivery=self._note
            )
        assert producer.flush(60) == 0

    def _note(self, error, message):
        assert error is None
        self.rows.append((message.value() or b"", message.partition(), message.offset()))

    def __iter__(self):
        bodies, partitions, offsets = zip(*sorted(self.rows, key=lambda r: r[1:]), strict=True)
        yield packets_batch(bodies, f"kafka:{self.topic}", [str(p) for p in partitions], offsets)

    def commit(self, batch):
        pass


@pytest.fixture
def sent(spark, kafka, packets):
    broken = [b"neither this nor that", None, packets[3][:2000]]
    return Sent(kafka.servers, [*packets[:100], *broken, *packets[100:]])


def stream(spark, sent, sinks, folder, **options):
    settings = {"modules": ["rb"], "until_caught_up": True, "most": 90, **options}
    where = {"servers": sent.servers, "topics": [sent.topic], "checkpoint": folder / "checkpoint"}
    return run_stream(spark, sinks, **where, **settings)


def test_a_stream_gives_row_for_row_what_the_local_runner_gives(spark, sent, stores, tmp_path):
    sink = StoreSink(stores("spark"), Archive(tmp_path / "archive"))
    done = stream(spark, sent, [sink], tmp_path)
    assert (done.alerts, done.dead_letters, done.rounds) == (ALERTS, 3, 3)
    local([sent], stores("local"))
    assert_same(stores("spark"), stores("local"))
    again = stream(spark, sent, [sink], tmp_path)
    assert again.rounds == 0


@pytest.mark.parametrize("after", [False, True])
def test_a_stream_that_broke_is_completed_from_its_checkpoint(spark, sent, stores, tmp_path, after):
    with pytest.raises(StoreError, match="failed" if after else "full"):
        stream(spark, sent, [Breaks(StoreSink(stores("spark")), 2, after=after)], tmp_path)
    sink = StoreSink(stores("spark"))
    done = stream(spark, sent, [sink], tmp_path)
    assert done.rounds == 2
    assert sink.report.known == (90 if after else 0)
    local([sent], stores("local"))
    assert_same(stores("spark"), stores("local"))


def test_a_lost_checkpoint_doubles_nothing(spark, sent, stores, tmp_path):
    sink = StoreSink(stores("spark"))
    stream(spark, sent, [sink], tmp_path / "one")
    stream(spark, sent, [sink], tmp_path / "two")
    assert (sink.report.stored, sink.report.known) == (ALERTS, ALERTS + 3)
    local([sent], stores("local"))
    assert_same(stores("spark"), stores("local"))


def test_stop_ends_between_two_micro_batches(spark, sent, stores, tmp_path):
    stop = threading.Event()
    sink = StoreSink(stores("spark"))
    end = {"until_caught_up": False, "stop": stop, "progress": lambda _: stop.set()}
    done = stream(spark, sent, [sink], tmp_path, **end)
    assert done.rounds == 1
    # 3: Spark was stopped before it had noted the end of the first; it is known to the store.
    assert stream(spark, sent, [sink], tmp_path).rounds in {2, 3}
    local([sent], stores("local"))
    assert_same(stores("spark"), stores("local"))


def test_a_topic_that_is_not_there_is_named(spark, sent, tmp_path):
    sent.topic = "no_such_topic"
    with pytest.raises(EngineError, match="no_such_topic"):
        stream(spark, sent, [], tmp_path)


SCRIPT = """
import sys
from gueststar.run.spark import CONNECTOR, run_stream, spark_session
from gueststar.sinks.store import StoreSink
from gueststar.store import open_store

servers, topic, folder = sys.argv[1:]
quiet = {"spark.ui.enabled": "false", "spark.log.level": "ERROR"}
spark = spark_session("killed", master="local[2]", packages=[CONNECTOR], options=quiet)
with open_store(f"sqlite:///{folder}/spark.db") as store:
    run_stream(
        spark, [StoreSink(store)], servers=servers, topics=[topic], modules=["rb"], most=20,
        checkpoint=f"{folder}/checkpoint",
    )
"""


def received(folder):
    if not (folder / "spark.db").exists():
        return 0
    try:
        with open_store(f"sqlite:///{folder / 'spark.db'}", read_only=True) as store:
            return store.health()["received"]
    except StoreError:  # it is being made
        return 0


@pytest.mark.slow
def test_a_killed_stream_is_completed_from_its_checkpoint(spark, sent, stores, tmp_path):
    command = [sys.executable, "-c", SCRIPT, sent.servers, sent.topic, str(tmp_path)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, start_new_session=True, stdout=log, stderr=log)
        deadline = time.monotonic() + 240
        while received(tmp_path) < 60 and time.monotonic() < deadline:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before = received(tmp_path)
    assert 60 <= before < ALERTS
    sink = StoreSink(stores("spark"))
    stream(spark, sent, [sink], tmp_path)
    assert sink.report.received == ALERTS + 3 - before
    local([sent], stores("local"))
    assert_same(stores("spark"), stores("local"))
