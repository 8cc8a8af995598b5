"""``gueststar audit``: the log on the command line, and the commands that write into it."""

import io
import json
import sys

import pytest

from gueststar.cli import main
from gueststar.store import open_store
from gueststar.store.audit import system_user

GOOD = "correct horse battery"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A command over a store of its own; returns the exit code, what it printed and said."""
    url = f"sqlite:///{tmp_path}/night.db"
    open_store(url).close()

    def run(*arguments, typed=f"{GOOD}\n"):
        monkeypatch.setattr(sys, "argv", ["gueststar", *arguments, "--store", url])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return run


def lines(run, *arguments):
    code, out, _ = run("audit", "--json", *arguments)
    assert code == 0
    rows = json.loads(out)[::-1]
    assert {(row["who"], row["address"]) for row in rows} <= {(system_user(), "command line")}
    return [(row["what"].removeprefix("gueststar "), row["about"], row["outcome"]) for row in rows]


def test_commands_that_change_the_store_are_noted(run, tmp_path):
    table = tmp_path / "stars.csv"
    table.write_text("ra,dec\n10,20\n")
    steps = [
        ("users", "add", "Ann", "--password-stdin"),
        ("users", "add", "Ann", "--password-stdin"),
        ("users", "change", "Ann", "--role", "operator"),
        ("users", "password", "Ann", "--password-stdin"),
        ("users", "disable", "Ann"),
        ("users", "enable", "Ann"),
        ("tokens", "create", "Bob"),
        ("tokens", "revoke", "1"),
        ("tokens", "revoke", "9"),
        ("catalogs", "add", str(table), "--name", "stars"),
        ("catalogs", "match", "stars"),
        ("catalogs", "remove", "stars"),
        ("store", "cutouts", "--to", "database"),
        ("replay", "rescore", "--modules", "none"),
    ]
    codes = [run(*step)[0] for step in steps]
    assert [at for at, code in enumerate(codes) if code] == [1, 8, 13]
    found = lines(run)
    assert [row[0] for row in found] == [
        *["users add"] * 2, "users change", "users password", "users disable", "users enable",
        "tokens create", *["tokens revoke"] * 2, "catalogs add", "catalogs match",
        "catalogs remove", "store cutouts --to", "replay rescore",
    ]  # fmt: skip
    assert [at for at, row in enumerate(found) if row[2] != "ok"] == [1, 8, 13]
    assert found[1][1:] == ("account Ann", "error: BadInput")
    assert found[9][1].startswith("catalogue stars ")
    assert GOOD not in str(found)
    assert lines(run, "--what", "gueststar tokens", "--limit", "1") == [found[8]]
    assert lines(run, "--who", "nobody") == []
    assert lines(run, "--since", "2100-01-01") == []


def test_it_is_shown_as_a_table_and_pruned(run):
    run("tokens", "create", "Bob")
    shown = run("audit")[1]
    assert "command line" in " ".join(shown.split())
    assert "ok" in shown
    code, _, said = run("audit", "--prune", "2100-01-01")
    assert (code, said) == (0, "Forgotten: 1 line.")
    assert lines(run) == [("audit --prune", "1 lines before 2100-01-01T00:00:00+00:00", "ok")]


@pytest.mark.parametrize(
    ("given", "told"),
    [(["--prune", "soon"], "prune: 'soon' is no time"), (["--since", "soon"], "since: 'soon'"),
     (["--prune", "2026-01-01", "--who", "Ann"], "leave --since, --who, --what away")],
)  # fmt: skip
def test_what_cannot_be_asked(run, given, told):
    code, _, said = run("audit", *given)
    assert code == 1
    assert told in said
