"""``gueststar export``: selections and formats by options, errors as one sentence."""

import json

import pyarrow.parquet as pq
import pytest

from gueststar.cli import main
from gueststar.store import open_store
from store.alerts import random_alerts


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('cli') / 'night.db'}"
    with open_store(url) as store:
        store.write([random_alerts(40, 1, objects=8)])
    return url


@pytest.fixture
def gueststar(url, capsys, monkeypatch):
    """Runs the command in this process."""

    def run(*arguments, code=0):
        line = ["gueststar", "export", "--store", url, *map(str, arguments)]
        monkeypatch.setattr("sys.argv", line)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code == code, said.err
        return said.out if code == 0 else said.err

    return run


def test_conditions_and_json(url, gueststar, tmp_path):
    with open_store(url, read_only=True) as store:
        one = store.sql("SELECT ra, dec, night FROM alerts WHERE dec < 0 LIMIT 1").to_pylist()[0]
    path = tmp_path / "near.parquet"
    cone = ("--cone", one["ra"], one["dec"], 2)
    said = json.loads(gueststar("--to", path, *cone, "--night", one["night"], "--json"))
    assert said == {"path": str(path), "rows": pq.read_table(path).num_rows, "format": "parquet"}
    assert said["rows"] >= 1


def test_a_wrong_option_is_one_sentence_and_no_file(gueststar, tmp_path):
    for arguments, sentence in (
        (("--to", tmp_path / "x.txt"), "its ending names no format"),
        (("--to", tmp_path / "x.csv", "--min-score", 0.5), "needs the module"),
        (("--to", tmp_path / "x.csv", "--since", "yesterday"), "since"),
        (("--to", tmp_path / "no" / "x.csv"), "no such folder"),
        (("--to", tmp_path / "x.csv", "--sql", "SELECT alertid FROM alerts"), "'alert_id'"),
    ):
        error = gueststar(*arguments, code=1)
        assert error.startswith("gueststar: ")
        assert sentence in error
        assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
