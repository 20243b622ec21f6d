"""One account at Binance USDⓈ-M futures, by REST; what is pushed comes from ``binance_stream``."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from tradewire.binance.errors import ErrorCode
from tradewire.binance.orders import AlgoStatus, venues_id
from tradewire.binance.replies import AlgoOrderReply, OrderReply
from tradewire.binance.streams import Unknowns
from tradewire.binance.wire import FieldError
from tradewire.execution.adapters.binance_fills import BinanceFills
from tradewire.execution.adapters.binance_filters import SymbolFilters
from tradewire.execution.adapters.binance_ids import OrderIds
from tradewire.execution.adapters.binance_modes import AccountModes, check_account, check_key, check_symbol
from tradewire.execution.adapters.binance_orders import (
    algo_request,
    conditional_order_of,
    is_conditional,
    market_request,
    order_of,
    order_request,
)
from tradewire.execution.adapters.binance_payments import BinancePayments
from tradewire.execution.adapters.binance_positions import read_account
from tradewire.execution.adapters.binance_rest import BinanceRest, FailedCallError, read_reply
from tradewire.execution.adapters.binance_stream import BinanceStream
from tradewire.execution.domain.venue_errors import outcome
from tradewire.ports.broker import (
    Accepted,
    BrokerAccount,
    BrokerPort,
    FillPage,
    NotFound,
    Rejected,
    Unknown,
    VenueOrder,
)
from tradewire.ports.clock import ClockPort
from tradewire.ports.events import OrderIntent
from tradewire.ports.live_venue import LiveVenuePort, PaymentPage, Report, VenueWarning

GONE: Final = frozenset({ErrorCode.NO_SUCH_ORDER, ErrorCode.CANCEL_REJECTED})
QUOTE: Final = "USDT"
"""The asset of wallets, prices and fees that is served."""
WHOLE_US: Final = 60_000_000
"""Between two readings of the open orders of all symbols."""
SYMBOLS_ASKED_MAX: Final = 40
"""More are asked for at once, which weighs as much."""


class BinanceBroker(BrokerPort, LiveVenuePort):
    """Orders and reads of one account. ``modes``: what the account must be; it is never changed."""

    def __init__(self, account_id: str, rest: BinanceRest, modes: AccountModes, clock: ClockPort) -> None:
        self._account_id, self._rest, self._modes = account_id, rest, modes
        self._ids, self._filters = OrderIds(), SymbolFilters(rest, clock)
        self._fills = BinanceFills(rest, self._own_id, QUOTE)
        self._payments = BinancePayments(rest, QUOTE)
        self._stream = BinanceStream(rest, self._ids, QUOTE)
        self._symbols: set[str] = set()
        self._checked: set[str] = set()
        self._clock, self._whole_due_us = clock, dict[str, int]()

    @property
    def unknowns(self) -> Unknowns:
        """What the user stream said that is not known here."""
        return self._stream.unknowns

    # ---- at the start ----

    def list_symbol(self, symbol: str, since_us: int | None = None) -> None:
        self._symbols.add(symbol)
        self._fills.list_symbol(symbol, since_us)

    async def begin(self) -> None:
        checks = [check_account(self._rest, self._account_id, self._modes), self._filters.read()]
        if self._rest.addresses.wallet is not None:
            checks.append(check_key(self._rest, self._account_id))
        checks += [self._check(symbol) for symbol in sorted(self._symbols)]
        for failed in await asyncio.gather(*checks, return_exceptions=True):  # a restart waits for one answer, not all
            if failed is not None:
                raise failed

    async def _check(self, symbol: str) -> None:
        if symbol not in self._checked:
            await check_symbol(self._rest, self._account_id, symbol, self._modes)
            self._checked.add(symbol)

    async def payments_since(self, cursor: str) -> PaymentPage:
        return await self._payments.since(cursor)

    async def stay(self, symbols: Collection[str]) -> None:
        wait_ms = self._modes.dead_man_s * 1000
        for symbol in sorted(symbols) if wait_ms else ():
            await self._rest.ask("POST", "/fapi/v1/countdownCancelAll", symbol=symbol, countdownTime=wait_ms)

    async def report(self) -> Report:
        report = await self._stream.report()
        if isinstance(report, VenueWarning):
            self._checked.discard(report.symbol)
        return report

    async def close(self) -> None:
        await self._stream.close()
        await self._rest.close()

    # ---- orders ----

    async def submit(
        self, symbol: str, intent: OrderIntent, asked_us: int | None = None
    ) -> Accepted | Rejected | Unknown:
        asked_us = self._clock.now_us() if asked_us is None else asked_us
        await self._check(symbol)
        if (refused := await self._filters.refusal(symbol, intent)) is not None:
            return refused
        if not is_conditional(intent):
            return await self._submit(order_request(symbol, intent, hedged=self._modes.hedged), asked_us)
        mark = await self._mark(symbol) if intent.trailing_distance is not None else None
        request = algo_request(symbol, intent, hedged=self._modes.hedged, mark=mark)
        try:
            told = await self._rest.send("POST", "/fapi/v1/algoOrder", request, asked_us)
        except FailedCallError as error:
            if error.failure.code == ErrorCode.ORDER_WOULD_IMMEDIATELY_TRIGGER:
                # its price was reached before it arrived: what it would do then is done now, under the same id
                return await self._submit(market_request(symbol, intent, hedged=self._modes.hedged), asked_us)
            return _refusal(error)
        try:
            reply = AlgoOrderReply.read(told)
        except FieldError as error:
            return Unknown(f"the reply can't be read: {error}")
        self._ids.note_conditional(reply)
        return Accepted(str(reply.algo_id), reply.update_time_ms * 1000)

    async def _submit(self, request: Mapping[str, Any], asked_us: int) -> Accepted | Rejected | Unknown:
        try:
            reply = OrderReply.read(await self._rest.send("POST", "/fapi/v1/order", request, asked_us))
        except FailedCallError as error:
            return _refusal(error)
        except FieldError as error:
            return Unknown(f"the reply can't be read: {error}")
        self._ids.note(reply.order_id, request["newClientOrderId"])
        return Accepted(str(reply.order_id), reply.update_time_ms * 1000)

    async def check_order(self, symbol: str, intent: OrderIntent) -> Rejected | Unknown | None:
        """Have the venue check a normal order without taking it; None when it would. Raises as ``submit``."""
        await self._check(symbol)
        if (refused := await self._filters.refusal(symbol, intent)) is not None:
            return refused
        if is_conditional(intent):
            return None  # Binance checks no conditional orders
        request = order_request(symbol, intent, hedged=self._modes.hedged)
        try:
            await self._rest.send("POST", "/fapi/v1/order/test", request)
        except FailedCallError as error:
            return _refusal(error)
        return None

    async def _mark(self, symbol: str) -> Decimal:
        told = await self._rest.ask("GET", "/fapi/v1/premiumIndex", symbol=symbol)
        return Decimal(told["markPrice"])

    async def cancel(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        spaces = (self._cancel_order, self._cancel_conditional)
        answer: VenueOrder | NotFound | Unknown = NotFound()
        for cancel in reversed(spaces) if self._ids.is_conditional(client_order_id) else spaces:
            answer = await cancel(symbol, client_order_id)
            if not isinstance(answer, NotFound):
                return answer
        return answer

    async def _cancel_order(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        request = {"symbol": symbol, **_named(client_order_id)}
        try:
            reply = OrderReply.read(await self._rest.send("DELETE", "/fapi/v1/order", request))
        except FailedCallError as error:
            return _not_canceled(error)
        except FieldError as error:
            return Unknown(f"the reply can't be read: {error}")
        return order_of(reply, client_order_id)

    async def _cancel_conditional(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        try:
            await self._rest.send("DELETE", "/fapi/v1/algoOrder", {"clientAlgoId": client_order_id})
        except FailedCallError as error:
            return _not_canceled(error)
        return await self._conditional(client_order_id)

    # ---- reads ----

    async def query(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound:
        conditional = await self._conditional(client_order_id)
        if isinstance(conditional, VenueOrder):
            return conditional
        reply = await self._order(symbol, **_named(client_order_id))
        return NotFound() if reply is None else order_of(reply, client_order_id)

    async def _order(self, symbol: str, **name: str | int) -> OrderReply | None:
        try:
            return read_reply(OrderReply, await self._rest.ask("GET", "/fapi/v1/order", symbol=symbol, **name))
        except FailedCallError as error:
            if error.failure.code in GONE:
                return None
            raise

    async def _conditional(self, client_order_id: str) -> VenueOrder | NotFound:
        """A conditional order; from its trigger on as the normal order that was born there stands."""
        try:
            told = await self._rest.ask("GET", "/fapi/v1/algoOrder", clientAlgoId=client_order_id)
        except FailedCallError as error:
            if error.failure.code in GONE:
                return NotFound()
            raise
        reply = read_reply(AlgoOrderReply, told)
        self._ids.note_conditional(reply)
        seen = conditional_order_of(reply)
        if reply.order_id and reply.status not in (AlgoStatus.NEW, AlgoStatus.CANCELED):
            born = await self._order(reply.symbol, orderId=int(reply.order_id))
            if born is not None:
                return replace(order_of(born, client_order_id), order_type=seen.order_type)
        return seen

    async def open_orders(self) -> Sequence[VenueOrder]:
        normal = [read_reply(OrderReply, row) for row in await self._open("/fapi/v1/openOrders")]
        conditional = [read_reply(AlgoOrderReply, row) for row in await self._open("/fapi/v1/openAlgoOrders")]
        for waiting in conditional:
            self._ids.note_conditional(waiting)
        for reply in normal:
            if self._ids.own(reply.order_id) is None:
                self._ids.note(reply.order_id, reply.client_order_id or str(reply.order_id))
        shown = [order_of(reply, self._ids.own(reply.order_id) or "") for reply in normal]
        return [*shown, *map(conditional_order_of, conditional)]

    async def _open(self, path: str) -> list[Any]:
        """Rows of all symbols once in a while, for somebody else may trade there; else of those that we trade."""
        now_us = self._clock.now_us()
        if now_us >= self._whole_due_us.get(path, 0) or len(self._symbols) > SYMBOLS_ASKED_MAX:
            rows: list[Any] = await self._rest.ask("GET", path)
            self._whole_due_us[path] = now_us + WHOLE_US
            return rows
        return [row for symbol in sorted(self._symbols) for row in await self._rest.ask_of(symbol, path) or ()]

    async def fills_since(self, cursor: str) -> FillPage:
        return await self._fills.since(cursor)

    async def _own_id(self, symbol: str, order_id: int) -> str:
        """The client order id of a fill's order; of one that the venue does not show any more, the venue's id."""
        known = self._ids.own(order_id)
        if known is None:
            reply = await self._order(symbol, orderId=order_id)
            known = self._ids.note(order_id, (reply.client_order_id if reply is not None else None) or str(order_id))
        return known

    async def account(self) -> BrokerAccount:
        return await read_account(self._rest)

    async def time(self) -> int:
        return await self._rest.time_us()


def _named(known_as: str) -> dict[str, str | int]:
    """Which normal order is meant."""
    order_id = venues_id(known_as)
    return {"origClientOrderId": known_as} if order_id is None else {"orderId": order_id}


def _refusal(error: FailedCallError) -> Rejected | Unknown:
    """What a failed submit means. Raises RetryableError, FatalError."""
    answer = outcome(error.failure)
    return Rejected(str(error.failure.code), error.failure.message) if isinstance(answer, NotFound) else answer


def _not_canceled(error: FailedCallError) -> NotFound | Unknown:
    """What a failed cancel means. Raises RetryableError, FatalError."""
    answer = outcome(error.failure)
    return Unknown(str(error)) if isinstance(answer, Rejected) else answer
