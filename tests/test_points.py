"""Merging of points: a set union under one key, whatever the order and the repetition."""

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gueststar.points import HISTORY_SCHEMA, PRECEDENCE, merge_points

NUMBER = st.none() | st.integers(-2, 2).map(lambda n: n / 4)


@st.composite
def point(draw):
    return {
        "exposure_id": draw(st.none() | st.integers(1, 3)),
        "mjd_tai": 59000.0 + draw(st.integers(0, 3)) / 2,
        "band": draw(st.none() | st.sampled_from("gr")),
        "kind": draw(st.sampled_from(["detection", "forced", "limit"])),
        "program": draw(st.sampled_from([None, 1, 2])),
        **{name: draw(NUMBER) for name in PRECEDENCE if name != "mjd_tai"},
    }


POINTS = st.lists(st.tuples(st.integers(-1, 1), point()), max_size=12)


def batch(points):
    owner = np.array([o for o, _ in points], dtype=np.int64)
    return owner, pa.RecordBatch.from_pylist([p for _, p in points], schema=HISTORY_SCHEMA)


def merge(*parts):
    owners, points = zip(*parts, strict=True)
    return merge_points(np.concatenate(owners), pa.concat_batches(points))


def rows(merged):
    return list(zip(merged[0].tolist(), merged[1].to_pylist(), strict=True))


def key(owner, p):
    moment = p["mjd_tai"] if p["exposure_id"] is None else None
    return owner, p["exposure_id"], moment, p["band"], p["kind"], p["program"]


def plainly(points):
    """The rule, one point after the other."""
    best = {}
    for owner, p in points:
        rank = [(p[n] is None, p[n] if p[n] is not None else 0) for n in PRECEDENCE]
        k = key(owner, p)
        if k not in best or rank < best[k][0]:
            best[k] = (rank, owner, p)
    known = {k[:-1] for k in best if k[-1] is not None}
    return {k: p for k, (_, _, p) in best.items() if k[-1] is not None or k[:-1] not in known}


@settings(deadline=None)  # the machine may be busy
@given(POINTS)
def test_the_rule(points):
    merged = rows(merge_points(*batch(points)))
    assert {key(o, p): p for o, p in merged} == plainly(points)
    assert len({key(o, p) for o, p in merged}) == len(merged)
    assert [(o, p["mjd_tai"]) for o, p in merged] == sorted((o, p["mjd_tai"]) for o, p in merged)


@settings(deadline=None)  # the machine may be busy
@given(POINTS, POINTS)
def test_commutative(a, b):
    assert rows(merge(batch(a), batch(b))) == rows(merge(batch(b), batch(a)))


@settings(deadline=None)  # the machine may be busy
@given(POINTS, POINTS, POINTS)
def test_associative(a, b, c):
    a, b, c = batch(a), batch(b), batch(c)
    assert rows(merge(merge(a, b), c)) == rows(merge(a, merge(b, c)))


@settings(deadline=None)  # the machine may be busy
@given(POINTS)
def test_idempotent(points):
    once = merge(batch(points))
    assert rows(merge(once, once)) == rows(once)


@settings(deadline=None)  # the machine may be busy
@given(POINTS.flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_the_order_does_not_matter(both):
    points, shuffled = both
    assert rows(merge(batch(points))) == rows(merge(batch(shuffled)))


@settings(deadline=None)  # the machine may be busy
@given(POINTS, st.sets(st.sampled_from([1, 2])))
def test_what_a_viewer_may_not_see_does_not_change_what_he_may(points, allowed):
    seen = [(o, p) for o, p in rows(merge_points(*batch(points))) if p["program"] in allowed]
    alone = [(o, p) for o, p in points if p["program"] in allowed]
    assert seen == rows(merge_points(*batch(alone)))


def test_nan_is_null():
    points = pa.RecordBatch.from_pylist(
        [{"exposure_id": 1, "mjd_tai": 59000.0, "kind": "forced", "flux": np.nan}],
        schema=HISTORY_SCHEMA,
    )
    assert merge_points(np.zeros(1, np.int64), points)[1].column("flux").null_count == 1


@pytest.mark.slow
def test_a_hundred_thousand_points_are_quick():
    rng = np.random.default_rng(1)
    n = 100_000
    exposure = rng.integers(0, 40, n)
    points = pa.RecordBatch.from_arrays(
        [
            pa.array(exposure),
            pa.array(59000 + exposure / 8),
            pa.array(np.array(["g", "r", "i"])[exposure % 3]),
            *(pa.array(rng.normal(size=n).astype(np.float32)) for _ in range(5)),
            pa.array(np.array(["detection", "limit"])[rng.integers(0, 2, n)]),
            pa.nulls(n, pa.int32()),
        ],
        schema=HISTORY_SCHEMA,
    )
    owner = rng.integers(0, 3_000, n)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        merge_points(owner, points)
        best = min(best, time.perf_counter() - start)
    assert best < 0.5  # 0.04 s on an idle core
