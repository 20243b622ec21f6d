"""Windows: the same whatever is delivered again or in another order; and what they come to."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.domain import windows as module
from tradewire.telemetry.domain.rolling import rolling_accounts, rolling_legs
from tradewire.telemetry.domain.windows import AccountWindow, Windows

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

HOUR_US = 3_600_000_000


def kept(windows: Windows) -> object:
    """All rows."""
    return (
        {name: rows for name, rows in windows.accounts.items() if rows},
        {name: legs for name, legs in windows.fills.items() if legs},
    )


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_take_when_events_are_repeated_and_shuffled_then_the_same_windows(
    messages: Messages, data: st.DataObject
) -> None:
    drawn = data.draw(
        st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 500)), min_size=1, max_size=30)
    )
    told = []
    for sequence, (is_fill, hour, value) in enumerate(drawn, 1):
        when: dict[str, Any] = {"sequence": sequence, "event_time_us": hour * HOUR_US + sequence}
        told.append(
            messages.fill(**when, realized_pnl=str(value)) if is_fill else messages.state(**when, equity=str(value))
        )
    once, again = Windows(size_us=HOUR_US, kept=4), Windows(size_us=HOUR_US, kept=4)
    for event in told:
        once.take(event)
    for event in data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=20)))):
        again.take(event)
    assert kept(again) == kept(once)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(hours=st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_rows_when_read_back_then_the_same_windows(
    messages: Messages, tmp_path_factory: pytest.TempPathFactory, hours: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows, windows = Rows(folder), Windows(size_us=HOUR_US, kept=4)
    for sequence, hour in enumerate(hours, 1):
        when: dict[str, Any] = {"sequence": sequence, "event_time_us": hour * HOUR_US}
        rows.write(windows.take(messages.fill(**when)))
        rows.write(windows.take(messages.state(**when, equity=f"1{sequence}.50")))
    rows.close()
    read = Rows(folder)
    again = Windows(size_us=HOUR_US, kept=4)
    found = list(read.read())
    assert [change for key, row in found for change in again.put(key, row) if change.row is None] == []
    read.close()
    assert kept(again) == kept(windows)
    assert read.generation == rows.generation


def test_rows_when_the_folder_was_lost_then_another_generation(tmp_path: Path) -> None:
    first = Rows(tmp_path / "views")
    first.close()
    (tmp_path / "views").rename(tmp_path / "lost")
    second = Rows(tmp_path / "views")
    second.close()
    assert first.generation != second.generation


def test_rolling_accounts_when_equity_moves_then_pnl_and_drawdowns(messages: Messages) -> None:
    windows = Windows(size_us=HOUR_US, kept=10)
    for hour, equity in enumerate((100, 200, 120, 180)):
        windows.take(messages.state(sequence=10 * hour + 1, event_time_us=hour * HOUR_US, equity=str(equity)))
    (whole,) = rolling_accounts(windows, 4)
    assert (whole.pnl, whole.high, whole.low) == (Decimal(80), Decimal(200), Decimal(100))
    assert (whole.drawdown_ratio, whole.worst_drawdown_ratio) == (0.1, 0.4)
    assert (whole.from_us, whole.to_us, whole.events_per_hour) == (0, 4 * HOUR_US, 31 / 4)
    (recent,) = rolling_accounts(windows, 2)
    assert (recent.pnl, recent.worst_drawdown_ratio) == (Decimal(-20), 0.0)


def test_take_when_a_window_has_several_states_then_first_last_highest_and_lowest(messages: Messages) -> None:
    windows = Windows(size_us=HOUR_US, kept=10)
    for sequence, equity in ((5, "70"), (3, "90"), (9, "80"), (7, "60")):
        windows.take(messages.state(sequence=sequence, event_time_us=sequence, equity=equity))
    assert windows.accounts["paper-1"] == {0: AccountWindow(Decimal(60), Decimal(90), 3, Decimal(90), 9, Decimal(80))}


def test_rolling_legs_when_strategies_share_an_account_then_each_its_own(messages: Messages) -> None:
    windows = Windows(size_us=HOUR_US, kept=10)
    for sequence, (strategy, symbol, pnl) in enumerate(
        (("a", "BTCUSDT", "1.5"), ("a", "BTCUSDT", "-0.5"), ("a", "ETHUSDT", "7"), ("b", "BTCUSDT", "3")), 1
    ):
        fill = messages.fill(
            sequence=sequence,
            event_time_us=sequence * HOUR_US,
            strategy_id=strategy,
            symbol=symbol,
            realized_pnl=pnl,
            qty="2",
            price="10",
        )
        windows.take(fill)
        windows.take(fill)
    found = {(leg.strategy_id, leg.symbol): leg for leg in rolling_legs(windows, 4)}
    assert {key: (leg.fills, leg.realized_pnl) for key, leg in found.items()} == {
        ("a", "BTCUSDT"): (2, Decimal("1.0")),
        ("a", "ETHUSDT"): (1, Decimal(7)),
        ("b", "BTCUSDT"): (1, Decimal(3)),
    }
    assert found["a", "BTCUSDT"].fills_per_hour == 0.5
    assert found["a", "BTCUSDT"].notional == Decimal(40)
    assert not found["a", "BTCUSDT"].saturated


def test_take_when_a_window_has_too_many_fills_then_bounded_and_said(
    messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILLS_PER_WINDOW_MAX", 2)
    monkeypatch.setattr("tradewire.telemetry.domain.rolling.FILLS_PER_WINDOW_MAX", 2)
    windows = Windows(size_us=HOUR_US, kept=10)
    for sequence in (3, 1, 4, 2):
        windows.take(messages.fill(sequence=sequence, event_time_us=0))
    (leg,) = rolling_legs(windows, 1)
    assert (leg.fills, leg.saturated) == (2, True)
    ((_, fills),) = windows.fills["paper-1"].items()
    assert sorted(fills) == [1, 2]
