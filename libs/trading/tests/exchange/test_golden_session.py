"""One long session, told line by line in ``golden_session.txt``, for people to read and for ports to match.

After a change that is meant, run once with ``UPDATE_GOLDEN=1`` and read the difference before committing it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from tradewire.trading.exchange import (
    Bar,
    Event,
    FillModel,
    MarginMode,
    MarkBar,
    OrderType,
    Side,
    SimulatedExchange,
    TimeInForce,
    WorkingType,
    from_e8,
)

from .exchange_builders import BTC, ETH, HOUR_US, bar, e8, order, spec

GOLDEN = Path(__file__).with_name("golden_session.txt")
BUY, SELL = Side.BUY, Side.SELL

EXIT = {"reduce_only": True, "oco_group": "exits", "activate_on": "in"}
PLAN = {
    1: [
        order("in", BUY, 4, strategy_id="trend"),
        order("stop", SELL, 4, stop=95, working_type=WorkingType.MARK, **EXIT),
        order("take", SELL, 4, stop=112, type=OrderType.TAKE_PROFIT_MARKET, **EXIT),
        order("eth", SELL, "2.5", symbol=ETH, strategy_id="carry"),
    ],
    3: [order("trail", SELL, 2, callback_rate_e8=e8("0.03"), reduce_only=True)],
    4: [order("post", BUY, 1, price="103.50", time_in_force=TimeInForce.GTX)],
    6: [order("big", BUY, 6, price=108, time_in_force=TimeInForce.IOC), order("big", SELL)],
    8: [order("close", BUY, 0, symbol=ETH, stop=56, close_position=True)],
    10: [order("gamble", BUY, 8, strategy_id="trend")],
}
Prices = tuple[str | int, str | int, str | int, str | int]
PATH: list[tuple[Prices, Prices, str | None]] = [
    ((100, 100, 100, 100), (50, 50, 50, 50), None),
    (("100.03", 103, 97, 102), (50, 52, 49, 51), None),
    ((102, 106, 101, 105), (51, 51, 48, 49), "0.0001"),
    ((105, 109, 104, 108), (49, 50, 47, 48), None),
    ((108, 108, 103, 104), (48, 51, 48, 50), None),
    ((104, 107, 103, 106), (50, 53, 50, 52), "-0.0002"),
    ((106, 107, 105, 106), (52, 53, 51, 53), None),
    ((106, 110, 106, 109), (53, 55, 52, 54), None),
    ((109, 113, 108, 112), (54, 57, 53, 56), None),
    ((112, 112, 110, 111), (56, 57, 55, 56), "0.0003"),
    ((111, 112, 90, 92), (56, 57, 50, 51), None),
    ((85, 86, 60, 62), (51, 51, 50, 50), None),
    ((62, 64, 61, 63), (50, 51, 50, 51), None),
]


def one_below(last: Bar) -> MarkBar:
    """Mark prices that trail the last prices by 1."""
    below = e8(1)
    return MarkBar(last.open_e8 - below, last.high_e8 - below, last.low_e8 - below, last.close_e8 - below)


def told(event: Event) -> str:
    """One event as a line of names and decimals."""
    words = [type(event).__name__]
    carrier = getattr(event, "fill", None)
    for source in (event, carrier) if carrier is not None else (event,):
        for item in fields(source):
            value = getattr(source, item.name)
            if item.name == "fill" or value == "":
                continue
            if item.name.endswith("_e8"):
                words.append(f"{item.name[:-3]}={from_e8(value):f}")
            elif item.name.endswith("_us"):
                words.append(f"{item.name[:-3]}={value / HOUR_US:.4f}h")
            else:
                words.append(f"{item.name}={value}")
    return " ".join(words)


def lines() -> Iterator[str]:
    """The whole session, step by step."""
    fees = {"maker_fee_e8": e8("0.0002"), "taker_fee_e8": e8("0.0004"), "liquidation_fee_e8": e8("0.0125")}
    exchange = SimulatedExchange(
        "golden",
        e8(100),
        [spec(ETH, **fees), spec(BTC, **fees)],
        leverages={BTC: 10, ETH: 5},
        margin_modes={ETH: MarginMode.ISOLATED},
        fill_model=FillModel(slippage_rate_e8=e8("0.0001"), volume_share_e8=e8("0.5")),
    )
    for number, (btc, eth, rate) in enumerate(PATH):
        for request in PLAN.get(number, []):
            yield from map(told, exchange.submit(request, number * HOUR_US))
        bars = {BTC: bar(number, *btc, volume=6), ETH: bar(number, *eth, volume=100)}
        marks = {BTC: one_below(bars[BTC])} if number % 3 == 2 else {}
        rates = {} if rate is None else {BTC: e8(rate), ETH: e8(rate)}
        yield from map(told, exchange.step((number + 1) * HOUR_US, bars, marks, rates))
        state = exchange.account_state()
        held = " ".join(f"{p.symbol}={from_e8(p.qty_e8):f}@{from_e8(p.entry_price_e8):f}" for p in state.positions)
        yield (
            f"-- {number + 1}h wallet={from_e8(state.wallet_e8):f} equity={from_e8(state.equity_e8):f}"
            f" available={from_e8(state.available_balance_e8):f} orders={len(state.open_orders)} {held}".rstrip()
        )


def test_session_when_played_then_told_as_approved() -> None:
    text = "\n".join(lines()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
