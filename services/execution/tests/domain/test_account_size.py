"""What an account keeps and writes grows with what it trades, not with what there is to trade."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import Side
from tradewire.testkit.builders import BTC, ETH, assessment, candle, instrument, intent
from tradewire.testkit.execution_desk import desk_with, fills, say, told


def traded(desk: ExecutionDesk) -> ExecutionAccount:
    """Account alpha after two bars, the second of which fills an order."""
    told(desk, candle(0), assessment(0, intent(qty=2)), candle(1), assessment(1))
    (account,) = desk.changed()
    return account


def positions(saved: bytes) -> dict[str, Any]:
    """The saved exchange's positions by symbol."""
    found: dict[str, Any] = json.loads(saved)["exchange"]["account"]["positions"]
    return found


def test_saved_account_when_there_are_a_thousand_instruments_more_then_is_as_small_as_without_them() -> None:
    desk = desk_with()
    for number in range(500):
        say(desk, instrument(f"A{number:03d}USDT"))
    account = traded(desk)
    for number in range(500):
        say(desk, instrument(f"X{number:03d}USDT"))
    assert account.saved() == traded(desk_with()).saved()
    assert list(positions(account.saved())) == [BTC]


def test_saved_account_when_it_comes_to_a_symbol_later_then_the_symbol_is_listed_in_canonical_order() -> None:
    desk = desk_with(ETH, BTC)
    told(desk, candle(0, symbol=ETH, last_of_stream=True), assessment(0, symbol=ETH), candle(1, last_of_stream=True))
    (account,) = desk.changed()
    assert list(positions(account.saved())) == [BTC, ETH]


def test_restored_account_when_saved_with_every_instrument_then_keeps_what_it_traded() -> None:
    data = json.loads(traded(desk_with()).saved())
    flat = dict.fromkeys(("quantity_e8", "cost_e8", "margin_e8", "last_e8", "mark_e8"), 0)
    data["exchange"]["account"]["positions"][ETH] = {"mode": "CROSS", "leverage": 5, **flat, "bar_close_us": -1}
    saved = json.dumps(data).encode()
    again = desk_with()
    again.restore("alpha", saved)
    told(again, candle(2), assessment(2))
    (account,) = again.changed()
    assert list(positions(account.saved())) == [BTC]


def test_order_when_its_instrument_changed_while_the_account_held_it_then_pays_the_new_fee() -> None:
    desk = desk_with()
    traded(desk)
    say(desk, instrument(BTC, taker_fee=Decimal("0.01")))
    say(desk, instrument(BTC, taker_fee=Decimal("0.5"), venue="elsewhere"))
    found = told(desk, candle(2), assessment(2, intent("exit", Side.SELL, 2, reduce_only=True)), candle(3))
    assert [fill.fee for fill in fills(found)] == [Decimal(2)]
