"""Our schema has the survey's names and types, in its order, and our own words."""

from pathlib import Path
from typing import Any

import fastavro
import pytest

from gueststar.simulate.schema import alert_schema


def flat(schema: Any, prefix: str = "") -> dict[str, tuple[Any, bool]]:
    """Names (with the path to them) to their type and whether null is the default."""
    if isinstance(schema, list):
        return {k: v for branch in schema for k, v in flat(branch, prefix).items()}
    if not isinstance(schema, dict):
        return {}
    if schema["type"] == "array":
        return flat(schema["items"], prefix)
    out: dict[str, tuple[Any, bool]] = {}
    for field in schema["fields"]:
        path = f"{prefix}{field['name']}"
        kind = field["type"]
        plain = (
            [k if isinstance(k, str) else k["type"] for k in kind]
            if isinstance(kind, list)
            else kind
        )
        out[path] = (plain if not isinstance(plain, dict) else plain["type"], "default" in field)
        out |= flat(kind, f"{path}.")
    return out


@pytest.fixture(scope="module")
def real(data: Path) -> Any:
    file = sorted((data / "alerts" / "ztf" / "4.01").glob("*.avro"))[0]
    with file.open("rb") as stream:
        return fastavro.reader(stream).writer_schema


def test_names_types_and_order_are_those_of_the_survey(real):
    ours, theirs = flat(alert_schema()), flat(real)
    assert list(ours) == list(theirs)
    # tooflag's default is 0 in 4.01 and null in 4.02; both are defaults.
    assert ours == theirs


def test_the_descriptions_are_ours(real):
    theirs = {f["doc"] for f in real["fields"][4]["type"]["fields"]}
    for field in alert_schema()["fields"][4]["type"]["fields"]:
        assert field["doc"]
        assert field["doc"] not in theirs


def test_the_schema_is_valid_avro():
    fastavro.parse_schema(alert_schema())
