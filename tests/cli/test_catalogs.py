"""``gueststar catalogs``, from the file to the match."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gueststar.cli import app
from gueststar.errors import BadInput, GueststarError
from gueststar.store import open_store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'night.db'}"


def said(*arguments, url):
    done = CliRunner().invoke(app, [*arguments, "--store", url], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def stars_of(url, path):
    """A catalogue of the objects themselves, one row without a position."""
    with open_store(url, read_only=True) as store:
        table = store.sql("SELECT object_id, ra, dec, n_points FROM objects").to_pydict()
    for name, value in (("object_id", "nowhere"), ("ra", None), ("dec", 0.0), ("n_points", 0)):
        table[name].append(value)
    pq.write_table(pa.table(table), path)
    return len(table["ra"]) - 1


def test_a_catalogue_comes_late_and_early(url, tmp_path):
    said("ingest", "simulate:40:1", "--modules", "none", "--json", url=url)
    n = stars_of(url, tmp_path / "stars.parquet")
    add = ("catalogs", "add", str(tmp_path / "stars.parquet"), "--id", "object_id")
    added = json.loads(said(*add, "--columns", "n_points", "--json", url=url))
    assert added["new"]
    assert [added[k] for k in ("catalogue", "n_sources", "n_left_out", "n_waiting")] == [
        "stars", n, 1, n,
    ]  # fmt: skip
    assert not json.loads(said(*add, "--columns", "n_points", "--json", url=url))["new"]
    done = json.loads(said("catalogs", "match", "stars", "--json", url=url))
    assert (done["matched_now"], done["n_matched"], done["n_waiting"]) == (n, n, 0)
    assert json.loads(said("catalogs", "match", "stars", "--json", url=url))["matched_now"] == 0
    said("ingest", "simulate:40:2", "--modules", "none", "--catalogs", "none", "--json", url=url)
    (row,) = json.loads(said("catalogs", "list", "--json", url=url))
    assert row["n_waiting"] > 0
    said("catalogs", "remove", "stars", url=url)
    assert json.loads(said("catalogs", "list", "--json", url=url)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "{file}", "--ra", "raj"), "no column 'raj'"),
        (("add", "{file}", "--pm", "pmra"), "name two columns"),
        (("add", "{file}.gone"), "cannot read"),
        (("match", "gaia"), "no catalogue 'gaia'"),
        (("remove", "gaia"), "no catalogue 'gaia'"),
    ],
)
def test_what_cannot_be_done(arguments, message, url, tmp_path):
    said("ingest", "simulate:3:1", "--modules", "none", "--json", url=url)
    stars_of(url, tmp_path / "stars.parquet")
    filled = [one.format(file=tmp_path / "stars.parquet") for one in arguments]
    with pytest.raises(BadInput, match=message):
        said("catalogs", *filled, url=url)


def test_an_ingest_names_what_there_is(url):
    with pytest.raises(GueststarError, match="there is no 'gaia'"):
        said("ingest", "simulate:3:1", "--modules", "none", "--catalogs", "gaia", url=url)
