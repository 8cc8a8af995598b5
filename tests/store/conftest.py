"""Every test of this folder that asks for ``url`` or ``store`` runs on both engines."""

from contextlib import ExitStack, contextmanager

import pytest

from gueststar.store import open_store

ENGINES = ["sqlite", "postgresql"]


@contextmanager
def fresh_url(engine, request, folder):
    """URL of a store that is not there yet."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'night.db'}"
        return
    with request.getfixturevalue("postgres").fresh() as url:
        yield url


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module", params=ENGINES)
def module_engine(request):
    return request.param


@pytest.fixture
def url(engine, request, tmp_path):
    with fresh_url(engine, request, tmp_path) as url:
        yield url


@pytest.fixture
def new_url(engine, request, tmp_path_factory):
    """Makes another one."""
    stack = ExitStack()
    with stack:
        yield lambda: stack.enter_context(
            fresh_url(engine, request, tmp_path_factory.mktemp("more"))
        )


@pytest.fixture(scope="module")
def module_url(module_engine, request, tmp_path_factory):
    """Makes stores for a module's fixtures."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            fresh_url(module_engine, request, tmp_path_factory.mktemp("shared"))
        )


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'night.db'}"


@pytest.fixture
def store(url):
    with open_store(url) as store:
        yield store
