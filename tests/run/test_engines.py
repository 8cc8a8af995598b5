"""``gueststar run broker.toml``: several sources, filtered outputs, the same on both engines."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from io import BytesIO

import fastavro
import pytest

from gueststar.classifiers.choose import modules_named
from gueststar.errors import GueststarError
from gueststar.pipeline import Pipeline
from gueststar.run.check import check as checked
from gueststar.run.config import read_config
from gueststar.run.ingest import ingest
from gueststar.simulate import write_night
from gueststar.simulate.night import Night
from gueststar.sinks.archive import Archive
from gueststar.sinks.messages import avro_messages
from gueststar.sources import open_source
from gueststar.store import open_store
from streams import create, read, send

ALERTS = 160
SELECT = "rb_real > 0.5 AND mag < 21 AND native.candidate.ndethist >= 1"
#: The same question to the store.
WANTED = """SELECT a.alert_id FROM alerts a JOIN scores s USING (alert_id)
            WHERE s.module = 'rb' AND s.value > 0.5 AND a.mag < 21"""


@pytest.fixture(scope="module")
def packets():
    return list(Night(ALERTS, seed=21))


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """A folder of packets that are in no topic."""
    return write_night(tmp_path_factory.mktemp("more"), ALERTS, 22)


def source(servers, topic, kind=""):
    return f"""
[[source]]
servers = "{servers}"
topics = ["{topic}"]
group = "g-{uuid.uuid4().hex[:8]}"
batch_size = 40
{kind}
"""


def config(folder, sources, outputs="", top="workers = 2"):
    path = folder / "broker.toml"
    path.write_text(f"""
{top}
modules = ["rb"]
store = "sqlite:///{folder}/night.db"
{sources}
[filters]
good = '''{SELECT}'''
{outputs}
[spark]
master = "local[2]"
most = 70
[spark.options]
"spark.ui.enabled" = false
"spark.log.level" = "ERROR"
""")
    return path


def topic_out(servers, topic, which=""):
    return f'[[output]]\nservers = "{servers}"\ntopic = "{topic}"\n{which}\n'


def start(path, *options):
    command = [sys.executable, "-m", "gueststar", "run", str(path), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


def finish(process, timeout=300):
    _, errors = process.communicate(timeout=timeout)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


def run(path, *options):
    return finish(start(path, *options))


def store_of(folder):
    return open_store(f"sqlite:///{folder}/night.db", read_only=True)


def wanted(folder):
    with store_of(folder) as store:
        health = store.health()
        assert health["in_equals_out"]
        return health, sorted(store.sql(WANTED).column("alert_id").to_pylist())


def ids_in(servers, topic, count):
    """Ids of all messages of a topic, which should be so many: one more is waited for."""
    messages = read(servers, topic, count + 1, timeout=4)
    return sorted(next(fastavro.reader(BytesIO(m.value())))["alert_id"] for m in messages)


ENGINES = ["local", pytest.param("spark", marks=pytest.mark.spark)]


def need(engine):
    if engine == "spark":
        pytest.importorskip("pyspark", reason="no pyspark: extra spark")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_filtered_topic_holds_what_sql_over_the_store_says(
    kafka, packets, more, tmp_path, engine
):
    need(engine)
    ins = [create(kafka.servers, 2) for _ in range(2)]
    out, whole = create(kafka.servers, 2), create(kafka.servers, 2)
    for n, topic in enumerate(ins):
        send(kafka.servers, topic, [*packets[n::2], b"<html>"], 2)
    sources = "".join(source(kafka.servers, topic) for topic in ins)
    sources += f'[[source]]\nkind = "files"\npaths = ["{more}"]\n'
    outputs = topic_out(kafka.servers, out, 'filter = "good"') + topic_out(kafka.servers, whole)
    outputs += f'[[output]]\nkind = "archive"\npath = "{tmp_path}/good"\nfilter = "good"\n'
    path = config(tmp_path, sources, outputs)
    run(path, "--engine", engine, "--until-caught-up")
    health, want = wanted(tmp_path)
    assert (health["stored"], health["dead_letter"]) == (2 * ALERTS, 2)
    topics = {topic["topic"]: topic for topic in health["topics"]}
    received = {name: topic["received"] for name, topic in topics.items()}
    assert received == dict.fromkeys(ins, ALERTS // 2 + 1)
    assert all(topic["lag"] == topic["missing"] == 0 for topic in topics.values())
    assert all(topic["latency_p98_s"] > 0 for topic in topics.values())
    assert 20 < len(want) < 2 * ALERTS - 20
    assert ids_in(kafka.servers, out, len(want)) == want
    assert len(set(ids_in(kafka.servers, whole, 2 * ALERTS))) == 2 * ALERTS
    good = Archive(tmp_path / "good").sql("SELECT alert_id FROM alerts")
    assert sorted(good.column("alert_id").to_pylist()) == want

    # Read again from the beginning: the store knows it all, and nothing goes out twice.
    path.write_text(
        path.read_text()
        .replace("g-", "again-")
        .replace("most", f'checkpoint = "{tmp_path}/other"\nmost')
    )
    run(path, "--engine", engine, "--until-caught-up")
    assert ids_in(kafka.servers, out, len(want)) == want
    assert wanted(tmp_path)[0]["received"] == health["received"]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_archive_is_scored_again_into_another_store(more, tmp_path, engine):
    need(engine)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    files = f'[source]\nkind = "files"\npaths = ["{more}"]\n'
    top = f'workers = 1\narchive = "{tmp_path}/archive"'
    run(config(first, files, top=top), "--engine", engine)
    again = f'[source]\nkind = "archive"\npath = "{tmp_path}/archive"\n'
    good = f'[output]\nkind = "archive"\npath = "{second}/good"\nfilter = "good"\n'
    run(config(second, again, good), "--engine", engine)
    (one, ids), (two, other) = wanted(first), wanted(second)
    assert (one["stored"], two["stored"], ids) == (ALERTS, ALERTS, other)
    table = Archive(second / "good").sql("SELECT alert_id FROM alerts")
    assert sorted(table.column("alert_id").to_pylist()) == ids


@pytest.mark.parametrize("engine", ENGINES)
def test_cutouts_lie_in_the_folder_that_the_settings_name(more, tmp_path, engine):
    need(engine)
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    files = f'[source]\nkind = "files"\npaths = ["{more}"]\n'
    run(config(inside, files), "--engine", "local")
    top = f'workers = 1\ncutouts = "{outside}/stamps"'
    run(config(outside, files, top=top), "--engine", engine)
    with store_of(inside) as one, store_of(outside) as other:
        assert other.health()["cutouts"]["place"] == f"file://{outside}/stamps"
        ids = one.sql("SELECT alert_id FROM alerts").column("alert_id").to_pylist()
        assert len(ids) == ALERTS
        assert [one.cutouts(i) for i in ids] == [other.cutouts(i) for i in ids]


@pytest.mark.parametrize("engine", ENGINES)
def test_sigterm_ends_gracefully_and_a_rerun_completes(kafka, packets, tmp_path, engine):
    need(engine)
    ins, out = [create(kafka.servers, 2) for _ in range(2)], create(kafka.servers, 2)
    for n, topic in enumerate(ins):
        send(kafka.servers, topic, packets[n::2], 2)
    outputs = topic_out(kafka.servers, out, 'filter = "good"')
    path = config(tmp_path, "".join(source(kafka.servers, topic) for topic in ins), outputs)
    process = start(path, "--engine", engine)
    deadline = time.monotonic() + 120
    while not _stored(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    finish(process, 120)
    assert _stored(tmp_path)
    run(path, "--engine", engine, "--until-caught-up")
    health, want = wanted(tmp_path)
    assert (health["received"], health["stored"]) == (ALERTS, ALERTS)
    assert ids_in(kafka.servers, out, len(want)) == want


def _stored(folder):
    if not (folder / "night.db").exists():
        return 0
    try:
        with store_of(folder) as store:
            return store.health()["stored"]
    except Exception:  # it is being made
        return 0


@pytest.mark.spark
def test_spark_submit(kafka, packets, tmp_path):
    pyspark = pytest.importorskip("pyspark", reason="no pyspark: extra spark")
    from pathlib import Path

    from gueststar.run.spark import CONNECTOR, submit

    topic, out = create(kafka.servers, 2), create(kafka.servers, 2)
    send(kafka.servers, topic, packets, 2)
    outputs = topic_out(kafka.servers, out, 'filter = "good"')
    path = config(tmp_path, source(kafka.servers, topic), outputs)
    path.write_text(path.read_text().replace('master = "local[2]"', ""))
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--master", "local[2]", "--packages", CONNECTOR),
        *("--conf", "spark.ui.enabled=false", submit.__file__, str(path), "--until-caught-up"),
    ]
    env = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"done; {ALERTS} rows" in done.stdout  # spark-submit joins what the driver says
    health, want = wanted(tmp_path)
    assert health["stored"] == ALERTS
    assert ids_in(kafka.servers, out, len(want)) == want


def check(path, *options):
    command = [sys.executable, "-m", "gueststar", "run", str(path), "--check", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_says_what_would_run_and_starts_nothing(more, tmp_path):
    sources = source("127.0.0.1:1", "ztf_YYYYMMDD_programid1")
    sources += f'[[source]]\nkind = "files"\npaths = ["{more}"]\n'
    outputs = topic_out("127.0.0.1:1", "out", 'filter = "good"')
    path = config(tmp_path, sources, outputs, top='workers = 2\narchive = "there"')
    done = check(path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [line["part"] for line in found] == [
        *("source", "source", "module", "filter", "output", "store", "archive", "engine")
    ]
    assert f"{ALERTS} files" in found[1]["what"]
    assert [line["warning"] for line in found] == [""] * 7 + [
        "what is no Kafka is read by the first worker"
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broker.toml"]


BAD = [
    ("rb_real > 0.5", "rb_rael > 0.5", "Did you mean 'rb_real'"),
    ("mag < 21", "magg < 21", "Did you mean 'mag'"),
    ('modules = ["rb"]', 'modules = ["rbb"]', "Did you mean 'rb'"),
    ("workers = 2", 'archive = "/dev/null/here"', "cannot write"),
    ('filter = "good"', 'form = "xml"', "avro or json"),
    ('filter = "good"', 'options = { "linger" = 3 }', "linger"),
    ("batch_size = 40", 'options = { "sesion.timeout.ms" = 3 }', "sesion"),
    ("batch_size = 40", 'start = "yesterday"', "yesterday"),
    ("batch_size = 40", 'until = "doomsday"', "doomsday"),
    ('store = "sqlite', 'store = "mysql', "no known kind"),
]


def bad(folder, old, new):
    outputs = topic_out("127.0.0.1:1", "out", 'filter = "good"')
    path = config(folder, source("127.0.0.1:1", "ztf"), outputs)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return path


@pytest.mark.parametrize(("old", "new", "sentence"), BAD)
def test_bad_settings_are_found(tmp_path, old, new, sentence):
    path = bad(tmp_path, old, new)
    with pytest.raises(GueststarError, match=sentence):
        checked(read_config(path))


def test_a_bad_setting_is_told_before_anything_starts(tmp_path):
    path = bad(tmp_path, *BAD[0][:2])
    process = start(path)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert BAD[0][2] in errors.decode()
    assert len(errors.decode().splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broker.toml"]


def test_a_field_of_the_record_that_nobody_knows_is_doubted(tmp_path, more):
    files = f'[source]\nkind = "files"\npaths = ["{more}"]\n'
    path = config(tmp_path, files, '[output]\nkind = "archive"\npath = "x"\nfilter = "good"\n')
    path.write_text(path.read_text().replace("ndethist", "ndethst"))
    warnings = [finding.warning for finding in checked(read_config(path))]
    assert sum("Did you mean 'ndethist'?" in warning for warning in warnings) == 1


@pytest.mark.spark
def test_what_spark_cannot_do_is_told(tmp_path):
    need("spark")
    path = config(tmp_path, '[source]\nkind = "simulate"\nalerts = 5\n')
    with pytest.raises(GueststarError, match="does not simulate"):
        checked(read_config(path), "spark")
    path = config(tmp_path, source("127.0.0.1:1", "ztf", "until = 500"))
    with pytest.raises(GueststarError, match="--engine local"):
        checked(read_config(path), "spark")


def test_a_filter_that_fails_is_an_alarm_in_the_store_and_loses_nothing(more, tmp_path):
    files = f'[source]\nkind = "files"\npaths = ["{more}"]\nbatch_size = 40\n'
    output = f'[output]\nkind = "archive"\npath = "{tmp_path}/good"\nfilter = "good"\n'
    path = config(tmp_path, files, output)
    path.write_text(path.read_text().replace(SELECT, "substr(object_id, 6, 1)::INT >= 0"))
    assert "ALARM: filter 'good'" in run(path)
    with store_of(tmp_path) as store:
        health = store.health()
    assert (health["stored"], health["in_equals_out"]) == (ALERTS, True)
    assert any("filter 'good'" in alarm["text"] for alarm in health["alarms"])


def test_a_topic_that_takes_no_large_messages_ends_nothing(kafka, more, tmp_path):
    """About half of the alerts have longer histories than the topic takes."""
    with store_with(more, tmp_path / "other") as store:
        batches = list(store.alert_batches())
    sizes = sorted(len(message) for batch in batches for message in avro_messages(batch))
    limit = sizes[len(sizes) // 2] + 100  # what a request adds to one message
    out = create(kafka.servers, 2, max_message_bytes=limit)
    files = f'[source]\nkind = "files"\npaths = ["{more}"]\nbatch_size = 40\n'
    options = '[output.options]\n"compression.type" = "none"\n'
    output = f'[output]\nservers = "{kafka.servers}"\ntopic = "{out}"\n{options}'
    assert f"ALARM: topic '{out}' did not take" in run(config(tmp_path, files, output))
    with store_of(tmp_path) as store:
        health = store.health()
        unsent = store.sql("SELECT alert_id FROM unsent")["alert_id"].to_pylist()
        stored = store.sql("SELECT alert_id FROM alerts")["alert_id"].to_pylist()
    assert (health["stored"], health["in_equals_out"]) == (ALERTS, True)
    assert 0 < health["unsent"] == len(unsent) < ALERTS
    assert sorted([*unsent, *ids_in(kafka.servers, out, ALERTS - len(unsent))]) == sorted(stored)
    assert any("did not take" in alarm["text"] for alarm in health["alarms"])


@contextmanager
def store_with(packets, folder):
    folder.mkdir()
    with open_store(f"sqlite:///{folder}/night.db") as store:
        ingest(list(open_source([str(packets)])), Pipeline(modules_named(["rb"])), store)
        yield store
