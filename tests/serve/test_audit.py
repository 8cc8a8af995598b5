"""What a server notes of those who write, of those who try to, and of a flood of them."""

import re

import pytest
from litestar.testing import TestClient

from gueststar.serve import auditor
from gueststar.serve.portal.app import create_app
from gueststar.store import open_store
from gueststar.store.audit import MANY
from serve.test_access import alerts
from store.restricted import batches

BASE = "http://127.0.0.1:8765"
HERE = {"Origin": BASE}
GOOD, NEW = "correct horse battery", "staple battery horse"


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'night.db'}"
    with open_store(url) as store:
        for batch in batches(alerts(1)):
            store.write([batch])
        store.add_account("Ann", GOOD, "annotator", programs=[1, 2])
        store.add_account("Op", GOOD, "operator", programs=None)
        store.prune_audit(4e9)
    return url


@pytest.fixture
def client(url):
    app = create_app(url, accounts=True, trusted_proxies=["10.0.0.0/8"])
    with TestClient(app, base_url=BASE) as opened:
        opened.follow_redirects = False
        yield opened


def noted(client, url):
    """Close the server, and read what was noted since it began, oldest first."""
    client.__exit__(None, None, None)
    with open_store(url, read_only=True) as store:
        rows = store.audit().to_pylist()[::-1][1:]
    return [(r["who"], r["what"], r["about"], r["outcome"], r["times"]) for r in rows]


def bearer(url, name="Ann", role="annotator"):
    with open_store(url) as store:
        return {"Authorization": f"Bearer {store.create_token(name, role)[1]}"}


def log_in(client, name="Ann", password=GOOD):
    sent = {"name": name, "password": password, "next": "/"}
    return client.post("/login", data=sent, headers=HERE)


def test_a_day_of_an_account(client, url):
    assert log_in(client, password="wrong horse battery").status_code == 401
    assert log_in(client).status_code == 303
    made = {"label": "mine", "role": "reader", "programs": "1", "days": "9"}
    assert client.post("/account/tokens", data=made, headers=HERE).status_code == 200
    with open_store(url, read_only=True) as store:
        (token,) = store.tokens()
    client.post(f"/account/tokens/{token.token_id}/revoke", headers=HERE)
    with_new = {"old": GOOD, "new": NEW, "again": NEW}
    assert client.post("/account/password", data=with_new, headers=HERE).status_code == 200
    assert client.post("/logout", headers=HERE).status_code == 303
    start = f"token {token.start}... of Ann, reader"
    found = noted(client, url)
    assert found == [
        ("Ann", "POST /login", "login of Ann, browser", "ok", 1),
        ("Ann", "POST /account/tokens", start, "ok", 1),
        ("Ann", "POST /account/tokens/{token_id}/revoke", start, "ok", 1),
        ("Ann", "POST /account/password", "password of account Ann", "ok", 1),
        ("Ann", "POST /account/password", "login of Ann, browser", "ok", 1),
        ("Ann", "POST /logout", "login of Ann", "ok", 1),
        (None, "POST /login", "account Ann", "401", 1),
    ]
    assert not re.search("horse|gst_[^ .]{7}", str(found)), "no password and no token"


def test_a_program_and_its_annotations(client, url):
    about = client.get("/api/objects", headers=bearer(url)).json()["rows"][0]["object_id"]
    given = client.post("/api/login", json={"name": "Ann", "password": GOOD}).json()
    shown = {"Authorization": f"Bearer {given['access_token']}"}
    text = {"object_id": about, "text": "only for her eyes"}
    number = client.post("/api/annotations", json=text, headers=shown).json()["annotation_id"]
    path = f"/api/annotations/{number}"
    assert client.patch(path, json={"text": "edited"}, headers=shown).status_code == 200
    other = bearer(url, "Bob")
    assert client.patch(path, json={"text": "mine now"}, headers=other).status_code == 403
    assert client.delete(path).status_code == 403
    assert client.delete(path, headers={"Authorization": "Bearer gst_x"}).status_code == 401
    assert client.delete(path, headers=shown).status_code == 200
    again = client.post("/api/login/refresh", json={"refresh_token": given["refresh_token"]})
    sent = {"refresh_token": again.json()["refresh_token"]}
    assert client.post("/api/logout", json=sent).status_code == 200
    found = [row for row in noted(client, url) if row[1] != "create_token"]
    note, what = f"annotation {number}, object {about}", "/api/annotations/{annotation_id}"
    refused = f"annotation_id {number}"
    assert found == [
        ("Ann", "POST /api/login", "login of Ann, program", "ok", 1),
        ("Ann", "POST /api/annotations", note, "ok", 1),
        ("Ann", f"PATCH {what}", note, "ok", 1),
        ("Ann", f"DELETE {what}", note, "ok", 1),
        ("Ann", "POST /api/login/refresh", "login of Ann", "ok", 1),
        ("Ann", "POST /api/logout", "login of Ann", "ok", 1),
        ("Bob", f"PATCH {what}", refused, "403", 1),
        (None, f"DELETE {what}", refused, "403", 1),
        (None, f"DELETE {what}", refused, "401", 1),
    ]


def test_a_flood_of_refusals_is_a_few_lines(client, url):
    ann = bearer(url)
    for number in range(200):
        client.delete(f"/api/annotations/{number}")
    for _ in range(50):
        client.delete("/api/annotations/777", headers=ann)
    found = [row for row in noted(client, url) if row[1] != "create_token"]
    assert sum(row[4] for row in found) == 250, "each was counted"
    assert len(found) == auditor.MOST + 2
    assert found[auditor.MOST][2:] == ("", "403", 200 - auditor.MOST)
    assert found[-1] == ("Ann", "DELETE /api/annotations/{annotation_id}", "annotation_id 777",
                         "404", 50)  # fmt: skip
    with open_store(url, read_only=True) as store:
        addresses = set(store.audit().column("address").to_pylist())
    assert MANY in addresses


def test_operators_read_it_and_nobody_else(client, url):
    log_in(client)
    assert client.get("/api/audit").status_code == 403
    client.cookies.clear()
    assert client.get("/api/audit").status_code == 403
    log_in(client, "Op")
    page = client.get("/api/audit?limit=1").json()
    assert page["rows"][0]["about"] == "login of Op, browser"
    more = client.get("/api/audit", params={"limit": 1, "after": page["next"]}).json()
    assert more["rows"][0]["who"] == "Ann"
    assert client.get("/api/audit?who=Ann&what=login").json()["count"] == 1
    assert client.get("/api/audit?since=2100-01-01").json()["count"] == 0
    wrong = client.get("/api/audit?since=soon")
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "since")


def as_if_from(app, peer):
    """Let an application believe that its requests come from an address."""
    inner = app.asgi_handler

    async def outer(scope, receive, send):
        await inner({**scope, "client": (peer, 1)}, receive, send)

    app.asgi_handler = outer
    return app


@pytest.mark.parametrize(
    ("peer", "address"), [("10.0.0.5", "203.0.113.9"), ("192.0.2.1", "192.0.2.1")]
)
def test_where_from_behind_a_proxy(url, peer, address):
    app = create_app(url, accounts=True, trusted_proxies=["10.0.0.0/8"])
    with TestClient(as_if_from(app, peer), base_url=BASE) as client:
        client.headers["X-Forwarded-For"] = "203.0.113.9"
        client.follow_redirects = False
        assert log_in(client).status_code == 303
        assert log_in(client, password="wrong horse battery").status_code == 401
    with open_store(url, read_only=True) as store:
        assert store.audit(limit=2).column("address").to_pylist() == [address] * 2


def test_what_cannot_be_noted_is_said(client, url, caplog, monkeypatch):
    def full(self, refusals):
        from gueststar.errors import StoreUnavailable

        raise StoreUnavailable("no space left")

    client.delete("/api/annotations/1")
    monkeypatch.setattr("gueststar.store.auditing.Auditing.note_refusals", full)
    noted(client, url)
    assert "1 refused writes could not be noted: no space left" in caplog.text
