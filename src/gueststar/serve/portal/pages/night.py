"""``/``: one night's alerts, sorted, filtered, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from urllib.parse import urlencode

import pyarrow as pa
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.serve.portal.formats import night_name
from gueststar.serve.portal.house import House, house_of
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.routing import reads
from gueststar.serve.portal.rows import alert_rows

PAGE = 50
DEFAULT_MODULE = "rb"
TOTAL = b"gueststar.total"  # in the table's metadata: rows of all pages
DEEPEST = 10_000_000  # rows that may be skipped
BANDS = ("u", "g", "r", "i", "z", "y")
SURVEYS = ("ztf", "lsst")
Order = Literal["down", "up"]

#: Sorts: what the column is called, its key, and the direction that people expect first.
SORTS: dict[str, tuple[str, str, Order]] = {
    "score": ("Score", "s", "down"),
    "magnitude": ("Difference", "m", "up"),
    "age": ("Age", "a", "up"),
    "time": ("UTC", "d", "down"),
}


@dataclass(frozen=True)
class NightQuery:
    """What the list was asked for; ``None`` leaves out a filter."""

    night: int | None = None
    module: str = ""
    sort: str = "score"
    order: Order = "down"
    min_score: float | None = None
    band: str | None = None
    survey: str | None = None
    offset: int | None = None

    @classmethod
    def read(cls, given: Parameters) -> NightQuery:
        """Check a request's parameters; see :class:`Parameters` for what they raise."""
        sort = given.choice("sort", tuple(SORTS), "score")
        return cls(
            night=given.whole("night", 0, 99_991_231),
            module=given.word("module") or "",
            sort=sort,
            order=cast(Order, given.choice("order", ("down", "up"), SORTS[sort][2])),
            min_score=given.number("min_score", 0, 1),
            band=given.choice("band", ("", *BANDS), "") or None,
            survey=given.choice("survey", ("", *SURVEYS), "") or None,
            offset=given.whole("offset", 0, DEEPEST),
        )

    @property
    def filtered(self) -> bool:
        """Whether some alerts of the night are left out."""
        return (self.min_score, self.band, self.survey) != (None, None, None)

    def link(self, **changes: Any) -> str:
        """Return the address of this list with some parameters changed."""
        fields = {**self.__dict__, **changes}
        plain = {"module": DEFAULT_MODULE, "sort": "score", "order": SORTS[fields["sort"]][2]}
        given = {k: v for k, v in fields.items() if v is not None and v != plain.get(k)}
        return f"/?{urlencode(given)}" if given else "/"

    def turned(self, sort: str) -> Order:
        """Return the order that a click on a column's name asks for."""
        if sort != self.sort:
            return SORTS[sort][2]
        return "up" if self.order == "down" else "down"


@reads("/")
def night_list(request: Request[Any, Any, Any]) -> Response[str]:
    """Show one night; without ``night``, the latest."""
    house = house_of(request)
    query = NightQuery.read(Parameters(request.query_params, NightQuery.__dataclass_fields__))
    nights = _nights(house)
    if not nights:
        why = "The store is there, and no alert is in it yet."
        return house.page("empty.html", why=why, store=house.store_url, here="night")
    at = _position(nights, query.night)
    modules = house.store.modules()
    query = replace(query, night=nights[at]["night"], module=query.module or _preferred(modules))
    table = _rows(house, query)
    return house.page(
        "night.html",
        here="night",
        rows=alert_rows(table.to_pylist()),
        passed=int((table.schema.metadata or {}).get(TOTAL, b"0")),
        title=nights[at]["name"],
        nights=nights,
        night=query.night,
        count=nights[at]["alerts"],
        earlier=_neighbour(nights, at + 1),
        later=_neighbour(nights, at - 1),
        modules=modules,
        **_controls(query),
    )


def _preferred(modules: list[str]) -> str:
    """Return the module whose scores a list shows when none is named."""
    return DEFAULT_MODULE if DEFAULT_MODULE in modules or not modules else modules[0]


def _controls(query: NightQuery) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in query.__dict__.items()
        if value is not None and name not in ("night", "offset")
    }
    return {
        "query": query,
        "link": query.link,
        "turn": query.turned,
        "kept": kept,
        "filtered": query.filtered,
        "sorts": [(name, text, key) for name, (text, key, _) in SORTS.items()],
        "bands": BANDS,
        "surveys": SURVEYS,
        "offset": query.offset or 0,
        "size": PAGE,
    }


def _nights(house: House) -> list[dict[str, Any]]:
    """Nights with their numbers of alerts, newest first."""
    return [
        {"night": row["night"], "name": night_name(row["night"]), "alerts": row["n_alerts"]}
        for row in house.store.nights().to_pylist()
    ]


def _position(nights: list[dict[str, Any]], night: int | None) -> int:
    if night is None:
        return 0
    at = next((i for i, one in enumerate(nights) if one["night"] == night), None)
    if at is None:
        latest = nights[0]["night"]
        raise NotFoundException(f"night: no alert of {night} is here; the latest is {latest}")
    return at


def _neighbour(nights: list[dict[str, Any]], at: int) -> int | None:
    return nights[at]["night"] if 0 <= at < len(nights) else None


def _rows(house: House, query: NightQuery) -> pa.Table:
    return house.store.night(
        query.night,
        sort=cast(Any, query.sort),
        descending=query.order == "down",
        module=query.module,
        limit=PAGE,
        offset=query.offset or 0,
        min_score=query.min_score,
        band=query.band,
        survey=query.survey,
    )
