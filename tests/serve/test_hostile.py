"""A real server among hostile clients; and injection into everything that can be asked."""

import http.client
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from urllib.parse import quote

import httpx
import pytest

from gueststar.serve.api.documents import OPERATIONS

SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
)
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
CLIENTS = 200
INJECTIONS = (
    "' OR '1'='1", "x' UNION SELECT packet FROM dead_letters --", "1; DROP TABLE alert_rows; --",
    '" OR ""="', "1) OR (1=1", "%' OR '%'='", "'; ATTACH 'x.db' AS x; --", "\\' OR 1=1 --",
    "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "客星' --", "a\x00b", "$(id)", "{{7*7}}",
    "%s%s%n", "1e999", "-1", "NaN", "' || (SELECT sql FROM sqlite_master) || '", "x" * 3000,
)  # fmt: skip
#: What would tell that a text has reached an engine as SQL, or where files lie.
LEAKS = re.compile(
    r"syntax error|sqlite|psycopg|unrecognized token|near \"|no such (table|column|function)|"
    r"Traceback|\.py\b|/site-packages|root:",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def address(store_url):
    command = [sys.executable, "-W", "error", "-c", SERVE, store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        httpx.get(f"{url}/api/modules", timeout=60)
        yield url
        process.kill()


def connected(address):
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 30)


HEAD = b"Host: 127.0.0.1\r\n"
SLOW = {
    "says nothing": b"",
    "half a head": b"GET /api/modules HTTP/1.1\r\n" + HEAD + b"X-Slow: ",
    "half a body": b"POST /api/cones HTTP/1.1\r\n" + HEAD + b"Content-Type: text/csv\r\n"
    b"Content-Length: 1000000\r\n\r\nra,dec\n",
    "reads nothing": b"GET /api/alerts?limit=10000 HTTP/1.1\r\n" + HEAD + b"\r\n",
}


@pytest.mark.parametrize("how", SLOW)
def test_many_slow_clients_keep_nobody_else_waiting(address, how):
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            connection = stack.enter_context(connected(address))
            connection.sendall(SLOW[how])
        answer = httpx.get(f"{address}/api/modules", timeout=30)
        assert answer.status_code == 200


def test_endless_queries_keep_only_each_other_waiting(address):
    with ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(connected(address))
            query = ENDLESS.replace(" ", "%20").replace("+", "%2B")
            connection.sendall(f"GET /api/sql?query={query} HTTP/1.1\r\n".encode() + HEAD + b"\r\n")
        for path in ("/api/modules", "/", "/api/cone?ra=10&dec=10&radius=5"):
            assert httpx.get(f"{address}{path}", timeout=20).status_code == 200


def test_two_hundred_clients_at_once_are_all_answered(address):
    def ask(number):
        path = ("/api/modules", "/api/nights", "/api/cone?ra=10&dec=10", "/")[number % 4]
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        connection.request("GET", path)
        with closing(connection):
            return connection.getresponse().status

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(ask, range(CLIENTS))) == {200}


@pytest.mark.parametrize("path", ["/api/cones", "/api/sql", "/api/nope", "/"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(address, path):
    with connected(address) as connection:
        size = b"Content-Length: 99999999999\r\n\r\n"
        connection.sendall(f"POST {path} HTTP/1.1\r\n".encode() + HEAD + size + b"x" * 1000)
        answer = connection.recv(2000)
    assert answer.split()[1] in (b"413", b"404", b"405")


def questions():
    for operation in OPERATIONS:
        for place in operation.places:
            yield operation, place, True
        for field in operation.fields:
            if field.name != "query":  # SQL is what it takes
                yield operation, field, False


@pytest.mark.parametrize(
    ("operation", "field", "in_path"),
    [pytest.param(*q, id=f"{q[0].name}-{q[1].name}") for q in questions()],
)
def test_no_parameter_is_sql_or_a_path(client, store, operation, field, in_path):
    """Names that mean harm are names: nothing is found by them, and nothing told of the store."""
    for text in INJECTIONS:
        path, query = operation.path, {}
        for place in operation.places:
            value = text if place is field else place.example or "1"
            path = path.replace(f"{{{place.name}}}", quote(value, safe=""))
        if not in_path:
            query = {field.name: text}
        sent = {"json": {}} if operation.body else {}
        answer = client.request(operation.method, f"/api{path}", params=query, **sent)
        assert answer.status_code < 500, (text, answer.text)
        if answer.status_code >= 400:
            said = answer.json()["error"]["message"].replace("sqlite_master", "")
            assert not LEAKS.search(said), (text, said)
            assert len(said) < 4_500
        elif field.kind == "text" and field.name in ("object_id", "prefix", "objectId", "author"):
            if operation.streams:  # CSV: the header alone
                assert len(answer.text.splitlines()) == 1, text
                continue
            found = answer.json()
            assert (found if isinstance(found, list) else found["rows"]) == [], text
    assert store.health()["in_equals_out"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../app.py", "/static/..%2f..%2f/app.py", "/cutouts/1/..%2f..%2fetc%2fpasswd",
        "/cutouts/..%2f..%2f/etc/passwd", "/api/alerts/1/cutouts/..%2f..%2f..%2fetc%2fpasswd",
        "/strips/..%2f..%2fetc%2fpasswd", "/lightcurve/..%2f..%2fetc%2fpasswd", "//etc/passwd",
        "/object/..%2f..%2fetc%2fpasswd", "/alert/1/packet/..%2f..%2fetc%2fpasswd",
    ],
)  # fmt: skip
def test_no_path_leads_out(client, path):
    answer = client.get(path)
    assert 400 <= answer.status_code < 500
    assert "root:" not in answer.text
