"""``gueststar users``: accounts on the command line, whose passwords are never arguments."""

import io
import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest

from gueststar.cli import main
from gueststar.store import open_store

GOOD = "correct horse battery"


@pytest.fixture
def users(tmp_path, monkeypatch, capsys):
    """The command, over a store of its own; returns the exit code, what it printed and said."""
    url = f"sqlite:///{tmp_path}/night.db"
    open_store(url).close()

    def run(*arguments, typed=f"{GOOD}\n"):
        command = ["gueststar", "users", *arguments, "--store", url]
        monkeypatch.setattr(sys, "argv", command)
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        assert GOOD not in said.out + said.err
        return code, said.out, " ".join(said.err.split())

    run.url = url
    return run


def add(users, *more):
    return users("add", "Ann", *more, "--password-stdin")


def test_an_account_and_its_changes(users):
    assert add(users, "--role", "annotator", "--programs", "1,2")[0] == 0
    with open_store(users.url) as store:
        assert store.log_in("Ann", GOOD, "browser")
    code, _, said = users("change", "ann", "--role", "operator", "--programs", "all")
    assert (code, "operator, programs all" in said) == (0, True)
    assert users("password", "Ann", "--password-stdin", typed="another one, longer\r\n")[0] == 0
    with open_store(users.url) as store:
        assert store.log_in("Ann", "another one, longer", "browser")
    assert users("disable", "Ann")[0] == 0
    assert "disabled" in users("list")[1]
    assert users("enable", "Ann")[0] == 0
    (row,) = json.loads(users("list", "--json")[1])
    assert (row["name"], row["role"], row["programs"], row["state"]) == (
        *("Ann", "operator", None, "counts"),
    )
    assert "digest" not in row


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add", "Bob", "--password-stdin"), "short\n", "12 characters at least"),
        (("add", "Bob", "--password-stdin"), "", "12 characters at least"),
        (("add", "Bob", "--password-stdin"), "x" * 3000, "1,024 bytes at most"),
        (("add", "ANN", "--password-stdin"), f"{GOOD}\n", "account 'Ann' already"),
        (("add", "Bob", "--programs", "one", "--password-stdin"), f"{GOOD}\n", "give numbers"),
        (("add", "Bob"), f"{GOOD}\n", "give --password-stdin"),
        (("password", "Bob", "--password-stdin"), f"{GOOD}\n", "no account 'Bob'"),
        (("change", "Ann"), "", "--role or --programs"),
        (("change", "Bob", "--role", "reader"), "", "no account 'Bob'"),
        (("disable", "Bob"), "", "no account 'Bob'"),
    ],
)
def test_what_cannot_be_is_said(users, arguments, typed, sentence):
    add(users)
    code, out, said = users(*arguments, typed=typed)
    assert (code, out) == (1, "")
    assert sentence in said


def at_a_terminal(command, lines):
    """Type lines at a terminal; return the exit code and all that was on it."""
    ours, theirs = pty.openpty()
    whole = ["setsid", "--ctty", "--wait", *command]
    process = subprocess.Popen(whole, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen, waiting = b"", True
    while waiting and select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        waiting, seen = bool(piece), seen + piece
        if piece.rstrip().endswith(b":") and lines:
            time.sleep(0.1)  # it asks, and turns the echo off
            os.write(ours, lines.pop(0).encode() + b"\n")
    os.close(ours)
    return process.wait(60), seen.decode()


def test_a_password_is_asked_for_twice_and_not_shown(users):
    command = [sys.executable, "-m", "gueststar", "users", "add", "Ann", "--store", users.url]
    code, seen = at_a_terminal(command, [GOOD, "another one, longer", GOOD, GOOD])
    assert code == 0, seen
    assert GOOD not in seen
    assert (seen.count("Password:"), "do not match" in seen) == (2, True)
    with open_store(users.url) as store:
        assert store.log_in("Ann", GOOD, "browser")
