"""Pages of other sites in a browser: who may ask, as whom, and what they may read of answers."""

import pytest
from litestar.testing import TestClient

from gueststar.errors import BadInput
from gueststar.serve.cors import Origins, origins_of
from gueststar.serve.portal.app import create_app
from gueststar.serve.rates import Rate
from gueststar.store import open_store
from serve.test_access import alerts
from store.restricted import batches

BASE = "http://127.0.0.1:8765"
SITE, OTHER = "https://site.example", "https://evil.example"
GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('cors') / 'night.db'}"
    with open_store(url) as store:
        for batch in batches(alerts(1)):
            store.write([batch])
        store.add_account("Ann", GOOD, "annotator")
    return url


@pytest.fixture(scope="module")
def token(url):
    with open_store(url) as store:
        return {"Authorization": f"Bearer {store.create_token('Ann', 'annotator')[1]}"}


@pytest.fixture
def asks(url):
    """Make a client of a server that allows these origins."""
    running = []

    def start(*origins, **how):
        app = create_app(url, **{"accounts": True, "allow_origins": origins, **how})
        running.append(TestClient(app, base_url=BASE))
        running[-1].follow_redirects = False
        return running[-1].__enter__()

    yield start
    for client in running:
        client.__exit__(None, None, None)


def preflight(client, origin, path="/api/nights", method="GET", **more):
    headers = {"Origin": origin, "Access-Control-Request-Method": method, **more}
    return client.options(path, headers=headers)


def allowed(answer):
    return answer.headers.get("access-control-allow-origin")


def test_without_a_list_no_site_is_allowed(asks):
    client = asks()
    answer = client.get("/api/nights", headers={"Origin": SITE})
    assert (answer.status_code, allowed(answer)) == (200, None)
    assert "Origin" not in answer.headers["vary"]
    assert allowed(preflight(client, SITE)) is None


def test_a_site_that_is_named_reads_with_a_token(asks, token):
    client = asks(SITE, rate=Rate())
    first = preflight(client, SITE, **{"Access-Control-Request-Headers": "authorization"})
    assert (first.status_code, allowed(first)) == (204, SITE)
    assert "Authorization" in first.headers["access-control-allow-headers"]
    assert "PATCH" in first.headers["access-control-allow-methods"]
    assert "Origin" in first.headers["vary"]
    answer = client.get("/api/nights", headers={"Origin": SITE, **token})
    assert (answer.status_code, allowed(answer)) == (200, SITE)
    assert answer.headers["vary"] == "Accept, Accept-Encoding, Origin"
    shown = answer.headers["access-control-expose-headers"]
    for name in ("ETag", "Link", "X-Next", "RateLimit-Remaining", "Retry-After"):
        assert name in shown
    assert "access-control-allow-credentials" not in {*first.headers, *answer.headers}


def test_others_are_not_allowed_and_pages_are_for_nobody(asks):
    client = asks(SITE)
    for origin in (OTHER, "null", f"{SITE}.evil.example", f"{SITE}:8443", "http://site.example"):
        answer = client.get("/api/nights", headers={"Origin": origin})
        assert (allowed(answer), answer.headers["vary"].endswith("Origin")) == (None, True)
        assert allowed(preflight(client, origin)) is None
    assert allowed(client.get("/", headers={"Origin": SITE})) is None
    assert allowed(preflight(client, SITE, "/search")) is None


def test_errors_and_refusals_can_be_read_too(asks):
    client = asks(SITE, rate=Rate(0.001, 24))
    here = {"Origin": SITE}
    assert allowed(client.get("/api/nothing", headers=here)) == SITE
    assert allowed(client.get("/api/nights?x=1", headers=here)) == SITE
    wrong = client.get("/api/nights", headers={**here, "Authorization": "Bearer gst_x"})
    assert (wrong.status_code, allowed(wrong)) == (401, SITE)
    client.get("/api/export?what=alerts&format=csv")
    over = client.get("/api/counts?by=night", headers=here)
    assert (over.status_code, allowed(over)) == (429, SITE)
    assert preflight(client, SITE).status_code == 204, "asking first costs nothing"


def test_a_cookie_counts_on_our_own_pages_only(asks):
    client = asks(SITE)
    sent = {"name": "Ann", "password": GOOD, "next": "/"}
    assert client.post("/login", data=sent, headers={"Origin": BASE}).status_code == 303
    name = client.post("/api/annotations", json={}, headers={"Origin": BASE})
    assert name.status_code == 400, "the cookie counts: only the body is wrong"
    foreign = client.post("/api/annotations", json={}, headers={"Origin": SITE})
    assert (foreign.status_code, allowed(foreign)) == (403, SITE)


def test_a_named_site_writes_with_a_token_and_no_other_does(asks, token, url):
    client = asks(SITE, "*")
    with open_store(url, read_only=True) as store:
        about = store.sql("SELECT object_id FROM objects")[0][0].as_py()
    note = {"object_id": about, "text": "seen from outside"}
    for origin, status in ((SITE, 200), (OTHER, 403), (BASE, 200)):
        answer = client.post("/api/annotations", json=note, headers={"Origin": origin, **token})
        assert answer.status_code == status, answer.text
    open_to_all = asks(SITE, accounts=False)
    answer = open_to_all.post("/api/annotations", json=note, headers={"Origin": SITE, **token})
    assert answer.status_code == 403, "where everybody is the owner no token says more"


def test_every_site_reads_what_everybody_may_and_nothing_more(asks, token):
    client = asks("*")
    answer = client.get("/api/nights", headers={"Origin": OTHER})
    assert (answer.status_code, allowed(answer)) == (200, "*")
    shown = client.get("/api/nights", headers={"Origin": OTHER, **token})
    assert allowed(shown) is None
    first = preflight(client, OTHER, "/api/sql", "POST")
    assert allowed(first) == "*"
    assert "authorization" not in first.headers["access-control-allow-headers"].lower()
    assert "POST" in first.headers["access-control-allow-methods"]
    for path in ("/api/login", "/api/annotations"):
        methods = preflight(client, OTHER, path, "POST").headers["access-control-allow-methods"]
        assert methods == "GET, HEAD"


@pytest.mark.parametrize(
    "text",
    ["", "site.example", "https://", "https://*.example", "https://site.example/", "null",
     "https://a@site.example", "ftp://site.example", "https://site.example:x", "https://s.e?x",
     "https://a, https://b"],
)  # fmt: skip
def test_origins_that_cannot_be_are_refused_at_the_start(text):
    with pytest.raises(BadInput, match=r"^allow_origin: .* without a path"):
        create_app("sqlite:///none.db", allow_origins=[text])


def test_origins_are_read_as_browsers_write_them():
    given = ["HTTPS://Site.example:443", "http://localhost:3000", "https://[2001:DB8::1]:8443"]
    named = {SITE, "http://localhost:3000", "https://[2001:db8::1]:8443"}
    assert origins_of(given) == Origins(frozenset(named), False)
    assert not origins_of([])
