"""Stores of both engines for tests: every test that asks for one runs on each."""

from contextlib import contextmanager

ENGINES = ["sqlite", "postgresql"]


@contextmanager
def fresh_url(engine, request, folder):
    """URL of a store that is not there yet."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'night.db'}"
        return
    with request.getfixturevalue("postgres").fresh() as url:
        yield url
