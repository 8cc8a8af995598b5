"""What fields mean: every field that real packets have is described, in our own words."""

import re

import fastavro
import pytest

from gueststar.surveys.documentation import describe


def fields_of(schema, container=None):
    """Names of all fields with their container, and the survey's own words."""
    if isinstance(schema, list):
        for one in schema:
            yield from fields_of(one, container)
    elif isinstance(schema, dict) and schema.get("type") == "record":
        for field in schema["fields"]:
            yield container, field["name"], field.get("doc")
            yield from fields_of(field["type"], field["name"])
    elif isinstance(schema, dict) and schema.get("type") == "array":
        yield from fields_of(schema["items"], container)


def schema_of(file):
    with file.open("rb") as stream:
        return fastavro.reader(stream).writer_schema


def test_every_field_of_ztf_is_described_in_our_own_words(data):
    file = sorted((data / "alerts" / "ztf" / "4.01").glob("*.avro"))[0]
    for container, name, theirs in fields_of(schema_of(file)):
        note = describe("ztf", name, container)
        assert note, (container, name)
        assert not theirs or note.text.lower() != theirs.lower()


def test_most_fields_of_rubin_are_described(data):
    file = data / "alerts" / "lsst" / "rubin_7_alerts_2026-03.avro"
    survey = {"diaSource", "prvDiaForcedSources", "diaObject", "prvDiaSources"}
    found = [(c, n) for c, n, _ in fields_of(schema_of(file)) if c in survey]
    assert [pair for pair in found if not describe("lsst", pair[1], pair[0])] == []


@pytest.mark.parametrize(
    ("survey", "name", "container", "unit"),
    [
        ("ztf", "magpsf", "candidate", "mag"),
        ("ztf", "distnr", "fp_hists", "arcsec"),
        ("ztf", "distnr", "candidate", "pixel"),
        ("lsst", "psfFlux", "diaSource", "nJy"),
        ("lsst", "y_psfFluxMean", "diaObject", "nJy"),
        ("lsst", "band", "diaSource", ""),
    ],
)
def test_units(survey, name, container, unit):
    assert describe(survey, name, container).unit == unit


@pytest.mark.parametrize("survey", ["", "../ztf", "hst", "ztf.txt"])
def test_a_strange_survey_has_no_documentation(survey):
    assert describe(survey, "ra") is None


def test_lines_are_well_formed():
    from importlib import resources

    for survey in ("ztf", "lsst"):
        text = resources.files("gueststar.surveys").joinpath("fields", f"{survey}.txt").read_text()
        names = [line.split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[A-Za-z0-9_.]+", name) for name in names)
