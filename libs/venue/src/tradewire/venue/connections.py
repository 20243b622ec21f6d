"""WebSocket connections of the venue: their life, pings and the messages on their way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from tradewire.binance.streams import CONNECTION_LIFE_MS, MESSAGES_PER_SECOND_MAX, PING_EVERY_S, PONG_WITHIN_S
from tradewire.venue.subscriptions import INVALID, SubscriptionError, Subscriptions
from tradewire.venue.venue import Venue

QUEUED_MAX: Final = 10_000
"""Messages that wait for a slow reader before it is disconnected."""


@dataclass(slots=True, eq=False)
class Connection:
    """One open WebSocket. ``send`` queues a message; the writer sends them in order.

    Times are the venue's, ms. ``waiting_ms``: of the first ping that was not answered, 0 when all were.
    """

    socket: web.WebSocketResponse
    opened_ms: int
    queue: asyncio.Queue[Any] = field(default_factory=lambda: asyncio.Queue(QUEUED_MAX))
    pinged_ms: int = 0
    waiting_ms: int = 0
    second: int = 0
    received: int = 0
    closing: bool = False

    def send(self, message: Any) -> None:
        """Queue a message; a reader that is too slow is disconnected."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.closing = True

    def is_too_fast(self, now_ms: int) -> bool:
        """Count a message from the client; whether these are more than allowed in a second."""
        if now_ms // 1000 != self.second:
            self.second, self.received = now_ms // 1000, 0
        self.received += 1
        return self.received > MESSAGES_PER_SECOND_MAX

    async def keep(self, now_ms: int) -> None:
        """Ping when due; end what is too old, silent or too slow."""
        if self.closing or now_ms - self.opened_ms >= CONNECTION_LIFE_MS:
            await self.socket.close(code=WSCloseCode.GOING_AWAY)
        elif self.waiting_ms and now_ms - self.waiting_ms >= PONG_WITHIN_S * 1000:
            await self.socket.close(code=WSCloseCode.POLICY_VIOLATION)
        elif now_ms - self.pinged_ms >= PING_EVERY_S * 1000:
            self.pinged_ms, self.waiting_ms = now_ms, self.waiting_ms or now_ms
            await self.socket.ping(str(now_ms).encode())

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        while not self.socket.closed:
            message = await self.queue.get()
            await self.socket.send_str(json.dumps(message, separators=(",", ":")))


async def serve(
    request: web.Request,
    venue: Venue,
    connections: set[Connection],
    answer: Callable[[Connection, Any], None],
    opens: Callable[[Connection], None],
) -> web.WebSocketResponse:
    """Keep one connection until it ends; ``opens`` is told when it begins, ``answer`` takes each message."""
    socket = web.WebSocketResponse(autoping=False)
    await socket.prepare(request)
    connection = Connection(socket, venue.now_ms(), pinged_ms=venue.now_ms())
    connections.add(connection)
    opens(connection)
    writer = asyncio.create_task(connection.write())
    try:
        async for message in socket:
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                connection.waiting_ms = 0
            elif message.type is WSMsgType.TEXT:
                if connection.is_too_fast(venue.now_ms()):
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION)
                    break
                answer(connection, _json(message.data))
    finally:
        connections.discard(connection)
        writer.cancel()
    return socket


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def answer_subscription(subscriptions: Subscriptions, message: Any) -> dict[str, Any]:
    """The reply to SUBSCRIBE, UNSUBSCRIBE and their like."""
    request = message if isinstance(message, dict) else {}
    method, params, request_id = request.get("method"), request.get("params") or [], request.get("id")
    try:
        match method:
            case "SUBSCRIBE":
                subscriptions.add([str(name) for name in params])
            case "UNSUBSCRIBE":
                subscriptions.remove([str(name) for name in params])
            case "LIST_SUBSCRIPTIONS":
                return {"result": [*subscriptions.streams, *subscriptions.listen_keys], "id": request_id}
            case "SET_PROPERTY" if len(params) == 2 and params[0] == "combined":
                subscriptions.combined = bool(params[1])
            case "GET_PROPERTY":
                return {"result": subscriptions.combined, "id": request_id}
            case _:
                raise SubscriptionError(f"method: found {method!r}, allowed SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS")
    except SubscriptionError as error:
        return {"error": {"code": INVALID, "msg": f"Invalid request: {error}"}, "id": request_id}
    return {"result": None, "id": request_id}
