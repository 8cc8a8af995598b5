"""Logging in with a name and a password, at a real server with accounts and hidden programs."""

import getpass
import logging
import pickle
import sqlite3
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from gueststar import Broker
from gueststar.client import http, login
from gueststar.client.login import Credentials, Login, Secret
from gueststar.errors import BadInput, NotAllowed, NotKnown, ServerError, TooSoon
from gueststar.serve.guesses import FREE
from gueststar.store import open_store, store_path
from serve.test_access import alerts
from store.restricted import batches

SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; run_portal(sys.argv[1], port=0,"
    " accounts=sys.argv[2] == 'yes', ready=lambda url: print(url, flush=True))"
)
GOOD, WRONG = "correct horse battery", "staple battery horse"
PROGRAMS = "SELECT DISTINCT program FROM alerts"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('login') / 'night.db'}"
    with open_store(url) as store:
        for batch in batches(alerts(1)):
            store.write([batch])
        store.add_account("Ann", GOOD, "annotator", programs=[1, 2])
        for name in ("Bob", "Cid"):
            store.add_account(name, GOOD)
    return url


@pytest.fixture(scope="module")
def serving(url):
    started = []

    def serve(accounts="yes"):
        command = [sys.executable, "-W", "error", "-c", SERVE, url, accounts]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1].stdout.readline().strip()

    yield serve
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def address(serving):
    return serving()


@pytest.fixture
def ann(address):
    with Broker(address, user="Ann", password=GOOD, retries=1) as broker:
        yield broker


def of(broker):
    """The login of a broker."""
    return broker._store._server._login


def programs(broker):
    return set(broker.sql(PROGRAMS).to_arrow().column("program").to_pylist())


def counted(url, what):
    with sqlite3.connect(store_path(url)) as file:
        (number,) = file.execute(f"SELECT count(*) FROM {what}").fetchone()
    file.close()
    return number


def spent(url):
    return counted(url, "login_secrets WHERE spent_at IS NOT NULL")


def test_rows_of_a_hidden_program_appear(address, ann):
    with Broker(address) as anybody:
        assert programs(anybody) <= {1, None}
    assert programs(ann) == {1, 2, None}
    assert ann.annotate(ann.objects()["object_id"][0], "seen").author == "Ann"


def test_closing_ends_the_login(address, url):
    with Broker(address, user="Ann", password=GOOD):
        there = counted(url, "login_rows")
    assert counted(url, "login_rows") == there - 1


def test_it_is_renewed_before_it_ends(ann, url):
    before, first = spent(url), of(ann).header()
    assert of(ann).header() == first
    assert of(ann)._until - time.monotonic() <= 900 - login.MARGIN_S
    of(ann)._until = 0.0
    assert programs(ann) == {1, 2, None}
    assert of(ann).header() != first
    assert spent(url) == before + 1


def test_a_jwt_that_counts_no_more_is_renewed_once_by_many_threads(ann, url):
    with open_store(url) as store:
        key = store.signing_key()
    claims = jwt.decode(of(ann)._jwt.reveal(), options={"verify_signature": False})
    of(ann)._jwt = Secret(jwt.encode({**claims, "exp": 1}, key, algorithm="HS256"))
    before, logins = spent(url), counted(url, "login_rows")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: programs(ann), range(16)))
    assert found == [{1, 2, None}] * 16
    assert (spent(url), counted(url, "login_rows")) == (before + 1, logins)


def test_a_login_that_has_ended_begins_anew(ann, url):
    with open_store(url) as store:
        store.end_login_of(of(ann)._refresh.reveal(), "program")
    assert programs(ann) == {1, 2, None}
    of(ann)._jwt = None
    of(ann)._refresh = Secret("gsr_of_somebody_else")
    assert programs(ann) == {1, 2, None}
    of(ann)._jwt = of(ann)._refresh = None
    assert programs(ann) == {1, 2, None}


def test_an_account_that_is_disabled_ends_it_all(address, url):
    with Broker(address, user="Bob", password=GOOD, retries=0) as bob:
        assert bob.nights()
        with open_store(url) as store:
            store.disable_account("Bob")
        for _ in range(FREE["name"] + 2):  # the password is sent once
            with pytest.raises(NotKnown, match=r"disabled.*not sent again"):
                bob.nights()
    with open_store(url) as store:
        store.disable_account("Bob", False)
    with Broker(address, user="Bob", password=GOOD, retries=0) as bob:
        assert bob.nights()


def test_a_wrong_password_is_sent_once(serving):
    address = serving()  # whose counts of guesses are its own
    for _ in range(FREE["name"] - 1):
        with pytest.raises(NotKnown, match=r"user, password: name and password .* not sent again"):
            Broker(address, user="Cid", password=WRONG, retries=4)
    told = None
    for _ in range(12):  # each one has to wait twice as long
        try:
            Broker(address, user="Cid", password=WRONG, retries=4)
        except TooSoon as error:
            told = error
            break
        except NotKnown:
            continue
    assert "too many attempts failed" in str(told)
    assert 0 < told.wait_s <= 60


def test_a_server_without_accounts(serving):
    with pytest.raises(BadInput, match="no accounts: everybody"):
        Broker(serving("no"), user="Ann", password=GOOD)


def test_no_server_at_all(monkeypatch):
    monkeypatch.setattr(http, "FIRST_WAIT_S", 0.001)
    with pytest.raises(ServerError, match=r"after 3 tries.*gueststar serve"):
        Broker("http://127.0.0.1:9", user="Ann", password=GOOD, retries=2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"where": "night.db"}, "not logged in to"),
        ({"where": "sqlite:///night.db", "user": None}, "not logged in to"),
        ({"token": "gst_x"}, "token, user"),
        ({"user": None}, "password needs its name"),
        ({"user": " "}, "it is empty"),
        ({"where": "http://Ann:x@127.0.0.1:9"}, "take it out"),
        ({"where": "http://alerts.example.org"}, "insecure=True"),
        ({"where": "http://10.0.0.1:8765"}, "insecure=True"),
        ({"where": "http://localhost.example.org"}, "insecure=True"),
        ({"where": "http://127.0.0.1.example.org"}, "insecure=True"),
        ({"where": "http://[::1"}, "no address"),
    ],
)
def test_what_cannot_be(given, message):
    with pytest.raises(BadInput, match=message) as told:
        Broker(**{"where": "http://127.0.0.1:9", "user": "Ann", "password": GOOD, **given})
    assert GOOD not in str(told.value)


@pytest.mark.parametrize(
    ("where", "insecure"),
    [
        *((one, False) for one in ("http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9")),
        ("http://203.0.113.1:9", True),
        ("https://alerts.example.org", False),
    ],
)
def test_where_a_password_may_go(where, insecure):
    found = login.credentials_of(where, "Ann", Secret(GOOD), insecure=insecure)
    assert (found.user, found.password.reveal()) == ("Ann", GOOD)


def test_a_token_of_the_environment_gives_way(address, monkeypatch):
    monkeypatch.setenv("GUESTSTAR_TOKEN", "gst_of_nobody")
    with Broker(address) as unknown, pytest.raises(NotAllowed):
        unknown.nights()
    with Broker(address, user="Ann", password=GOOD) as known:
        assert programs(known) == {1, 2, None}


def test_a_password_is_asked_for(address, monkeypatch):
    asked = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or GOOD)
    with Broker(address, user="Ann") as broker:
        assert programs(broker) == {1, 2, None}
    assert asked == [f"Password of Ann at {address.removeprefix('http://')}: "]
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "")
    with pytest.raises(BadInput, match="none was given"):
        Broker(address, user="Ann")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"access_token": "x"}'])
def test_another_kind_of_server(body):
    answer = http.httpx.Response(200, content=body, request=http.httpx.Request("POST", "http://x"))
    for path in ("", "<html>"):
        asked = Login(lambda *_: answer, Credentials("Ann", Secret(GOOD + path)))
        with pytest.raises(ServerError, match="no tokens"):
            asked.header()


def test_no_secret_is_shown_logged_or_pickled(address, serving, caplog, monkeypatch):
    monkeypatch.setattr(http, "FIRST_WAIT_S", 0.001)
    caplog.set_level(logging.DEBUG)
    said = []
    with Broker(address, user="Ann", password=GOOD) as broker:
        held = of(broker)
        secrets = [GOOD, WRONG, held._jwt.reveal(), held._refresh.reveal()]
        said += [repr(one) for one in (broker, broker._store, held, vars(held), held._who)]
        for one in (broker, broker._store, held, held._who, held._who.password):
            with pytest.raises(TypeError):
                pickle.dumps(one)
        held._until = 0.0
        broker.nights()
        secrets += [held._jwt.reveal(), held._refresh.reveal()]
        said.append(shown(lambda: broker["nothing"]))
    silent = "http://127.0.0.1:9"
    for where, password in ((address, WRONG), (silent, GOOD), (serving("no"), GOOD)):
        said.append(
            shown(lambda w=where, p=Secret(password): Broker(w, user="Cid", password=p.reveal()))
        )
        assert "Broker" in said[-1]
    text = caplog.text + "".join(said)
    assert "/api/login" in text
    assert [one for one in secrets if one in text] == []


def enter(where, password):
    return Broker(where, user="Cid", password=password.reveal())


def shown(call):
    """A traceback as debuggers show it, with what stands in its frames."""
    try:
        call()
    except (BadInput, ServerError) as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        context, links = error, []
        while context is not None:
            links.append(repr(context))
            context = context.__cause__ or context.__context__
        return "".join(told.format()) + "".join(links)
    raise AssertionError("it raises")
