"""What every BrokerPort must do when nothing goes wrong. An adapter's test class says how to make one."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.broker import ALREADY_THERE, Accepted, BrokerPort, NotFound, Rejected, Unknown, VenueOrder
from tradewire.ports.events import OrderIntent, OrderLeg, OrderStatus, OrderType, Side, TimeInForce

SYMBOL = "BTCUSDT"


def intent(client_order_id: str = "o-1", **other: Any) -> OrderIntent:
    """A resting buy of 0.5 BTC, far below the market."""
    fields: dict[str, Any] = {
        "client_order_id": client_order_id,
        "leg": OrderLeg.ENTRY,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "qty": Decimal("0.5"),
        "price": Decimal(40_000),
        "time_in_force": TimeInForce.GTC,
        "reduce_only": False,
    }
    return OrderIntent(**fields | other)


def market(client_order_id: str, **other: Any) -> OrderIntent:
    """A market buy of 0.5 BTC."""
    return intent(client_order_id, order_type=OrderType.MARKET, price=None, **other)


class BrokerSuite:
    """The port's contract."""

    @abstractmethod
    def venue(self) -> BrokerPort:
        """A new venue with BTCUSDT at about 50,000 and money enough."""

    @abstractmethod
    def trade(self, venue: BrokerPort) -> None:
        """Let the market happen until every market order has filled."""

    def refused(self) -> OrderIntent:
        """An order that the venue must refuse: below its minimum quantity."""
        return intent("too-small", qty=Decimal("0.00001"))

    @pytest.fixture
    def port(self) -> BrokerPort:
        """The venue of one test."""
        return self.venue()

    async def test_submit_when_valid_then_accepted_and_shown_by_our_id(self, port: BrokerPort) -> None:
        answer = await port.submit(SYMBOL, intent())
        seen = await port.query(SYMBOL, "o-1")
        assert isinstance(answer, Accepted)
        assert isinstance(seen, VenueOrder)
        assert (seen.venue_order_id, seen.status, seen.qty, seen.filled_qty, seen.side) == (
            answer.venue_order_id,
            OrderStatus.ACCEPTED,
            Decimal("0.5"),
            Decimal(0),
            Side.BUY,
        )

    async def test_submit_when_id_is_at_work_then_already_there_and_still_one_order(self, port: BrokerPort) -> None:
        await port.submit(SYMBOL, intent())
        assert await port.submit(SYMBOL, intent()) == Unknown(ALREADY_THERE)
        assert [order.client_order_id for order in await port.open_orders()] == ["o-1"]

    async def test_submit_when_not_acceptable_then_rejected_and_nothing_is_kept(self, port: BrokerPort) -> None:
        order = self.refused()
        assert isinstance(await port.submit(SYMBOL, order), Rejected)
        assert await port.query(SYMBOL, order.client_order_id) == NotFound()

    async def test_query_when_never_sent_then_not_found(self, port: BrokerPort) -> None:
        assert await port.query(SYMBOL, "nobody") == NotFound()

    async def test_cancel_when_open_then_canceled_once(self, port: BrokerPort) -> None:
        await port.submit(SYMBOL, intent())
        seen = await port.cancel(SYMBOL, "o-1")
        assert isinstance(seen, VenueOrder)
        assert seen.status is OrderStatus.CANCELED
        assert await port.query(SYMBOL, "o-1") == seen
        assert await port.cancel(SYMBOL, "o-1") == NotFound()

    async def test_cancel_when_never_sent_then_not_found(self, port: BrokerPort) -> None:
        assert await port.cancel(SYMBOL, "nobody") == NotFound()

    async def test_open_orders_when_some_ended_then_only_those_at_work(self, port: BrokerPort) -> None:
        for client_id in ("o-1", "o-2", "o-3"):
            await port.submit(SYMBOL, intent(client_id))
        await port.cancel(SYMBOL, "o-2")
        assert sorted(order.client_order_id for order in await port.open_orders()) == ["o-1", "o-3"]

    async def test_fills_when_order_fills_then_they_sum_to_what_the_order_says(self, port: BrokerPort) -> None:
        await port.submit(SYMBOL, market("m-1"))
        self.trade(port)
        seen = await port.query(SYMBOL, "m-1")
        fills = (await port.fills_since("")).fills
        assert isinstance(seen, VenueOrder)
        assert seen.status is OrderStatus.FILLED
        assert seen.filled_qty == Decimal("0.5") == sum(fill.qty for fill in fills)
        assert {(fill.client_order_id, fill.side) for fill in fills} == {("m-1", Side.BUY)}

    async def test_fills_when_cursor_is_followed_then_each_comes_once_and_a_dry_one_stays(
        self, port: BrokerPort
    ) -> None:
        await port.submit(SYMBOL, market("m-1"))
        self.trade(port)
        first = await port.fills_since("")
        await port.submit(SYMBOL, market("m-2"))
        self.trade(port)
        second = await port.fills_since(first.cursor)
        assert {fill.client_order_id for fill in second.fills} == {"m-2"}
        ids = [fill.venue_trade_id for fill in (*first.fills, *second.fills)]
        assert len(ids) == len(set(ids))
        assert await port.fills_since(second.cursor) == type(second)((), second.cursor)

    async def test_time_when_asked_then_it_never_goes_back(self, port: BrokerPort) -> None:
        before = await port.time()
        await port.submit(SYMBOL, intent())
        assert await port.time() >= before
