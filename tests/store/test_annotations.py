"""Annotations: written, found, changed and removed with their history, on both engines."""

import sqlite3
import threading

import pytest

from gueststar.errors import BadInput, NotAllowed, StoreBusy, StoreError
from gueststar.store import open_store, store_path
from gueststar.store.notes import ANNOTATIONS, LONGEST_TAG, LONGEST_TEXT
from gueststar.store.selection import next_of
from gueststar.store.sqlite import schema
from store.alerts import random_alerts

ALERTS = random_alerts(8, 1, objects=3)
NAMES = sorted(set(ALERTS.column("object_id").to_pylist()))
NAME = NAMES[0]


@pytest.fixture
def filled(store):
    store.write([ALERTS])
    return store


def alert_of(name):
    rows = zip(*(ALERTS.column(c).to_pylist() for c in ("object_id", "alert_id")), strict=True)
    return next(alert_id for of, alert_id in rows if of == name)


def test_what_is_written_is_found_in_the_order_of_writing(filled):
    first = filled.annotate(NAME, " a host at z = 0.03\r\nlook again ")
    alert_id = alert_of(NAME)
    second = filled.annotate(None, "real", alert_id=alert_id, kind="tag", author="Ann")
    filled.annotate(NAMES[1], "other")
    found = filled.annotations(NAME)
    assert found.schema.equals(ANNOTATIONS, check_metadata=False)
    assert found["annotation_id"].to_pylist() == [first.annotation_id, second.annotation_id]
    assert found["text"].to_pylist() == ["a host at z = 0.03\nlook again", "real"]
    assert found["author"].to_pylist() == ["local", "Ann"]
    assert found["alert_id"].to_pylist() == [None, alert_id]
    assert found["at"].to_pylist() == [first.at, second.at]
    assert filled.annotations(alert_id=alert_id)["text"].to_pylist() == ["real"]
    assert filled.annotations(author="Ann", kind="tag").num_rows == 1
    assert filled.annotations(author="Ann", kind="note").num_rows == 0
    assert (
        filled.sql("SELECT object_id, text FROM annotations ORDER BY annotation_id").num_rows == 3
    )


def test_pages_neither_repeat_nor_miss(filled):
    for number in range(5):
        filled.annotate(NAME, f"note {number}")
    page, texts = filled.annotations(NAME, limit=2), []
    texts += page["text"].to_pylist()
    filled.annotate(NAME, "note 5")
    while following := next_of(page):
        page = filled.annotations(NAME, limit=2, after=following)
        texts += page["text"].to_pylist()
    assert texts == [f"note {number}" for number in range(6)]
    with pytest.raises(BadInput, match="after"):
        filled.annotations(NAME, after="nonsense")


def test_changes_keep_their_history(filled):
    note = filled.annotate(NAME, "supernova", author="Ann")
    edited = filled.edit_annotation(note.annotation_id, "variable star", author="Ann")
    assert (edited.text, edited.at) == ("variable star", note.at)
    assert edited.edited_at >= note.at
    assert filled.edit_annotation(note.annotation_id, "variable star", author="Ann") == edited
    assert filled.annotation(note.annotation_id) == edited
    removed = filled.remove_annotation(note.annotation_id, author="Ann")
    assert filled.remove_annotation(note.annotation_id, author="Ann") == removed
    assert filled.annotations(NAME).num_rows == 0
    assert filled.sql("SELECT * FROM annotations").num_rows == 0
    history = filled.annotation_history(note.annotation_id)
    assert history["action"].to_pylist() == ["written", "edited", "removed"]
    assert history["text"].to_pylist() == ["supernova", "variable star", None]
    with pytest.raises(BadInput, match="was removed"):
        filled.edit_annotation(note.annotation_id, "back", author="Ann")


def test_only_its_author_changes_an_annotation(filled):
    note = filled.annotate(NAME, "mine", author="Ann")
    for change in (
        lambda **who: filled.edit_annotation(note.annotation_id, "theirs", **who),
        lambda **who: filled.remove_annotation(note.annotation_id, **who),
    ):
        with pytest.raises(NotAllowed, match="'Ann'"):
            change(author="Bob")
        change(author="Bob", anybody=True)
    authors = filled.annotation_history(note.annotation_id)["author"].to_pylist()
    assert authors == ["Ann", "Bob", "Bob"]


def test_a_request_that_comes_twice_writes_once(filled):
    first = filled.annotate(NAME, "once", key="a7")
    assert filled.annotate(NAME, "once", key="a7") == first
    assert filled.annotate(NAME, "once", key="a8") != first
    assert filled.annotate(NAME, "once", key="a7", author="Ann") != first
    assert filled.annotations(NAME).num_rows == 3


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", "note", "empty"),
        (" \n ", "note", "empty"),
        ("x" * (LONGEST_TEXT + 1), "note", "4,001 characters"),
        ("x" * (LONGEST_TAG + 1), "tag", "more than the 64 of a tag"),
        ("a\0b", "note", r"U\+0000 at 1"),
        ("a\x1b[31m", "note", r"U\+001B"),
        ("two\nlines", "tag", r"U\+000A"),
        ("half \ud800", "note", r"U\+D800"),
        ("fine", "Note!", "kind"),
        ("fine", "", "kind"),
        (7, "note", "int is no text"),
    ],
)
def test_texts_that_cannot_be_kept(filled, text, kind, message):
    with pytest.raises(BadInput, match=message):
        filled.annotate(NAME, text, kind=kind)
    assert filled.annotations().num_rows == 0


def test_the_longest_text_is_kept(filled):
    text = "é客🌟" * 1333 + "x"
    filled.annotate(NAME, text)
    assert len(text) == LONGEST_TEXT
    assert filled.annotations()["text"].to_pylist() == [text]


def test_what_is_not_there_is_named(filled):
    with pytest.raises(BadInput, match=f"nearest names: {NAME}"):
        filled.annotate(NAME + "x", "hm")
    with pytest.raises(BadInput, match="nearest names"):
        filled.annotations("nobody")
    with pytest.raises(BadInput, match="no alert 7"):
        filled.annotate(NAME, "hm", alert_id=7)
    with pytest.raises(BadInput, match=f"one of '{NAME}', not of '{NAMES[1]}'"):
        filled.annotate(NAMES[1], "hm", alert_id=alert_of(NAME))
    with pytest.raises(BadInput, match="needs one of them"):
        filled.annotate(None, "hm")
    for number in (99, 2**70):
        with pytest.raises(BadInput, match=f"no annotation {number}"):
            filled.remove_annotation(number)
    with pytest.raises(BadInput, match="author"):
        filled.annotate(NAME, "hm", author="a\nb")


def test_a_store_for_reading_refuses_with_a_sentence(filled, url):
    filled.annotate(NAME, "seen")
    with open_store(url, read_only=True) as reader:
        assert reader.annotations(NAME)["text"].to_pylist() == ["seen"]
        with pytest.raises(StoreError, match="opened for reading only"):
            reader.annotate(NAME, "no")


def test_many_threads_write_at_once(filled, url):
    def write(number):
        with open_store(url) as other:
            for k in range(5):
                other.annotate(NAME, f"{number} {k}", key=f"{k}")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert filled.annotations(NAME).num_rows == 5, "each key is written by one of the four"


def test_waiting_for_another_writer_has_an_end(sqlite_url):
    with open_store(sqlite_url) as store, open_store(sqlite_url, busy_s=0.05) as other:
        store.write([ALERTS])
        holder = sqlite3.connect(store_path(sqlite_url), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another process"):
            other.annotate(NAME, "hm")
        holder.close()
        other.annotate(NAME, "now")


def test_an_older_store_gets_the_tables_of_a_new_one(sqlite_url, tmp_path):
    older, path = sqlite3.connect(tmp_path / "night.db"), tmp_path / "new.db"
    for statement in (schema.TABLES + schema.FLOW_TABLES).split(";"):
        older.execute(statement)
    older.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    older.execute("PRAGMA user_version = 2")
    older.close()
    open_store(sqlite_url, read_only=True).close()
    open_store(f"sqlite:///{path}").close()

    def tables(of):
        connection = sqlite3.connect(of)
        found = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
        connection.close()
        return found

    assert tables(path) == tables(tmp_path / "night.db")
