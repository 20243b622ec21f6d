"""The services begin where research begins: with indicators that have seen all bars before, and an empty account."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tradewire.app.replay_engines.engines import ReplayEngine
from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.warmup import ready_from_us
from tradewire.ports.backtest import AccountSettings, BacktestRequest
from tradewire.ports.events import RiskLimitsChanged
from tradewire.testkit.cold_requests import without_earlier
from tradewire.trading.language import compile_strategy, parse_strategy
from tradewire.trading.times import moment_us

ROOT = Path(__file__).parents[2]
WAITS = "warmup: 210\n"
"""More bars than the first symbols have from the start on, fewer than with those before."""


def request(name: str, first: str, last: str, more: str = "") -> BacktestRequest:
    text = (ROOT / f"strategies/{name}.yaml").read_text(encoding="utf-8") + more
    files, start_us, end_us = MarketFiles([ROOT / "data/sample"]), moment_us(first), moment_us(last)
    markets = load_markets(compile_strategy(parse_strategy(text)), files, start_us=start_us, end_us=end_us)
    return BacktestRequest(text, markets)


@pytest.mark.parametrize(("name", "more"), [("trend-daily", ""), ("band-reversion-daily", WAITS)])
def test_a_replay_with_a_start_decides_as_if_it_had_run_all_along(name: str, more: str) -> None:
    asked = request(name, "2017-09-01", "2018-03-01", more)

    research, services = FuturesEngine().run(asked), ReplayEngine().run(asked)

    assert services.fills == tuple(replace(fill, slippage=services.fills[0].slippage) for fill in research.fills)
    assert services.fingerprint == research.fingerprint
    assert services.activity == research.activity
    assert services.fills
    cold = without_earlier(asked)
    assert ready_from_us(asked) != ready_from_us(cold)
    assert FuturesEngine().run(cold).fingerprint != research.fingerprint


def test_limits_of_the_account_hold_beside_those_of_the_warm_up() -> None:
    asked = request("trend-daily", "2017-09-01", "2018-01-01")
    limits = RiskLimitsChanged(
        account_id="alpha", version=1, max_position_notional=Decimal(20_000), author="test", changed_at_us=0
    )
    asked = replace(asked, account=AccountSettings(limits=limits))

    research, services = FuturesEngine().run(asked), ReplayEngine().run(asked)

    assert services.activity.refused == research.activity.refused
    assert services.fingerprint == research.fingerprint


@pytest.mark.parametrize("span", [("2015-03-01", "2015-09-01"), ("2014-01-01", "2015-08-01")])
def test_a_market_without_bars_in_the_span_is_left_to_the_others(span: tuple[str, str]) -> None:
    asked = request("trend-daily", *span)
    assert [len(market) > 0 for market in asked.markets] == [True, False, False]

    research, services = FuturesEngine().run(asked), ReplayEngine().run(asked)

    assert services.fills
    assert services.fingerprint == research.fingerprint
