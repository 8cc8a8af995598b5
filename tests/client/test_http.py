"""Servers that are not there, are busy, are somebody else's."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gueststar import Broker
from gueststar.client import http
from gueststar.errors import BadInput, ServerError, StoreError


@pytest.fixture
def scripted():
    """A real HTTP server that answers what it is told, in order, and counts."""

    class Handler(BaseHTTPRequestHandler):
        script, seen = [], []

        def do_GET(self):
            self.seen.append(self.path)
            status, headers, body = self.script.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    server.server_close()


BUSY = (503, {"Retry-After": "0"}, b'{"error": {"message": "the store is busy"}}')


def test_a_busy_server_is_asked_again(scripted):
    address, handler = scripted
    handler.script[:] = [BUSY, BUSY, (200, {}, b'{"in_equals_out": true}')]
    with Broker(address, retries=2) as broker:
        assert broker.health() == {"in_equals_out": True}
    assert len(handler.seen) == 3


def test_a_server_that_stays_busy_is_given_up(scripted):
    address, handler = scripted
    handler.script[:] = [BUSY, BUSY]
    with Broker(address, retries=1) as broker, pytest.raises(ServerError, match="store is busy"):
        broker.health()


MANY = (429, {"Retry-After": "0"}, b'{"error": {"message": "you ask more than one may"}}')


def test_who_asks_too_much_goes_on_when_he_is_told_to(scripted):
    address, handler = scripted
    handler.seen.clear()
    handler.script[:] = [MANY] * 3 + [(200, {}, b'{"in_equals_out": true}')]
    with Broker(address, retries=0) as broker:
        assert broker.health() == {"in_equals_out": True}
    assert len(handler.seen) == 4, "waiting for a turn is none of the tries"


def test_who_is_told_to_wait_for_an_hour_is_told_so(scripted):
    address, handler = scripted
    handler.script[:] = [(429, {"Retry-After": "3600"}, MANY[2])]
    with Broker(address, retries=0) as broker, pytest.raises(ServerError, match="more than one"):
        broker.health()


def test_what_is_wrong_is_not_asked_again(scripted):
    address, handler = scripted
    handler.script[:] = [(400, {}, b'{"error": {"message": "ra: 400 is not on the sky"}}')]
    with Broker(address, retries=3) as broker, pytest.raises(BadInput, match="ra: 400"):
        broker.health()


@pytest.mark.parametrize("body", [b"<html>router login</html>", b"[]", b"{}"])
def test_another_kind_of_server_is_recognised(scripted, body):
    address, handler = scripted
    handler.script[:] = [(404, {}, body)]
    with Broker(address) as broker, pytest.raises(ServerError, match="check the address"):
        broker.nights()
    handler.script[:] = [(200, {}, body)]
    with Broker(address) as broker, pytest.raises(ServerError, match="Arrow"):
        broker.nights()


def test_no_server_at_all(monkeypatch):
    monkeypatch.setattr(http, "FIRST_WAIT_S", 0.001)
    with (
        Broker("http://127.0.0.1:9", retries=2) as broker,
        pytest.raises(ServerError, match=r"after 3 tries.*gueststar serve"),
    ):
        broker.nights()


def test_waits_grow_and_end():
    waits = [http._wait(turn, None) for turn in range(12)]
    assert max(waits) <= http.LONGEST_WAIT_S
    assert waits[4] > waits[0]
    assert http._wait(0, "3") == 3.0
    assert http._wait(0, "99999") == http.LONGEST_WAIT_S


def test_no_store_and_no_address(tmp_path):
    with pytest.raises(StoreError, match="no store at"):
        Broker(tmp_path / "none.db")
    with pytest.raises(BadInput, match="of no known kind"):
        Broker("ftp://somewhere")
    with pytest.raises(BadInput, match="no address"):
        Broker("http://[::1")
