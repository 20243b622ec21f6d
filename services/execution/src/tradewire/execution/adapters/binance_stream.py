"""The user data stream: what Binance pushes of one account, with every gap said."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Final

import aiohttp

from tradewire.binance.replies import ListenKeyReply
from tradewire.binance.streams import UnknownEvent, Unknowns, read_messages
from tradewire.binance.user_stream import (
    AccountConfigUpdate,
    AlgoUpdate,
    LeverageUpdate,
    ListenKeyExpired,
    MarginCall,
    MultiAssetsUpdate,
    OrderTradeUpdate,
)
from tradewire.binance.wire import FieldError, Wire
from tradewire.execution.adapters.binance_ids import OrderIds
from tradewire.execution.adapters.binance_orders import algo_reports_of, reports_of
from tradewire.execution.adapters.binance_rest import BinanceRest, FailedCallError, read_reply
from tradewire.ports.errors import RetryableError
from tradewire.ports.live_venue import Report, StreamGap, VenueWarning

KEEP_ALIVE_S: Final = 1800.0
"""Between extensions of the listen key, which lives 60 minutes from its last use."""
PING_S: Final = 20.0
"""Between our pings: a connection that answers none is dead."""
RETRY_S: Final = 1.0
"""Between tries to connect."""

_log = logging.getLogger(__name__)


class BinanceStream:
    """Reports of one account, in the order in which they come.

    A connection that ends is made anew, with a listen key that is valid then; a gap is reported each time, for nothing
    that was sent meanwhile comes again.
    """

    def __init__(self, rest: BinanceRest, ids: OrderIds, quote: str) -> None:
        self._rest, self._ids, self._quote = rest, ids, quote
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._reports: deque[Report] = deque()
        self._over = False
        self.unknowns = Unknowns()

    async def report(self) -> Report:
        """The next one. Raises FatalError."""
        while not self._reports:
            try:
                if self._over:
                    await self._drop()
                if self._socket is None:
                    await self._connect()
                    self._reports.append(StreamGap("the user stream begins"))
                else:
                    await self._receive(self._socket)
            except (RetryableError, FailedCallError, aiohttp.ClientError, TimeoutError, OSError) as error:
                _log.warning("user stream: %s; the next try is in %.0f s", error, RETRY_S)
                await self._drop()
                await asyncio.sleep(RETRY_S)
        return self._reports.popleft()

    async def close(self) -> None:
        """Hang up."""
        await self._drop()

    async def _connect(self) -> None:
        told = await self._rest.ask("POST", "/fapi/v1/listenKey")
        key = read_reply(ListenKeyReply, told).listen_key
        self._socket = await self._rest.session.ws_connect(
            f"{self._rest.addresses.ws}/private/ws/{key}", heartbeat=PING_S
        )
        self._keeper = asyncio.get_running_loop().create_task(self._keep_alive(self._socket))

    async def _keep_alive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Extend the listen key while the connection lasts; one that is not valid any more ends it (-1125)."""
        while not socket.closed:
            await asyncio.sleep(KEEP_ALIVE_S)
            try:
                await self._rest.ask("PUT", "/fapi/v1/listenKey")
            except FailedCallError as error:
                _log.warning("user stream: %s; a new listen key is made", error)
                await socket.close()
            except RetryableError as error:
                _log.warning("user stream: the listen key was not extended: %s", error)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        message = await socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            self._take(message.data)
        elif message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED):
            raise aiohttp.ClientConnectionError(f"closed with {socket.close_code}")
        elif message.type is aiohttp.WSMsgType.ERROR:
            raise aiohttp.ClientConnectionError(str(message.data))

    def _take(self, text: str) -> None:
        """Note the reports of one message. One that can't be read is a gap: what it said is asked for."""
        try:
            for event in read_messages(json.loads(text, parse_float=Decimal), self.unknowns):
                self._reports.extend(self._reports_of(event))
        except (FieldError, ValueError) as error:
            _log.warning("user stream: a message can't be read: %s: %.500s", error, text)
            self._reports.append(StreamGap(f"a message could not be read: {error}"))

    def _reports_of(self, event: Wire | UnknownEvent) -> Iterator[Report]:
        match event:
            case OrderTradeUpdate():
                known = self._ids.own(event.order.order_id)
                if known is None:
                    known = self._ids.note(event.order.order_id, event.order.client_order_id)
                yield from reports_of(event, known, self._quote)
            case AlgoUpdate():
                if event.order.order_id:
                    self._ids.note(event.order.order_id, event.order.client_algo_id)
                yield from algo_reports_of(event)
            case ListenKeyExpired():
                self._over = True  # nothing more comes under this key
                yield StreamGap("the listen key expired")
            case MarginCall():
                yield VenueWarning("margin_call", _in_danger(event))
            case AccountConfigUpdate(leverage=LeverageUpdate(symbol=symbol, leverage=leverage)):
                yield VenueWarning("account_mode_changed", f"the leverage of {symbol} was set to {leverage}", symbol)
            case AccountConfigUpdate(multi_assets=MultiAssetsUpdate(multi_assets=is_on)):
                yield VenueWarning("account_mode_changed", f"multi-assets margin was set to {is_on}")
            case _:
                pass  # balances and positions are read whole at each reconciliation; TRADE_LITE repeats a fill

    async def _drop(self) -> None:
        """Hang up, so that the next connection gets a valid key."""
        socket, self._socket, self._over = self._socket, None, False
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        if socket is not None:
            with suppress(aiohttp.ClientError, OSError):
                await socket.close()


def _in_danger(event: MarginCall) -> str:
    """The positions of a margin call, for people."""
    rows = [
        f"{item.symbol} {item.position_side} {item.amount:f} at {item.mark_price:f}, maintenance margin "
        f"{item.maintenance_margin:f}, unrealized {item.unrealized:f}"
        for item in event.positions
    ]
    return f"Binance asks for margin: {'; '.join(rows)}"
