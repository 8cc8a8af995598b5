"""Random alerts of several programs, and the same without what a viewer may not see."""

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from gueststar.batch import HISTORY, VOCABULARY, AlertBatch
from gueststar.surveys import seen
from gueststar.surveys.sky import healpix29
from store.alerts import scored

PROGRAMS = st.sampled_from([1, 2, 3, None])
NAMES = ("ZTF18a", "ZTF18b", "ZTF18c", "170000", "170001", None, None)

POINT = st.fixed_dictionaries(
    {
        "exposure": st.integers(1, 5),
        "program": PROGRAMS,
        "kind": st.sampled_from(["detection", "forced", "limit"]),
        "flux": st.integers(1, 3),
    }
)
ALERT = st.fixed_dictionaries(
    {
        "thing": st.integers(0, len(NAMES) - 1),
        "program": PROGRAMS,
        "night": st.integers(0, 1),
        "flux": st.integers(-3, 9),
        "points": st.lists(POINT, max_size=4),
        "batch": st.integers(0, 1),
        "score": st.sampled_from([None, 0.2, 0.9]),
        "twice": st.booleans(),
    }
)
ALERTS = st.lists(ALERT, min_size=1, max_size=9)
ALLOWED = st.frozensets(st.sampled_from([1, 2, 3]), max_size=3)


def numbered(alerts):
    """Give each alert its id, its place, and the survey of its object."""
    for i, one in enumerate(alerts):
        lsst = one["thing"] in (3, 4, 6)
        points = [{**p, "program": None if lsst else p["program"]} for p in one["points"]]
        yield {
            **one, "id": 10**18 + i, "offset": i, "survey": "lsst" if lsst else "ztf",
            "name": NAMES[one["thing"]], "program": None if lsst else one["program"],
            "points": points, "extra": [],
        }  # fmt: skip


def visible(alerts, allowed):
    """Return what a viewer may see: alerts, their points, and points of theirs in other packets."""

    def may(row, survey):
        return survey == "lsst" if row["program"] is None else row["program"] in allowed

    shown = [dict(one) for one in alerts if may(one, one["survey"])]
    by_name = {one["name"]: one for one in reversed(shown) if one["name"] is not None}
    for one in alerts:
        mine = [p for p in one["points"] if may(p, one["survey"])]
        if may(one, one["survey"]):
            next(s for s in shown if s["id"] == one["id"])["points"] = mine
        elif one["name"] in by_name:
            by_name[one["name"]]["extra"] = [*by_name[one["name"]]["extra"], *mine]
    return shown


def batches(alerts, allowed=None):
    """Return the batches of a store: two, and one of duplicates, in this order."""
    parts = [[one for one in alerts if one["batch"] == k] for k in (0, 1)]
    parts.append([{**one, "offset": 100 + one["offset"]} for one in alerts if one["twice"]])
    return [_batch(part, k, allowed) for k, part in enumerate(parts) if part]


def _batch(alerts, number, allowed):
    n = len(alerts)
    flux = np.array([one["flux"] * 100 for one in alerts], np.float32)
    mjd = [60000.3 + one["night"] + one["id"] % 10 / 100 for one in alerts]
    ra = [10 + one["thing"] / 10 + 1e-6 * (one["id"] % 100) for one in alerts]
    dec = [one["thing"] / 10 for one in alerts]
    columns = {
        "ra": ra,
        "dec": dec,
        "healpix29": healpix29(np.array(ra), np.array(dec)),
        "alert_id": [one["id"] for one in alerts],
        "object_id": [one["name"] for one in alerts],
        "survey": [one["survey"] for one in alerts],
        "band": ["gr"[one["id"] % 2] for one in alerts],
        "mjd_tai": mjd,
        "night": [20230225 + one["night"] for one in alerts],
        "flux": flux,
        "flux_err": np.full(n, 50, np.float32),
        "published_rb": np.full(n, 0.5, np.float32),
        "program": [one["program"] for one in alerts],
        "history": [_history(one) for one in alerts],
        "science": [b"SIMPLE%d" % one["id"] for one in alerts],
        "template": [None] * n,
        "difference": [b"x"] * n,
        "source": ["file#1"] * n,
        "partition": [""] * n,
        "offset": [one["offset"] for one in alerts],
        "record": [0] * n,
        "arrived": [None] * n,
    }
    arrays = [pa.array(columns[f.name], f.type) for f in VOCABULARY]
    native = _native(alerts, flux, mjd)
    native = native if allowed is None else seen(native, allowed)
    schema = pa.schema([*VOCABULARY, pa.field("native", native.type)])
    batch = AlertBatch(pa.RecordBatch.from_arrays([*arrays, native], schema=schema))
    values = [np.nan if one["score"] is None else one["score"] for one in alerts]
    reasons = ["too faint" if one["score"] is None else None for one in alerts]
    batch = scored(batch, values, reasons=reasons)
    return scored(batch, np.full(n, 0.5), "second") if number == 1 else batch


def _history(one):
    points = [*one["points"], *one["extra"]]
    return [
        {
            "exposure_id": p["exposure"],
            "mjd_tai": 59990.0 + p["exposure"],
            "band": "r",
            "flux": None if p["kind"] == "limit" else p["flux"] * 10.0,
            "flux_err": 5.0,
            "kind": p["kind"],
            "program": p["program"],
        }
        for p in points
    ]


def _native(alerts, flux, mjd):
    records = [
        one["survey"] == "ztf"
        and {
            "objectId": one["name"],
            "candid": one["id"],
            "candidate": {"jd": m + 2400000.5, "fid": 1, "pid": 9, "programid": one["program"],
                          "magpsf": 20.0, "sigmapsf": 0.1, "isdiffpos": "t"},
            "prv_candidates": [
                {"jd": 2459990.5 + p["exposure"], "fid": 1, "pid": p["exposure"], "magpsf": 20.0,
                 "sigmapsf": 0.1, "isdiffpos": "t", "programid": p["program"]}
                for p in one["points"]
            ],
        }
        for one, m in zip(alerts, mjd, strict=True)
    ]  # fmt: skip
    detection = pa.struct(
        {"jd": pa.float64(), "fid": pa.int32(), "pid": pa.int64(), "magpsf": pa.float64(),
         "sigmapsf": pa.float64(), "isdiffpos": pa.string(), "programid": pa.int32()}
    )  # fmt: skip
    kind = pa.struct(
        {"objectId": pa.string(), "candid": pa.int64(), "candidate": detection,
         "prv_candidates": pa.list_(detection)}
    )  # fmt: skip
    return pa.array([record or None for record in records], kind)


assert HISTORY.get_field_index("program") >= 0
