"""The object page's own answers: period, absolute magnitudes, downloads, scores."""

import io
import json
import re
from html import unescape

import numpy as np
import pytest
from astropy.table import Table

from gueststar.distances import absolute_offset
from gueststar.score import Score
from gueststar.serve.portal import classes


@pytest.fixture(scope="module")
def richest(store):
    """The harmless object with most measured points."""
    query = """SELECT object_id, count(*) AS n FROM lightcurves WHERE kind <> 'limit'
               GROUP BY 1 ORDER BY n DESC LIMIT 9"""
    names = store.sql(query)["object_id"].to_pylist()
    return store.object(next(name for name in names if name.isalnum()))


@pytest.fixture(scope="module")
def poorest(store):
    """A harmless object with few points."""
    names = store.sql("SELECT object_id FROM objects ORDER BY n_points LIMIT 9")["object_id"]
    return next(name for name in names.to_pylist() if name.isalnum())


def test_periodogram_says_what_it_found_and_what_that_means(client, richest):
    answer = client.get(f"/lightcurve/{richest.object_id}.periodogram.json").json()
    assert answer["message"] is None
    assert len(answer["frequency"]) == len(answer["power"]) <= 2000
    # refined between frequencies of the grid, so a little higher
    assert max(answer["power"]) <= answer["peaks"][0]["power"] <= max(answer["power"]) + 0.1
    assert answer["peaks"][0]["aliases"]["half the period"] == 2 * answer["peaks"][0]["frequency"]
    assert "not that it repeats" in answer["caveat"]
    assert sum(answer["points"].values()) <= len(richest.light_curve)


def test_too_few_points_are_a_sentence(client, poorest):
    answer = client.get(f"/lightcurve/{poorest}.periodogram.json")
    assert answer.status_code == 200
    assert "Too few measured points" in answer.json()["message"]
    assert answer.json()["peaks"] == []


def test_the_figure_folds_and_makes_magnitudes_absolute(client, richest):
    place = f"/lightcurve/{richest.object_id}.figure.json"
    plain = client.get(f"{place}?unit=mag").json()
    folded = client.get(f"{place}?unit=mag&period=0.5").json()
    absolute = client.get(f"{place}?unit=mag&redshift=0.05").json()
    first = lambda figure: np.asarray(decoded(figure["data"][0]["y"]))  # noqa: E731
    assert len(first(folded)) == 2 * len(first(plain))
    np.testing.assert_allclose(first(plain) - first(absolute), absolute_offset(0.05), atol=1e-4)
    assert "period 0.5 d" in folded["layout"]["xaxis"]["title"]["text"]
    # a redshift says nothing of difference flux
    assert client.get(f"{place}?unit=flux&redshift=0.05").status_code == 200


def decoded(values):
    if isinstance(values, list):
        return values
    import base64

    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


@pytest.mark.parametrize(
    "query",
    [
        "figure.json?period=0",
        "figure.json?period=nan",
        "figure.json?period=-1",
        "figure.json?redshift=0",
        "figure.json?redshift=30",
        "figure.json?perod=1",
        "periodogram.json?shortest=0",
        "periodogram.json?shortest=5&longest=2",
        "periodogram.json?of=both",
    ],
)
def test_what_cannot_be_is_refused_by_name(client, richest, query):
    answer = client.get(f"/lightcurve/{richest.object_id}.{query}")
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 15


def test_votable_holds_the_points_with_units(client, richest):
    answer = client.get(f"/lightcurve/{richest.object_id}.vot")
    table = Table.read(io.BytesIO(answer.content), format="votable")
    assert len(table) == len(richest.light_curve)
    np.testing.assert_allclose(table["mjd_tai"], richest.light_curve["mjd_tai"])
    assert str(table["flux"].unit) == "nJy"
    assert table["mjd_tai"].description
    assert ".vot" in answer.headers["content-disposition"]


def test_the_page_has_classes_over_time(client, store, richest):
    page = client.get(f"/object/{richest.object_id}").text
    scored = [row for row in richest.scores.to_pylist() if row["value"] is not None]
    drawn = re.search(r'data-classes="([^"]+)"', page)
    if len(scored) < 2:
        assert "needs scores of two alerts" in page
        return
    (line,) = json.loads(unescape(drawn[1]))
    assert line["alert"] == [str(row["alert_id"]) for row in scored]


def score(version, label, value, module="sn"):
    return Score(module, version, label, value, None if value is not None else "no curve")


def test_the_newest_version_speaks_and_the_likeliest_class_comes_first():
    given = [score("1", "ia", 0.9), score("2", "ia", 0.2), score("2", "ii", 0.7)]
    (verdict,) = classes.verdicts([*given, score("2", "ib", None)])
    assert verdict.version == "2"
    assert [bar.label for bar in verdict.bars] == ["ii", "ia", "ib"]
    assert verdict.reason == "no curve"
    assert classes.older(given) == given[:1]
    assert classes.verdicts([]) == []


def row(alert, version, value, label="real", module="rb"):
    return {"alert_id": alert, "module": module, "version": version, "class": label, "value": value}


def test_headline_is_the_newest_version_of_the_first_module_with_a_number():
    rows = [row(1, "1", 0.9), row(1, "2", 0.4), row(2, "1", None), row(2, "7", 0.3, module="braai")]
    found = classes.headline(rows)
    assert found[1]["value"] == 0.4
    assert found[2]["module"] == "braai"
    assert classes.headline([row(3, "1", None)])[3]["value"] is None


def test_series_keep_the_newest_score_and_stay_few():
    times = {i: 59000.0 + i for i in range(900)}
    rows = [row(i, v, i / 900) for i in range(900) for v in ("1", "2")]
    rows += [row(i, "1", 0.5, f"class {k}") for i in range(2) for k in range(20)]
    lines = classes.series(rows, times)
    assert len(lines) == classes.MOST_SERIES
    assert lines[0]["name"] == "rb real"
    assert len(lines[0]["mjd"]) == classes.MOST_POINTS
    assert lines[0]["alert"][-1] == "899"
    assert classes.series([row(1, "1", 0.5)], times) == []


def test_the_panel_sends_its_slots(client, richest):
    alert = richest.alerts["alert_id"][0].as_py()
    panel = client.get(f"/alert/{alert}/panel").text
    assert re.findall('data-slot="([a-z]+)"', panel) == ["planets", "scores", "packet"]


def test_notes_are_shown_escaped_and_gone_when_removed(client, richest):
    name, alert = richest.object_id, str(richest.alerts["alert_id"][0].as_py())
    sent = {"object_id": name, "alert_id": alert, "text": "<b>host</b>\nat z = 0.03"}
    written = client.post("/api/annotations", json=sent).json()["annotation_id"]
    try:
        for place in (f"/object/{name}", f"/notes?object={name}", f"/notes?alert={alert}"):
            page = client.get(place).text
            assert "&lt;b&gt;host&lt;/b&gt;\nat z = 0.03" in page
            assert f'data-note="{written}"' in page
    finally:
        client.delete(f"/api/annotations/{written}")
    assert "None yet" in client.get(f"/notes?object={name}").text


@pytest.mark.parametrize(
    ("query", "status"),
    [("object=nobody", 404), ("alert=abc", 400), ("alert=1", 404), ("objct=x", 400)],
)
def test_notes_of_nothing_are_refused(client, query, status):
    assert client.get(f"/notes?{query}").status_code == status


def test_an_alert_of_no_object_has_notes_and_no_curve(client, store):
    alone = store.sql("SELECT alert_id FROM alerts WHERE object_id IS NULL")["alert_id"][0].as_py()
    page = client.get(f"/alert/{alone}").text
    assert "data-notes" in page
    assert "data-curve" not in page
