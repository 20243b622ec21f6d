"""The Binance broker against a venue that speaks the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.ports.broker import Accepted, BrokerPort, NotFound, VenueFill, VenueOrder
from tradewire.ports.events import OrderIntent, OrderLeg, OrderStatus, OrderType, Side
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.testkit.broker_suite import SYMBOL, BrokerSuite, market
from tradewire.testkit.builders import candle

PRICE = 50_000


@pytest.fixture
async def venue() -> AsyncIterator[BinanceVenue]:
    found = BinanceVenue([candle(n, PRICE, volume=Decimal(1000)) for n in range(48)], whole_bars=False)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def broker(venue: BinanceVenue, tmp_path: Path) -> AsyncIterator[BinanceBroker]:
    found = venue.broker(tmp_path)
    found.list_symbol(SYMBOL, venue.clock.now_us())
    await found.begin()
    yield found
    await found.close()


class TestBinanceBroker(BrokerSuite):
    """Every broker keeps the port's contract."""

    @pytest.fixture
    def port(self, broker: BinanceBroker) -> BrokerPort:
        return broker

    def trade(self, venue: BrokerPort) -> None:
        """Market orders fill at once."""


def stop_loss(client_order_id: str, stop_price: int) -> OrderIntent:
    """A stop under a long position."""
    return market(
        client_order_id,
        side=Side.SELL,
        leg=OrderLeg.STOP_LOSS,
        reduce_only=True,
    ).model_copy(update={"order_type": OrderType.STOP_MARKET, "stop_price": Decimal(stop_price)})


async def pushed(broker: BinanceBroker, count: int) -> list[object]:
    """Reports as they come."""
    return [await broker.report() for _ in range(count)]


async def test_stream_when_an_order_fills_then_the_fill_is_pushed_before_the_order(broker: BinanceBroker) -> None:
    await pushed(broker, 1)
    await broker.submit(SYMBOL, market("m-1"))
    accepted, fill, filled = await pushed(broker, 3)
    assert isinstance(accepted, VenueOrder)
    assert isinstance(fill, VenueFill)
    assert isinstance(filled, VenueOrder)
    assert (accepted.status, filled.status) == (OrderStatus.ACCEPTED, OrderStatus.FILLED)
    assert fill == (await broker.fills_since("")).fills[0]


async def test_stop_when_its_price_is_reached_then_shown_under_one_id_until_it_is_filled(
    venue: BinanceVenue, broker: BinanceBroker
) -> None:
    await broker.submit(SYMBOL, market("m-1"))
    stop = stop_loss("s-1", 49_000)
    assert isinstance(await broker.submit(SYMBOL, stop), Accepted)
    assert [order.client_order_id for order in await broker.open_orders()] == ["s-1"]
    canceled = await broker.cancel(SYMBOL, "s-1")
    assert isinstance(canceled, VenueOrder)
    assert canceled.status is OrderStatus.CANCELED
    assert await broker.cancel(SYMBOL, "s-1") == NotFound()


async def test_stop_when_its_price_is_reached_already_then_it_is_done_at_once(broker: BinanceBroker) -> None:
    await broker.submit(SYMBOL, market("m-1"))
    stop = stop_loss("s-1", 51_000)
    assert isinstance(await broker.submit(SYMBOL, stop), Accepted)
    seen = await broker.query(SYMBOL, "s-1")
    assert isinstance(seen, VenueOrder)
    assert seen.status is OrderStatus.FILLED
    assert (await broker.account()).positions == ()
