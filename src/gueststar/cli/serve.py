"""``gueststar serve``: the portal in the browser."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from gueststar.cli.options import Port, Store, said

NICE = 10

PublicUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="As people open it through a proxy: https://HOST. With http://HOST, logins work "
        "without TLS, and can be read on the way.",
        show_default=False,
    ),
]
RateOption = Annotated[
    str | None,
    typer.Option(
        metavar="PER_S,BURST",
        help="What one client may use: tokens that come back in a second, and tokens at once; "
        "[cyan]none[/] is no limit. A page costs 1 token, a write 2, a search 4, a login 10, "
        "an export 20; who has none left is told 429 and when to go on. Default: 20,400 with "
        "--accounts or beyond this machine, else none.",
        show_default=False,
    ),
]
TrustedProxy = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CIDR",
        help="Believe the X-Forwarded-For of this proxy, an address or a network; may be given "
        "several times. Default: proxies on this machine.",
        show_default=False,
    ),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ORIGIN",
        help="Let pages of this site, [cyan]https://site.example[/], ask the API from a browser "
        "(CORS), with tokens and never with cookies; may be given several times. [cyan]*[/] lets "
        "all sites read what everybody may. Default: none.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    store: Store = None,
    port: Port = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the portal in the browser.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to listen at; by default this machine only.")
    ] = "127.0.0.1",
    accounts: Annotated[
        bool,
        typer.Option(
            "--accounts", help="Logins and tokens say who may see what (gueststar users, tokens)."
        ),
    ] = False,
    open_to_all: Annotated[
        bool,
        typer.Option("--open-to-all", help="Beyond this machine, everybody sees everything."),
    ] = False,
    public_url: PublicUrl = None,
    rate: RateOption = None,
    trusted_proxy: TrustedProxy = None,
    allow_origin: AllowOrigin = None,
    nice: Annotated[
        int,
        typer.Option(
            min=0, max=19, help="Let other work of this machine, such as an ingest, go before."
        ),
    ] = NICE,
) -> None:
    """Look at the alerts of a store in the browser, and ask it from programs.

    It listens on this machine only, unless you say otherwise; there everybody is its owner. An
    ingest may write meanwhile.
    """
    step_back(nice)
    run_portal_command(
        store,
        port,
        browser,
        host=host,
        accounts=accounts,
        open_to_all=open_to_all,
        public_url=public_url,
        rate=rate,
        trusted_proxies=trusted_proxy or (),
        allow_origins=allow_origin or (),
    )


def step_back(nice: int) -> None:
    """Lower the priority of this process and of what it starts."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(nice)


def run_portal_command(store: str | None, port: int | None, browser: bool, **how: Any) -> None:
    """Serve until Ctrl-C; ``how`` is given to :func:`~gueststar.serve.portal.run.run_portal`."""
    from gueststar.serve.portal.run import run_portal
    from gueststar.store import store_exists, store_name

    if not store_exists(store):
        name = store_name(store)
        said.print(f"[yellow]No store at {name} yet:[/] the portal waits for an ingest into it.")

    def ready(url: str) -> None:
        said.print(f"The portal is at [bold]{url}[/]  (Ctrl-C stops it)")

    run_portal(store, port=port, open_browser=browser, ready=ready, **how)
