"""A file is there whole or not at all."""

import resource
import signal
from contextlib import contextmanager

import pytest

from gueststar.errors import BadInput, ExportError, ExportUnavailable
from gueststar.export import Wanted, export

FORMS = ["parquet", "csv", "votable", "fits", "arrow", "hats"]


@contextmanager
def no_room():
    """A limit on the size of files stands for a full disk; pytest may write into one itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_leaves_nothing(store, tmp_path, form):
    full = pytest.raises(ExportUnavailable, match=r"nothing was left there: free some space")
    with full, no_room():
        export(store, Wanted.of("alerts"), tmp_path / "night", form=form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_on_the_way_keeps_what_was_there(store, tmp_path, form):
    path = tmp_path / "night"
    export(store, Wanted.of("alerts"), path, form=form)
    before = contents(path)

    def fail(rows):
        raise RuntimeError("the reader fails")

    with pytest.raises(RuntimeError, match="fails"):
        export(store, Wanted.of("alerts"), path, form=form, overwrite=True, tell=fail)
    assert contents(path) == before
    assert [one.name for one in tmp_path.iterdir()] == ["night"]


def contents(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files if file.is_file()}


@pytest.mark.parametrize("form", ["csv", "hats"])
def test_what_is_there_is_replaced_on_request_only(store, tmp_path, form):
    path = tmp_path / "night"
    export(store, Wanted.of("alerts"), path, form=form)
    with pytest.raises(BadInput, match="is there already"):
        export(store, Wanted.of("objects"), path, form=form)
    count = store.sql("SELECT count(*) AS n FROM objects")["n"][0].as_py()
    assert export(store, Wanted.of("objects"), path, form=form, overwrite=True).rows == count
    assert [one.name for one in tmp_path.iterdir()] == ["night"]


def test_places_that_cannot_be(store, tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        export(store, Wanted.of("alerts"), tmp_path / "no" / "night.csv")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    for form, message in (("csv", "is a folder"), ("hats", "of something else")):
        with pytest.raises(BadInput, match=message):
            export(store, Wanted.of("alerts"), tmp_path / "mine", form=form, overwrite=True)
    with pytest.raises(ExportError, match="name another place"):
        export(store, Wanted.of("alerts"), tmp_path / f"{'x' * 300}.csv")
