"""Logins: cookies of browsers, JWTs of programs, and those who try to come in without."""

import base64
import logging
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import jwt
import orjson
import pytest
from litestar.testing import TestClient

from gueststar.errors import BadInput, TooSoon
from gueststar.serve import jwts
from gueststar.serve.gate import Limits
from gueststar.serve.guesses import FREE, LONGEST_S, Guesses
from gueststar.serve.portal.app import create_app
from gueststar.serve.portal.pages.login import own_path
from gueststar.serve.portal.run import run_portal
from gueststar.serve.site import site_of
from gueststar.store import open_store, store_path
from serve.test_access import alerts
from store.restricted import batches

BASE = "http://127.0.0.1:8765"
HERE = {"Origin": BASE}
GOOD, OTHER = "correct horse battery", "staple battery horse"
PEOPLE = {"Ann": ("annotator", [1, 2]), "Bob": ("reader", [1]), "Op": ("operator", None)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with alerts of several programs, and three accounts."""
    url = f"sqlite:///{tmp_path_factory.mktemp('logins') / 'night.db'}"
    with open_store(url) as store:
        for batch in batches(alerts(1)):
            store.write([batch])
        for name, (role, programs) in PEOPLE.items():
            store.add_account(name, GOOD, role, programs=programs)
    return url


@pytest.fixture
def url(made):
    """The same store, whose accounts are as they were before, after a test that changes them."""
    yield made
    with open_store(made) as store:
        for name, (role, programs) in PEOPLE.items():
            store.change_account(name, role=role, programs=programs)
            store.disable_account(name, False)


@pytest.fixture
def browser(url):
    with TestClient(create_app(url, accounts=True), base_url=BASE) as opened:
        opened.follow_redirects = False
        yield opened


def log_in(browser, name="Ann", password=GOOD, headers=HERE, **more):
    sent = {"name": name, "password": password, "next": "/", **more}
    return browser.post("/login", data=sent, headers=headers)


def tokens(browser, name="Ann"):
    answer = browser.post("/api/login", json={"name": name, "password": GOOD})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def programs(browser, headers=None):
    query = {"query": "SELECT DISTINCT program FROM alerts"}
    answer = browser.get("/api/sql", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return {row["program"] for row in answer.json()["rows"]}


def refused(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["message"]


def test_a_browser_logs_in_sees_and_logs_out(browser):
    assert programs(browser) <= {1, None}
    answer = log_in(browser, next="/sky")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sky")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("gueststar=gsb_")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert programs(browser) == {1, 2, None}
    page = browser.get("/")
    assert page.headers["cache-control"] == "private, no-store"
    assert 'href="/account"' in page.text
    secret = browser.cookies["gueststar"]
    assert secret not in page.text
    answer = browser.post("/logout", headers=HERE)
    assert answer.headers["clear-site-data"] == '"cache"'
    assert "Max-Age=0" in answer.headers["set-cookie"]
    browser.cookies.set("gueststar", secret)  # whoever has kept it
    assert programs(browser) <= {1, None}


def test_a_login_begins_anew(browser):
    log_in(browser)
    first = browser.cookies["gueststar"]
    log_in(browser, "Bob")
    assert browser.cookies["gueststar"] != first
    browser.cookies.clear()
    browser.cookies.set("gueststar", first)  # of before: it was ended, not handed on
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("name", ["Ann", "nobody", "' OR 1=1 --", "客星", "a\nb", "a\x00b"])
def test_a_wrong_password_is_told_as_an_unknown_name(browser, name):
    answer = log_in(browser, name, OTHER)
    assert answer.status_code == 401
    assert "name and password are not those of an account here" in answer.text
    assert OTHER not in answer.text
    assert "set-cookie" not in answer.headers
    message = refused(browser.post("/api/login", json={"name": name, "password": OTHER}), 401)
    assert message == "name and password are not those of an account here"


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.org"}, {"Origin": "null"}, {"Origin": "http://["}]
)
def test_pages_of_other_sites_log_nobody_in_or_out(browser, headers):
    assert log_in(browser, headers=headers).status_code == 403
    log_in(browser)
    for path in ("/logout", "/account/tokens", "/account/tokens/1/revoke", "/account/password"):
        assert browser.post(path, headers=headers).status_code == 403
    assert programs(browser) == {1, 2, None}
    note = {"object_id": "ZTF18a", "text": "there"}
    assert browser.post("/api/annotations", json=note, headers=headers).status_code == 403
    assert browser.post("/api/annotations", json=note, headers=HERE).status_code == 200
    assert browser.get("/logout").status_code == 200  # asks, and does nothing
    assert programs(browser) == {1, 2, None}


@pytest.mark.parametrize(
    "address",
    [
        *("//evil.org", "https://evil.org", "/\\evil.org", "\\\\evil.org", "javascript:alert(1)"),
        *("/\t/evil.org", "/\n/evil.org", "evil.org", "", "/login", "/logout?x=1", "/é", "/ //e"),
    ],
)
def test_next_leads_to_our_own_pages(browser, address):
    assert own_path(address) == "/"
    answer = log_in(browser, next=address)
    assert answer.headers["location"] == "/"
    assert browser.get("/login", params={"next": address}).headers["location"] == "/"
    assert own_path("/search?q=10%3A12&x=//y") == "/search?q=10%3A12&x=//y"


def test_pages_tell_the_way_to_the_login(browser):
    asked = (("/health", 403), ("/object/ZTF99nothere", 404), ("/?min_score=0.5&band=g", 200))
    for path, status in asked:
        page = browser.get(path)
        assert page.status_code == status
        wanted = quote(path, safe="")
        assert f'href="/login?next={wanted}"' in page.text
    answer = browser.get("/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Faccount")
    log_in(browser, "Op")
    assert browser.get("/health").status_code == 200


def test_without_accounts_there_is_nothing_of_it(made):
    with TestClient(create_app(made), base_url=BASE) as laptop:
        assert "Log in" not in laptop.get("/").text
        for path in ("/login", "/logout", "/account"):
            assert laptop.get(path).status_code == 404
        assert log_in(laptop).status_code == 404
        sent = {"name": "Ann", "password": GOOD}
        assert "no accounts" in refused(laptop.post("/api/login", json=sent), 404)


def test_a_cookie_ends_with_its_account(browser, url):
    log_in(browser)
    with open_store(url) as store:
        store.change_account("Ann", role="reader", programs=[1])
        assert programs(browser) <= {1, None}
        store.disable_account("Ann")
        assert browser.get("/account").status_code == 303
        store.disable_account("Ann", False)
    assert browser.get("/account").status_code == 303
    for forged in ("gsb_x", "", "a" * 5_000, "\xff", "' OR 1=1"):
        answer = browser.get(
            "/account", headers={b"Cookie": f"gueststar={forged}".encode("latin-1")}
        )
        assert answer.status_code == 303


@pytest.mark.parametrize("named", ["body", "jwt"])
def test_a_program_logs_in_refreshes_and_logs_out(browser, named):
    first = tokens(browser)
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 900)
    shown = bearer(first["access_token"])
    assert programs(browser, shown) == {1, 2, None}
    assert browser.get("/account", headers=shown).status_code == 303  # it is no browser
    new = {"object_id": "ZTF18a", "text": "by a program"}
    assert browser.post("/api/annotations", json=new, headers=shown).json()["author"] == "Ann"
    again = {"refresh_token": first["refresh_token"]}
    second = browser.post("/api/login/refresh", json=again).json()
    assert programs(browser, bearer(second["access_token"])) == {1, 2, None}
    ending = {"refresh_token": second["refresh_token"]} if named == "body" else {}
    shown = bearer(second["access_token"])
    answer = browser.post("/api/logout", json=ending, headers=shown if not ending else {})
    assert answer.json() == {"state": "ended"}
    assert "ended" in refused(browser.get("/api/nights", headers=shown), 401)
    again = {"refresh_token": second["refresh_token"]}
    assert "log in again" in refused(browser.post("/api/login/refresh", json=again), 401)


@pytest.mark.parametrize("header", ["Bearer a.b.c", "Bearer gst_x", "Basic QW5uOng=", "expired"])
def test_what_stands_in_the_header_does_not_keep_out_who_logs_in(browser, header):
    if header == "expired":
        given = tokens(browser)
        key = browser.app.state.house.signing_key
        claims = jwt.decode(given["access_token"], options={"verify_signature": False})
        header = f"Bearer {jwt.encode({**claims, 'exp': 1}, key, algorithm='HS256')}"
        refused(browser.get("/api/nights", headers={"Authorization": header}), 401)
    headers = {"Authorization": header}
    sent = {"name": "Ann", "password": GOOD}
    given = browser.post("/api/login", json=sent, headers=headers).json()
    again = {"refresh_token": given["refresh_token"]}
    newer = browser.post("/api/login/refresh", json=again, headers=headers).json()
    assert programs(browser, bearer(newer["access_token"])) == {1, 2, None}
    wrong = {"name": "Ann", "password": OTHER}
    refused(browser.post("/api/login", json=wrong, headers=bearer(newer["access_token"])), 401)
    refused(browser.post("/api/logout", json=again, headers=headers), 401)


def test_a_stolen_refresh_token_ends_the_login(browser):
    first = tokens(browser)
    again = {"refresh_token": first["refresh_token"]}
    second = browser.post("/api/login/refresh", json=again).json()
    refused(browser.post("/api/login/refresh", json=again), 401)
    for one in (first, second):
        assert "ended" in refused(
            browser.get("/api/nights", headers=bearer(one["access_token"])), 401
        )


def test_a_jwt_counts_as_its_account_does(browser, url):
    shown = bearer(tokens(browser, "Bob")["access_token"])
    with open_store(url) as store:
        store.change_account("Bob", programs=[3])
        assert programs(browser, shown) == {3, None}
        store.disable_account("Bob")
        assert "ended" in refused(browser.get("/api/nights", headers=shown), 401)


def part(value):
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def test_forged_jwts_are_refused(browser, url):
    good = tokens(browser)["access_token"]
    other = tokens(browser, "Op")["access_token"]
    with open_store(url) as store:
        key = store.signing_key()
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")
    now = int(time.time())
    forged = {
        "none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "None": f"{part({'alg': 'None'})}.{body}.{signature}",
        "unsigned": f"{head}.{body}.",
        "another's body": f"{head}.{other.split('.')[1]}.{signature}",
        "another key": jwt.encode(claims, b"x" * 32, algorithm="HS256"),
        "a signature of nothing": f"{head}.{body}.AAAA",
        "another algorithm": jwt.encode(claims, key * 2, algorithm="HS512"),
        "HS384": jwt.encode(claims, key * 2, algorithm="HS384"),
        "expired": jwt.encode({**claims, "exp": now - 1}, key, algorithm="HS256"),
        "for others": jwt.encode({**claims, "aud": "else"}, key, algorithm="HS256"),
        "by others": jwt.encode({**claims, "iss": "else"}, key, algorithm="HS256"),
        "before its time": jwt.encode({**claims, "iat": now + 600}, key, algorithm="HS256"),
        "another account": jwt.encode({**claims, "sub": "3"}, key, algorithm="HS256"),
        "another login": jwt.encode({**claims, "sid": "1"}, key, algorithm="HS256"),
        "no number": jwt.encode({**claims, "sid": "x"}, key, algorithm="HS256"),
        "huge": jwt.encode({**claims, "sid": "9" * 40}, key, algorithm="HS256"),
        "garbage": "a.b.c",
        "nothing": "..",
    }
    for name in ("iss", "aud", "sub", "sid", "iat", "exp", "jti"):
        less = {k: v for k, v in claims.items() if k != name}
        forged[f"without {name}"] = jwt.encode(less, key, algorithm="HS256")
    assert programs(browser, bearer(jwt.encode(claims, key, algorithm="HS256"))) == {1, 2, None}
    for name, text in forged.items():
        answer = browser.get("/api/nights", headers=bearer(text))
        message = refused(answer, 401)
        assert message.startswith("authorization: "), name
        assert answer.headers["www-authenticate"] == "Bearer"
        assert text[:20] not in answer.text, name


def test_a_key_of_ones_own(made, monkeypatch):
    monkeypatch.setenv("GUESTSTAR_JWT_KEY", "k" * 32)
    with TestClient(create_app(made, accounts=True), base_url=BASE) as server:
        token = tokens(server)["access_token"]
        assert jwts.read(b"k" * 32, token)
    with open_store(made) as store, pytest.raises(BadInput):
        jwts.read(store.signing_key(), token)
    monkeypatch.setenv("GUESTSTAR_JWT_KEY", "short-secret")
    with pytest.raises(BadInput, match="32 bytes") as told:
        create_app(made, accounts=True)
    assert "short-secret" not in str(told.value)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"[]", "JSON object"),
        (b'{"name": "Ann"}', "password: send a string"),
        (b'{"name": "Ann", "password": 7}', "password: send a string"),
        (b'{"name": "Ann", "password": "x", "role": "operator"}', "role"),
        (orjson.dumps({"name": "Ann", "password": "x" * 2_000}), "1,024 bytes"),
    ],
)
def test_what_is_no_login(browser, sent, message):
    json = {"Content-Type": "application/json"}
    assert message in refused(browser.post("/api/login", content=sent, headers=json), 400)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(browser.post("/api/login", content=sent, headers=form), 415)
    refused(browser.post("/api/logout", json={}), 400)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"name=a&name=b&password=c", "application/x-www-form-urlencoded", 400),
        (b"name=%ff&password=c", "application/x-www-form-urlencoded", 400),
        (b"name=a&role=operator", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"name=a" for _ in range(50)), "application/x-www-form-urlencoded", 400),
        (b"name=\xff", "application/x-www-form-urlencoded", 400),
        (b"name=a", "text/plain", 415),
        (b"name=" + b"a" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_forms_that_cannot_be_read(browser, body, kind, status):
    answer = browser.post("/login", content=body, headers={**HERE, "Content-Type": kind})
    assert answer.status_code == status


def test_tokens_on_the_account_page(browser, url):
    log_in(browser)
    form = {"label": "<b>laptop</b>", "role": "annotator", "programs": "1,2", "days": "30"}
    page = browser.post("/account/tokens", data=form, headers=HERE)
    assert page.status_code == 200
    secret = re.search(r"gst_[\w-]{43}", page.text)[0]
    assert "<b>laptop</b>" not in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert secret not in browser.get("/account").text
    assert programs(browser, bearer(secret)) == {1, 2, None}
    for wrong, message in (
        ({"role": "operator"}, "you are annotator"),
        ({"role": "king"}, "no role"),
        ({"programs": "1,3"}, "you see 1,2"),
        ({"programs": "all"}, "you see 1,2"),
        ({"programs": "one"}, "give numbers"),
        ({"days": "nan"}, "days"),
        ({"days": "many"}, "days"),
        ({"label": " "}, "name"),
    ):
        answer = browser.post("/account/tokens", data={**form, **wrong}, headers=HERE)
        assert answer.status_code == 400
        assert message in answer.text
    with open_store(url) as store:
        (mine,) = (one for one in store.tokens() if one.label == "<b>laptop</b>")
        log_in(browser, "Bob")
        for number in (mine.token_id, 999, "x", "9" * 30):
            answer = browser.post(f"/account/tokens/{number}/revoke", headers=HERE)
            assert answer.status_code == 400  # another's, or none
        assert programs(browser, bearer(secret)) == {1, 2, None}
        log_in(browser)
        answer = browser.post(f"/account/tokens/{mine.token_id}/revoke", headers=HERE)
        assert answer.headers["location"] == "/account#tokens"
    assert "revoked" in refused(browser.get("/api/nights", headers=bearer(secret)), 401)


def test_a_password_is_changed_by_who_knows_it(browser, url):
    with open_store(url) as store:
        store.add_account("Cid", GOOD)
    log_in(browser, "Cid")
    with TestClient(create_app(url, accounts=True), base_url=BASE) as elsewhere:
        elsewhere.follow_redirects = False
        log_in(elsewhere, "Cid")
        form = {"old": GOOD, "new": OTHER, "again": OTHER}
        for wrong, message in (
            ({"again": "another one, longer"}, "the two new ones differ"),
            ({"old": OTHER}, "this is not your password"),
            ({"new": "short", "again": "short"}, "12 characters"),
        ):
            answer = browser.post("/account/password", data={**form, **wrong}, headers=HERE)
            assert answer.status_code == 400
            assert message in answer.text
            assert OTHER not in answer.text
        assert elsewhere.get("/account").status_code == 200
        answer = browser.post("/account/password", data=form, headers=HERE)
        assert "Your password is changed" in answer.text
        assert browser.get("/account").status_code == 200
        assert elsewhere.get("/account").status_code == 303
        assert log_in(elsewhere, "Cid").status_code == 401
        assert log_in(elsewhere, "Cid", OTHER).status_code == 303


def test_guesses_have_to_wait(browser):
    for _ in range(FREE["name"]):
        assert log_in(browser, "Bob", OTHER).status_code == 401
    answer = log_in(browser, "BOB", GOOD)  # the right one, too soon
    assert answer.status_code == 429
    assert "try again in" in answer.text
    answer = browser.post("/api/login", json={"name": "Bob", "password": GOOD})
    assert "try again in" in refused(answer, 429)
    assert 1 <= int(answer.headers["retry-after"]) <= LONGEST_S
    assert log_in(browser, "Ann").status_code == 303  # others do not


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def waits(guesses, name, address):
    try:
        guesses.attempt(name, address)
    except TooSoon as error:
        return error.wait_s
    return 0.0


def test_guesses_by_account_and_by_address():
    clock = Clock()
    guesses = Guesses(clock)
    assert [waits(guesses, "ann", f"a{i}") for i in range(FREE["name"])] == [0] * FREE["name"]
    assert waits(guesses, "ann", "elsewhere") == 1.0
    asked = []
    for _ in range(10):
        asked.append(waits(guesses, "ann", "elsewhere"))
        clock.now += asked[-1]
        assert waits(guesses, "ann", "elsewhere") == 0
    assert asked == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    tried = [waits(guesses, f"name {i}", "one") for i in range(FREE["address"] + 1)]
    assert tried == [0] * FREE["address"] + [1.0]
    clock.now += 4_000
    assert waits(guesses, "ann", "elsewhere") == 0


def test_who_was_here_is_not_kept_out_by_others():
    guesses = Guesses(Clock())
    guesses.attempt("ann", "home")
    guesses.succeeded("ann", "home")
    for i in range(50):
        waits(guesses, "ann", f"a{i}")
    assert waits(guesses, "ann", "elsewhere") > 0
    assert [waits(guesses, "ann", "home") for _ in range(FREE["pair"])] == [0] * FREE["pair"]
    assert waits(guesses, "ann", "home") > 0


@pytest.mark.parametrize(
    ("public_url", "loopback", "name"),
    [
        (None, True, "gueststar"),
        (None, False, "__Host-gueststar"),
        ("https://alerts.example.org", True, "__Host-gueststar"),
        ("http://alerts.example.org", False, "gueststar"),
    ],
)
def test_the_cookie_is_for_tls_unless_said(made, public_url, loopback, name):
    app = create_app(made, accounts=True, public_url=public_url, loopback_only=loopback)
    base = public_url or (BASE if loopback else "https://alerts.example.org")
    with TestClient(app, base_url=base) as server:
        server.follow_redirects = False
        answer = log_in(server, headers={"Origin": base})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{name}=gsb_")
        assert ("Secure" in cookie) == name.startswith("__Host-")
        assert "Domain" not in cookie
        assert programs(server) == {1, 2, None}
        if not loopback and public_url is None:
            answer = log_in(server, headers={"Origin": "http://alerts.example.org"})
            assert answer.status_code == 400
            assert "https only" in answer.text


@pytest.mark.parametrize(
    "address",
    ["alerts.example.org", "ftp://x", "https://", "https://a@b", "https://a/b", "https://a:x"],
)
def test_public_urls_that_cannot_be(made, address):
    with pytest.raises(BadInput, match="public_url"):
        site_of(address, loopback=True)
    with pytest.raises(BadInput, match="public_url"):
        run_portal(made, port=0, accounts=True, public_url=address)


def test_a_public_server_needs_accounts(made):
    with pytest.raises(BadInput, match="--accounts"):
        run_portal(made, port=0, public_url="https://alerts.example.org")


def test_a_flood_of_passwords_has_turns_of_its_own(made):
    limits = Limits(logins=1, others=1, waiting=2, wait_s=20.0)
    with (
        TestClient(create_app(made, accounts=True, limits=limits), base_url=BASE) as server,
        ThreadPoolExecutor(12) as clients,
    ):
        sent = [{"name": f"nobody {i}", "password": OTHER} for i in range(12)]
        flood = [clients.submit(server.post, "/api/login", json=one) for one in sent]
        asked = [server.get("/api/nights").status_code for _ in range(20)]
        found = {future.result().status_code for future in flood}
    assert asked == [200] * 20
    assert found == {401, 503}


def test_a_cookie_before_there_is_a_store(tmp_path):
    app = create_app(f"sqlite:///{tmp_path / 'none.db'}", accounts=True)
    with TestClient(app, base_url=BASE) as server:
        server.cookies.set("gueststar", "gsb_x")
        assert "No alerts yet" in server.get("/").text
        assert server.get("/api/nights").status_code == 503
        assert server.get("/api/nights", headers=bearer("gst_x")).status_code == 503
        assert server.get("/api/nights", headers=bearer("a.b.c")).status_code == 503
        server.cookies.clear()
        assert server.get("/login").status_code == 200
        assert log_in(server).status_code == 503


def test_no_secret_is_logged_or_told(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    url = f"sqlite:///{tmp_path / 'night.db'}"
    with open_store(url) as store:
        ann = store.add_account("Ann", GOOD)
        _, token = store.create_token_of(ann.account_id, "script")
    told = []
    with TestClient(create_app(url, accounts=True), base_url=BASE) as server:
        server.follow_redirects = False
        assert log_in(server).status_code == 303
        cookie, given = server.cookies["gueststar"], tokens(server)
        jwt_key = server.app.state.house.signing_key.hex()
        told += [log_in(server, password=OTHER), server.get("/api/nights", headers=bearer(token))]
        told.append(server.post("/api/login/refresh", json={"refresh_token": cookie}))
        with sqlite3.connect(store_path(url)) as file:
            file.execute("ALTER TABLE login_secrets RENAME TO elsewhere")  # a fault, now
        broken = {"refresh_token": given["refresh_token"]}
        told += [log_in(server), server.get("/"), server.post("/api/login/refresh", json=broken)]
        file.close()
        assert [one.status_code for one in told] == [401, 200, 401, 503, 503, 503]
        visitor = repr(server.app.state.house.whole.login(0)) + repr(ann)
    said = caplog.text + visitor + "".join(one.text + str(one.headers) for one in told)
    secrets = (GOOD, OTHER, token, cookie, given["access_token"], given["refresh_token"], jwt_key)
    assert [one for one in secrets if one in said] == []
