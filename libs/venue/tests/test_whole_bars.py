"""With whole candles the venue's fills are those of the simulated exchange alone, to the last unit."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from libs.venue.tests.venues import MINUTE_US, NOW_US, Client, bar, market

from tradewire.trading.exchange import (
    Bar,
    Fill,
    NewOrder,
    OrderType,
    Side,
    SimulatedExchange,
    TimeInForce,
    from_e8,
    to_e8,
)
from tradewire.venue.books import MATCH_US
from tradewire.venue.venue import START_BALANCE, VenueOptions

MINUTES = 60
Asked = tuple[str, Side, OrderType, Decimal]


def walk(dice: random.Random) -> list[Bar]:
    """Candles of a random walk, each opening where the last closed."""
    bars, price = [], Decimal(1000)
    for minute in range(MINUTES):
        close = price + Decimal(dice.randint(-80, 80)) / 10
        high, low = (
            max(price, close) + Decimal(dice.randint(0, 40)) / 10,
            min(price, close) - Decimal(dice.randint(0, 40)) / 10,
        )
        bars.append(bar(minute, *(f"{number:.1f}" for number in (price, high, low, close))))
        price = close
    return bars


def asked(dice: random.Random, number: int, close: Decimal) -> Asked:
    kind = dice.choice([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_MARKET])
    side = dice.choice(list(Side))
    away = Decimal(dice.randint(10, 60)) / 10
    below = (side is Side.BUY) == (kind is OrderType.LIMIT)
    price = Decimal(0) if kind is OrderType.MARKET else close - away if below else close + away
    return f"n{number}", side, kind, price


def alone(bars: list[Bar], orders: list[Asked], spec: Any) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Fills of the exchange without a venue: side, quantity, price, fee."""
    exchange = SimulatedExchange("venue", to_e8(START_BALANCE), [spec], leverages={spec.symbol: 20}, order_memory=1000)
    start = Bar(NOW_US, NOW_US + MATCH_US, *(bars[0].open_e8,) * 4)
    events = exchange.step(NOW_US + MATCH_US, {spec.symbol: start})
    for number, item in enumerate(bars):
        client_id, side, kind, price = orders[number]
        limit = kind is OrderType.LIMIT
        new = NewOrder(
            client_id,
            spec.symbol,
            side,
            kind,
            qty_e8=to_e8(Decimal("0.1")),
            price_e8=to_e8(price) if limit else 0,
            stop_price_e8=to_e8(price) if kind is OrderType.STOP_MARKET else 0,
            time_in_force=TimeInForce.GTC,
        )
        events += exchange.submit(new, NOW_US + MATCH_US if number == 0 else bars[number - 1].close_time_us)
        events += exchange.step(item.close_time_us, {spec.symbol: item})
    fills: list[Fill] = [event.fill for event in events if hasattr(event, "fill")]
    return [(fill.side, from_e8(fill.qty_e8), from_e8(fill.price_e8), from_e8(fill.fee_e8)) for fill in fills]


@pytest.mark.parametrize("seed", range(20))
def test_fills_are_those_of_the_exchange_alone(seed: int) -> None:
    dice = random.Random(seed)
    bars = walk(dice)
    listed = market(*bars)
    client = Client(listed, options=VenueOptions(whole_bars=True))
    closes = [bars[0].open_e8, *(item.close_e8 for item in bars)]
    orders = [asked(dice, number, from_e8(closes[number])) for number in range(MINUTES)]
    for client_id, side, kind, price in orders:
        values: dict[str, Any] = {"symbol": "BTCUSDT", "side": side.value, "quantity": "0.1"}
        if kind is OrderType.STOP_MARKET:
            values |= {"algoType": "CONDITIONAL", "triggerPrice": f"{price:.1f}", "clientAlgoId": client_id}
            client.ask("POST", "v1/algoOrder", type="STOP_MARKET", **values)
        else:
            limit = {"price": f"{price:.1f}", "timeInForce": "GTC"} if kind is OrderType.LIMIT else {}
            client.ask("POST", "v1/order", type=kind.value, newClientOrderId=client_id, **values, **limit)
        client.wait(MINUTE_US / 1e6)
    rows = client.ask("GET", "v1/userTrades", symbol="BTCUSDT").body
    found = [tuple(row[name] for name in ("side", "qty", "price", "commission")) for row in rows]
    expected = alone(bars, orders, listed[0].spec)
    assert [(side, *map(Decimal, numbers)) for side, *numbers in found] == expected
    assert len(found) > 10
