"""broker.toml: what can be, and what is said of what cannot."""

import pytest

from gueststar.batch import AlertBatch
from gueststar.errors import BadInput
from gueststar.pipeline import run_module
from gueststar.run.config import config_of, read_config
from gueststar.run.switch import Switch
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
    assert (config.workers, config.source.topics, config.source.group) == (2, ("ztf",), "gueststar")
    assert config.source.options == {"sasl.password": "sesame"}


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
