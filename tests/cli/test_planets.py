"""``gueststar planets``, from the file to the match."""

import json

import pytest
from typer.testing import CliRunner

from catalogs.planets import EROS
from gueststar.cli import app
from gueststar.errors import BadInput, GueststarError
from gueststar.store import open_store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'night.db'}"


def said(*arguments, url):
    done = CliRunner().invoke(app, ["planets", *arguments, "--store", url], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_from_the_file_to_the_match(url, tmp_path):
    path = tmp_path / "eros.dat"
    path.write_text(f"{EROS}\nno orbit\n")
    CliRunner().invoke(
        app, ["ingest", "simulate:20:1", "--modules", "none", "--store", url, "--json"]
    )
    done = said("add", str(path), url=url)
    assert "1 orbits" in done.stderr
    assert "left out: line 2: 8 characters" in done.stderr
    assert "20 alerts wait: gueststar planets match --store" in done.stderr.replace("\n", "")
    assert "is there already" in said("add", str(path), url=url).stderr
    (row,) = json.loads(said("list", "--json", url=url).stdout)
    assert (row["orbits"], row["n_orbits"], row["n_left_out"], row["n_waiting"]) == (
        "mpc",
        1,
        1,
        20,
    )
    assert row["source"] == "eros.dat"
    assert "61000" in said("list", url=url).stdout
    assert "20 alerts looked at; 0 match" in said("match", url=url).stderr
    again = json.loads(said("match", "--again", "--json", url=url).stdout)
    assert (again["matched_now"], again["n_waiting"]) == (20, 0)
    said("remove", "mpc", url=url)
    assert "No orbits" in said("list", url=url).stderr
    with open_store(url, read_only=True) as store:
        noted = store.audit(limit=10)["what"].to_pylist()
    assert set(noted) == {f"gueststar planets {what}" for what in ("add", "match", "remove")}


def test_where_a_body_is(url, tmp_path):
    path = tmp_path / "eros.dat"
    path.write_text(EROS)
    said("add", str(path), url=url)
    at = ("--at", "2026-11-20T06:00:00")
    found = json.loads(said("where", "eros", *at, "--from", "I41", "--json", url=url).stdout)
    assert found["called"] == "(433) Eros"
    assert found["mjd_tai"] == pytest.approx(61364.25043, abs=1e-5)
    centre = json.loads(said("where", "433", *at, "--json", url=url).stdout)
    apart = abs(found["ra"] - centre["ra"]) + abs(found["dec"] - centre["dec"])
    assert 0 < apart * 3600 < 2 * 8.8 / found["delta_au"]  # diurnal parallax
    shown = said("where", "Eros", *at, "--from", "palomar", url=url)
    assert "(433) Eros from Palomar Mountain" in shown.stderr
    assert "astrometric" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("where", "Eros", "--at", "yesterday"), "--at"),
        (("where", "Eros", "--at", "2026-11-20", "--from", "mauna loa"), "site: 'mauna loa'"),
        (("where", "Ceres", "--at", "2026-11-20"), "no orbit of 'Ceres'"),
        (("match", "--name", "mpd"), "no orbits 'mpd'"),
    ],
)
def test_what_cannot_be_is_said(url, tmp_path, arguments, why):
    path = tmp_path / "eros.dat"
    path.write_text(EROS)
    said("add", str(path), url=url)
    with pytest.raises((BadInput, GueststarError), match=why):
        said(*arguments, url=url)
