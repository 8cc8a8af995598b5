"""``docs/sql.md`` names every column of every public view, and no other."""

import re
from pathlib import Path

from gueststar.store.tables import VIEW_NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"


def test_every_column_is_documented_in_order(store):
    sections = re.findall(r"^## (\w+): .*?\n(.*?)(?=^## )", PAGE.read_text(), re.S | re.M)
    documented = {name: re.findall(r"^\| `(\w+)` \|", text, re.M) for name, text in sections}
    there = {view: store.sql(f"SELECT * FROM {view}").column_names for view in VIEW_NAMES}
    assert documented == there
