"""The portal and the API under it as one ASGI application."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.middleware import DefineMiddleware

from gueststar.distances import absolute_offset
from gueststar.errors import BadInput, NotAllowed, NotKnown, StoreError, TooSoon
from gueststar.lightcurve import LightCurve
from gueststar.periods import barycentric
from gueststar.serve.addresses import Addresses, networks_of
from gueststar.serve.api.documents import index, openapi_json
from gueststar.serve.api.questions import QUESTIONS
from gueststar.serve.api.routing import handlers
from gueststar.serve.auditor import Auditor
from gueststar.serve.cors import Cors, origins_of
from gueststar.serve.door import Door, Porter
from gueststar.serve.effort import foreseen
from gueststar.serve.gate import Gate, Limits, Room
from gueststar.serve.portal import formats, skymap
from gueststar.serve.portal.house import House
from gueststar.serve.portal.pages import (
    account,
    errors,
    files,
    health,
    login,
    night,
    notes,
    object,
    search,
    sky,
    stamps,
    strips,
)
from gueststar.serve.portal.security import LoopbackOnly, add_headers
from gueststar.serve.rates import Acquaintances, Buckets, Rate, Toll
from gueststar.serve.site import site_of
from gueststar.serve.visitors import ANONYMOUS, OWNER, Visitor
from gueststar.store import DEFAULT_URL

ROUTES = (
    night.night_list,
    search.search,
    search.search_csv,
    search.cone,
    sky.sky,
    object.object_page,
    object.light_curve,
    object.alert_page,
    object.alert_panel,
    object.packet_part,
    object.packet_json,
    notes.notes,
    stamps.stamp,
    strips.strip,
    health.health,
    health.health_json,
    health.metrics,
    login.login_page,
    login.log_in,
    login.logout_page,
    login.log_out,
    account.account_page,
    account.make_token,
    account.revoke_token,
    account.change_password,
    files.static_file,
    files.favicon,
    index,
    openapi_json,
    *handlers(QUESTIONS),
)
ANSWERS: dict[int | type[Exception], Any] = {
    NotKnown: errors.not_known,
    TooSoon: errors.too_soon,
    NotAllowed: errors.not_allowed,
    BadInput: errors.bad_input,
    StoreError: errors.store_error,
    HTTPException: errors.http_error,
    Exception: errors.unexpected,
}


def create_app(
    store_url: str | None = None,
    *,
    loopback_only: bool = True,
    limits: Limits | None = None,
    accounts: bool = False,
    everybody: Visitor | None = None,
    public_url: str | None = None,
    rate: Rate | None = None,
    trusted_proxies: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
) -> Litestar:
    """Build the portal, and the API under ``/api``, over a store.

    Parameters
    ----------
    store_url : str, optional
        ``sqlite:///night.db``; default the environment's ``GUESTSTAR_STORE``, else
        ``sqlite:///gueststar.db``. It is opened for reading only, by the first request that
        finds it, and once more for writing by the first annotation; an ingest may write
        meanwhile.
    loopback_only : bool
        Answer only requests for this machine by its own names; False behind a proxy or on a
        network.
    limits : Limits, optional
        What clients may use.
    accounts : bool
        Logins and tokens say who may see what; who shows none sees what is public, and only reads.
        JWTs are signed with the environment's ``GUESTSTAR_JWT_KEY``, else with a random key of
        the store.
    everybody : Visitor, optional
        Who shows nothing; default the owner, or somebody unknown where there are accounts.
    public_url : str, optional
        ``https://host``, as people open it behind a proxy. Where it is not given, the cookie of
        logins is for TLS alone, unless ``loopback_only``.
    rate : Rate, optional
        What each client may use; all that there is when None.
    trusted_proxies : sequence of str
        Addresses and networks of proxies whose ``X-Forwarded-For`` is believed; default those on
        this machine.
    allow_origins : sequence of str
        Other sites whose pages may ask the API from a browser: ``https://site.example``, with
        tokens; ``*`` is all of them, with nothing shown.

    Returns
    -------
    litestar.Litestar
        An ASGI application for any server; :func:`~gueststar.serve.portal.run.run_portal`
        brings its own.
    """
    room = Room(limits)
    url = store_url or os.environ.get("GUESTSTAR_STORE") or DEFAULT_URL
    site = site_of(public_url, loopback=loopback_only)
    key = os.environ.get("GUESTSTAR_JWT_KEY") if accounts else None
    addresses = Addresses(networks_of(trusted_proxies))
    origins = origins_of(allow_origins)
    where: dict[str, Any] = {"site": site, "addresses": addresses, "origins": origins}
    house = House(url, accounts=accounts, jwt_key=key, **where)
    known = Acquaintances(site.cookie)
    porter = Porter(everybody or (ANONYMOUS if accounts else OWNER), house, known)

    auditor = Auditor(house)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        room.make_threads()
        warming = asyncio.get_running_loop().run_in_executor(None, _warm_up)
        yield
        await warming
        await asyncio.to_thread(auditor.flush)
        house.close()

    app = Litestar(
        list(ROUTES),
        state=State({"house": house}),
        lifespan=[lifespan],
        middleware=[
            *([DefineMiddleware(LoopbackOnly, also=site.host)] if loopback_only else []),
            DefineMiddleware(Gate, room=room),
            DefineMiddleware(Door, porter=porter, auditor=auditor),
        ],
        before_send=[add_headers],
        exception_handlers=dict(ANSWERS),
        openapi_config=None,
        logging_config=None,
    )
    effort = foreseen(app)
    if rate is not None:
        app.asgi_handler = Toll(app.asgi_handler, Buckets(rate), addresses, known, effort)
    if origins:
        app.asgi_handler = Cors(app.asgi_handler, origins, effort)
    return app


def _warm_up() -> None:
    """Load what the first visitor would wait for: leap seconds, Plotly, cosmology; some seconds."""
    skymap.warm_up()
    formats.utc([60_000.0])
    absolute_offset(0.1)
    barycentric(np.array([60_000.0]), 0.0, 0.0)
    LightCurve.from_rows([[1, 6e4, "g", 1.0, 1.0, None, None, 20.5, "detection"]]).plot().to_json()
    skymap.warm_up(skymap.ORDERS)
