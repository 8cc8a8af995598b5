"""What every page needs: the store (opened when there is one), templates and assets."""

from __future__ import annotations

import secrets
import threading
from functools import cached_property
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from prometheus_client import CollectorRegistry

from gueststar.errors import StoreError
from gueststar.score import TAXONOMY
from gueststar.serve import jwts
from gueststar.serve.addresses import Addresses
from gueststar.serve.cors import Origins
from gueststar.serve.counted import Counted
from gueststar.serve.guesses import Guesses
from gueststar.serve.metrics import registry_of
from gueststar.serve.portal import formats, packet, skymap
from gueststar.serve.portal.assets import PLOTLY, Assets
from gueststar.serve.site import Site
from gueststar.serve.visitors import asked, visitor
from gueststar.store import Store, open_store, store_exists, store_name
from gueststar.store.unprocessed import Unprocessed
from gueststar.surveys.documentation import describe
from gueststar.times import in_words

WAIT_S = 10.0  # for another writer, before a visitor is told to try again


class NoStore(StoreError):
    """There is no store yet at the address that the portal was given."""


class House:
    """One portal over one store.

    Parameters
    ----------
    store_url : str
        The store need not exist yet: it is opened, for reading only, by the first request that
        finds it.
    accounts : bool
        Logins and tokens say who may see what.
    site : Site, optional
        Where it is reached.
    jwt_key : str, optional
        What JWTs are signed with; default a random key of the store.
    addresses : Addresses, optional
        Tells where requests come from.
    origins : Origins, optional
        Other sites that may ask from a browser.
    """

    def __init__(
        self,
        store_url: str,
        *,
        accounts: bool = False,
        site: Site | None = None,
        jwt_key: str | None = None,
        addresses: Addresses | None = None,
        origins: Origins | None = None,
    ) -> None:
        self.store_url = store_url
        self.assets = Assets()
        self._templates = _templates(self.assets)
        self.accounts = accounts
        self.site = site or Site(None, secure=False)
        self.addresses = addresses or Addresses()
        self.origins = origins or Origins()
        self.guesses = Guesses()
        self._jwt_key = None if jwt_key is None else jwts.key_of(jwt_key)
        self._store: Store | None = None
        self._writable: Store | None = None
        self._lock = threading.Lock()

    @cached_property
    def metrics(self) -> CollectorRegistry:
        """What Prometheus reads of the store."""
        return registry_of(self._counted)

    def _counted(self) -> dict[str, Any]:
        count = self.health.now()
        assert count is not None  # without a limit it waits for the first
        return {**count.value[0], "counted_unix": count.at}

    @cached_property
    def health(self) -> Counted[tuple[dict[str, Any], Unprocessed]]:
        """The ledger's counts, and the sky that was not processed."""
        return Counted(lambda: (self.whole.health(), self.whole.unprocessed()))

    @property
    def store(self) -> Store:
        """The store as the visitor of this request may see it.

        Raises
        ------
        NoStore
            If nothing has been written there yet.
        StoreError
            If it cannot be read.
        """
        return self.whole.seen_by(visitor().rights)

    @property
    def whole(self) -> Store:
        """All of the store, for operators; its reading methods may be called from any thread.

        Raises
        ------
        NoStore
            If nothing has been written there yet.
        StoreError
            If it cannot be read.
        """
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    @property
    def writable(self) -> Store:
        """The store for what people write, opened by the first of them.

        It writes rarely and little, and waits some seconds for an ingest at most.

        Raises
        ------
        NoStore
            If nothing has been written there yet.
        StoreError
            If it cannot be written.
        """
        with self._lock:
            if self._writable is None:
                self._check_there()
                self._writable = open_store(self.store_url, busy_s=WAIT_S)
            return self._writable

    @cached_property
    def signing_key(self) -> bytes:
        """What JWTs are signed with.

        Raises
        ------
        StoreError
            If it is the store's, and that cannot be written.
        """
        return self._jwt_key or self.writable.signing_key()

    def _open(self) -> Store:
        self._check_there()
        return open_store(self.store_url, read_only=True)

    def _check_there(self) -> None:
        if not store_exists(self.store_url):
            raise NoStore(f"There is no store at {store_name(self.store_url)} yet.")

    def page(
        self, template: str, *, status: int = 200, policy: str | None = None, **context: Any
    ) -> Response[str]:
        """Render a template; ``policy`` takes the place of the usual Content-Security-Policy.

        What a logged-in visitor sees is kept by no browser: the next one may not see it.
        """
        who = visitor()
        shown = {"accounts": self.accounts, "who": who, "asked": asked(), **context}
        html = self._templates.get_template(template).render(**shown)
        headers = {"Cache-Control": "private, no-store" if who.browses else "private, no-cache"}
        if policy is not None:
            headers["Content-Security-Policy"] = policy
        return Response(html, status_code=status, media_type=MediaType.HTML, headers=headers)

    def close(self) -> None:
        """Close the store; the next request opens it again."""
        self.health.close()
        with self._lock:
            for store in (self._store, self._writable):
                if store is not None:
                    store.close()
            self._store = self._writable = None


def house_of(request: Request[Any, Any, Any]) -> House:
    """Return the house that a request came to."""
    house: House = request.app.state.house
    return house


def _templates(assets: Assets) -> Environment:
    environment = Environment(
        loader=PackageLoader("gueststar.serve.portal", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.globals.update(
        static=assets.address,
        plotly=assets.address(PLOTLY),
        taxonomy=TAXONOMY,
        kind_of=formats.kind_of,
        describe=describe,
        as_received=formats.as_received,
        number="{:,}".format,
        in_words=in_words,
        moment=formats.moment,
        drawn=skymap.drawn,
        here="",
        # Stamps are kept by the browser as long as this server runs: another store behind the
        # same port may use the same alert ids.
        visit=secrets.token_hex(4),
    )
    shapes = (packet.scalars, packet.nested, packet.extent, packet.holds, packet.is_table)
    for rule in (*shapes, packet.columns):
        environment.filters[rule.__name__] = rule
    environment.filters["searchable"] = packet.searchable
    return environment
