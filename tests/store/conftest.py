import pytest

from gueststar.store import open_store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'night.db'}"


@pytest.fixture
def store(url):
    with open_store(url) as store:
        yield store
