"""One alert as a person holds it."""

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u

from gueststar.alert import Alert
from gueststar.batch import HISTORY, AlertBatch
from gueststar.errors import BadInput
from gueststar.score import score_batch, score_schema

POINT = {
    "exposure_id": 1,
    "mjd_tai": 59000.0,
    "band": "g",
    "flux": 3631.0,
    "flux_err": 36.0,
    "kind": "detection",
}


@pytest.fixture
def batch():
    bare = AlertBatch.from_columns(
        alert_id=[2630155241315015005, 7],
        object_id=["ZTF23abc", None],
        survey=["ztf", "ztf"],
        band=["g", "r"],
        mjd_tai=[59000.0, 59001.0],
        ra=[10.0, 20.0],
        dec=[-5.0, 5.0],
        flux=[3631.0, None],
        flux_err=[36.0, None],
        history=pa.array([[POINT], None], pa.list_(HISTORY)),
        native=pa.array([{"objectId": "ZTF23abc"}, None]),
    )
    scores = score_batch(score_schema("rb", ["real"]), np.array([[0.5], [0]]), [None, "no cutout"])
    return bare.with_columns(scores).with_module("rb", "1+abc")


def test_from_batch(batch):
    alert = Alert.from_batch(batch, 0)
    assert alert.alert_id == 2630155241315015005
    assert alert.flux.unit == u.nJy
    assert alert.mag == pytest.approx(22.5, abs=1e-4)
    assert alert.coord.ra.deg == 10.0
    assert alert.time.scale == "tai"
    assert alert.light_curve["flux"].tolist() == [3631.0]
    assert alert.light_curve.object_id == "ZTF23abc"
    assert alert.scores["rb_real"].value == 0.5
    assert alert.scores["rb_real"].version == "1+abc"
    assert alert.native == {"objectId": "ZTF23abc"}


def test_what_is_unknown(batch):
    alert = Alert.from_batch(batch, -1)
    assert alert.object_id is None
    assert np.isnan(alert.flux)
    assert np.isnan(alert.mag)
    assert len(alert.light_curve) == 0
    assert alert.scores["rb_real"].reason == "no cutout"
    assert alert.native == {}


def test_pictures(batch):
    alert = Alert.from_batch(batch, 0)
    html = alert._repr_html_()
    assert "rb" in html
    assert "<svg" in html
    assert alert.plot().layout.shapes[0].x0 == 59000.0


def test_no_such_row(batch):
    with pytest.raises(BadInput, match="no alert 2 in a batch of 2"):
        Alert.from_batch(batch, 2)
