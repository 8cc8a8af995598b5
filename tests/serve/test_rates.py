"""What one client may ask: buckets, who shares one, addresses behind proxies, a flood."""

import subprocess
import sys
import threading

import httpx
import pytest
from litestar.testing import TestClient

from gueststar import Broker
from gueststar.errors import BadInput
from gueststar.serve import rates
from gueststar.serve.addresses import Addresses, networks_of
from gueststar.serve.portal.app import create_app
from gueststar.serve.rates import COSTS, Buckets, Rate, rate_of
from gueststar.store import open_store

BASE = "http://127.0.0.1:8765"
SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, accounts=True, rate=sys.argv[2], "
    "ready=lambda url: print(url, flush=True))"
)
#: As good as no refill while a test runs: what it counts depends on no clock.
NEVER = 0.001


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_bucket_empties_and_fills_up_to_its_brim():
    clock = Clock()
    buckets = Buckets(Rate(2.0, 20), clock)
    assert [buckets.take("a", 8) for _ in range(3)] == [(True, 12.0), (True, 4.0), (False, 4.0)]
    assert buckets.take("b", 20) == (True, 0.0), "another's is its own"
    clock.now = 2.0
    assert buckets.take("a", 8) == (True, 0.0), "what was refused cost nothing"
    clock.now = 1e6
    assert buckets.take("a", 1) == (True, 19.0)


def test_clients_are_forgotten_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(rates, "MOST", 100)
    buckets = Buckets(Rate(NEVER, 20), Clock())
    for number in range(1_000):
        buckets.take("steady", 0)
        buckets.take(f"@{number}", 1)
    assert len(buckets) == 100
    assert buckets.take("@999", 0) == (True, 19.0)
    assert buckets.take("@1", 0) == (True, 20.0), "it was away for long"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("20,400", Rate(20.0, 400)), (" none ", None), ("0.5, 20", Rate(0.5, 20))],
)
def test_rates_as_people_write_them(text, rate):
    assert rate_of(text) == rate


@pytest.mark.parametrize("text", ["", "20", "1,2,3", "a,b", "0,400", "nan,400", "20,19", "20,1e3"])
def test_no_rate(text):
    with pytest.raises(BadInput, match=r"^rate: .* as 20,400"):
        rate_of(text)


def scope(peer, forwarded=None):
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    return {"client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # it may say what it likes
        ("127.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", None, "192.0.2.7"),
        ("testclient", None, "testclient"),
    ],
)
def test_addresses(peer, forwarded, address):
    assert Addresses().of(scope(peer, forwarded)) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.1, 10.0.0.9", "198.51.100.1"),  # two proxies
        ("10.0.0.5", "10.0.0.7", "10.0.0.7"),  # one of their own
        ("10.0.0.5", "203.0.113.9, x, 10.0.0.9", "10.0.0.9"),  # behind what cannot be read
        ("127.0.0.1", "198.51.100.1", "127.0.0.1"),  # no proxy any more
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
    ],
)
def test_addresses_behind_proxies_that_are_named(peer, forwarded, address):
    assert Addresses(networks_of(["10.0.0.0/24"])).of(scope(peer, forwarded)) == address


@pytest.mark.parametrize("text", ["proxy", "10.0.0.1/8", "0.0.0.0/0", "::/0", ""])
def test_no_proxy(text):
    with pytest.raises(BadInput, match=r"^trusted_proxy: "):
        networks_of([text])


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'night.db'}"
    open_store(url).close()
    return url


def opened(url, rate, **how):
    client = TestClient(create_app(url, rate=rate, **how), base_url=BASE)
    client.follow_redirects = False
    return client


def standing(answer):
    return [int(answer.headers[f"ratelimit-{name}"]) for name in ("limit", "remaining", "reset")]


def test_every_kind_of_request_costs_what_is_said(url):
    rate = Rate(NEVER, 1_000)
    asked = {
        "page": ("GET", "/notes"),
        "search": ("GET", "/api/counts?by=night"),
        "write": ("POST", "/api/logout"),
        "login": ("POST", "/api/login"),
        "export": ("GET", "/api/export?what=alerts&format=csv"),
    }
    with opened(url, rate, accounts=True) as client:
        left = 1_000
        for effort, (verb, path) in asked.items():
            left -= COSTS[effort]
            assert standing(client.request(verb, path))[:2] == [1_000, left], effort
        assert standing(client.get("/nothing/here"))[1] == left - 1, "nor is that for nothing"
        assert standing(client.delete("/sky"))[1] == left - 2
        assert "ratelimit-limit" not in client.get("/favicon.ico").headers
        assert standing(client.get("/notes"))[1] == left - 3


def test_over_it_a_sentence_says_when_to_go_on(url):
    with opened(url, Rate(0.5, 20)) as client:
        assert client.get("/api/export?what=alerts&format=csv").status_code == 200
        answer = client.get("/api/counts?by=night")
        assert answer.status_code == 429
        error = answer.json()["error"]
        wait = int(answer.headers["retry-after"])
        assert 1 <= wait <= 8
        assert error["message"] == f"you ask more than one client may: go on in {wait} s"
        assert answer.headers["x-content-type-options"] == "nosniff"
        page = client.get("/sky")
        assert (page.status_code, page.headers["content-type"][:10]) == (429, "text/plain")
        assert client.get("/favicon.ico").status_code == 200, "files are free"
        sent = client.post("/api/sql", json={"query": "SELECT 1"})
        assert (sent.status_code, sent.headers["connection"]) == (429, "close")


def test_without_a_rate_there_is_no_limit(url):
    with opened(url, None) as client:
        answers = [client.get("/api/modules") for _ in range(50)]
        assert {answer.status_code for answer in answers} == {200}
        assert "ratelimit-limit" not in answers[0].headers


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_who_was_let_in_has_a_bucket_of_his_own_and_secrets_that_are_made_up_have_none(url):
    with open_store(url) as store:
        _, ann = store.create_token("Ann")
        _, again = store.create_token("Ann")
    with opened(url, Rate(NEVER, 40), accounts=True) as client:
        assert standing(client.get("/api/modules", headers=bearer(ann)))[1] == 39  # the address's
        assert standing(client.get("/api/modules", headers=bearer(ann)))[1] == 39  # Ann's
        assert standing(client.get("/api/modules", headers=bearer(again)))[1] == 38
        assert standing(client.get("/api/modules", headers=bearer(again)))[1] == 38, "one of hers"
        made_up = [client.get("/api/modules", headers=bearer(f"gst_{n}")) for n in range(60)]
        assert [a.status_code for a in made_up] == [401] * 38 + [429] * 22
        assert client.get("/api/modules").status_code == 429, "they came from one address"
        assert client.get("/api/modules", headers=bearer(ann)).status_code == 200


def test_a_login_has_the_bucket_of_its_account(url):
    with open_store(url) as store:
        store.add_account("Bob", "correct horse battery")
    with opened(url, Rate(NEVER, 40), accounts=True) as client:
        sent = {"name": "Bob", "password": "correct horse battery", "next": "/"}
        assert client.post("/login", data=sent, headers={"Origin": BASE}).status_code == 303
        assert standing(client.get("/account"))[1] == 29
        assert standing(client.get("/account"))[1] == 39


@pytest.fixture
def served(url):
    """Start a real server with a rate; returns its address."""
    running = []

    def start(rate):
        command = [sys.executable, "-W", "error", "-c", SERVE, url, rate]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return running[-1].stdout.readline().strip()

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_flood_is_answered_429_and_another_client_always(url, served):
    with open_store(url) as store:
        _, secret = store.create_token("Ann")
    address, codes, done = served(f"{NEVER},400"), [], threading.Event()

    def flood():
        with httpx.Client(base_url=address, timeout=60) as client:
            client.headers["X-Forwarded-For"] = "192.0.2.7"  # loopback is believed
            codes.extend(client.get("/api/modules").status_code for _ in range(2_000))
        done.set()

    thread = threading.Thread(target=flood)
    with httpx.Client(base_url=address, headers=bearer(secret), timeout=60) as ann:
        first = ann.get("/api/modules")
        thread.start()
        others = [first.status_code]
        while not done.wait(0.02) and len(others) < 300:
            others.append(ann.get("/api/modules").status_code)
        thread.join()
        others.append(ann.get("/api/modules").status_code)
    assert [codes.count(200), codes.count(429)] == [400, 1_600]
    assert codes[:400] == [200] * 400
    assert set(others) == {200}
    assert len(others) > 2


def test_the_client_waits_for_its_turn(url, served):
    address = served("0.5,20")
    drained = httpx.get(f"{address}/api/export", params={"what": "alerts", "format": "csv"})
    assert drained.status_code == 200
    assert httpx.get(f"{address}/api/modules").status_code == 429
    with Broker(address, retries=0) as broker:
        assert broker.nights().to_arrow().num_rows == 0
