"""What a server tells whom: rights on every route, and tokens."""

import itertools
import time

import numpy as np
import pytest
from litestar.testing import TestClient

from gueststar.client.remote import RemoteStore
from gueststar.errors import BadInput, NotAllowed
from gueststar.rights import Rights
from gueststar.serve.portal.app import create_app
from gueststar.serve.portal.run import run_portal
from gueststar.serve.visitors import Visitor
from gueststar.store import open_store
from store.restricted import NAMES, batches, numbered, visible

ALLOWED = frozenset([1])
BASE = "http://127.0.0.1:8765"
#: What only operators are told, and what is not about alerts.
OPERATORS = {"/api/audit", "/api/health", "/health", "/health.json", "/metrics"}
NOT_ABOUT_ALERTS = {"/api", "/api/openapi.json", "/favicon.ico", "/static/{path:path}"}
QUERIES = [
    "SELECT * FROM alerts ORDER BY alert_id",
    "SELECT count(*) AS n FROM lightcurves",
    "SELECT * FROM objects ORDER BY object_id",
    "SELECT max(value) FROM scores",
    "SELECT count(*) AS n FROM minor_planets",
]


def alerts(seed):
    rng = np.random.default_rng(seed)
    programs = [1, 2, 3, None]

    def point():
        kind = ["detection", "forced", "limit"][rng.integers(3)]
        program = programs[rng.integers(4)]
        flux, exposure = int(rng.integers(1, 4)), int(rng.integers(1, 6))
        return {"exposure": exposure, "program": program, "kind": kind, "flux": flux}

    return list(
        numbered(
            {
                "thing": [0, 1, 2, 0, 0, 2, 1, 3, 4, 5, 6, 2][i],
                "program": programs[i % 4],
                "night": int(rng.integers(2)),
                "flux": int(rng.integers(-3, 9)),
                "points": [point() for _ in range(rng.integers(4))],
                "batch": int(rng.integers(2)),
                "score": [None, 0.2, 0.9][rng.integers(3)],
                "twice": bool(rng.integers(2)),
            }
            for i in range(12)
        )
    )


@pytest.fixture(scope="module", params=[1, 2])
def apps(request, tmp_path_factory):
    """A server that shows program 1 of a store, and one of a store that holds nothing else."""
    folder = tmp_path_factory.mktemp("access")
    whole = alerts(request.param)
    urls = [f"sqlite:///{folder / name}.db" for name in ("whole", "less")]
    for url, some in zip(
        urls, (batches(whole), batches(visible(whole, ALLOWED), ALLOWED)), strict=True
    ):
        with open_store(url) as store:
            for batch in some:
                store.write([batch])
    reader = Visitor("me", "reader", Rights(ALLOWED))
    shown = [create_app(urls[0], everybody=reader), create_app(urls[1])]
    with (
        TestClient(shown[0], base_url=BASE) as restricted,
        TestClient(shown[1], base_url=BASE) as oracle,
    ):
        for one in (restricted, oracle):
            one.follow_redirects = False
        yield restricted, oracle, [one["id"] for one in whole]


def values(ids):
    """What can stand in a path; a new name must be added here."""
    return {
        "object_id": [*filter(None, NAMES)],
        "name": [*filter(None, NAMES)],
        "alert_id": ids,
        "kind": ["science", "template"],
        "night": ["20230225", "latest"],
        "annotation_id": ["1"],
        "field": ["prv_candidates", "candidate"],
        "catalog": ["gaia"],
        "planet": ["433", "Eros"],
        "token_id": ["1"],
        "file": [
            *("science.png", "science.f32", "ZTF18a.csv", "ZTF18b.csv", "ZTF18a.json"),
            *("ZTF18b.json", "170000.csv"),
            *(f"{one}.png" for one in ids[:4]),
        ],
    }


def body_of(client, answer):
    house = client.app.state.house
    text = answer.content.decode("latin-1")
    for own in (house._templates.globals["visit"], house.store_url, house.store_url[10:]):
        text = text.replace(own, "")
    return answer.status_code, text, answer.headers.get("location")


def same(restricted, oracle, method, address, **sent):
    found = [body_of(one, one.request(method, address, **sent)) for one in (restricted, oracle)]
    assert found[0] == found[1], address


def addresses(path, given):
    """Fill the parts of a path, ``{name}`` or ``{name:kind}``, in all ways."""
    parts = path.replace("{", "}").split("}")
    names = [part.partition(":")[0] for part in parts[1::2]]
    for chosen in itertools.product(*(given[name] for name in names)):
        filled = dict(zip(range(1, len(parts), 2), chosen, strict=True))
        yield "".join(str(filled.get(k, part)) for k, part in enumerate(parts))


def test_every_question_of_the_api(apps):
    restricted, oracle, ids = apps
    document = restricted.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        full = path if path.startswith("/api") else f"/api{path}"
        if full in OPERATORS:
            assert restricted.get(full).status_code == 403
            assert "operators" in restricted.get(full).json()["error"]["message"]
            continue
        for address in addresses(full, values(ids)):
            for method, question in methods.items():
                if method == "get":
                    ask(restricted, oracle, address, question)
    for query in QUERIES:
        same(restricted, oracle, "GET", "/api/sql", params={"query": query})
        same(restricted, oracle, "POST", "/api/sql", json={"query": query})
    cones = {"ra": [10.0, 200.0], "dec": [0.0, 5.0], "radius": 3_600}
    same(restricted, oracle, "POST", "/api/cones", json=cones)


def ask(restricted, oracle, address, question):
    """Ask without and with each parameter, at its example."""
    examples = {
        one["name"]: one.get("example", one.get("schema", {}).get("example"))
        for one in question.get("parameters", [])
        if one["in"] == "query"
    }
    same(restricted, oracle, "GET", address)
    for name, example in examples.items():
        same(restricted, oracle, "GET", address, params={name: example})
    same(restricted, oracle, "GET", address, params={"ra": 10.0, "dec": 0.0, "radius": 3_600})


def test_every_page(apps):
    restricted, oracle, ids = apps
    for route in restricted.app.routes:
        path = route.path_format if "{" in route.path else route.path
        if path in OPERATORS:
            assert restricted.get(path).status_code == 403
        elif not path.startswith("/api") and not path.startswith("/static"):
            for address in addresses(path, values(ids)):
                same(restricted, oracle, "GET", address)
    for query in (
        "q=ZTF18a",
        "q=10.0 0.0",
        f"q={ids[0]}",
        "ra=10&dec=0&radius=900",
        "min_score=0.1",
    ):
        for page in ("/search", "/cone", "/", "/search.csv", "/sky"):
            same(restricted, oracle, "GET", f"{page}?{query}")


@pytest.fixture
def url(tmp_path, make_alerts):
    url = f"sqlite:///{tmp_path / 'night.db'}"
    with open_store(url) as store:
        for batch in batches(alerts(1)):
            store.write([batch])
    return url


@pytest.fixture
def server(url):
    with TestClient(create_app(url, accounts=True), base_url=BASE) as opened:
        yield opened


@pytest.fixture
def token(url):
    """Makes tokens, and returns the header that shows one."""

    def make(*given, **more):
        with open_store(url) as store:
            return {"Authorization": f"Bearer {store.create_token(*given, **more)[1]}"}

    return make


def programs(server, headers=None):
    query = {"query": "SELECT DISTINCT program FROM alerts ORDER BY program"}
    rows = server.get("/api/sql", params=query, headers=headers).json()["rows"]
    return {row["program"] for row in rows}


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["message"]


def test_programs_by_token(server, token):
    assert programs(server) <= {1, None}
    assert programs(server, token("Ann", programs=[1, 2])) == {1, 2, None}
    assert programs(server, token("Eve", programs=[])) <= {None}
    assert programs(server, token("Bob", "operator", programs=None)) == {1, 2, 3, None}


def test_an_operator_sees_the_counts_whatever_his_programs(server, token):
    for address in sorted(OPERATORS):
        assert server.get(address).status_code == 403
        assert server.get(address, headers=token("A", programs=None)).status_code == 403
        assert server.get(address, headers=token("B", "operator")).status_code == 200


@pytest.mark.parametrize(
    "shown",
    ["Bearer gst_forged", "Bearer ", "Basic YTpi", "gst_x", "Bearer \xff", "Bearer a b", "bearer"],
)
def test_what_is_no_token_is_refused(server, shown):
    answer = server.get("/api/nights", headers={"Authorization": shown.encode("latin-1")})
    assert "authorization" in error_of(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "forged" not in answer.text
    assert server.get("/", headers={"Authorization": shown.encode("latin-1")}).status_code == 401


def test_revoked_and_expired(server, token, url):
    mine = token("Ann", days=1e-9)
    time.sleep(0.01)
    assert "expired" in error_of(server.get("/api/nights", headers=mine), 401)
    other = token("Ann")
    assert server.get("/api/nights", headers=other).status_code == 200
    with open_store(url) as store:
        (last,) = [one for one in store.tokens() if one.expires_at > time.time()]
        store.revoke_token(last.token_id)
        store.revoke_token(last.token_id)
    assert "revoked" in error_of(server.get("/api/nights", headers=other), 401)


def test_who_may_write(server, token):
    name, hidden = "ZTF18a", "ZTF18b"  # of programs 1, 3 and none; of 2 and 3
    note = {"object_id": name, "text": "a star"}
    assert "annotators" in error_of(server.post("/api/annotations", json=note), 403)
    reader, ann = token("Ann"), token("Ann", "annotator")
    assert "annotators" in error_of(server.post("/api/annotations", json=note, headers=reader), 403)
    new = server.post("/api/annotations", json=note, headers=ann).json()
    assert new["author"] == "Ann"
    where = f"/api/annotations/{new['annotation_id']}"
    bob, operator = token("Bob", "annotator"), token("Op", "operator")
    assert "Ann" in error_of(server.delete(where, headers=bob), 403)
    assert server.patch(where, json={"text": "b"}, headers=operator).json()["text"] == "b"
    assert server.delete(where, headers=ann).status_code == 200
    unseen = {"object_id": hidden, "text": "there?"}
    assert "no object" in error_of(server.post("/api/annotations", json=unseen, headers=bob), 400)


def test_secrets_are_not_kept(url, token):
    secret = token("Ann")["Authorization"].split()[1]
    with open_store(url) as store:
        assert all(secret not in map(str, one) for one in store.tokens())
        with pytest.raises(BadInput):
            store.sql("SELECT * FROM token_rows")
        with store._reading() as connection:
            rows = connection.execute("SELECT * FROM token_rows").fetchall()
    assert secret not in str(rows)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a", "role": "king"}, "role"),
        ({"name": "a", "programs": [9]}, "program 9"),
        ({"name": "a", "days": 0}, "days"),
    ],
)
def test_tokens_that_cannot_be(url, given, message):
    with open_store(url) as store, pytest.raises(BadInput, match=message):
        store.create_token(**given)


def test_without_accounts_a_token_changes_nothing(url, token):
    with TestClient(create_app(url), base_url=BASE) as server:
        assert programs(server, {"Authorization": "Bearer x"}) == {1, 2, 3, None}


def test_beyond_this_machine_it_must_be_said(url):
    with pytest.raises(BadInput, match="--accounts"):
        run_portal(url, host="0.0.0.0", port=0)


def test_a_client_shows_its_token():
    with pytest.raises(BadInput, match="token"):
        RemoteStore(BASE, token="a\nb")
    assert issubclass(NotAllowed, BadInput)
