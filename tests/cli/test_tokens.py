"""``gueststar tokens``: made, listed and revoked on the command line, and what they then admit."""

import json
import sys

import pytest

from gueststar.cli import main
from gueststar.errors import BadInput
from gueststar.store import open_store


@pytest.fixture
def tokens(tmp_path, monkeypatch, capsys):
    """The command, over a store of its own; returns the exit code, what it printed and said."""
    url = f"sqlite:///{tmp_path}/night.db"
    open_store(url).close()

    def run(*arguments):
        command = ["gueststar", "tokens", *map(str, arguments), "--store", url]
        monkeypatch.setattr(sys, "argv", command)
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    run.url = url
    return run


def test_a_token_is_printed_once_and_admits(tokens):
    code, secret, said = tokens("create", "Ann", "--role", "annotator", "--programs", "1,2")
    assert code == 0
    assert "not shown again" in said
    with open_store(tokens.url, read_only=True) as store:
        found = store.admit(secret.strip())
    assert (found.name, found.role, found.programs) == ("Ann", "annotator", (1, 2))
    _, listed, _ = tokens("list", "--json")
    (row,) = json.loads(listed)
    assert (row["name"], row["state"]) == ("Ann", "counts")
    assert secret.strip() not in listed
    assert row["start"] == secret[: len(row["start"])]


def test_revoked_tokens_count_no_more(tokens):
    _, secret, _ = tokens("create", "Ann", "--programs", "all", "--role", "operator")
    assert tokens("revoke", 1)[0] == 0
    with open_store(tokens.url, read_only=True) as store, pytest.raises(BadInput, match="revoked"):
        store.admit(secret.strip())
    _, listed, _ = tokens("list")
    assert "revoked" in listed
    assert "all" in listed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "Ann", "--programs", "9"), "program 9 cannot be"),
        (("create", "Ann", "--programs", "one"), "give numbers, as 1,2, or all"),
        (("create", " ", "--programs", "1"), "printable signs"),
        (("create", "Ann", "--days", "-1"), "days: -1"),
        (("revoke", 7), "no token 7"),
    ],
)
def test_what_cannot_be_is_said(tokens, arguments, sentence):
    code, out, said = tokens(*arguments)
    assert code == 1
    assert out == ""
    assert sentence in " ".join(said.split())
