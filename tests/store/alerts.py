"""Random alerts, as decoding would give them, for tests of stores and sinks."""

import numpy as np
import pyarrow as pa

from gueststar.batch import (
    CUTOUTS,
    DEAD_LETTERS,
    HISTORY,
    POSITION_NAMES,
    VOCABULARY,
    AlertBatch,
)
from gueststar.score import score_batch, score_schema

RB = score_schema("rb", ["real"])


def random_alerts(
    n,
    seed=0,
    *,
    objects=None,
    points=5,
    stamp=300,
    source="file#1",
    first_id=10**18,
    version="1.0+abc",
    module="rb",
    survey="ztf",
    nights=2,
):
    """``n`` alerts of about ``objects`` objects, with history, native record and scores."""
    rng = np.random.default_rng(seed)
    objects = objects or max(1, n // 2)
    name = rng.integers(0, objects, n)
    columns = positions(rng, objects, name)
    mjd = 60000.0 + rng.integers(0, nights, n) + rng.uniform(0.2, 0.4, n)
    flux = rng.normal(2000, 3000, n).astype(np.float32)
    columns |= {
        "alert_id": first_id + np.arange(n) * 3,
        "object_id": [f"ZTF{seed:02d}x{k:06d}" for k in name],
        "survey": [survey] * n,
        "band": rng.choice(["g", "r", "i"], n),
        "mjd_tai": mjd,
        "night": 20230225 + np.floor(mjd).astype(int) - 60000,
        "flux": flux,
        "flux_err": rng.uniform(50, 300, n).astype(np.float32),
        "published_rb": rng.uniform(0, 1, n).astype(np.float32),
        "program": np.ones(n, int),
        "history": histories(rng, n, points, mjd, flux),
        **{c: [rng.bytes(stamp) for _ in range(n)] for c in CUTOUTS},
        "source": [source] * n,
        "partition": [""] * n,
        "offset": np.arange(n),
        "record": np.zeros(n, int),
        "arrived": [None] * n,
    }
    arrays = [
        columns[f.name]
        if isinstance(columns[f.name], pa.Array)
        else pa.array(columns[f.name], f.type)
        for f in VOCABULARY
    ]
    batch = pa.RecordBatch.from_arrays([*arrays, natives(rng, n)], schema=schema())
    return scored(AlertBatch(batch), rng.uniform(0, 1, n), module, version)


def schema():
    return pa.schema([*VOCABULARY, pa.field("native", natives(np.random.default_rng(), 1).type)])


def positions(rng, objects, name):
    from astropy import units as u
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    ra = rng.uniform(0, 360, objects)[name] + rng.normal(0, 3e-5, len(name))
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, objects)))[name]
    cell = lonlat_to_healpix(Longitude(ra % 360, u.deg), Latitude(dec, u.deg), 29)
    return {"ra": ra % 360, "dec": dec, "healpix29": cell.astype(np.int64)}


def histories(rng, n, points, mjd, flux):
    total = n * points
    when = np.repeat(mjd, points) - np.tile(np.arange(points), n) * 1.5
    kind = rng.choice(["detection", "limit", "forced"], total)
    kind[::points] = "detection"
    values = rng.normal(1000, 500, total).astype(np.float32)
    values[::points] = flux
    missing = kind == "limit"
    arrays = {
        "exposure_id": pa.array(rng.integers(1, 1 << 50, total)),
        "mjd_tai": pa.array(when),
        "band": pa.array(rng.choice(["g", "r"], total)),
        "flux": pa.array(values, mask=missing),
        "flux_err": pa.array(np.full(total, 50, np.float32), mask=missing),
        "total_flux": pa.array(values + 5000, mask=missing),
        "total_flux_err": pa.nulls(total, pa.float32()),
        "limit": pa.array(rng.uniform(19, 21, total).astype(np.float32)),
        "kind": pa.array(kind),
        "program": pa.repeat(pa.scalar(1, pa.int32()), total),
    }
    struct = pa.StructArray.from_arrays([arrays[f.name] for f in HISTORY], fields=list(HISTORY))
    return pa.ListArray.from_arrays(np.arange(n + 1, dtype=np.int32) * points, struct)


def natives(rng, n):
    return pa.array(
        [
            {
                "objectId": f"o{i}",
                "candidate": {"jd": 2.4e6 + float(rng.random()), "fid": int(rng.integers(1, 3))},
                "prv_candidates": [{"pid": int(rng.integers(1, 9))}] * 3,
            }
            for i in range(n)
        ]
    )


def scored(batch, values, module="rb", version="1.0+abc", reasons=None):
    gives = score_schema(module, ["real"])
    reasons = reasons or [None] * len(batch)
    return batch.with_columns(
        score_batch(gives, np.asarray(values, np.float32), reasons)
    ).with_module(module, version)


def replaced(batch, **columns):
    """The batch with some columns replaced."""
    arrow = batch.arrow
    for name, values in columns.items():
        index = arrow.schema.get_field_index(name)
        field = arrow.schema.field(index)
        array = values if isinstance(values, pa.Array) else pa.array(values, field.type)
        arrow = arrow.set_column(index, field, array)
    return AlertBatch(arrow)


def moved(batch, source):
    """The same alerts at other positions."""
    return replaced(batch, source=[source] * len(batch))


def letters(n, source="file#1", offset=1000, reason="not Avro: HTML"):
    columns = {
        "packet": [b"<html>%d" % i for i in range(n)],
        "source": [source] * n,
        "partition": [""] * n,
        "offset": np.arange(offset, offset + n),
        "record": np.zeros(n, int),
        "arrived": [None] * n,
        "reason": [reason] * n,
    }
    return pa.RecordBatch.from_arrays(
        [pa.array(columns[f.name], f.type) for f in DEAD_LETTERS], schema=DEAD_LETTERS
    )


def positions_of(batch):
    return batch.arrow.select(list(POSITION_NAMES))
