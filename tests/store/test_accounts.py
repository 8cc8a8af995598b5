"""Accounts, their logins and their tokens, on both engines."""

import sqlite3
import time

import pytest
from argon2 import PasswordHasher

from gueststar.errors import BadInput, NotAllowed, NotKnown
from gueststar.rights import PUBLIC
from gueststar.store import logins, open_store, passwords, store_path
from gueststar.store.sqlite import schema
from store.test_rights import old_store

GOOD = "correct horse battery"
OTHER = "staple battery horse"
HOSTILE = ["' OR '1'='1", "x'; DROP TABLE account_rows; --", "客星 Ωμέγα é", 'a"b\\c%_', "a;b"]


@pytest.fixture
def ann(store):
    return store.add_account("Ann", GOOD, "annotator", programs=[1, 2])


def everything(store):
    """All that the tables of accounts hold, as text."""
    tables = ("account_rows", "login_rows", "login_secrets", "token_rows")
    with store._reading() as connection:
        return str([connection.execute(f"SELECT * FROM {t}").fetchall() for t in tables])


def test_an_account_logs_in_and_out(store, ann):
    login, secret = store.log_in("ann", GOOD, "browser")
    assert (login.account, login.kind) == (ann, "browser")
    assert store.login_of(secret).account == ann
    assert store.login(login.login_id) is None  # it is no program's
    kept = everything(store)
    assert GOOD not in kept
    assert secret not in kept
    assert "$argon2id$" in kept
    store.end_login(login.login_id)
    store.end_login(login.login_id)
    assert store.login_of(secret) is None
    assert "gsb_" not in repr(login)


@pytest.mark.parametrize("name", ["Ann", "nobody", "", "a\nb", "a\x00b", *HOSTILE])
def test_a_wrong_password_and_an_unknown_name_are_told_alike(store, ann, name):
    with pytest.raises(NotKnown) as told:
        store.log_in(name, OTHER, "browser")
    assert str(told.value) == "name and password are not those of an account here"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_all_kinds(store, name):
    made = store.add_account(name, GOOD)
    assert store.log_in(name, GOOD, "browser")[0].account == made
    assert [one.name for one in store.accounts()] == [name]
    with pytest.raises(BadInput, match="already"):
        store.add_account(name.upper(), OTHER)
    assert store.disable_account(name).state == "disabled"


def test_an_unknown_name_costs_the_work_of_a_password(sqlite_url, monkeypatch):
    done = []
    for work in ("hash", "verify"):
        whole = getattr(PasswordHasher, work)

        def counted(self, *given, whole=whole, work=work):
            done.append((work, self.time_cost, self.memory_cost, self.parallelism))
            return whole(self, *given)

        monkeypatch.setattr(PasswordHasher, work, counted)
    with open_store(sqlite_url) as store:
        store.add_account("Ann", GOOD)
        for name in ("Ann", "nobody", "a\nb"):
            with pytest.raises(NotKnown):
                store.log_in(name, OTHER, "browser")
    made, known, unknown, unprintable = done
    assert known[0] == "verify"
    assert known[1:] == unknown[1:] == unprintable[1:] == made[1:]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"role": "king"}, "no role 'king'"),
        ({"programs": [9]}, "program 9"),
        ({"password": "eleven char"}, "12 characters"),
        ({"password": "x" * 1_025}, "1,024 bytes"),
        ({"password": "客" * 342}, "1,024 bytes"),
    ],
)
def test_accounts_that_cannot_be(sqlite_url, given, message):
    with open_store(sqlite_url) as store:
        with pytest.raises(BadInput, match=message) as told:
            store.add_account(**{"name": "Ann", "password": GOOD, **given})
        assert given.get("password", "-----") not in str(told.value)
        assert store.accounts() == []
        with pytest.raises(BadInput, match="1,024 bytes"):
            store.log_in("Ann", "x" * 1_025, "browser")


def test_a_password_is_the_same_in_every_form_of_its_letters(store):
    store.add_account("Ann", "décomposé, composé")
    assert store.log_in("Ann", "de\u0301compose\u0301, compose\u0301", "browser")


def test_a_new_password_ends_logins_and_leaves_tokens(store, ann):
    _, cookie = store.log_in("Ann", GOOD, "browser")
    program, refresh = store.log_in("Ann", GOOD, "program")
    _, token = store.create_token_of(ann.account_id, "script")
    with pytest.raises(NotKnown, match="not your password"):
        store.set_password("Ann", OTHER, old=OTHER)
    assert store.login_of(cookie)
    store.set_password("Ann", OTHER, old=GOOD)
    assert store.login_of(cookie) is None
    assert store.login(program.login_id) is None
    with pytest.raises(NotKnown):
        store.renew_login(refresh)
    with pytest.raises(NotKnown):
        store.log_in("Ann", GOOD, "browser")
    assert store.log_in("Ann", OTHER, "browser")
    assert store.admit(token).name == "Ann"
    store.set_password("Ann", GOOD)  # by an operator, who does not know the old one
    assert store.log_in("Ann", GOOD, "browser")
    with pytest.raises(BadInput, match="no account"):
        store.set_password("Bob", GOOD)


def test_a_disabled_account_counts_no_more(store, ann):
    _, cookie = store.log_in("Ann", GOOD, "browser")
    program, refresh = store.log_in("Ann", GOOD, "program")
    token, secret = store.create_token_of(ann.account_id, "script", "annotator")
    assert store.disable_account("Ann").state == "disabled"
    assert store.login_of(cookie) is None
    assert store.login(program.login_id) is None
    with pytest.raises(NotKnown):
        store.renew_login(refresh)
    with pytest.raises(NotKnown, match="disabled"):
        store.log_in("Ann", GOOD, "browser")
    with pytest.raises(NotKnown, match="name and password"):
        store.log_in("Ann", OTHER, "browser")  # a guess is not told
    with pytest.raises(BadInput, match="disabled"):
        store.admit(secret)
    store.disable_account("Ann", False)
    assert store.login_of(cookie) is None
    assert store.admit(secret).token_id == token.token_id


def test_a_token_never_may_more_than_its_account(store, ann):
    token, secret = store.create_token_of(ann.account_id, "mine", "annotator", programs=[1, 2])
    assert (token.name, token.label, token.programs) == ("Ann", "mine", (1, 2))
    for given, message in (
        ({"role": "operator"}, "you are annotator"),
        ({"programs": [1, 3]}, "you see 1,2"),
        ({"programs": None}, "you see 1,2"),
        ({"days": 0}, "days"),
        ({"label": "a\nb"}, "name"),
    ):
        with pytest.raises(BadInput, match=message):
            store.create_token_of(ann.account_id, **{"label": "x", **given})
    store.change_account("Ann", role="reader", programs=[2, 3])
    found = store.admit(secret)
    assert (found.role, found.programs) == ("reader", (2,))
    store.change_account("Ann", role="operator", programs=None)
    found = store.admit(secret)
    assert (found.role, found.programs) == ("annotator", (1, 2))
    store.change_account("Ann", programs=[])
    assert store.admit(secret).programs == ()
    assert store.accounts()[0].role == "operator"


def test_tokens_are_their_accounts_own(store, ann):
    bob = store.add_account("Bob", GOOD)
    token, secret = store.create_token_of(ann.account_id, "mine")
    free, _ = store.create_token("Ann")
    assert [t.token_id for t in store.tokens(ann.account_id)] == [token.token_id]
    for number in (token.token_id, free.token_id, 99):
        with pytest.raises(BadInput, match=f"no token {number} of yours"):
            store.revoke_token(number, account_id=bob.account_id)
    assert store.admit(secret)
    assert store.revoke_token(token.token_id, account_id=ann.account_id).state == "revoked"
    with pytest.raises(BadInput, match="revoked"):
        store.admit(secret)


def test_a_secret_that_was_used_before_ends_its_login(store, ann):
    login, first = store.log_in("Ann", GOOD, "program")
    again, second = store.renew_login(first)
    assert again.login_id == login.login_id
    assert store.login(login.login_id)
    with pytest.raises(NotKnown):
        store.renew_login(first)  # stolen, by whoever of the two
    assert store.login(login.login_id) is None
    with pytest.raises(NotKnown):
        store.renew_login(second)


def test_secrets_count_for_their_own_kind(store, ann):
    _, cookie = store.log_in("Ann", GOOD, "browser")
    _, refresh = store.log_in("Ann", GOOD, "program")
    assert store.login_of(refresh) is None
    with pytest.raises(NotKnown):
        store.renew_login(cookie)
    for secret in (cookie, refresh):
        with pytest.raises(BadInput, match="not known"):
            store.admit(secret)


@pytest.mark.parametrize("kind", ["browser", "program"])
def test_logins_end_by_themselves(store, ann, monkeypatch, kind):
    login, secret = store.log_in("Ann", GOOD, kind)
    began, idle, longest = time.time(), logins.IDLE[kind], logins.LONGEST[kind]

    def counts(after):
        monkeypatch.setattr(logins.time, "time", lambda: began + after)
        found = store.login_of(secret) if kind == "browser" else store.login(login.login_id)
        return found is not None

    assert counts(idle - 60)
    assert not counts(idle + 60)
    assert counts(idle - 60)
    store.touch_login(login.login_id)
    assert counts(idle + 60)
    for turn in range(int(longest // (idle / 2))):
        counts(turn * idle / 2)
        store.touch_login(login.login_id)
    assert counts(longest - 60)
    assert not counts(longest + 60)
    store.log_in("Ann", GOOD, kind)
    with store._reading() as connection:
        assert connection.execute("SELECT count(*) FROM login_rows").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM login_secrets").fetchone() == (1,)


def test_old_digests_are_made_anew(store, ann, monkeypatch):
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: weak)
    store.set_password("Ann", OTHER)
    assert "m=8,t=1,p=1" in everything(store)
    monkeypatch.undo()
    store.log_in("Ann", OTHER, "browser")
    assert "m=8,t=1,p=1" not in everything(store)
    assert store.log_in("Ann", OTHER, "browser")


def test_one_signing_key(store, url):
    key = store.signing_key()
    assert len(key) == 32
    with open_store(url) as other:
        assert other.signing_key() == key


def test_who_sees_less_is_told_of_no_account(store, ann, url):
    _, secret = store.log_in("Ann", GOOD, "browser")
    public = store.seen_by(PUBLIC)
    for asked in (
        public.accounts,
        public.tokens,
        lambda: public.log_in("Ann", GOOD, "browser"),
        lambda: public.login_of(secret),
        lambda: public.login(1),
        lambda: public.set_password("Ann", OTHER),
    ):
        with pytest.raises(NotAllowed, match="operators"):
            asked()
    for table in ("account_rows", "login_rows", "login_secrets", "signing_keys", "token_rows"):
        for seen in (store, public):
            for place in ("", "main.", "public."):
                with pytest.raises(BadInput):
                    seen.sql(f"SELECT * FROM {place}{table}")
        with public._reading() as connection:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_store_of_the_version_before_gets_the_tables(sqlite_url):
    old_store(sqlite_url)
    file = sqlite3.connect(store_path(sqlite_url))
    for statement in schema.MIGRATIONS[2].split(";"):
        file.execute(statement)
    file.execute("PRAGMA user_version = 3")
    values = ("Ann", "reader", "1", "gst_abc", logins.digest_of("gst_abcdef"), 0.0)
    query = "INSERT INTO token_rows (name, role, programs, start, digest, at) VALUES (?,?,?,?,?,?)"
    file.execute(query, values)
    file.commit()
    file.close()
    with open_store(sqlite_url) as store:
        assert store.admit("gst_abcdef").name == "Ann"
        assert store.object("z").n_detections == 1
        ann = store.add_account("Ann", GOOD)
        assert store.tokens(ann.account_id) == []
        assert store.audit().num_rows == 1
        assert store.health()["cutouts"] == {"place": "database", "trouble": None}
