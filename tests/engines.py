"""Stores of both engines for tests: every test that asks for one runs on each."""

import os
from contextlib import contextmanager

ENGINES = ["sqlite", "postgresql"]


def below(folder):
    """PYTHONPATH of a child that finds these helpers, and whatever this process was given."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


@contextmanager
def fresh_url(engine, request, folder):
    """URL of a store that is not there yet."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'night.db'}"
        return
    with request.getfixturevalue("postgres").fresh() as url:
        yield url
