"""Annotations through a Broker, over a file and over a server alike."""

import pytest

from gueststar import Broker
from gueststar.errors import BadInput, NotAllowed, StoreError
from gueststar.store import open_store


@pytest.fixture
def name(local):
    return str(local.objects(limit=1)["object_id"][0])


def test_a_note_is_written_found_changed_and_removed(b, name):
    found = b[name]
    before = len(found.annotations)
    alert_id = found.alerts["alert_id"][-1]
    note = found.annotate("host at z = 0.03 客")
    tag = found.annotate("real", kind="tag", alert_id=alert_id)
    assert (note.author, note.kind, note.alert_id) == ("local", "note", None)
    assert (tag.kind, tag.alert_id) == ("tag", alert_id)
    there = found.annotations[before:]
    assert list(there["text"]) == ["host at z = 0.03 客", "real"]
    assert there["at"].unit == "s"
    assert list(b.annotations(alert_id=alert_id, kind="tag")["annotation_id"]) == [
        tag.annotation_id
    ]
    assert b.edit_annotation(note.annotation_id, "no host").text == "no host"
    assert list(b.annotation_history(note.annotation_id)["action"]) == ["written", "edited"]
    for one in (note, tag):
        assert b.remove_annotation(one.annotation_id).annotation_id == one.annotation_id
    assert len(found.annotations) == before


def test_what_cannot_be_is_the_same_error_here_and_there(b, name):
    with pytest.raises(BadInput, match="nearest names"):
        b.annotate(name + "x", "hm")
    with pytest.raises(BadInput, match="text: it is empty"):
        b[name].annotate(" ")
    with pytest.raises(BadInput, match="no annotation 987654"):
        b.edit_annotation(987654, "hm")
    with pytest.raises(BadInput, match="no alert id"):
        b.annotate(name, "hm", alert_id="x")


def test_somebody_elses_note_is_not_changed(b, name, store_url):
    with open_store(store_url) as store:
        note = store.annotate(name, "hers", author="Ann")
        with pytest.raises(NotAllowed, match="'Ann'"):
            b.edit_annotation(note.annotation_id, "mine")
        with pytest.raises(NotAllowed, match="'Ann'"):
            b.remove_annotation(note.annotation_id)
        store.remove_annotation(note.annotation_id, author="Ann")


def test_pages_are_pulled_until_the_limit(b, name, monkeypatch):
    monkeypatch.setattr("gueststar.client.pages.PAGE", 2)
    notes = [b.annotate(name, f"note {k}", kind="count") for k in range(5)]
    assert list(b.annotations(kind="count")["text"]) == [f"note {k}" for k in range(5)]
    assert b.annotations(kind="count", limit=3).meta["truncated"]
    for note in notes:
        b.remove_annotation(note.annotation_id)


def test_a_file_that_cannot_be_written_says_so(tmp_path, store_url, monkeypatch):
    with Broker(store_url) as broker:
        read_only = open_store(store_url, read_only=True)
        monkeypatch.setattr(broker, "_writer", read_only)
        with pytest.raises(StoreError, match="reading only"):
            broker.annotate(str(broker.objects(limit=1)["object_id"][0]), "hm")
