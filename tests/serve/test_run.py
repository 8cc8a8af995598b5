"""The server: it begins, answers while an ingest writes, and ends on a signal."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from gueststar.errors import BadInput
from gueststar.serve.portal.run import choose_port
from gueststar.store import open_store

SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
)


@pytest.fixture
def portal():
    """Start a portal over a store; tests stop it."""
    running = []

    def start(url):
        command = [sys.executable, "-W", "error", "-c", SERVE, url]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return running[-1], running[-1].stdout.readline().strip()

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_it_ends_on_a_signal_also_with_an_open_connection(portal, tmp_path, name):
    process, address = portal(f"sqlite:///{tmp_path / 'none.db'}")
    with httpx.Client(base_url=address) as client:
        assert "gueststar ingest" in client.get("/").text
        process.send_signal(getattr(signal, name))
        assert process.wait(20) == 0


def test_pages_answer_while_an_ingest_writes(portal, tmp_path, make_alerts):
    url = f"sqlite:///{tmp_path / 'night.db'}"
    batches = make_alerts("simulate:60:5")
    with open_store(url) as store:
        store.write([batches[0].slice(0, 1)])
        _, address = portal(url)
        rows = [one for batch in batches for one in (batch.slice(i, 1) for i in range(len(batch)))]
        writing = threading.Thread(target=lambda: [store.write([one]) for one in rows[1:]])
        with httpx.Client(base_url=address, timeout=30) as client:
            writing.start()
            codes = {client.get("/").status_code}
            while writing.is_alive():
                codes.add(client.get("/").status_code)
                assert client.get("/health.json").json()["in_equals_out"]
            writing.join()
            assert codes == {200}
            assert client.get("/health.json").json()["alerts"] == len(rows)


def test_a_taken_port_is_refused_and_none_takes_the_next():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"127.0.0.1:{port}: .*--port"):
            choose_port("127.0.0.1", port)
    address, port = choose_port("localhost", None)
    assert address == "127.0.0.1"
    assert port >= 8765


def test_an_address_that_is_not_ours_is_refused():
    with pytest.raises(BadInput, match=r"203\.0\.113\.7:8765"):
        choose_port("203.0.113.7", 8765)
    with pytest.raises(BadInput, match=r"no\.such\.host"):
        choose_port("no.such.host.invalid", 8765)
