"""The log of writes: who, when, from where, what, about what, and how it ended."""

import time

import pytest

from gueststar.errors import BadInput, NotAllowed
from gueststar.rights import PUBLIC
from gueststar.store import audit, open_store
from gueststar.store.audit import LONGEST, Actor, Refusal, acting, plain, system_user, unix_of
from gueststar.store.selection import next_of
from store.alerts import random_alerts

GOOD, NEW = "correct horse battery", "staple battery horse"


def lines(store, **asked):
    """What was noted, oldest first, without times."""
    rows = store.audit(**asked).to_pylist()
    return [(r["who"], r["address"], r["what"], r["about"], r["outcome"]) for r in rows][::-1]


def test_every_write_is_noted_in_its_own_transaction(store):
    store.write([random_alerts(2, 1)])
    about = store.sql("SELECT object_id FROM objects ORDER BY object_id")[0][0].as_py()
    begun = time.time()
    with acting(Actor("Ann", "192.0.2.7", "POST /x")):
        note = store.annotate(about, "a secret of hers", author="Ann").annotation_id
        store.edit_annotation(note, "another secret", author="Ann")
        store.remove_annotation(note, author="Ann")
        token, secret = store.create_token("Bob", "annotator")
        store.revoke_token(token.token_id)
        account = store.add_account("Cid", GOOD)
        own, other = store.create_token_of(account.account_id, "mine")
        store.set_password("Cid", NEW)
        store.change_account("Cid", role="operator", programs=None)
        store.disable_account("Cid")
        store.disable_account("Cid", False)
    found = lines(store)
    assert [row[3] for row in found] == [
        *[f"annotation {note}, object {about}"] * 3,
        *[f"token {token.start}... of Bob, annotator"] * 2,
        "account Cid, reader, programs 1",
        f"token {own.start}... of Cid, reader",
        "password of account Cid",
        "account Cid, operator, programs all",
        "account Cid, operator, programs all, disabled",
        "account Cid, operator, programs all, counts",
    ]
    assert {row[:3] + row[4:] for row in found} == {("Ann", "192.0.2.7", "POST /x", "ok")}
    at = store.audit().column("at").to_pylist()
    assert all(begun <= one <= time.time() for one in at)
    kept = str(store.audit().to_pylist())
    assert not [word for word in (GOOD, NEW, secret, other, "secret") if word in kept]


def test_logins_are_noted_by_the_name_that_has_logged_in(store):
    store.add_account("Cid", GOOD)
    with acting(Actor(None, "192.0.2.7", "POST /login")):
        login, _ = store.log_in("Cid", GOOD, "browser")
        _, secret = store.log_in("Cid", GOOD, "program")
        _, newer = store.renew_login(secret)
        store.end_login(login.login_id)
        store.end_login(login.login_id)
        store.end_login_of(newer, "program")
    found = lines(store, what="login")
    assert [row[3] for row in found] == [
        "login of Cid, browser", "login of Cid, program", *["login of Cid"] * 3
    ]  # fmt: skip
    assert {row[0] for row in found} == {"Cid"}
    assert secret not in str(found)


def test_a_program_that_has_said_nothing_is_its_user(store):
    store.create_token("Bob")
    assert lines(store)[0][:3] == (system_user(), "", "create_token")


def test_what_is_undone_is_not_noted(store):
    store.add_account("Cid", GOOD)
    with pytest.raises(BadInput):
        store.add_account("CID", GOOD)
    store.write([random_alerts(1, 1)])
    about = store.sql("SELECT object_id FROM objects")[0][0].as_py()
    note = store.annotate(about, "x", author="Ann")
    with pytest.raises(NotAllowed):
        store.edit_annotation(note.annotation_id, "y", author="Bob")
    assert len(lines(store)) == 2


def test_pages_and_conditions(store):
    for number in range(7):
        with acting(Actor(f"P{number % 2}", "here", f"do_{number} 50%")):
            store.note_audit("x", str(number), "ok" if number else "error: BadInput")
    pages, after = [], None
    while after is not None or not pages:
        page = store.audit(after=after, limit=3)
        pages.append(page.column("about").to_pylist())
        after = next_of(page)
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert [row[3] for row in lines(store, who="P1")] == ["1", "3", "5"]
    assert [row[3] for row in lines(store, what="DO_3")] == ["3"]
    assert lines(store, what="d%3") == lines(store, what="do 3") == []
    assert len(lines(store, what="50%")) == 7
    middle = store.audit().column("at").to_pylist()[3]
    assert len(lines(store, since=middle)) == 4
    with pytest.raises(BadInput, match="limit"):
        store.audit(limit=0)
    with pytest.raises(BadInput):
        store.audit(after="nonsense")


def test_parts_of_a_line_are_bounded_and_hold_no_control_characters(store):
    with acting(Actor("A\n\x1b[31m\0", "x" * 900, "ü" * 500)):
        store.note_audit("x", "\r\n" * 400)
    (row,) = store.audit().to_pylist()
    assert row["who"] == r"A\n\x1b[31m\x00"
    texts = [row[name] for name in ("who", "address", "what", "about")]
    assert max(map(len, texts)) == LONGEST
    assert all(text.isprintable() for text in texts)
    assert plain("客星") == "客星"


def refusal(number=0, times=1):
    return Refusal(time.time(), None, f"a{number}", "POST /login", "", "401", times)


def test_of_very_many_refusals_the_oldest_go_and_writes_stay(store, monkeypatch):
    monkeypatch.setattr(audit, "KEPT_REFUSALS", 5)
    store.create_token("Bob")
    for begin in range(0, 12, 3):
        store.note_refusals([refusal(number, 7) for number in range(begin, begin + 3)])
    found = store.audit().to_pylist()
    assert [row["address"] for row in found] == ["a11", "a10", "a9", "a8", "a7", ""]
    assert [row["times"] for row in found] == [7] * 5 + [1]


def test_what_is_pruned_is_gone_and_that_is_noted(store):
    for number in range(3):
        store.note_audit("x", str(number))
    at = store.audit().column("at").to_pylist()
    with acting(Actor("Op", "here", "gueststar audit --prune")):
        assert store.prune_audit(at[0]) == 2
    found = lines(store)
    assert [row[3] for row in found][:1] == ["2"]
    assert found[-1][2] == "gueststar audit --prune"
    assert found[-1][3].startswith("2 lines before 20")


def test_only_operators_read_it(url):
    with open_store(url) as store:
        store.create_token("Bob")
    with open_store(url, read_only=True) as store:
        with pytest.raises(NotAllowed):
            store.seen_by(PUBLIC).audit()
        with pytest.raises(BadInput):
            store.sql("SELECT * FROM audit_rows")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "12"])
def test_moments_that_cannot_be(text):
    with pytest.raises(BadInput, match="since: "):
        unix_of(text, "since")


def test_moments():
    assert unix_of("2026-11-20", "since") == 1795132800.0
    assert unix_of("2026-11-20T01:00:00+01:00", "since") == 1795132800.0
    assert unix_of("1795132800.5", "since") == 1795132800.5
