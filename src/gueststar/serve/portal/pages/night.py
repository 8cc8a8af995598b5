"""``/``: one night's alerts, sorted, filtered, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from urllib.parse import urlencode

import pyarrow as pa
from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.serve.api.access import store_of
from gueststar.serve.portal.formats import night_name
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.pages.search import score_choices
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.routing import reads
from gueststar.serve.portal.rows import alert_rows
from gueststar.store import Store
from gueststar.store.nightly import DEFAULT_MODULE

PAGES = {"list": 50, "stamps": 60, "differences": 120}  # alerts of each view
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


#: Filters, which the page's script applies at once to what is loaded.
FILTERS = (
    "min_score", "max_score", "band", "survey", "mag_min", "mag_max", "age_min", "age_max",
)  # fmt: skip


@dataclass(frozen=True)
class NightQuery:
    """What the list was asked for; ``None`` leaves out a filter."""

    night: int | None = None
    module: str = ""
    sort: str = "score"
    order: Order = "down"
    view: str = "list"
    min_score: float | None = None
    max_score: float | None = None
    band: str | None = None
    survey: str | None = None
    mag_min: float | None = None
    mag_max: float | None = None
    age_min: float | None = None
    age_max: float | None = None
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
            view=given.choice("view", tuple(PAGES), "list"),
            min_score=given.number("min_score", 0, 1),
            max_score=given.number("max_score", 0, 1),
            band=given.choice("band", ("", *BANDS), "") or None,
            survey=given.choice("survey", ("", *SURVEYS), "") or None,
            mag_min=given.number("mag_min", -50, 99),
            mag_max=given.number("mag_max", -50, 99),
            age_min=given.number("age_min", 0, 1e6),
            age_max=given.number("age_max", 0, 1e6),
            offset=given.whole("offset", 0, DEEPEST),
        )

    @property
    def filtered(self) -> bool:
        """Whether some alerts of the night are left out."""
        return any(getattr(self, name) is not None for name in FILTERS)

    @property
    def filters(self) -> dict[str, Any]:
        """What the store is asked for."""
        return {name: getattr(self, name) for name in FILTERS}

    def link(self, **changes: Any) -> str:
        """Return the address of this list with some parameters changed."""
        fields = {**self.__dict__, **changes}
        plain = {"module": DEFAULT_MODULE, "sort": "score", "view": "list"}
        plain["order"] = SORTS[fields["sort"]][2]
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
    house, store = house_of(request), store_of(request)
    query = NightQuery.read(Parameters(request.query_params, NightQuery.__dataclass_fields__))
    nights = nights_of(store)
    if not nights:
        why = "The store is there, and no alert is in it yet."
        return house.page("empty.html", why=why, store=house.store_url, here="night")
    at = position_of(nights, query.night)
    modules = score_choices(store)
    module = query.module or next(iter(modules), DEFAULT_MODULE)
    query = replace(query, night=nights[at]["night"], module=module)
    table = _rows(store, query)
    return house.page(
        "night.html",
        here="night",
        rows=alert_rows(table.to_pylist()),
        passed=int((table.schema.metadata or {}).get(TOTAL, b"0")),
        title=nights[at]["name"],
        nights=nights,
        night=query.night,
        count=nights[at]["alerts"],
        earlier=neighbour(nights, at + 1),
        later=neighbour(nights, at - 1),
        modules=modules,
        **_controls(query),
    )


def _controls(query: NightQuery) -> dict[str, Any]:
    return {
        "query": query,
        "link": query.link,
        "turn": query.turned,
        "views": [(one, query.link(view=one, offset=None)) for one in PAGES],
        "unfiltered": query.link(**dict.fromkeys((*FILTERS, "offset"))),
        "filtered": query.filtered,
        "sorts": [(name, text, key) for name, (text, key, _) in SORTS.items()],
        "bands": BANDS,
        "surveys": SURVEYS,
        "offset": query.offset or 0,
        "size": PAGES[query.view],
    }


def nights_of(store: Store) -> list[dict[str, Any]]:
    """Return the nights with their numbers of alerts, newest first."""
    return [
        {"night": row["night"], "name": night_name(row["night"]), "alerts": row["n_alerts"]}
        for row in store.nights().to_pylist()
    ]


def position_of(nights: list[dict[str, Any]], night: int | None) -> int:
    """Return where a night stands among the nights, the newest where none is named."""
    if night is None:
        return 0
    at = next((i for i, one in enumerate(nights) if one["night"] == night), None)
    if at is None:
        latest = nights[0]["night"]
        raise NotFoundException(f"night: no alert of {night} is here; the latest is {latest}")
    return at


def neighbour(nights: list[dict[str, Any]], at: int) -> int | None:
    """Return the night at a place, None beyond the ends."""
    return nights[at]["night"] if 0 <= at < len(nights) else None


def _rows(store: Store, query: NightQuery) -> pa.Table:
    return store.night(
        query.night,
        sort=cast(Any, query.sort),
        descending=query.order == "down",
        module=query.module,
        limit=PAGES[query.view],
        offset=query.offset or 0,
        **query.filters,
    )
