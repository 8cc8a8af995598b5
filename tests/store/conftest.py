"""Every test of this folder that asks for ``url`` or ``store`` runs on both engines."""

from contextlib import ExitStack

import pytest

from engines import ENGINES, fresh_url
from gueststar.store import open_store
from store.sky import placed_alerts


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


@pytest.fixture(scope="module")
def placed(module_url):
    """A store with an object at each place of :func:`store.sky.placed_alerts`; ra, dec."""
    batch, ra, dec = placed_alerts()
    with open_store(module_url()) as store:
        store.write([batch])
        yield store, ra, dec
