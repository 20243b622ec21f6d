"""Candles that were let go before the status that makes them needed are read again."""

from __future__ import annotations

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import StrategyStatusChanged
from tradewire.ports.ledger import ReadPosition
from tradewire.ports.message import Emit
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, envelope
from tradewire.testkit.execution_desk import desk_with, told
from tradewire.testkit.strategies import active, document, status


def arrives(desk: ExecutionDesk, event: StrategyStatusChanged, offset: int = 7) -> list[Emit]:
    """A status, with nothing read again behind it."""
    return list(desk.on_status(event, envelope(event, offset)))


def second(effective_from_us: int, symbol: str = ETH) -> StrategyStatusChanged:
    """A second strategy of the account."""
    return status(
        active(document("second", "alpha", symbol), effective_from_us=effective_from_us), strategy_id="second"
    )


def test_status_when_bars_in_force_were_let_go_then_rewound_to_the_first_that_can_happen() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0), candle(0, symbol=ETH), candle(1, symbol=ETH), candle(2, symbol=ETH))
    arrives(desk, second(2 * HOUR_US))
    assert desk.positions.rewinds == {0: 2 * HOUR_US}


def test_status_when_account_has_gone_on_then_rewound_to_behind_its_last_step_only() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0), candle(1), assessment(1), candle(5, symbol=ETH))
    arrives(desk, second(0))
    assert desk.positions.rewinds == {0: 2 * HOUR_US + 1}


def test_status_when_no_bar_in_force_was_read_yet_then_nothing_is_read_again() -> None:
    desk = desk_with()
    told(desk, candle(0), candle(0, symbol=ETH))
    arrives(desk, second(HOUR_US + 1))
    assert not desk.positions.rewinds


def test_status_when_the_account_follows_the_bars_already_then_nothing_is_read_again() -> None:
    desk = desk_with(BTC, ETH)
    told(desk, candle(0), candle(3, symbol=ETH))
    arrives(desk, second(HOUR_US))
    assert not desk.positions.rewinds


def test_candle_when_a_rewind_is_due_then_it_waits_for_those_before_it() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0), candle(1, symbol=ETH))
    arrives(desk, second(0))
    assert list(desk.on_candle(candle(2, symbol=ETH), envelope(candle(2, symbol=ETH), 3))) == []
    assert not any(desk.pending.counts().values())


def test_own_when_a_status_came_after_the_position_was_written_then_rewound() -> None:
    desk = desk_with()
    desk.forget([0])
    arrives(desk, second(5 * HOUR_US), offset=9)
    desk.own([0], {0: ReadPosition({0: 100}, 10)})
    assert not desk.positions.rewinds
    desk.forget([0])
    desk.own([0], {0: ReadPosition({0: 100}, 9)})
    assert desk.positions.rewinds == {0: 5 * HOUR_US}
