"""The dashboard's HTTP server: the bundle, the state API and the health of all processes under one origin."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from tradewire.app.web.address import HOST, PORT_FILE, keys_of
from tradewire.app.web.bundle import TYPES, bundle
from tradewire.app.web.guard import Guard, cookie_name
from tradewire.app.web.keys import SESSION_SECONDS, Keys
from tradewire.app.web.upstream import Upstream
from tradewire.app.web.writes import Writes
from tradewire.embedded import StackPaths
from tradewire.embedded.platform_state import read_platform
from tradewire.ports.clock import ClockPort
from tradewire.runtime.observe.health import HealthServer

ENTERED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>tradewire</title>
<meta http-equiv="refresh" content="0;url=/"></head><body><p><a href="/">Go on</a></p></body></html>"""
USED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Link used · tradewire</title>
<link rel="stylesheet" href="/assets/app.css"></head><body><main class="plain"><h1>This link does not open the page</h1>
<p>A link works once, for ten minutes. Type <code>tradewire dashboard</code> for a new one.</p></main></body></html>"""


def web_app(root: Path, clock: ClockPort, upstream: Upstream) -> FastAPI:
    """The application for the platform in ``root``. Raises FatalError without a bundle."""
    app, keys = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), keys_of(root)
    _add_open(app, keys, clock)
    _add_reads(app, keys, root, clock, upstream)
    Writes(root).add_to(app)
    _add_pages(app)
    app.add_middleware(Guard, keys=keys, clock=clock)
    return app


def _add_open(app: FastAPI, keys: Keys, clock: ClockPort) -> None:
    """What is answered without a session."""

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "services": {"web": {"phase": "running", "ready": True}}}

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), media_type=content_type)

    @app.get("/enter")
    async def enter(request: Request, token: str = "") -> Response:
        session = keys.enter(token, clock.now_us() // 1_000_000)
        if session is None:
            return HTMLResponse(USED, 403)
        answer = HTMLResponse(ENTERED)  # a redirect would be sent without the cookie where another site has the link
        name = cookie_name(request.headers["host"])
        answer.set_cookie(name, session, max_age=SESSION_SECONDS, httponly=True, samesite="strict")
        return answer


def _add_reads(app: FastAPI, keys: Keys, root: Path, clock: ClockPort, upstream: Upstream) -> None:
    """What the pages ask for."""

    @app.get("/web/session")
    async def session(request: Request) -> dict[str, Any]:
        platform = read_platform(root)
        market = platform.market if platform is not None else "replay of a sample"
        csrf = keys.csrf(request.scope["session"])
        return {"user": _user(), "csrf": csrf, "market": market, "mode": mode_of(market), "now_us": clock.now_us()}

    @app.get("/web/services")
    async def services() -> dict[str, Any]:
        found = await upstream.services()
        return {"now_us": clock.now_us(), "services": found}

    @app.get("/api/v1/{path:path}")
    async def api(request: Request) -> Response:
        return await upstream.pass_on(request)


def _add_pages(app: FastAPI) -> None:
    """The bundle. Every other path is a page, and its own script knows which. Raises FatalError without a bundle."""
    built, fresh = bundle(), {"Cache-Control": "no-cache"}

    @app.get("/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in built:
            raise HTTPException(404, f"found {name}; allowed: {', '.join(sorted(built))}")
        return Response(built[name], media_type=TYPES[Path(name).suffix], headers=fresh)

    @app.get("/{path:path}")
    async def page() -> Response:
        return Response(built["index.html"], media_type="text/html", headers=fresh)


def mode_of(market: str) -> str:
    """The platform's mode in one word, from what its market is called."""
    return "REPLAY" if market.startswith("replay") else "PAPER" if market.startswith("live") else "AS SET"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


@asynccontextmanager
async def serve(root: Path, clock: ClockPort, *, port: int, known: bool = True) -> AsyncIterator[int]:
    """Serve on loopback while the caller goes on; gives the port. Raises FatalError where it is taken.

    ``known``: `tradewire dashboard` finds this one.
    """
    upstream = Upstream(root, clock)
    port_file = StackPaths.under(root).logs / PORT_FILE if known else None
    server = HealthServer(web_app(root, clock, upstream), HOST, port, port_file)
    try:
        yield await server.start()
    finally:
        await server.close()
        await upstream.close()
