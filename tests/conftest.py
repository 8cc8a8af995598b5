"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of shared real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("GUESTSTAR_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"no real data at {folder} (set GUESTSTAR_DATA)")
    return folder
