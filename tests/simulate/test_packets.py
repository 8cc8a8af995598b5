"""Packets tell one story: their history, their numbers and the truth agree."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import packets_batch
from gueststar.surveys.decode import decode


def test_the_header_fields_agree(simulated):
    for record, row in zip(simulated.records, simulated.rows, strict=True):
        assert record["schemavsn"] == "4.02"
        assert record["candid"] == record["candidate"]["candid"] == row["alert_id"] > 2**53
        assert record["objectId"] == row["object_id"]
        assert record["candidate"]["drb"] is None
        assert 0 <= record["candidate"]["rb"] <= 1
        candidate = record["candidate"]
        assert candidate["pid"] == record["candid"] // 1_000_000
        assert candidate["nid"] == int(candidate["jd"] - 2457754.5)
        assert candidate["jd"] == pytest.approx(row["mjd_utc"] + 2400000.5, abs=1e-7)


def test_the_survey_decodes_every_packet(simulated):
    n = len(simulated.packets)
    decoding = decode(packets_batch(simulated.packets, "simulate", [""] * n, range(n)))
    assert decoding.dead is None
    ids = [i for batch in decoding.alerts for i in batch.column("alert_id").to_pylist()]
    assert sorted(ids) == sorted(simulated.truth["alert_id"].to_pylist())
    truth = {row["alert_id"]: row for row in simulated.rows}
    for batch in decoding.alerts:
        rows = [truth[i] for i in batch.column("alert_id").to_pylist()]
        assert batch.column("object_id").to_pylist() == [row["object_id"] for row in rows]
        assert batch.column("band").to_pylist() == [row["band"] for row in rows]
        real = np.array([row["real"] for row in rows])
        pull = (batch.numpy("flux") - [row["flux"] for row in rows]) / batch.numpy("flux_err")
        bright = np.abs([row["flux"] for row in rows]) < 300 * batch.numpy("flux_err")
        assert np.median(np.abs(pull[real & bright])) < 1.5
        assert pa.types.is_struct(batch.column("native").type)


def test_measured_flux_has_the_sign_and_size_of_the_truth(simulated):
    off = []
    for record, row in zip(simulated.records, simulated.rows, strict=True):
        if row["real"] and abs(row["flux"]) > 15 * row["flux_err"]:
            candidate = record["candidate"]
            same = candidate["isdiffpos"] == ("t" if row["flux"] > 0 else "f")
            off.append(abs(candidate["magpsf"] - row["mag"]) if same else 10.0)
    # What a bright star's own residual adds is in the measurement, as on the sky.
    assert len(off) > 80
    assert np.median(off) < 0.05
    assert np.mean(np.array(off) < 0.35) > 0.95


def by_object(simulated) -> dict[str, list[dict]]:
    objects = defaultdict(list)
    for record in simulated.records:
        objects[record["objectId"]].append(record)
    for records in objects.values():
        records.sort(key=lambda r: r["candidate"]["jd"])
    return objects


def test_history_is_before_the_alert_and_in_order(simulated):
    for record in simulated.records:
        jd = record["candidate"]["jd"]
        times = [p["jd"] for p in record["prv_candidates"]]
        assert times == sorted(times)
        assert all(jd - 30 < t < jd for t in times)
        forced = [p["jd"] for p in record["fp_hists"]]
        assert forced == times[::-1]
        for p in record["prv_candidates"]:
            assert p["diffmaglim"] > 10
            assert (p["magpsf"] is None) == (p["candid"] is None) == (p["isdiffpos"] is None)


def test_packets_of_one_object_share_their_history(simulated):
    several = [records for records in by_object(simulated).values() if len(records) > 1]
    assert len(several) > 20
    for records in several:
        for early, late in pairwise(records):
            entries = {p["pid"]: p for p in late["prv_candidates"]}
            shared = [p for p in early["prv_candidates"] if p["pid"] in entries]
            assert len(shared) >= len(early["prv_candidates"]) - 2
            assert all(entries[p["pid"]] == p for p in shared)
            own = early["candidate"]
            again = entries[own["pid"]]
            assert again["candid"] == own["candid"]
            assert again["jd"] == own["jd"]
            assert again["magpsf"] == pytest.approx(own["magpsf"], abs=1e-5)
            assert late["candidate"]["ndethist"] > own["ndethist"]
            assert late["candidate"]["ncovhist"] > own["ncovhist"]
            assert late["candidate"]["jdstarthist"] == own["jdstarthist"] <= own["jd"]


def test_detections_before_the_alert_are_counted(simulated):
    for record in simulated.records:
        found = sum(p["candid"] is not None for p in record["prv_candidates"])
        assert record["candidate"]["ndethist"] >= found + 1


def test_forced_fluxes_agree_with_detections_and_limits(simulated):
    checked = 0
    for record in simulated.records:
        forced = {p["pid"]: p for p in record["fp_hists"]}
        for p in record["prv_candidates"]:
            f = forced[p["pid"]]
            if f["procstatus"] != "0":
                assert f["forcediffimflux"] == -99999.0
                continue
            ratio = f["forcediffimflux"] / f["forcediffimfluxunc"]
            if p["candid"] is None:
                assert abs(ratio) < 6
                continue
            checked += 1
            mag = f["magzpsci"] - 2.5 * np.log10(abs(f["forcediffimflux"]))
            assert mag == pytest.approx(p["magpsf"], abs=0.6 * abs(5 / ratio))
            assert (f["forcediffimflux"] > 0) == (p["isdiffpos"] == "t")
    assert checked > 500


def test_a_supernova_rises_from_nothing(simulated):
    for record, row in zip(simulated.records, simulated.rows, strict=True):
        if not row["kind"].startswith("supernova"):
            continue
        first_light = record["candidate"]["jd"] - row["age"] - 30 * (1 + row["redshift"])
        for p in record["prv_candidates"]:
            assert p["candid"] is None or p["jd"] > first_light


def test_a_variable_star_has_its_star_in_the_reference(simulated):
    for record, row in zip(simulated.records, simulated.rows, strict=True):
        if row["kind"] in ("rr_lyrae", "eclipsing_binary", "mira"):
            assert record["candidate"]["distnr"] < 3
            assert record["candidate"]["distpsnr1"] < 3


def test_known_bodies_are_named(simulated):
    for record, row in zip(simulated.records, simulated.rows, strict=True):
        candidate = record["candidate"]
        known = candidate["ssnamenr"] != "null"
        assert known == (candidate["ssdistnr"] > -999)
        assert row["kind"] == "asteroid" or not known


def test_an_asteroid_is_seen_once(simulated):
    objects = by_object(simulated)
    for row in simulated.rows:
        if row["kind"] == "asteroid":
            (record,) = objects[row["object_id"]]
            noise_peaks = [p for p in record["prv_candidates"] if p["candid"] is not None]
            assert len(noise_peaks) == 0


def test_truth_has_redshifts_and_periods(simulated):
    redshifts = [row["redshift"] for row in simulated.rows if row["kind"].startswith("supernova")]
    assert all(0 < z < 0.6 for z in redshifts)
    assert any(row["period"] for row in simulated.rows)
