"""The venue on loopback: REST, market streams, user stream and WebSocket API on one port."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from aiohttp import web

from tradewire.binance.errors import HTTP_TIMEOUT, HTTP_UNAVAILABLE, ErrorCode, error_body
from tradewire.binance.market_streams import DepthUpdate
from tradewire.binance.signatures import API_KEY_HEADER
from tradewire.binance.streams import Route
from tradewire.binance.wire import Wire
from tradewire.venue.api_methods import METHODS, ApiSession, api_reply
from tradewire.venue.connections import Connection, answer_subscription, serve
from tradewire.venue.door import Door, HttpAnswer, HttpCall
from tradewire.venue.subscriptions import SubscriptionError, Subscriptions
from tradewire.venue.venue import Venue

TICK_S: Final = 0.1
"""How often the market moves where nobody asks."""
API_PATH: Final = "/ws-fapi/v1"
UNKNOWN: Final = {
    "unavailable": HttpAnswer(
        HTTP_UNAVAILABLE, {"code": 0, "msg": "Unknown error, please check your request or try again later."}
    ),
    "timed_out": HttpAnswer(HTTP_TIMEOUT, error_body(ErrorCode.TIMEOUT)),
}
"""Answers that say nothing of whether a request was carried out."""


class VenueServer:
    """Serves a venue. ``rest`` and ``ws`` are known once it has started."""

    def __init__(self, venue: Venue, *, port: int = 0) -> None:
        self.venue, self._port, self._door = venue, port, Door(venue)
        self._connections: set[Connection] = set()
        self._subscriptions: dict[Connection, Subscriptions] = {}
        self._late: list[Wire] = []
        self._runner: web.AppRunner | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.rest = self.ws = ""

    async def start(self, *, keep: bool = True) -> None:
        """Listen on loopback. ``keep`` false: the market moves only by `tick`."""
        app = web.Application()
        for route in Route:
            app.router.add_get(f"/{route}/ws", self._streams)
            app.router.add_get(f"/{route}/ws/{{names:.+}}", self._streams)
            app.router.add_get(f"/{route}/stream", self._streams)
        app.router.add_get(API_PATH, self._api)
        app.router.add_route("*", "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        host, port = cast("tuple[str, int]", self._runner.addresses[0])
        self.rest, self.ws = f"http://{host}:{port}", f"ws://{host}:{port}"
        self.venue.listeners.market.append(self._on_market)
        self.venue.listeners.user.append(self._on_user)
        if keep:
            self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Drop all connections and let go of the port."""
        if self._keeper is not None:
            self._keeper.cancel()
        for connection in list(self._connections):
            await connection.socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _keep(self) -> None:
        while True:
            await self.tick()
            await asyncio.sleep(TICK_S)

    async def tick(self) -> None:
        """Let the market move to now, and look after connections and listen keys."""
        self.venue.advance()
        for subscriptions in list(self._subscriptions.values()):
            subscriptions.expire()
        for connection in list(self._connections):
            await connection.keep(self.venue.now_ms())

    # ---- REST ----

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        asked = await _asked(request)
        fault = self.venue.faults.of_call(asked.method, asked.path)
        if fault is None:
            return _response(self._door.answer(asked))
        if fault.kind in UNKNOWN:
            if self.venue.faults.carried_out():
                self._door.answer(asked)
            return _response(UNKNOWN[fault.kind])
        answer = self._door.answer(asked)
        if fault.kind == "reply_lost" and request.transport is not None:
            request.transport.abort()
        await asyncio.sleep(fault.seconds)
        return _response(answer)

    # ---- WebSocket ----

    def _on_market(self, event: Wire) -> None:
        dropped = isinstance(event, DepthUpdate) and self.venue.faults.of_message("depth_dropped", event.symbol)
        if dropped or self.venue.incidents.silent:
            return
        for subscriptions in list(self._subscriptions.values()):
            subscriptions.on_market(event)

    def _on_user(self, event: Wire) -> None:
        """Pass on a message of the user stream as faults let it: not at all, twice, or after the next one."""
        faults = self.venue.faults
        if self.venue.incidents.silent or faults.of_message("event_lost"):
            return
        if faults.of_message("event_late"):
            self._late.append(event)
            return
        messages = [event, *([event] if faults.of_message("event_twice") else []), *self._late]
        self._late.clear()
        for message in messages:
            for subscriptions in list(self._subscriptions.values()):
                subscriptions.on_user(message)

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        _, route, kind, *_ = request.path.split("/")
        subscriptions = Subscriptions(self.venue, Route(route), kind == "stream", send=lambda _: None)
        try:
            subscriptions.add(_names(request))
        except SubscriptionError as error:
            return web.json_response({"code": -1125 if route == Route.PRIVATE else 2, "msg": str(error)}, status=400)

        def answer(connection: Connection, message: Any) -> None:
            connection.send(answer_subscription(subscriptions, message))

        return await self._served(request, subscriptions, answer)

    async def _served(self, request: web.Request, subscriptions: Subscriptions, answer: Any) -> web.StreamResponse:
        opened: list[Connection] = []

        def opens(connection: Connection) -> None:
            subscriptions.send = connection.send
            self._subscriptions[connection] = subscriptions
            opened.append(connection)

        try:
            return await serve(request, self.venue, self._connections, answer, opens)
        finally:
            for connection in opened:
                self._subscriptions.pop(connection, None)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        session = ApiSession(self.venue, self._door, request.remote or "")

        def answer(connection: Connection, message: Any) -> None:
            self._answer_api(session, connection, message)

        return await serve(request, self.venue, self._connections, answer, lambda _: None)

    def _answer_api(self, session: ApiSession, connection: Connection, message: Any) -> None:
        """Answer a request of the WebSocket API as faults let it."""
        call = METHODS.get(message.get("method", "")) if isinstance(message, dict) else None
        fault = self.venue.faults.of_call(*call, socket=True) if call else None
        if fault is not None and fault.kind in UNKNOWN:
            if self.venue.faults.carried_out():
                session.answer(message)
            connection.send(api_reply(message.get("id"), UNKNOWN[fault.kind]))
            return
        reply = session.answer(message)
        if fault is not None and fault.kind == "reply_lost":
            connection.closing = True
        elif fault is not None and fault.kind == "reply_late":
            asyncio.get_running_loop().call_later(fault.seconds, connection.send, reply)
        else:
            connection.send(reply)
            if fault is not None:
                connection.send(reply)


def _names(request: web.Request) -> list[str]:
    """Streams that the address names: in its path, as ``streams``, or a listen key."""
    text = request.match_info.get("names") or request.query.get("streams") or request.query.get("listenKey") or ""
    return [name for name in text.split("/") if name]


async def _asked(request: web.Request) -> HttpCall:
    """A REST request: parameters from query string and body, which together are what was signed."""
    _, _, query = request.raw_path.partition("?")
    body = (await request.read()).decode("utf-8", "replace")
    values = dict(parse_qsl(f"{query}&{body}", keep_blank_values=True))
    parts = [_unsigned(part) for part in (query, body)]
    address = request.remote or ""
    return HttpCall(
        request.method, request.path, values, "".join(parts), request.headers.get(API_KEY_HEADER, ""), address
    )


def _unsigned(part: str) -> str:
    """Query string or body without its signature."""
    return "&".join(item for item in part.split("&") if not item.startswith("signature="))


def _response(answer: HttpAnswer) -> web.Response:
    text = json.dumps(answer.body, separators=(",", ":"), default=_number)
    return web.Response(
        text=text,
        status=answer.status,
        content_type="application/json",
        headers=answer.headers,
    )


def _number(value: object) -> float | int:
    """A Decimal that is a JSON number on the wire."""
    assert isinstance(value, Decimal), f"{value!r} is not JSON"
    return int(value) if value == value.to_integral_value() else float(value)
