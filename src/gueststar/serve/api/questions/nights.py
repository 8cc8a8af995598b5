"""``/nights``, ``/counts``, ``/modules``, ``/health``: what there is, and how it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import orjson
import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.serve.api.fields import (
    AGE_MAX,
    AGE_MIN,
    BAND,
    LIMIT,
    MAG_MAX,
    MAG_MIN,
    MAX_SCORE,
    MIN_SCORE,
    MODULE,
    NIGHT,
    SURVEY,
)
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.interface import Sort
from gueststar.store.nightly import DEFAULT_MODULE, NIGHTS, PAGE
from gueststar.store.selection import COUNT_BY, MAX_ORDER

_GROUP = "Nights and numbers"


@asks(Operation("/nights", "nights", "The nights, newest first", answer=NIGHTS, group=_GROUP))
def nights(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the nights."""
    return store.nights()


@asks(
    Operation(
        "/nights/{night}",
        "night",
        "The first alerts of a night by score, magnitude, age or time",
        "`latest` is the newest night. To walk through a whole night ask `/alerts?night=`.",
        places=(Field("night", "text", "YYYYMMDD, or latest"),),
        fields=(
            Field("sort", "choice", "by what", among=get_args(Sort), default="score"),
            Field(
                "order", "choice", "largest or smallest first", among=("down", "up"), default="down"
            ),
            MODULE,
            MIN_SCORE,
            MAX_SCORE,
            BAND,
            SURVEY,
            MAG_MIN,
            MAG_MAX,
            AGE_MIN,
            AGE_MAX,
            LIMIT,
        ),
        answer=PAGE,
        group=_GROUP,
    )
)
def one(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the top of a night."""
    night, order = given.pop("night"), given.pop("order")
    if night != "latest" and not (night.isascii() and night.isdigit() and len(night) == 8):
        raise BadInput(f"night: {night[:64]!r} is none: give YYYYMMDD, such as 20240131")
    module = given.pop("module") or DEFAULT_MODULE
    number = None if night == "latest" else int(night)
    return store.night(number, descending=order == "down", module=module, **given)


@asks(
    Operation(
        "/counts",
        "counts",
        "How many alerts, by night, band, survey, class or HEALPix cell",
        "By class: alerts whose newest score is at least `min_score`, those scored, those not.",
        fields=(
            Field(
                "by", "choice", "what they are counted by", "night", among=COUNT_BY, required=True
            ),
            NIGHT,
            Field("order", "whole", "of HEALPix cells (nested)", low=0, high=MAX_ORDER, default=6),
            Field("min_score", "number", "of a class", low=0, high=1, default=0.5),
        ),
        group=_GROUP,
        effort="search",
    )
)
def counts(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the counts."""
    return store.counts(given.pop("by"), **given)


@asks(
    Operation(
        "/modules",
        "modules",
        "The modules that have scored alerts",
        answer=pa.schema([pa.field("module", pa.string())]),
        group=_GROUP,
    )
)
def modules(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the names."""
    return pa.table({"module": pa.array(store.modules(), pa.string())})


@asks(
    Operation(
        "/health",
        "health",
        "Proof that what came in went out, by topic",
        "What `gueststar health --json` prints. For operators, where there are accounts.",
        forms=("json",),
        operators=True,
        group=_GROUP,
        effort="search",
    )
)
def health(store: Store, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Answer the counts of the ledger."""
    facts = store.health()
    return lambda form: orjson.dumps(facts, option=orjson.OPT_SERIALIZE_NUMPY, default=str)
