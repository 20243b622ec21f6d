"""What did not happen in a run is counted and said, a liquidation first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tradewire.backtest.digits import plain
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.not_happened import activity_lines, lines_below, not_happened
from tradewire.backtest.report import activity_document
from tradewire.backtest.statistics import statistics_of
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.activity import Activity, WaitingOrder
from tradewire.ports.backtest import AccountSettings, BacktestPort, BacktestRequest, BacktestResult, MarketHistory
from tradewire.ports.events import RiskLimitsChanged

from .futures.markets import HOUR_US, market, strategy

BTC, ETH = "BTCUSDT", "ETHUSDT"


def run(
    *markets: MarketHistory, sizing: str = "fraction_of_equity: 0.5", account: AccountSettings | None = None
) -> BacktestResult:
    symbols = tuple(item.symbol for item in markets)
    return FuturesEngine().run(
        BacktestRequest(strategy(symbols, sizing=sizing), markets, account=account or AccountSettings())
    )


def test_entries_below_the_step_are_refused_by_name() -> None:
    result = run(market(BTC, 7, 200), sizing="fixed_qty: 0.0001")

    found = result.activity
    assert not result.fills
    assert found.entries == 0
    assert found.refused == {"min_qty": found.signals - found.signals_ignored}
    assert any(line.startswith("refused by risk: ") and "min_qty" in line for line in activity_lines(found))
    assert not_happened(result)[0].startswith("NO TRADES: refused by risk: ")


def test_entries_that_a_limit_refuses_are_counted_by_the_limit() -> None:
    limits = RiskLimitsChanged(
        account_id="main", version=1, max_order_notional=Decimal(10), author="tests", changed_at_us=0
    )

    found = run(market(BTC, 7, 200), account=AccountSettings(limits=limits)).activity

    assert set(found.refused) == {"max_order_notional"}


def test_entries_without_margin_are_rejected_by_the_venue() -> None:
    result = run(market(BTC, 7, 200), sizing="fraction_of_equity: 1", account=AccountSettings(leverage=1))

    assert not result.fills
    assert result.activity.rejected == {"INSUFFICIENT_MARGIN": result.activity.entries}
    assert result.activity.refused == {}
    assert not_happened(result)[0].startswith("NO TRADES: rejected by the venue: ")


def test_entries_that_a_cap_makes_smaller_are_counted() -> None:
    found = run(market(BTC, 7, 200), sizing="fraction_of_equity: 0.5, max_leverage: 0.25").activity

    assert found.entries_cut == found.entries > 0


def test_a_liquidation_is_the_first_line_and_a_statistic() -> None:
    wild = market(BTC, 3, 300, step=4.0)

    result = run(wild, sizing="fraction_of_equity: 19", account=AccountSettings(leverage=20))

    count = result.activity.liquidations
    assert count == sum(fill.leg == "LIQUIDATION" for fill in result.fills) > 0
    assert not_happened(result)[0].startswith(f"LIQUIDATED: {count} position")
    assert statistics_of(result, [wild])["liquidations"] == count


def test_a_market_that_ends_before_the_run_is_named() -> None:
    short, long = market(ETH, 5, 100), market(BTC, 7, 200)

    found = run(short, long).activity

    assert found.data_ended_us == {ETH: 100 * HOUR_US}
    assert any("ETHUSDT" in line for line in activity_lines(found))


def test_funding_without_a_position_is_counted() -> None:
    paid = market(BTC, 7, 200, funding=True)
    rates = paid.funding_rate
    assert rates is not None

    result = run(paid)

    settled = int(np.count_nonzero(rates))
    assert result.activity.settlements_without_position == settled - len(result.funding) > 0


def test_bars_before_the_strategy_is_ready_are_counted() -> None:
    found = run(market(BTC, 7, 200)).activity

    assert (found.bars, found.bars_not_ready) == (200, 8)


def test_entries_that_are_withheld_are_counted_by_reason() -> None:
    rules = "entry_long: volume > 0\nexit_long: close < open\nprotect: {stop_loss: close - 100}\n"
    asked = f"id: held\nsymbols: [{BTC}]\ninterval: 1h\nsizing: {{fraction_of_equity: 0.5}}\n{rules}"
    shown = market(BTC, 7, 200)

    found = FuturesEngine().run(BacktestRequest(asked, (shown,), account=AccountSettings())).activity

    first = shown.close < shown.open
    assert found.entries_withheld == {
        "exit_first": np.count_nonzero(first),
        "not_above_0": np.count_nonzero(~first & (shown.close <= 100)),
    }
    assert found.bars_not_ready == 0
    (line,) = (line for line in activity_lines(found) if line.startswith("no entry though a rule for one held: "))
    assert "a distance or sizing input was not above 0" in line


def test_what_is_not_there_is_not_said() -> None:
    nothing = Activity(bars=10, signals=2, entries=1, exits=1)

    assert activity_lines(nothing) == []
    assert activity_lines(replace(nothing, entries_cut=1)) == ["cut by max_leverage: 1 of 1 entry"]


def test_orders_that_wait_for_volume_are_told() -> None:
    result = run(market(BTC, 7, 200), account=AccountSettings(volume_share=Decimal("0.00001")))

    by_order = Counter(fill.client_order_id for fill in result.fills)
    entries = {fill.client_order_id for fill in result.fills if fill.leg == "ENTRY"}
    told = activity_document(result)
    assert told["orders_filled_in_parts"] == sum(count > 1 for count in by_order.values()) > 0
    assert told["entries_never_filled"] == result.activity.entries - len(entries)
    assert any(line.startswith("filled in parts, ") for line in lines_below(result))
    none = run(market(BTC, 7, 200), account=AccountSettings(volume_share=Decimal("0.00000001")))
    assert not_happened(none)[0].startswith(f"NO TRADES: never filled: {none.activity.entries} of ")


def test_what_still_waits_when_the_data_ends_is_told() -> None:
    shown, rules = market(BTC, 7, 200), "entry_long: volume > 0\nexit_long: close < 0\n"
    asked = f"id: held\nsymbols: [{BTC}]\ninterval: 1h\nsizing: {{fixed_qty: 20}}\n{rules}"
    slow = AccountSettings(capital=Decimal(10**7), volume_share=Decimal("0.00001"))

    result = FuturesEngine().run(BacktestRequest(asked, (shown,), account=slow))

    filled = plain(sum((fill.qty for fill in result.fills), Decimal(0)))
    assert 0 < float(filled) < 20
    assert activity_document(result)["waiting"] == [{"symbol": BTC, "leg": "ENTRY", "qty": "20", "filled": filled}]
    (line,) = (line for line in lines_below(result) if line.startswith("still waiting when the data ended: "))
    assert line == f"still waiting when the data ended: 1 order: ENTRY {BTC}, {filled} of 20 filled"


@pytest.mark.parametrize("engine", [FuturesEngine(), VectorizedEngine()], ids=["futures", "vectorized"])
def test_orders_of_the_last_close_wait(engine: BacktestPort) -> None:
    shown = market(BTC, 7, 50)
    last = f"{shown.close[-1]:.2f}"
    for rules, leg in (
        (f"entry_long: close == {last}", "ENTRY"),
        (f"entry_long: volume > 0\nexit_long: close == {last}", "EXIT"),
    ):
        asked = f"id: last\nsymbols: [{BTC}]\ninterval: 1h\nsizing: {{fixed_qty: 20}}\n{rules}\n"

        waiting = engine.run(BacktestRequest(asked, (shown,))).activity.waiting

        assert waiting == (WaitingOrder(BTC, leg, 20 * 10**8, 0),)


def test_a_strategy_that_never_could_decide_is_told_first() -> None:
    text = strategy((BTC,)).replace("entry_long: ", "warmup: 500\nentry_long: ")
    result = FuturesEngine().run(BacktestRequest(text, (market(BTC, 7, 200),)))
    assert not_happened(result)[0].startswith("NEVER READY: on each of 200 bars an input had no value")


def test_entry_rules_that_never_hold_are_told() -> None:
    text = strategy((BTC,)).replace("entry_long: ", "entry_long: rsi(close, 3) > 101 and ")
    result = FuturesEngine().run(BacktestRequest(text.replace("entry_short:", "# "), (market(BTC, 7, 200),)))
    assert "no entry: an entry rule held on none of the 192 bars that the strategy could decide on" in not_happened(
        result
    )
