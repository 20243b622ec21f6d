"""A floor for the tests of streams and of the WebSocket API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from libs.venue.tests.floors import Floor
from libs.venue.tests.venues import Client, bar, market

from tradewire.venue.server import VenueServer


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    bars = [bar(n, "1000.0", "1006.0", "997.0", "1003.0") for n in range(26 * 60)]
    client = Client(market(*bars))
    server = VenueServer(client.venue)
    await server.start(keep=False)
    async with aiohttp.ClientSession() as session:
        floor = Floor(client, server, session)
        yield floor
        for socket in floor.sockets:
            await socket.close()
    await server.stop()
