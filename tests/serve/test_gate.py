"""The gate: who has a turn, who waits, who is sent away, and what slow clients may hold."""

import asyncio
import re
from types import SimpleNamespace

import orjson
import pytest

from gueststar.serve.effort import EFFORTS
from gueststar.serve.gate import PIECE, Gate, Limits, Room
from gueststar.serve.portal.app import ROUTES

EFFORT = {"/api/sql": "search", "/health": "search", "/login": "login", "/api/export": "export"}
QUICK = {"wait_s": 0.2, "grace_s": 0.2, "least_rate": 1e9}


class Client:
    """One request, as a server would hand it on."""

    def __init__(self, path="/api/modules", body=(), headers=(), pace=0.0, takes=None):
        self.scope = {"type": "http", "path": path, "headers": list(headers)}
        self.scope["route_handler"] = SimpleNamespace(opt={"effort": EFFORT.get(path, "page")})
        self.body, self.pace = list(body), pace
        self.takes, self.got = takes, []

    async def receive(self):
        await asyncio.sleep(self.pace)
        part = self.body.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.body)}

    async def send(self, message):
        if self.takes is not None and len(self.got) > self.takes:
            await asyncio.sleep(60)
        self.got.append(message)

    @property
    def status(self):
        return self.got[0]["status"]

    @property
    def headers(self):
        return dict(self.got[0]["headers"])

    @property
    def bytes(self):
        return b"".join(message.get("body", b"") for message in self.got[1:])


def answering(size=2, started=None, go_on=None):
    """An application: it reads the body, and answers so many bytes."""

    async def app(scope, receive, send):
        message = await receive() if scope["headers"] else {"body": b""}
        if started is not None:
            started.append(scope["path"])
        if go_on is not None:
            await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"] + b"x" * size})

    return app


async def ask(gate, client):
    await gate(client.scope, client.receive, client.send)
    return client


def test_searches_wait_for_each_other_and_others_do_not_wait_for_them():
    async def story():
        room, started, go_on = Room(Limits(searches=1, waiting=1, wait_s=30)), [], asyncio.Event()
        gate = Gate(answering(started=started, go_on=go_on), room)
        first, second = (asyncio.create_task(ask(gate, Client("/api/sql"))) for _ in range(2))
        await asyncio.sleep(0.05)
        third = await ask(gate, Client("/api/sql"))
        other = asyncio.create_task(ask(gate, Client("/api/modules")))
        await asyncio.sleep(0.05)
        assert started == ["/api/sql", "/api/modules"]
        assert third.status == 503
        assert third.headers[b"retry-after"] == b"5"
        error = orjson.loads(third.bytes)["error"]
        assert "too many questions wait" in error["message"]
        go_on.set()
        assert [(await task).status for task in (first, second, other)] == [200] * 3

    asyncio.run(story())


def test_who_waits_too_long_is_told():
    async def story():
        room, go_on = Room(Limits(searches=1, **QUICK)), asyncio.Event()
        gate = Gate(answering(go_on=go_on), room)
        first = asyncio.create_task(ask(gate, Client("/health")))
        await asyncio.sleep(0.02)
        second = await ask(gate, Client("/health"))
        assert (second.status, b"busy with long questions" in second.bytes) == (503, True)
        assert second.headers[b"content-type"].startswith(b"text/plain")
        go_on.set()
        assert (await first).status == 200
        assert (await ask(gate, Client("/health"))).status == 200, "the turn was given back"

    asyncio.run(story())


def test_a_question_that_fails_gives_its_turn_back():
    async def fails(scope, receive, send):
        raise RuntimeError("no")

    async def story():
        gate = Gate(fails, Room(Limits(searches=1, **QUICK)))
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await ask(gate, Client("/api/sql"))

    asyncio.run(story())


def length(size):
    return [(b"content-length", b"%d" % size)]


@pytest.mark.parametrize(
    ("client", "status", "sentence"),
    [
        (Client(headers=length(10**9)), 413, b"send it in parts"),
        (
            Client(body=[b"x" * 600] * 2, headers=[(b"transfer-encoding", b"chunked")]),
            413,
            b"send it in parts",
        ),
        (Client(body=[b"x"] * 99, headers=length(99), pace=0.1), 408, b"too slowly"),
        (Client(body=[b"x" * 900], headers=length(900)), 503, b"too much is under way"),
    ],
)
def test_bodies_that_are_not_taken(client, status, sentence):
    async def story():
        started = []
        room = Room(Limits(largest=1000, held=800, **QUICK))
        await ask(Gate(answering(started=started), room), client)
        assert (client.status, sentence in client.bytes, started) == (status, True, [])
        assert room.held == 0

    asyncio.run(story())


def test_a_body_comes_to_its_question_whole():
    async def story():
        room = Room()
        client = Client(body=[b"ab", b"", b"cd"], headers=length(4))
        await ask(Gate(answering(1), room), client)
        assert (client.bytes, room.held) == (b"abcdx", 0)

    asyncio.run(story())


def test_a_large_answer_is_sent_in_pieces_and_a_slow_reader_is_given_up():
    async def story():
        room = Room(Limits(searches=1, **QUICK))
        gate = Gate(answering(3 * PIECE + 7), room)
        quick = await ask(gate, Client("/api/sql"))
        assert len(quick.bytes) == 3 * PIECE + 7
        assert [m["more_body"] for m in quick.got[1:]] == [True, True, True, False]
        slow = await ask(gate, Client("/api/sql", takes=1))
        assert len(slow.bytes) == PIECE
        assert room.held == 0

    asyncio.run(story())


def test_slow_readers_hold_no_turn_and_so_many_bytes():
    async def story():
        room = Room(Limits(searches=1, held=5 * PIECE, grace_s=30))
        gate = Gate(answering(2 * PIECE), room)
        slow = [asyncio.create_task(ask(gate, Client("/api/sql", takes=0))) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert room.held == 4 * PIECE
        assert (await ask(gate, Client("/api/sql"))).status == 503
        small = Gate(answering(), room)
        assert (await ask(small, Client("/api/sql"))).status == 200
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        assert room.held == 0

    asyncio.run(story())


def routes():
    """Method and path of every route of ours, and what it declares."""
    for handler in ROUTES:
        for method in sorted(handler.http_methods - {"HEAD"}):
            for path in handler.paths:
                yield f"{method} {re.sub(':[a-z]+}', '}', path)}", handler.opt["effort"]


def test_every_route_declares_its_effort():
    found = dict(routes())
    views = {name for name, effort in found.items() if callable(effort)}
    assert views == {"GET /lightcurve/{file}"}
    assert found["GET /lightcurve/{file}"]("/lightcurve/a.periodogram.json") == "search"
    assert found["GET /lightcurve/{file}"]("/lightcurve/a.csv") == "page"
    of = {one: {n for n, e in found.items() if e == one} for one in EFFORTS}
    assert of["free"] == {"GET /favicon.ico", "GET /static/{version}/{name}"}
    assert of["export"] == {"GET /api/export"}
    assert of["login"] == {"POST /login", "POST /api/login", "POST /account/password"}
    assert of["write"] == {
        "POST /api/annotations",
        "PATCH /api/annotations/{annotation_id}",
        "DELETE /api/annotations/{annotation_id}",
        "POST /account/tokens",
        "POST /account/tokens/{token_id}/revoke",
        "POST /logout",
        "POST /api/logout",
        "POST /api/login/refresh",
    }
    assert of["search"] == {
        "GET /api/alerts", "POST /api/alerts", "GET /api/objects", "POST /api/objects",
        "POST /api/rows", "POST /api/cones", "POST /api/catalogs/{catalog}/xmatch",
        "GET /api/sql", "POST /api/sql", "GET /api/counts", "GET /api/health",
        "GET /api/skyportal/alerts", "GET /health", "GET /health.json", "GET /metrics",
        "GET /search", "GET /search.csv", "GET /sky", "GET /api/audit",
        "GET /api/minor-planets/{planet}",
    }  # fmt: skip
    posts = {n for n in of["page"] if not n.startswith("GET ")}
    assert not posts, "what is sent is more than light"
    assert sum(map(len, of.values())) + len(views) == len(found)
