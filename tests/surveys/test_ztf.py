"""ZTF: every value against the packet as it was sent, read by fastavro and worked out by hand."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.time import Time

from gueststar.lightcurve import LightCurve
from gueststar.surveys.ztf import ZTF

VERSIONS = {"pre-3.0": 11, "3.0": 17, "3.2": 73, "3.3": 114, "4.01": 24}
VARIABLE = "2475433850015010009.avro"  # of 4.01; a bright variable star with forced photometry


def alerts_of(records):
    return ZTF().alerts(pa.RecordBatch.from_pylist(records))


def history(alerts, row=0):
    return alerts.column("history")[row].as_py()


def packet(**candidate):
    """A minimal packet; candidate fields can be overridden."""
    own = {
        "jd": 2459000.5,
        "fid": 1,
        "pid": 1,
        "ra": 10.0,
        "dec": -5.0,
        "magpsf": 20.0,
        "sigmapsf": 0.1,
        "isdiffpos": "t",
        "programid": 1,
        "diffmaglim": 20.5,
        **candidate,
    }
    return {"objectId": "ZTF18abc", "candid": 2**62 + 1, "candidate": own, "prv_candidates": None}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version(data, records, version):
    files = sorted((data / "alerts/ztf" / version).glob("*.avro"))
    packets = [record for file in files for record in records(file)]
    alerts = alerts_of(packets)
    alerts.validate(full=True)
    assert alerts.num_rows == VERSIONS[version]
    assert alerts.column("alert_id").to_pylist() == [p["candid"] for p in packets]
    assert alerts.column("object_id").to_pylist() == [p["objectId"] for p in packets]
    for packet, flux, err, mjd, points in zip(
        packets,
        *(alerts.column(name).to_pylist() for name in ("flux", "flux_err", "mjd_tai", "history")),
        strict=True,
    ):
        own = packet["candidate"]
        size = 10 ** (0.4 * (31.4 - own["magpsf"]))
        sign = 1 if own["isdiffpos"] in ("t", "1") else -1
        assert flux == pytest.approx(sign * size, rel=1e-6)
        assert err == pytest.approx(size * own["sigmapsf"] * math.log(10) / 2.5, rel=1e-6)
        start = Time(own["jd"], format="jd", scale="utc").tai.mjd
        assert mjd == pytest.approx(start + own.get("exptime", 30.0) / 2 / 86400, abs=1e-8)
        check_history(packet, points)


def check_history(packet, points):
    """Every row of the packet's history is there once, and nothing else."""
    own, before = packet["candidate"], packet["prv_candidates"] or []
    seen = {(p["pid"], p["fid"]) for p in [own, *before] if p["magpsf"] is not None}
    limits = {(p["pid"], p["fid"]) for p in before if p["magpsf"] is None}
    good = {(p["pid"], p["fid"]) for p in packet.get("fp_hists") or [] if p["procstatus"] == "0"}
    found = {}
    for point in points:
        place = (point["exposure_id"], "gri".index(point["band"]) + 1)
        found.setdefault(point["kind"], []).append(place)
    expected = {"detection": seen, "limit": limits, "forced": good}
    assert {kind: set(places) for kind, places in found.items()} == {
        kind: places for kind, places in expected.items() if places
    }
    assert len(points) == sum(map(len, expected.values()))
    times = [point["mjd_tai"] for point in points]
    assert times == sorted(times)


def test_by_hand(data, records):
    """2475433850015010009: f, 17.8557 mag, exposure from JD 2460229.9338542, 30 s."""
    alerts = alerts_of(records(data / "alerts/ztf/4.01" / VARIABLE))
    [alert] = alerts.drop_columns(
        ["native", "history", "science", "template", "difference"]
    ).to_pylist()
    assert alert["mjd_tai"] == pytest.approx(60229.4338542 + (15 + 37) / 86400, abs=1e-8)
    assert alert["flux"] == pytest.approx(-261644.2, rel=1e-6)
    assert alert["flux_err"] == pytest.approx(261644.2 * 0.0688278 / 1.0857362, rel=1e-5)
    assert alert["night"] == 20231012
    assert alert["band"] == "g"
    assert alert["program"] == 1
    assert alert["published_rb"] == pytest.approx(0.9932287)


def test_forced_photometry_by_hand(data, records):
    """Forced: -4684.184 +- 23.13 DN, zero point 26.1704; reference 14.559 at 0.62 arcsec."""
    alerts = alerts_of(records(data / "alerts/ztf/4.01" / VARIABLE))
    points = {(p["exposure_id"], p["kind"]): p for p in history(alerts)}
    point = points[2473360480015, "forced"]
    assert point["flux"] == pytest.approx(-4684.184 * 10 ** (0.4 * (31.4 - 26.1704)), rel=1e-5)
    assert point["flux_err"] == pytest.approx(23.131683 * 10 ** (0.4 * (31.4 - 26.1704)), rel=1e-5)
    reference = 10 ** (0.4 * (31.4 - 14.559))
    assert point["total_flux"] == pytest.approx(reference + point["flux"], rel=1e-6)
    assert point["band"] == "r"
    assert point["limit"] == pytest.approx(20.4464)
    assert (2474435631315, "forced") not in points  # procstatus 61, -99999 DN


def test_an_exposure_seen_and_forced_is_two_points_and_best_takes_the_detection(data, records):
    alerts = alerts_of(records(data / "alerts/ztf/4.01" / VARIABLE))
    curve = LightCurve(pa.RecordBatch.from_struct_array(alerts.column("history").flatten()))
    both = curve[curve["exposure_id"] == 2470419160015]
    assert both["kind"].tolist() == ["detection", "forced"]
    best = curve.best()
    assert best[best["exposure_id"] == 2470419160015]["kind"].tolist() == ["detection"]
    assert best[best["exposure_id"] == 2473360480015]["kind"].tolist() == ["forced"]


@pytest.mark.parametrize(
    ("file", "rows"),
    [("alerts_2019", 51), ("hostless_v4.02", 72), ("superluminous_v4.02", 17)],
)
def test_parquet(data, file, rows):
    table = pq.read_table(data / f"alerts/ztf/parquet/{file}.parquet")
    [batch] = table.combine_chunks().to_batches()
    alerts = ZTF().alerts(batch)
    alerts.validate(full=True)
    assert alerts.num_rows == rows
    assert alerts.column("alert_id").to_pylist() == table["candid"].to_pylist()
    raw = table["candidate"].to_pylist()
    sign = [1 if c["isdiffpos"] in "t1" else -1 for c in raw]
    expected = [s * 10 ** (0.4 * (31.4 - c["magpsf"])) for s, c in zip(sign, raw, strict=True)]
    np.testing.assert_allclose(alerts.column("flux").to_numpy(), expected, rtol=1e-6)
    drb = np.array([c["drb"] for c in raw], np.float32)
    np.testing.assert_array_equal(alerts.column("published_rb").to_numpy(), drb)
    kept = alerts.schema.field("native").type
    cutouts = {"cutoutScience", "cutoutTemplate", "cutoutDifference"}
    assert {f.name for f in kept} == set(table.column_names) - cutouts


def test_cutouts_are_as_received_and_the_record_is_untouched(data, records):
    [record] = records(data / "alerts/ztf/4.01" / VARIABLE)
    alerts = alerts_of([record])
    assert alerts.column("science")[0].as_py() == record["cutoutScience"]["stampData"]
    native = alerts.column("native")[0].as_py()
    assert native["candidate"]["ssdistnr"] == record["candidate"]["ssdistnr"]
    assert set(native) == {name for name in record if not name.startswith("cutout")}


@pytest.mark.parametrize(
    ("given", "sign"),
    [("t", 1), ("1", 1), ("f", -1), ("0", -1), (True, 1), (False, -1), (1, 1), ("?", None)],
)
def test_the_sign(given, sign):
    flux = alerts_of([packet(isdiffpos=given)]).column("flux")[0].as_py()
    assert flux == (None if sign is None else pytest.approx(sign * 10**4.56))


def test_the_exposure_is_that_of_the_packet():
    moments = alerts_of([packet(exptime=60.0), packet(exptime=-999.0), packet(exptime=None)])
    seconds = (moments.column("mjd_tai").to_numpy() - 59000.0) * 86400 - 37
    np.testing.assert_allclose(seconds, [30, 15, 15], atol=1e-4)


def test_sentinels_are_null():
    odd = {
        "drb": -999.0,
        "diffmaglim": -999.0,
        "magnr": -999.0,
        "distnr": -999.0,
        "sigmapsf": -99.0,
    }
    alerts = alerts_of([packet(**odd)])
    [point] = history(alerts)
    assert alerts.column("published_rb")[0].as_py() is None
    assert point["limit"] is None
    assert point["flux_err"] is None
    assert point["total_flux"] is None
    assert alerts.column("native")[0].as_py()["candidate"]["drb"] == -999.0


@pytest.mark.parametrize(
    ("distnr", "known"), [(1.3, True), (1.39, False), (0.0, True), (-1.0, False), (None, False)]
)
def test_the_reference_must_be_within_1_4_arcsec(distnr, known):
    """``distnr`` counts pixels of 1.01 arcsec: 1.3 is 1.31 arcsec, 1.39 is 1.40."""
    alerts = alerts_of([packet(distnr=distnr, magnr=19.0, sigmagnr=0.01)])
    [point] = history(alerts)
    assert (point["total_flux"] is not None) is known


def test_total_error():
    """Difference 20.0 +- 0.1, reference 21.0 +- 0.1 mag: variances are subtracted."""
    alerts = alerts_of([packet(distnr=0.5, magnr=21.0, sigmagnr=0.1)])
    [point] = history(alerts)
    difference, reference = 10**4.56, 10**4.16
    assert point["total_flux"] == pytest.approx(difference + reference)
    expected = math.sqrt(difference**2 - reference**2) * 0.1 / 1.0857362
    assert point["total_flux_err"] == pytest.approx(expected, rel=1e-5)


def test_total_error_where_the_reference_is_noisier():
    alerts = alerts_of([packet(distnr=0.5, magnr=15.0, sigmagnr=0.1)])
    [point] = history(alerts)
    assert point["total_flux_err"] == point["flux_err"]


@pytest.mark.parametrize("status", ["61", "56", "0,61", "255", None])
def test_flagged_forced_photometry_is_not_used(status):
    one = packet()
    row = {"jd": 2459000.5, "fid": 1, "pid": 2, "forcediffimflux": 9.0, "magzpsci": 26.0}
    one["fp_hists"] = [{**row, "procstatus": status}]
    assert [p["kind"] for p in history(alerts_of([one]))] == ["detection"]
    one["fp_hists"] = [{**row, "procstatus": "0"}]
    assert [p["kind"] for p in history(alerts_of([one]))] == ["detection", "forced"]


def test_a_repeated_detection_is_one_point():
    one = packet()
    one["prv_candidates"] = [one["candidate"], one["candidate"]]
    assert len(history(alerts_of([one]))) == 1


def test_fields_of_other_types_do_not_harm():
    one = {"objectId": "ZTF18abc", "candid": 1, "candidate": "none", "prv_candidates": [1, 2]}
    [alert] = alerts_of([one]).to_pylist()
    assert alert["mjd_tai"] is None
    assert alert["ra"] is None


def test_an_id_never_goes_through_a_float():
    assert alerts_of([packet()]).column("alert_id")[0].as_py() == 2**62 + 1
    rounded = {**packet(), "candid": float(2**62)}
    assert alerts_of([rounded]).column("alert_id")[0].as_py() is None


def test_recognises():
    assert ZTF().recognises(["candid", "objectId", "candidate", "something_new"])
    assert not ZTF().recognises(["diaSource", "candid"])


def test_absurd_numbers_are_null():
    far = packet(jd=1e300, magpsf=-89.0, sigmapsf=1e300, diffmaglim=1e300, pid=None, fid=7)
    [alert] = alerts_of([far]).to_pylist()
    assert alert["mjd_tai"] is None
    assert alert["night"] is None
    assert alert["flux"] is None
    assert alert["band"] is None
    assert alert["history"] == []


def test_an_exposure_without_an_id():
    one = packet(pid=None)
    one["prv_candidates"] = [one["candidate"], packet(pid=None, jd=2458999.5)["candidate"]]
    points = history(alerts_of([one]))
    assert [point["exposure_id"] for point in points] == [None, None]
