"""The command line: in this process for speed, and twice as a process of its own."""

import base64
import contextlib
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from astropy.table import Table

from gueststar.cli import main


def gueststar(*arguments, cwd, ok=True):
    """Call the command line as the installed script does, from a folder."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["gueststar", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    done = SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
    assert (code == 0) is ok, done.stderr
    return done


def process(*arguments, cwd):
    command = [sys.executable, "-m", "gueststar", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A folder with a store of 60 simulated alerts, two of them dead letters."""
    folder = tmp_path_factory.mktemp("cli")
    gueststar("simulate", "night", "--alerts", 58, "--seed", 2, "--out", "night", cwd=folder)
    (folder / "night" / "page.avro").write_text("<html>500 Internal Server Error</html>")
    whole = next((folder / "night").glob("[0-9]*.avro")).read_bytes()
    (folder / "night" / "short.avro").write_bytes(whole[:-500])
    (folder / "night" / "notes.txt").write_text("cloudy")
    return folder


@pytest.fixture(scope="module")
def stored(night):
    """The same folder with the night in gueststar.db; what ``ingest --json`` printed beside it."""
    first = gueststar("ingest", "night", "--json", cwd=night).stdout
    (night / "first.json").write_text(first)
    return night


def test_ingest_twice_changes_nothing(stored):
    night = stored
    first = json.loads((night / "first.json").read_text())
    assert (first["received"], first["stored"], first["dead_letter"]) == (60, 58, 2)
    assert [path.rpartition("/")[2] for path in first["ignored"]] == ["notes.txt", "truth.parquet"]
    assert sum(line["count"] for line in first["dead_letters"]) == 2
    before = gueststar("health", "--json", cwd=night).stdout
    again = json.loads(gueststar("ingest", "night", "--json", cwd=night).stdout)
    assert (again["received"], again["known"], again["stored"]) == (60, 60, 0)
    after = gueststar("health", "--json", cwd=night).stdout
    drop = lambda text: {k: v for k, v in json.loads(text).items() if k != "size_mb"}  # noqa: E731
    assert drop(before) == drop(after)
    assert drop(after)["in_equals_out"] is True


def test_health_for_people(stored):
    done = process("health", cwd=stored)
    assert done.returncode == 0
    assert "in = out" in done.stdout
    assert "yes" in done.stdout


def test_an_error_of_a_process(tmp_path):
    done = process("health", "--store", "sqlite:///none.db", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("gueststar: no store at")
    assert done.stderr.count("\n") == 1


def test_reasons_and_names_are_not_read_as_markup(tmp_path):
    """Rich takes words in brackets for styles: a stranger's bytes must not reach it."""
    (tmp_path / "odd.avro").write_text("[/bold][red]this is no packet")
    (tmp_path / "note[red].txt").write_text("cloudy")
    done = gueststar("ingest", ".", "--modules", "none", cwd=tmp_path)
    assert "'[/bold][red]this is no p" in done.stderr
    assert "note[red].txt" in done.stderr
    assert "'[/bold][red]this is no p" in gueststar("health", cwd=tmp_path).stdout
    said = gueststar("query", "SELECT reason FROM ledger", cwd=tmp_path).stdout
    assert "[red]" in said


def test_show_an_object_and_its_json(stored):
    rows = gueststar(
        "query", "SELECT object_id FROM objects LIMIT 1", "--format", "json", cwd=stored
    )
    name = json.loads(rows.stdout)["rows"][0]["object_id"]
    assert name in gueststar("show", name, cwd=stored).stdout
    shown = json.loads(gueststar("show", name, "--json", cwd=stored).stdout)
    assert shown["object_id"] == name
    assert isinstance(shown["alerts"][0]["alert_id"], str)
    assert shown["light_curve"]


def test_query_formats(stored, tmp_path):
    sql = "SELECT alert_id, ra, mag FROM alerts ORDER BY alert_id"
    text = gueststar("query", sql, "--format", "csv", cwd=stored).stdout
    assert len(text.splitlines()) == 59
    for form in ("parquet", "votable"):
        gueststar("query", sql, "--format", form, "--output", tmp_path / f"x.{form}", cwd=stored)
        assert (tmp_path / f"x.{form}").stat().st_size > 500


def test_bytes_of_dead_letters_in_every_format(stored, tmp_path):
    sql = "SELECT packet, reason FROM dead_letters ORDER BY length(packet)"
    rows = json.loads(gueststar("query", sql, "--format", "json", cwd=stored).stdout)["rows"]
    assert base64.b64decode(rows[0]["packet"]).startswith(b"<html>")
    assert rows[1]["packet"] in gueststar("query", sql, "--format", "csv", cwd=stored).stdout
    assert "38 bytes" in gueststar("query", sql, cwd=stored).stdout
    for form in ("csv", "votable"):
        gueststar("query", sql, "--format", form, "--output", tmp_path / f"x.{form}", cwd=stored)
    assert list(Table.read(tmp_path / "x.votable")["packet"]) == [row["packet"] for row in rows]


def test_nulls_of_a_votable(stored, tmp_path):
    sql = "SELECT mag, NULL AS none, alert_id, nullif(band, 'g') AS red FROM alerts"
    file = tmp_path / "x.votable"
    gueststar("query", sql, "--format", "votable", "--output", file, cwd=stored)
    table = Table.read(file)
    assert [table[name].dtype.kind for name in table.colnames] == ["f", "f", "i", "U"]
    assert "None" not in table["red"]


def test_a_negative_declination_needs_no_dashes(stored):
    assert "0 rows" in gueststar("cone", 10, -89.5, 1, cwd=stored).stdout
    assert "above 0" in gueststar("cone", 10, 5, -1, cwd=stored, ok=False).stderr


def test_replays(night, tmp_path):
    gueststar("ingest", night / "night", "--modules", "none", "--archive", "kept", cwd=tmp_path)
    letters = json.loads(gueststar("replay", "dead-letters", "--json", cwd=tmp_path).stdout)
    assert (letters["read"], letters["still_dead"], letters["revived"]) == (2, 2, 0)
    some = gueststar("replay", "dead-letters", "--reason", "38 bytes", cwd=tmp_path).stderr
    assert "still dead" in some
    first = gueststar("replay", "rescore", "--modules", "rb", cwd=tmp_path).stderr
    assert "new scores" in first
    again = gueststar("replay", "rescore", "--modules", "rb", "--json", cwd=tmp_path).stdout
    assert (json.loads(again)["read"], json.loads(again)["scores"]) == (0, 0)
    command = ["replay", "archive", "kept", "--store", "sqlite:///new.db", "--json"]
    account = json.loads(gueststar(*command, "--modules", "rb", cwd=tmp_path).stdout)
    assert account["stored"] == account["scores"] == 58
    assert account["in_equals_out"]


def test_a_folder_without_alerts_says_so(tmp_path):
    (tmp_path / "empty").mkdir()
    done = gueststar("ingest", "empty", "--modules", "none", cwd=tmp_path)
    assert "no alert in what was given" in done.stderr
    assert "never" in gueststar("health", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ingest", "nowhere.avro"], "no file or folder 'nowhere.avro'"),
        (["ingest", "simulate:x"], "simulate:N"),
        (["ingest", "simulate:5", "--modules", "rbb"], "Did you mean 'rb'"),
        (["ingest", "simulate:5", "--store", "mysql://x"], "sqlite:///"),
        (["show", "ZTF00nosuch"], "ZTF00nosuch"),
        (["health", "--store", "sqlite:///none.db"], "none.db"),
        (["models", "card", "braaai"], "braaai"),
        (["replay", "dead-letters", "--store", "sqlite:///none.db"], "no store at"),
        (["replay", "dead-letters", "--source", "nigth"], "no source 'nigth'"),
        (["replay", "archive", "nowhere"], "no archive at"),
        (["replay", "rescore", "--store", "sqlite:///none.db"], "no store at"),
        (["replay", "rescore", "--modules", "none"], "needs a module"),
        (["replay", "rescore", "--night", "19000101"], "no night 19000101"),
        (["replay", "rescore", "--object", "ZTF"], "no object 'ZTF'"),
        (["replay", "stream", "none.toml", "--since", "2026-11-20"], "cannot read 'none.toml'"),
        (["bench", "decoder"], "Did you mean 'decode'"),
        (["query", "DROP TABLE alerts"], "only one SELECT is allowed"),
        (["query", "SELECT x FROM alertz"], "alertz"),
        (["query", "SELECT 1", "--format", "csv", "--output", "no/such.csv"], "no/such.csv"),
    ],
)
def test_errors_are_one_sentence_with_the_way_out(stored, arguments, sentence):
    done = gueststar(*arguments, cwd=stored, ok=False)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("gueststar: ")


def test_help_teaches(tmp_path):
    text = gueststar("--help", cwd=tmp_path).stdout
    for name in (
        "demo",
        "ingest",
        "simulate",
        "serve",
        "show",
        "health",
        "models",
        "train",
        "replay",
    ):
        assert name in text
    assert "simulate:N" in gueststar("ingest", "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize("module", ["gueststar.cli", "gueststar.store"])
def test_what_takes_long_to_import_is_imported_when_it_is_needed(module):
    heavy = "{'astropy', 'numba', 'onnxruntime', 'duckdb', 'litestar', 'torch', 'pyspark'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
