"""Writer schemas from a folder and from a registry, here a real one on this machine."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from gueststar.errors import BadInput, RegistryUnavailable, UnknownSchema
from gueststar.surveys.schemas import SchemaFolder, SchemaRegistry, find_schemas

SOURCE = {
    "type": "record",
    "name": "lsst.v9_0.diaSource",
    "fields": [{"name": "diaSourceId", "type": "long"}],
}
ALERT = {
    "type": "record",
    "name": "lsst.v9_0.alert",
    "fields": [{"name": "diaSource", "type": "lsst.v9_0.diaSource"}],
}
WHOLE = {**ALERT, "fields": [{"name": "diaSource", "type": SOURCE}]}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "9" / "0"
    place.mkdir(parents=True)
    for schema in (SOURCE, ALERT):
        (place / f"{schema['name']}.avsc").write_text(json.dumps(schema))
    (tmp_path / "77.avsc").write_text(json.dumps(SOURCE))
    (tmp_path / "78.avsc").write_text("{")
    return tmp_path


@pytest.fixture
def registry():
    """A schema registry that knows the id 900, says 503 for 503, and nonsense for 1 and 2."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            number = int(self.path.rsplit("/", 1)[1])
            if number == 2:
                self.wfile.write(b"SSH-2.0\r\n")  # not a web server at all
                return
            if number == 3:  # an answer that is cut short
                self.send_response(200)
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b'{"schema": ')
                return
            answers = {900: (200, {"schema": json.dumps(WHOLE)}), 503: (503, {}), 1: (200, {})}
            status, body = answers.get(number, (404, {"error_code": 40403}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    server.asked = asked
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url(registry):
    return f"http://127.0.0.1:{registry.server_port}"


def names(schema):
    return schema["fields"][0]["type"]["fields"][0]["name"]


def test_folder_with_types_in_files_beside(folder):
    schemas = SchemaFolder(folder)
    assert names(schemas(900)) == "diaSourceId"
    assert schemas(900) is schemas(900)
    assert schemas(77)["name"] == "lsst.v9_0.diaSource"


def test_folder_says_where_to_put_what_it_lacks(folder):
    schemas = SchemaFolder(folder)
    with pytest.raises(UnknownSchema, match=r"1101 is not in .*11/1/lsst\.v11_1\.alert\.avsc"):
        schemas(1101)
    with pytest.raises(UnknownSchema, match="78"):
        schemas(78)
    with pytest.raises(BadInput, match="no folder of schemas"):
        SchemaFolder(folder / "nowhere")


def test_every_schema_of_rubin(data):
    schemas = SchemaFolder(data / "alerts/lsst/schema")
    for version in (300, 400, 500, 600, 601, 700, 704, 800, 900, 1000, 1100):
        assert "diaSource" in [field["name"] for field in schemas(version)["fields"]]


def test_registry_is_asked_once_and_kept_on_disk(registry, tmp_path):
    for _ in range(2):
        schemas = SchemaRegistry(url(registry), tmp_path)
        assert names(schemas(900)) == "diaSourceId"
        assert schemas(900) == WHOLE
    assert registry.asked == ["/schemas/ids/900"]


def test_a_restart_works_without_the_registry(registry, tmp_path):
    place = url(registry)
    SchemaRegistry(place, tmp_path)(900)
    registry.shutdown()
    registry.server_close()
    again = SchemaRegistry(place, tmp_path)
    assert again(900) == WHOLE
    with pytest.raises(BadInput, match="cannot be reached"):
        again(901)


@pytest.mark.parametrize(
    ("schema_id", "error", "words"),
    [
        (404, UnknownSchema, "knows no schema 404"),
        (1, UnknownSchema, "no schema"),
        (503, RegistryUnavailable, "answers 503"),
        (2, RegistryUnavailable, "cannot be reached"),
        (3, RegistryUnavailable, "cannot be reached"),
    ],
)
def test_registry_that_cannot_help(registry, tmp_path, schema_id, error, words):
    with pytest.raises(error, match=words) as raised:
        SchemaRegistry(url(registry), tmp_path)(schema_id)
    assert type(raised.value) is error


def test_a_damaged_copy_on_disk_is_fetched_again(registry, tmp_path):
    SchemaRegistry(url(registry), tmp_path)(900)
    [kept] = tmp_path.rglob("900.avsc")
    kept.write_text("{")
    assert SchemaRegistry(url(registry), tmp_path)(900) == WHOLE


def test_where_they_are(folder, monkeypatch):
    monkeypatch.delenv("GUESTSTAR_SCHEMAS", raising=False)
    with pytest.raises(UnknownSchema, match="set GUESTSTAR_SCHEMAS"):
        find_schemas()(900)
    monkeypatch.setenv("GUESTSTAR_SCHEMAS", str(folder))
    assert names(find_schemas()(900)) == "diaSourceId"
    assert find_schemas(lambda schema_id: schema_id)(5) == 5
