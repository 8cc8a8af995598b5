"""``gueststar store cutouts`` and ``ingest --cutouts`` on the command line."""

import json
import sys

import pytest

from gueststar.cli import main
from gueststar.store import open_store


@pytest.fixture
def gueststar(tmp_path, monkeypatch, capsys):
    """The command, over a store of its own; returns the exit code, what it printed and said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUESTSTAR_STORE", "sqlite:///night.db")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gueststar", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_cutouts_go_where_they_are_told(gueststar, tmp_path):
    ingest = ("ingest", "simulate:30:3", "--modules", "none", "--json")
    code, _, said = gueststar(*ingest, "--cutouts", "stamps")
    assert code == 0, said
    _, out, _ = gueststar("store", "cutouts", "--json")
    database, folder = json.loads(out)["places"]
    assert (database["alerts"], folder["used"], folder["packs"]) == (0, True, 1)
    assert folder["place"] == f"file://{tmp_path}/stamps"
    (pack,) = (tmp_path / "stamps").rglob("*.zip")
    whole = pack.read_bytes()
    pack.write_bytes(whole[:-1])
    code, out, _ = gueststar("store", "cutouts", "--check")
    assert (code, "restore it from a copy" in out.replace("\n", " ")) == (1, True)
    code, out, _ = gueststar("health")
    assert (code, "restore it from a copy" in out.replace("\n", " ")) == (0, True)
    pack.write_bytes(whole)
    assert gueststar("store", "cutouts", "--check")[0] == 0
    code, _, _ = gueststar("store", "cutouts", "--to", "other", "--new-only")
    assert (code, len(list((tmp_path / "other").rglob("*.zip")))) == (0, 0)


def test_a_move_that_has_nothing_to_do(gueststar):
    with open_store("sqlite:///night.db") as store:
        store.keep_cutouts_in("stamps")
    gueststar("ingest", "simulate:30:3", "--modules", "none", "--json", "--cutouts", "database")
    code, out, _ = gueststar("store", "cutouts", "--to", "database", "--json")
    assert (code, json.loads(out)["left"]) == (0, 0)
    assert json.loads(out)["places"][0] == {"place": "database", "used": True, "alerts": 30}


def test_what_cannot_be(gueststar):
    code, _, said = gueststar("store", "cutouts", "--to", "s3://me:secret@night")
    assert (code, "AWS_SECRET_ACCESS_KEY in the environment" in said) == (1, True)
    assert "secret@" not in said
