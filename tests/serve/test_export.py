"""``/api/export``: all rows in one answer, with bounds on memory, turns and patience."""

import asyncio
import io
import socket
import threading
import time

import httpx
import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from litestar.testing import TestClient

from gueststar.errors import StoreError
from gueststar.export import STREAMED, WHAT, Wanted, pieces
from gueststar.export.streaming import PIECE
from gueststar.rights import PUBLIC
from gueststar.serve.gate import Gate, Limits, Room
from gueststar.serve.portal.app import create_app
from gueststar.serve.visitors import Visitor
from gueststar.store import open_store
from store.alerts import random_alerts, replaced

BASE = "http://127.0.0.1:8765"
OBJECTS = 6_000


@pytest.fixture(scope="module")
def many_url(tmp_path_factory):
    """More alerts than a page holds; half of them are of program 3."""
    url = f"sqlite:///{tmp_path_factory.mktemp('many') / 'many.db'}"
    with open_store(url) as store:
        batch = random_alerts(OBJECTS, 1, objects=OBJECTS // 2, stamp=1, points=2)
        store.write([replaced(batch, program=[1, 3] * (OBJECTS // 2))])
    return url


@pytest.fixture(scope="module")
def many(many_url):
    with open_store(many_url, read_only=True) as store:
        yield store


@pytest.fixture(scope="module")
def asked(many_url):
    with TestClient(create_app(many_url), base_url=BASE) as client:
        yield client


def paged(client, what, **conditions):
    """All rows as pages of the API give them."""
    after, found = None, []
    while True:
        given = {"format": "arrow", "limit": 2_000, **conditions}
        answer = client.get(f"/api/{what}", params=given | ({"after": after} if after else {}))
        found.append(pa.ipc.open_stream(answer.content).read_all())
        after = answer.headers.get("x-next")
        if after is None:
            return pa.concat_tables(found)


def arrow(client, **given):
    answer = client.get("/api/export", params={"format": "arrow", **given})
    assert answer.status_code == 200
    assert "content-length" not in answer.headers
    return pa.ipc.open_stream(answer.content).read_all()


@pytest.mark.parametrize(
    ("what", "conditions"),
    [
        ("alerts", {}),
        ("alerts", {"module": "rb", "min_score": 0.5, "band": "g"}),
        ("objects", {}),
        ("objects", {"min_detections": 3}),
        ("alerts", {"ra": 10, "dec": 10, "radius": 100_000}),
        ("alerts", {"night": 19000101}),
    ],
)
def test_it_is_what_all_pages_hold(asked, what, conditions):
    pages, whole = paged(asked, what, **conditions), arrow(asked, what=what, **conditions)
    assert whole.num_rows == pages.num_rows
    assert whole.to_pylist() == pages.select(whole.column_names).to_pylist()
    if not conditions:
        assert whole.num_rows >= OBJECTS // 3


def test_scores_and_light_curves(asked, many):
    n = {
        view: many.sql(f"SELECT count(*) AS n FROM {view}")["n"][0].as_py()
        for view in ("scores", "lightcurves")
    }
    assert {view: arrow(asked, what=view).num_rows for view in n} == n


def test_every_form_holds_the_same_rows(asked):
    given = {"what": "objects", "min_detections": 2}
    wanted = arrow(asked, **given)
    ids = wanted["object_id"].to_pylist()
    read = {
        "csv": lambda b: pyarrow.csv.read_csv(io.BytesIO(b))["object_id"].to_pylist(),
        "jsonl": lambda b: [orjson.loads(line)["object_id"] for line in b.splitlines()],
        "parquet": lambda b: pq.read_table(io.BytesIO(b))["object_id"].to_pylist(),
        "arrow": lambda b: pa.ipc.open_stream(b).read_all()["object_id"].to_pylist(),
        "votable": lambda b: list(Table.read(io.BytesIO(b), format="votable")["object_id"]),
    }
    assert set(read) == set(STREAMED)
    for form, of in read.items():
        answer = asked.get("/api/export", params=given | {"format": form})
        assert of(answer.content) == ids, form
    by_header = asked.get("/api/export", params=given, headers={"accept": "application/x-ndjson"})
    first = orjson.loads(by_header.content.splitlines()[0])
    assert first["healpix29"] == str(wanted["healpix29"][0])
    assert first["n_detections"] == wanted["n_detections"][0].as_py()


@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        ({"what": "alert"}, 400, "alerts"),
        ({"format": "fits"}, 400, "csv"),
        ({"min_score": 0.5}, 400, "module"),
        ({"what": "alerts", "prefix": "ZTF"}, 400, "of objects"),
        ({"what": "objects", "prefix": "ZTF", "band": "g"}, 400, "give one kind"),
        ({"limit": 5}, 400, "limit"),
        ({"polygon": "1 2"}, 400, "polygon"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_first_byte(asked, given, status, sentence):
    answer = asked.get("/api/export", params=given)
    assert (answer.status_code, sentence in answer.json()["error"]["message"]) == (status, True)


def test_a_head_reads_nothing_and_the_document_knows_it(asked):
    answer = asked.head("/api/export", params={"format": "csv"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/csv")
    about = asked.get("/api/openapi.json").json()["paths"]["/api/export"]["get"]
    assert "304" not in about["responses"]
    assert {"application/x-ndjson", "text/csv"} <= set(about["responses"]["200"]["content"])


def test_a_restricted_viewer_gets_his_rows_alone(many_url, many):
    reader = Visitor("me", "reader", PUBLIC)
    with TestClient(create_app(many_url, everybody=reader), base_url=BASE) as client:
        for what in WHAT:
            whole = arrow(client, what=what)
            seen = b"".join(pieces(many.seen_by(PUBLIC), Wanted.of(what), "arrow"))
            assert whole == pa.ipc.open_stream(seen).read_all()
            everything = many.sql(f"SELECT count(*) AS n FROM {what}")["n"][0].as_py()
            assert 0 < whole.num_rows < everything
            if "program" in whole.column_names:
                assert set(whole["program"].to_pylist()) == {1}


# -- over a socket


def raw(address, path, receive=65536):
    """A client that sends a request and reads when it likes."""
    host, port = address.removeprefix("http://").split(":")
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    one.connect((host, int(port)))
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    return one


def test_over_a_socket_it_ends_with_its_last_chunk(address):
    with raw(address, "/api/export?what=objects&format=csv") as client:
        client.settimeout(20)
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += client.recv(65536)
    assert b"transfer-encoding: chunked" in got.lower()
    assert "object_id" in httpx.get(f"{address}/api/export?what=objects&format=csv").text


def test_a_client_that_could_not_tell_the_end_is_refused(address):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.settimeout(20)
        head = f"GET /api/export HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n"
        client.sendall(head.encode())
        got = b""
        while part := client.recv(65536):
            got += part
    assert b" 505 " in got.partition(b"\r\n")[0]
    assert b"needs HTTP/1.1" in got


class Growing:
    """What an export reads: a store with as many alerts as one likes."""

    def __init__(self, store, pages, fail_at=None):
        self._page = store.find_alerts(Wanted.of("alerts").alerts, limit=5_000)
        self._pages, self._fail_at = pages, fail_at
        self.read = 0

    def find_alerts(self, selection, *, after=None, limit=1_000):
        self.read += 1
        if self.read == self._fail_at:
            raise StoreError("the disk of the store went away")
        more = {b"gueststar.next": b"on"} if self.read < self._pages else {}
        return self._page.replace_schema_metadata(more)


@pytest.mark.parametrize("form", STREAMED)
def test_memory_does_not_grow_with_the_rows(many, form):
    """A hundred pages, of which a few are held; Parquet gathers a row group of 100,000."""
    source = Growing(many, 100)
    size, most, before = 0, 0, pa.total_allocated_bytes()
    for piece in pieces(source, Wanted.of("alerts"), form):
        size += len(piece)
        most = max(most, pa.total_allocated_bytes() - before)
        assert len(piece) <= PIECE
    assert source.read == 100
    assert size > 3_000_000
    assert most < 60_000_000, f"{most / 1e6:.0f} MB held of {size / 1e6:.0f} MB sent"


def served(store, limits, run):
    """Serve what a store gives, over a real socket; ``run`` is given the address and the room."""
    from granian.constants import Interfaces
    from granian.server.embed import Server
    from litestar import Litestar
    from litestar.datastructures import State
    from litestar.middleware import DefineMiddleware

    from gueststar.serve.api.questions import exports

    class House:
        def __init__(self):
            self.store = store

    async def story():
        room = Room(limits)
        room.make_threads()
        app = Litestar(
            [exports.export.handler],
            state=State({"house": House()}),
            middleware=[DefineMiddleware(Gate, room=room)],
            openapi_config=None,
            logging_config=None,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = Server(
            app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False,
            websockets=False,
        )  # fmt: skip
        serving = asyncio.create_task(server.serve())
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                await asyncio.sleep(0.02)
        done = []
        thread = threading.Thread(
            target=lambda: done.append(run(f"http://127.0.0.1:{port}", room)), daemon=True
        )
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0.02)
        server.stop()
        await serving
        return done

    assert asyncio.run(story()) == [None], "the client's part failed"


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_an_error_in_the_middle_cuts_the_connection(many, caplog):
    def client(address, room):
        with pytest.raises(httpx.RemoteProtocolError), httpx.Client() as one:
            one.get(f"{address}/api/export?format=csv")
        assert room.exports._places._value == 1

    served(Growing(many, 50, fail_at=20), Limits(exports=1), client)
    assert "cut short: the disk of the store went away" in caplog.text


def test_a_client_that_goes_away_frees_its_turn(many):
    source = Growing(many, 10**9)

    def client(address, room):
        with raw(address, "/api/export?format=csv") as one:
            one.recv(1000)
            until(room.exports._places.locked)
        until(lambda: not room.exports._places.locked())
        read = source.read
        time.sleep(0.5)
        assert source.read == read, "nobody reads on for who has gone"

    served(source, Limits(exports=1), client)


def test_a_slow_client_is_cut_and_others_wait_no_longer_than_that(many, caplog):
    limits = Limits(exports=1, wait_s=0.2, grace_s=1.0, least_rate=1e9)

    def client(address, room):
        with raw(address, "/api/export?format=csv", receive=4096) as slow:
            slow.recv(100)
            until(room.exports._places.locked)
            assert httpx.get(f"{address}/api/export").status_code == 503
            until(lambda: not room.exports._places.locked())
            rest = b""
            slow.settimeout(20)
            while part := slow.recv(1 << 20):
                rest += part
            assert not rest.endswith(b"0\r\n\r\n"), "it does not look whole"

    served(Growing(many, 10**9), limits, client)
    assert "too slowly" in caplog.text
