"""Light curves as people hold them."""

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u

from gueststar.errors import BadInput
from gueststar.lightcurve import LightCurve
from gueststar.periods import Fold
from gueststar.plots import ZTF_COLOURS, sparkline

ROWS = [
    [1, 59000.25, "g", 3631.0, 363.1, 7262.0, 300.0, 20.5, "detection"],
    [1, 59000.25, "g", 3000.0, 100.0, None, None, 20.5, "forced"],
    [2, 59003.25, "r", None, None, None, None, 20.8, "limit"],
    [2, 59003.25, "r", 120.0, 100.0, 900.0, 100.0, 20.8, "forced"],
    [3, 59001.25, "g", -500.0, 50.0, 1000.0, 50.0, 20.1, "detection"],
    [None, 59005.25, "i", None, None, None, None, 19.0, "limit"],
]


@pytest.fixture
def curve():
    return LightCurve.from_rows(ROWS, "ZTF18abc", "ztf")


def test_sorted_by_time_and_once(curve):
    assert len(curve) == 6
    assert (np.diff(curve["mjd_tai"]) >= 0).all()
    assert LightCurve.from_rows(ROWS + ROWS[::-1], "ZTF18abc", "ztf") == curve


def test_negative_flux_has_no_magnitude(curve):
    detections = curve.detections
    assert detections["flux"].tolist() == [3631.0, -500.0]
    np.testing.assert_allclose(detections.mag, [22.5, np.nan], atol=1e-4)
    np.testing.assert_allclose(detections.mag_err, [0.10857, np.nan], atol=1e-4)


def test_units_and_scale(curve):
    assert curve.flux.unit == u.nJy
    assert curve.time.scale == "tai"
    assert curve.time.format == "mjd"
    assert curve.bands == ("g", "r", "i")


def test_best_takes_one_point_an_exposure(curve):
    best = curve.best()
    assert list(zip(best["band"], best["kind"], strict=True)) == [
        ("g", "detection"),
        ("g", "detection"),
        ("r", "forced"),
        ("i", "limit"),
    ]


def test_total_is_known_or_left_out(curve):
    total = curve.total()
    assert total.quantity == "total"
    assert total["flux"].tolist() == [7262.0, 1000.0, 900.0]
    assert total["flux_err"].tolist() == [300.0, 50.0, 100.0]
    assert total.total() is total
    with pytest.raises(BadInput, match="total flux and one of difference"):
        total.merge(curve)


def test_merge_is_a_union(curve):
    first, second = curve[:3], curve[2:]
    assert first.merge(second) == second.merge(first) == curve


def test_rows_go_round(curve):
    assert LightCurve.from_rows(curve.to_rows(), "ZTF18abc", "ztf") == curve
    odd = LightCurve.from_rows([[1, 59000.1, "g", 0.1, 1 / 3, None, None, 20.79, "detection"]])
    assert odd.to_rows() == [
        [1, 59000.1, "g", 0.1, 0.33333334, None, None, 20.79, "detection", None]
    ]
    told = LightCurve.from_rows([[*ROWS[0], 2]])
    assert told["program"].tolist() == [2]
    assert told.to_table()["program"].tolist() == [2]
    with pytest.raises(BadInput, match="exposure_id"):
        LightCurve.from_rows([[1, 2]])


def test_selection(curve):
    assert curve[curve["band"] == "g"].bands == ("g",)
    assert len(curve.limits) == 2
    assert len(curve.forced) == 2
    with pytest.raises(BadInput, match="Did you mean 'flux'"):
        curve["fluxx"]


def test_table_has_units_and_descriptions(curve):
    table = curve.to_table()
    assert table["flux"].unit == u.nJy
    assert table["limit"].unit == u.mag
    assert table["time"].scale == "tai"
    assert "AB" in table["flux"].info.description
    assert table["exposure_id"].mask.tolist() == [False] * 5 + [True]
    assert table.meta["object_id"] == "ZTF18abc"


def test_pandas_and_arrow(curve):
    frame = curve.to_pandas()
    assert list(frame.columns[-2:]) == ["mag", "mag_err"]
    assert isinstance(curve.to_arrow(), pa.RecordBatch)


def test_an_empty_curve():
    empty = LightCurve.from_rows([])
    assert repr(empty) == "<LightCurve unnamed: empty>"
    assert len(empty.best()) == len(empty.total()) == len(empty.to_table()) == 0
    assert empty.to_rows() == []
    assert "no points" in empty._repr_html_()
    assert len(empty.plot().data) == 0


def test_plot_in_magnitudes(curve):
    figure = curve.plot()
    traces = {trace.name: trace for trace in figure.data}
    assert set(traces) == {"g", "g forced", "r limit", "i limit"}  # r forced: 1.2 sigma
    assert figure.layout.yaxis.autorange == "reversed"
    assert traces["g"].marker.color == ZTF_COLOURS["g"]
    assert traces["g forced"].marker.symbol == "circle-open"
    assert traces["r limit"].marker.symbol == "triangle-down"
    assert "too faint or negative" in figure.layout.annotations[0].text
    assert traces["g"].customdata[0][0] == "2020-05-31 05:59"


def test_plot_in_flux(curve):
    figure = curve.plot(y="flux", limits=False)
    traces = {trace.name: trace for trace in figure.data}
    assert set(traces) == {"g", "g forced", "r forced"}
    assert traces["g"].y.tolist() == [3631.0, -500.0]
    assert "nJy" in figure.layout.yaxis.title.text


#: The limit of a cloudy exposure.
BRIGHT = [90, 59005.0, "r", None, None, None, None, 12.0, "limit"]


def test_limits_of_a_bad_night_do_not_flatten_the_curve(curve):
    wild = curve.merge(LightCurve.from_rows([BRIGHT], curve.object_id, curve.survey))
    figure = wild.plot(y="flux")
    low, high = figure.layout.yaxis.range
    assert low < -550.0
    assert 10 ** (0.4 * (31.4 - 20.8)) < high < 10 ** (0.4 * (31.4 - 19.0))
    assert "limits above the axis: 2;" in figure.layout.annotations[0].text
    assert max(max(trace.y) for trace in figure.data) > high  # drawn all the same
    assert wild.plot(y="flux", limits=False).layout.yaxis.range is None
    folded = wild.plot(y="flux", fold=Fold(1.0, 59000.0))
    assert "limits above the axis: 2;" in folded.layout.annotations[0].text
    only = LightCurve.from_rows([BRIGHT], curve.object_id, curve.survey)
    assert only.plot(y="flux").layout.yaxis.range is None


def test_plot_of_the_total_has_no_difference_limits(curve):
    figure = curve.plot(total=True)
    assert {trace.name for trace in figure.data} == {"g", "r forced"}
    assert "total" in figure.layout.yaxis.title.text
    with pytest.raises(BadInput, match="no y axis"):
        curve.plot(y="magnitude")


def test_sparkline_is_light(curve):
    many = LightCurve.from_rows(
        [[i, 59000.0 + i, "g", float(i), 1.0, None, None, 20.0, "detection"] for i in range(500)]
    )
    assert len(sparkline(many)) < 10_000
    assert sparkline(curve).startswith("<svg")
    hostile = LightCurve.from_rows(ROWS, '"><script>')
    assert "<script>" not in hostile._repr_html_()
