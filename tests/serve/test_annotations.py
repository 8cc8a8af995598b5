"""Annotations over REST: written, changed, removed; refused with a sentence."""

import threading

import pytest
from litestar.testing import TestClient

from gueststar.serve.portal.app import create_app
from gueststar.store import open_store, store_path

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def url(tmp_path, make_alerts):
    url = f"sqlite:///{tmp_path / 'notes.db'}"
    with open_store(url) as store:
        store.write(make_alerts("simulate:30:3"))
    return url


@pytest.fixture
def client(url):
    with TestClient(create_app(url), base_url="http://127.0.0.1:8765") as opened:
        yield opened


@pytest.fixture
def name(url):
    with open_store(url, read_only=True) as store:
        return store.night()["object_id"][0].as_py()


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def test_a_note_lives_and_goes(client, name):
    new = client.post("/api/annotations", json={"object_id": name, "text": HOSTILE}).json()
    assert (new["author"], new["kind"], new["text"]) == ("local", "note", HOSTILE)
    assert isinstance(new["annotation_id"], str)
    where = f"/api/annotations/{new['annotation_id']}"
    assert client.get("/api/annotations", params={"object_id": name}).json()["rows"] == [new]
    edited = client.patch(where, json={"text": "a star"})
    assert edited.json()["text"] == "a star"
    assert [row["action"] for row in client.get(where).json()["rows"]] == ["written", "edited"]
    assert client.delete(where).status_code == 200
    assert client.delete(where).status_code == 200, "a question that comes twice"
    assert client.get("/api/annotations").json()["count"] == 0
    assert "was removed" in error_of(client.get(where), 404)["message"]
    assert "was removed" in error_of(client.patch(where, json={"text": "x"}), 400)["message"]


def test_the_key_of_a_request_writes_once(client, name):
    sent = {"object_id": name, "text": "once", "kind": "tag", "key": "k1"}
    first, second = (client.post("/api/annotations", json=sent).json() for _ in range(2))
    assert first == second
    assert client.get("/api/annotations?kind=tag").json()["count"] == 1


@pytest.mark.parametrize(
    ("sent", "status", "word"),
    [
        ({"text": "hm"}, 400, "object_id"),
        ({"object_id": "nobody", "text": "hm"}, 400, "nearest names"),
        ({"alert_id": "x", "text": "hm"}, 400, "alert_id"),
        ({"alert_id": "7", "text": "hm"}, 400, "no alert 7"),
        ({"object_id": "NAME"}, 400, "text: must be given"),
        ({"object_id": "NAME", "text": 5}, 400, "text: send a string"),
        ({"object_id": "NAME", "text": ""}, 400, "text: it is empty"),
        ({"object_id": "NAME", "text": "a\u0007"}, 400, "U+0007"),
        ({"object_id": "NAME", "txt": "hm"}, 400, "'text'"),
        ({"object_id": "NAME", "text": "x" * 40_000}, 413, "larger"),
    ],
)
def test_what_cannot_be_written(client, name, sent, status, word):
    sent = {key: name if value == "NAME" else value for key, value in sent.items()}
    assert word in error_of(client.post("/api/annotations", json=sent), status)["message"]
    assert client.get("/api/annotations").json()["count"] == 0


def test_what_is_not_there_is_404(client):
    for where in ("/api/annotations/99", "/api/annotations/x"):
        error_of(client.get(where), 404)
        error_of(client.delete(where), 404)
        error_of(client.patch(where, json={"text": "hm"}), 404)


def test_another_site_cannot_write(client, name):
    sent = {"object_id": name, "text": "hm"}
    foreign = client.post("/api/annotations", json=sent, headers={"Origin": "http://evil.example"})
    assert "another site" in error_of(foreign, 403)["message"]
    plain = client.post("/api/annotations", content=b"{}", headers={"Content-Type": "text/plain"})
    assert "application/json" in error_of(plain, 415)["message"]
    error_of(client.post("/api/annotations", content=b'{"text": "hm"}'), 415)
    own = {"Origin": "http://127.0.0.1:8765"}
    assert client.post("/api/annotations", json=sent, headers=own).status_code == 200


def test_somebody_elses_note_is_403(client, url, name):
    with open_store(url) as store:
        number = store.annotate(name, "hers", author="Ann").annotation_id
    for answer in (
        client.delete(f"/api/annotations/{number}"),
        client.patch(f"/api/annotations/{number}", json={"text": "mine"}),
    ):
        assert "'Ann'" in error_of(answer, 403)["message"]


def test_a_store_that_cannot_be_written_says_so(client, url, name, monkeypatch):
    def refuse(*args, **options):
        return open_store(url, read_only=True)

    assert client.get("/api/annotations").status_code == 200
    monkeypatch.setattr("gueststar.serve.portal.house.open_store", refuse)
    answer = client.post("/api/annotations", json={"object_id": name, "text": "hm"})
    assert "opened for reading only" in error_of(answer, 503)["message"]


def test_no_store_is_not_made_by_a_note(tmp_path):
    url = f"sqlite:///{tmp_path / 'none.db'}"
    with TestClient(create_app(url), base_url="http://127.0.0.1") as client:
        answer = client.post("/api/annotations", json={"object_id": "x", "text": "hm"})
        assert "no store" in error_of(answer, 503)["message"]
    assert not store_path(url).exists()


def test_notes_and_an_ingest_wait_for_each_other_briefly(client, url, name, make_alerts):
    batches = make_alerts("simulate:120:9")
    failures = []

    def ingest():
        try:
            with open_store(url) as store:
                for batch in batches:
                    for start in range(0, len(batch), 10):
                        store.write([batch.slice(start, start + 10)])
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=ingest)
    thread.start()
    for number in range(20):
        sent = {"object_id": name, "text": f"note {number}"}
        assert client.post("/api/annotations", json=sent).status_code == 200
    thread.join()
    assert failures == []
    assert client.get("/api/annotations").json()["count"] == 20
    assert client.get("/api/health").json()["in_equals_out"]
