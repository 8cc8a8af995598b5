"""LSST: every schema from 3.0 to 11.0, real alerts and the fakes that come with the schemas."""

import numpy as np
import pyarrow as pa
import pytest

from gueststar.surveys.lsst import LSST

FAKES = 14


def alerts_of(records):
    return LSST().alerts(pa.RecordBatch.from_pylist(records))


def source(**fields):
    own = {
        "diaSourceId": 2**60 + 1,
        "visit": 5,
        "diaObjectId": 2**61 + 1,
        "midpointMjdTai": 61000.5,
        "ra": 10.0,
        "dec": -5.0,
        "psfFlux": -1230.0,
        "psfFluxErr": 245.0,
        "scienceFlux": 44312.0,
        "scienceFluxErr": 244.0,
        "reliability": 0.5,
        "band": "r",
        **fields,
    }
    return {"diaSource": own}


def history(alerts):
    return alerts.column("history")[0].as_py()


def test_real_alerts(data, records):
    packets = records(data / "alerts/lsst/rubin_7_alerts_2026-03.avro")
    alerts = alerts_of(packets)
    alerts.validate(full=True)
    for row, packet in enumerate(packets):
        own, alert = packet["diaSource"], alerts.slice(row, 1)
        assert alert.column("alert_id")[0].as_py() == packet["diaSourceId"]
        assert alert.column("mjd_tai")[0].as_py() == own["midpointMjdTai"]
        assert alert.column("flux")[0].as_py() == own["psfFlux"]
        assert alert.column("published_rb")[0].as_py() == own["reliability"]
        assert alert.column("difference")[0].as_py() == packet["cutoutDifference"]
        check_history(packet, history(alert))
    assert (alerts.column("flux").to_numpy() < 0).any()
    assert alerts.column("object_id").to_pylist().count(None) == 2  # of the Solar System
    assert set(alerts.column("night").to_pylist()) == {20260305}


def check_history(packet, points):
    seen = {
        (s["visit"], s["band"]) for s in [packet["diaSource"], *(packet["prvDiaSources"] or [])]
    }
    forced = {(s["visit"], s["band"]) for s in packet["prvDiaForcedSources"] or []}
    found = [(p["kind"], p["exposure_id"], p["band"]) for p in points]
    assert len(set(found)) == len(found)
    assert set(found) == {("detection", *s) for s in seen} | {("forced", *s) for s in forced}
    assert all(p["total_flux"] is not None for p in points)


def test_fakes_of_every_schema(data, records):
    files = sorted((data / "alerts/lsst/schema").glob("*/*/sample_data/fakeAlert.avro"))
    assert len(files) == FAKES
    for file in files:
        alerts = alerts_of(records(file))
        alerts.validate(full=True)
        [row] = alerts.drop_columns(["history", "native"]).to_pylist()
        assert row["alert_id"] == 281323062375219200
        assert row["object_id"] == "281323062375219201"
        assert row["band"] == "r"
        assert row["flux"] == 1241.0
        assert row["flux_err"] == 12.0
        assert row["dec"] == 0.126243049656
        assert row["night"] in (20161128, 20250815)
        assert len(history(alerts)) in (1, 2)  # the old fakes repeat one exposure


def test_seconds_since_1970_are_read_as_what_they_are():
    [alert] = alerts_of([source(midpointMjdTai=1480360995.0)]).to_pylist()
    assert alert["mjd_tai"] == pytest.approx(57720.8078125)


def test_negative_flux_is_kept():
    alerts = alerts_of([source()])
    assert alerts.column("flux")[0].as_py() == -1230.0
    [point] = history(alerts)
    assert point["total_flux"] == 44312.0
    assert point["total_flux_err"] == 244.0
    assert point["exposure_id"] == 5


@pytest.mark.parametrize(("given", "kept"), [(None, None), (0, None), (2**61 + 1, str(2**61 + 1))])
def test_object_ids(given, kept):
    assert alerts_of([source(diaObjectId=given)]).column("object_id")[0].as_py() == kept


def test_the_night_is_that_of_rubin():
    """15 h UTC on 21 November is day_obs 21, 11 h UTC is day_obs 20."""
    nights = alerts_of([source(midpointMjdTai=61000.46), source(midpointMjdTai=61000.63)])
    assert nights.column("night").to_pylist() == [20251120, 20251121]


def test_nan_is_null():
    """Rubin writes NaN where there is nothing."""
    odd = source(
        reliability=np.nan, psfFluxErr=np.nan, scienceFlux=np.nan, timeWithdrawnMjdTai=np.nan
    )
    alerts = alerts_of([odd])
    assert alerts.column("published_rb")[0].as_py() is None
    assert alerts.column("flux_err")[0].as_py() is None
    assert history(alerts)[0]["total_flux"] is None


def test_withdrawn_points_are_left_out():
    one = source()
    before = source(visit=4, timeWithdrawnMjdTai=61001.0)["diaSource"]
    good = source(visit=3, timeWithdrawnMjdTai=np.nan)["diaSource"]
    one["prvDiaSources"] = [before, good]
    assert {p["exposure_id"] for p in history(alerts_of([one]))} == {5, 3}


def test_old_limits():
    one = source()
    limit = {"ccdVisitId": 9, "midPointTai": 60000.0, "filterName": "i", "diaNoise": 100.0}
    one["prvDiaNondetectionLimits"] = [limit]
    [point] = [p for p in history(alerts_of([one])) if p["kind"] == "limit"]
    assert point["limit"] == pytest.approx(31.4 - 2.5 * np.log10(500))
    assert (point["band"], point["mjd_tai"], point["flux"]) == ("i", 60000.0, None)
