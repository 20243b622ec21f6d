"""A venue's server whose time the test moves, and sockets to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from libs.venue.tests.venues import Client

from tradewire.venue.server import VenueServer


@dataclass(slots=True)
class Floor:
    """A venue whose time the test moves, its server, and sockets to it."""

    client: Client
    server: VenueServer
    session: aiohttp.ClientSession
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    async def open(self, path: str) -> aiohttp.ClientWebSocketResponse:
        socket = await self.session.ws_connect(self.server.ws + path, autoping=True)
        self.sockets.append(socket)
        return socket

    async def wait(self, seconds: float) -> None:
        """Let the venue's time pass in steps of at most a second, as its server does."""
        while seconds > 0:
            self.client.clock.advance(seconds=min(seconds, 1.0))
            await self.server.tick()
            seconds -= 1.0

    async def turn(self, seconds: float) -> None:
        """Let it pass at once."""
        self.client.clock.advance(seconds=seconds)
        await self.server.tick()


async def receive(socket: aiohttp.ClientWebSocketResponse) -> Any:
    """The next message."""
    return json.loads(await socket.receive_str())


async def ask(socket: aiohttp.ClientWebSocketResponse, method: str, *params: Any) -> Any:
    """The answer to a request; messages before it are passed over."""
    await socket.send_str(json.dumps({"method": method, "params": list(params), "id": 7}))
    while (answer := await receive(socket)).get("id") != 7:
        pass
    return answer


async def everything(socket: aiohttp.ClientWebSocketResponse) -> list[Any]:
    """All messages up to the answer of a question asked now."""
    await socket.send_str(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": "last"}))
    found = []
    while (message := await receive(socket)).get("id") != "last":
        found.append(message)
    return found
