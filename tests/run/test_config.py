"""broker.toml: what can be, and what is said of what cannot."""

import pytest

from gueststar.batch import AlertBatch
from gueststar.errors import BadInput
from gueststar.pipeline import run_filter, run_module
from gueststar.run.config import config_of, read_config
from gueststar.run.switch import FilterSwitch, Switch
from gueststar.score import score_schema

SOURCE = {"servers": "localhost:9092", "topics": ["ztf"]}


def test_defaults_and_secrets(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "sesame")
    path = tmp_path / "broker.toml"
    path.write_text(
        'workers = 2\n[source]\nservers = "a:1"\ntopics = "ztf"\n'
        '[source.options]\n"sasl.password" = "$SECRET"\n'
    )
    config = read_config(path)
    (source,) = config.sources
    assert (config.workers, source.topics, source.group) == (2, ("ztf",), "gueststar")
    assert source.options == {"sasl.password": "sesame"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"source": SOURCE, "worker": 2}, "Did you mean 'workers'"),
        ({"source": {**SOURCE, "topic": "x"}}, "Did you mean 'topics'"),
        ({"source": {"servers": "x:1"}}, "lacks 'topics'"),
        ({}, "lacks 'source'"),
        ({"source": SOURCE, "workers": "two"}, "'workers' cannot be 'two'"),
        ({"source": {**SOURCE, "group": "$NOT_THERE"}}, "environment"),
        ({"source": "kafka"}, "should be a table"),
    ],
)
def test_what_cannot_be(given, sentence):
    with pytest.raises(BadInput, match=sentence):
        config_of(given)


FILES = {"kind": "files", "paths": ["night"]}
OUT = {"servers": "a:1", "topic": "out"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"source": [SOURCE, {"kind": "kafkaa"}]}, r"\[source\] 2: no kind 'kafkaa'.*'kafka'"),
        ({"source": [SOURCE, {**FILES, "path": "x"}]}, r"\[source\] 2 has no 'path'.*'paths'"),
        ({"source": [SOURCE, "files"]}, "should be a table"),
        ({"source": []}, "lacks 'source'"),
        ({"source": {**FILES, "paths": []}}, "nothing would be read"),
        ({"source": {**SOURCE, "topics": []}}, "nothing would be read"),
        ({"source": {"kind": "simulate", "alerts": 0}}, "at least 1"),
        ({"source": {**SOURCE, "batch_size": 0}}, "at least 1"),
        ({"source": {**SOURCE, "options": {"a": []}}}, "a text or a number"),
        ({"source": SOURCE, "workers": 0}, "at least 1"),
        ({"source": SOURCE, "logs": "jsn"}, "Did you mean 'json'"),
        ({"source": SOURCE, "filter": {}}, "Did you mean 'filters'"),
        ({"source": SOURCE, "filters": {"x": {"pyhton": "a:b"}}}, "Did you mean 'python'"),
        ({"source": SOURCE, "filters": {"x": 3}}, "an SQL expression"),
        ({"source": SOURCE, "output": {**OUT, "filter": "x"}}, "wants filter 'x'"),
        (
            {"source": SOURCE, "output": {**OUT, "filter": "god"}, "filters": {"good": "true"}},
            "Did you mean 'good'",
        ),
        ({"source": SOURCE, "output": [OUT, {**OUT, "kind": "csv"}]}, r"\[output\] 2: no kind"),
        ({"source": SOURCE, "spark": {"mster": "x"}}, "Did you mean 'master'"),
        ({"source": [SOURCE, {**SOURCE, "servers": "other:1"}]}, "two sources read topic 'ztf'"),
        ({"source": [SOURCE, {**SOURCE, "topics": ["^zt"]}]}, "two sources read topic 'ztf'"),
        (
            {
                "source": SOURCE,
                "archive": "a",
                "output": {"kind": "archive", "path": "./a"},
            },
            "two archives in",
        ),
        ({"source": {"kind": "archive", "path": "a"}, "archive": "a"}, "is read and written"),
    ],
)
def test_what_cannot_be_in_many_tables(given, sentence):
    with pytest.raises(BadInput, match=sentence):
        config_of(given)


def test_dates_in_topics_may_differ_in_what_follows():
    one, two = (f"ztf_YYYYMMDD_programid{n}" for n in (1, 2))
    config_of({"source": [{**SOURCE, "topics": [one]}, {**SOURCE, "topics": [two]}]})
    with pytest.raises(BadInput, match="ztf_20240101_programid1"):
        config_of({"source": [{**SOURCE, "topics": [one]}, {**SOURCE, "topics": ["^ztf_2"]}]})


def test_everything_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("KEY", "sesame")
    path = tmp_path / "broker.toml"
    path.write_text("""
        modules = []
        workers = 3
        [[source]]
        servers = "ztf:9092"
        topics = ["ztf_YYYYMMDD_programid1"]
        start = 2026-11-20T03:00:00Z
        until = 500
        [[source]]
        kind = "files"
        paths = "night.tar.gz"
        [[source]]
        kind = "archive"
        path = "old"
        night = 20240101
        [filters]
        bright = "mag < 18"
        mine = { python = "mine:bright" }
        [[output]]
        servers = "out:9092"
        topic = "all"
        form = "json"
        options = { "sasl.password" = "$KEY", "enable.idempotence" = false, "linger.ms" = 5 }
        [[output]]
        kind = "archive"
        path = "bright"
        filter = "bright"
        [spark]
        master = "local[2]"
        options = { "spark.ui.enabled" = false }
    """)
    config = read_config(path)
    kafka, files, archive = config.sources
    assert (kafka.start, kafka.until) == ("2026-11-20T03:00:00+00:00", "500")
    assert (files.paths, archive.night) == (("night.tar.gz",), 20240101)
    assert [f.kind for f in config.filters] == ["sql", "python"]
    assert config.outputs[0].options == {
        "sasl.password": "sesame",
        "enable.idempotence": "false",
        "linger.ms": "5",
    }
    assert config.outputs[1].filter == "bright"
    assert config.spark.options == {"spark.ui.enabled": "false"}
    assert (config.modules, config.crew) == ((), 3)
    assert config.share(0).sources == config.sources
    assert config.share(2).sources == (kafka,)
    assert config.until_caught_up().sources[0].until == "caught-up"
    assert config_of({"source": FILES, "workers": 4}).crew == 1


class Broken:
    name, version, needs = "bad", "1", ("ra",)
    gives = score_schema("bad", ["x"])

    def __init__(self):
        self.calls = 0

    def __call__(self, batch):
        self.calls += 1
        raise ValueError("no luck")


def test_a_module_that_keeps_failing_is_switched_off(caplog):
    module = Broken()
    switch = Switch(module, limit=5)
    for _ in range(3):
        out = run_module(switch, AlertBatch.from_columns(ra=[1.0, 2.0, 3.0]))
        assert out.column("bad_x").null_count == 3
    assert module.calls == 5
    assert "switched off" in out.column("bad_reason")[0].as_py()
    assert "ALARM" in caplog.text


class BrokenFilter:
    name, needs = "picky", ("ra",)

    def __init__(self):
        self.calls = 0

    def __call__(self, batch):
        self.calls += 1
        raise ValueError("no luck")


def test_a_filter_that_keeps_failing_is_switched_off(caplog):
    picky = BrokenFilter()
    switch = FilterSwitch(picky, limit=5)
    for _ in range(3):
        mask, reasons = run_filter(switch, AlertBatch.from_columns(ra=[1.0, 2.0, 3.0]))
        assert mask.null_count == 3
    assert picky.calls == 5
    assert "switched off" in reasons[0]
    assert "ALARM" in caplog.text
