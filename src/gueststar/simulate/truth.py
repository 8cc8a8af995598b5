"""What is true about each simulated alert: the side table of a night."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from gueststar.batch import magnitude
from gueststar.simulate.packet import Alerts

#: Columns of ``truth.parquet``; null where a fact does not apply.
TRUTH = pa.schema(
    [
        pa.field("alert_id", pa.int64(), nullable=False),  # candid
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),  # number of the alert in the night
        pa.field("kind", pa.string(), nullable=False),  # rr_lyrae, supernova_ia, cosmic_ray, ...
        pa.field("real", pa.bool_(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
        pa.field("mjd_utc", pa.float64(), nullable=False),  # d, start of the exposure
        pa.field("ra", pa.float64(), nullable=False),  # deg
        pa.field("dec", pa.float64(), nullable=False),  # deg
        pa.field("flux", pa.float64(), nullable=False),  # nJy, true difference; 0 for artefacts
        pa.field("mag", pa.float64()),  # AB mag of |flux|
        pa.field("flux_err", pa.float64(), nullable=False),  # nJy, of the measurement
        pa.field("star_mag", pa.float64()),  # AB mag of the reference's own star, in this band
        pa.field("redshift", pa.float64()),
        pa.field("period", pa.float64()),  # d
        pa.field("age", pa.float64()),  # d after maximum, supernovae
        pa.field("crowding", pa.string(), nullable=False),  # sparse, medium, crowded
        pa.field("limit", pa.float64(), nullable=False),  # AB mag, 5 sigma
        pa.field("seeing", pa.float64(), nullable=False),  # FWHM, pixel
    ]
)


def truth_row(alerts: Alerts, index: int) -> dict[str, Any]:
    """Tell the truth about one alert of a patch."""
    patch, slot = alerts.patch, alerts.patch.slots[index]
    log, source, e = patch.log, slot.thing.source, slot.exposure
    flux, fid = float(source.flux[e]), int(log.fid[e])
    return {
        "alert_id": alerts.candid[index],
        "object_id": slot.thing.name,
        "offset": patch.number * len(patch.slots) + index,
        "kind": source.kind,
        "real": source.real,
        "band": " gri"[fid],
        "mjd_utc": float(log.jd[e]) - 2400000.5,
        "ra": slot.thing.ra,
        "dec": slot.thing.dec,
        "flux": flux,
        "mag": float(magnitude(abs(flux))) if flux else None,
        "flux_err": float(alerts.measured["flux_err"][index] * log.to_njy(e)),
        "star_mag": None if source.star is None else float(source.star[fid]),
        "redshift": source.truth.get("redshift"),
        "period": source.truth.get("period"),
        "age": source.truth.get("age"),
        "crowding": patch.crowding,
        "limit": float(log.limit[e]),
        "seeing": float(log.seeing[e]),
    }


def truth_table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Build the truth table from its rows."""
    return pa.Table.from_pylist(list(rows), schema=TRUTH)
