"""Every engine refuses rules in Python whose results can not be believed, on a made-up market or on the one traded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from libs.backtest.tests.futures.markets import market

import tradewire.backtest as tb
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.sweeps import Search, SweepPlan, SweepStore, parse_space, processes, run_sweep
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest, MarketHistory
from tradewire.trading.language import StrategyErrors, parse_strategy

HOUR_MS = 3_600_000
FAR = 1_000.0
"""Above all prices of the made-up market."""


class Colours:
    """Long on a rising bar, out on a falling one: honest."""

    demands: ClassVar[tuple[str, ...]] = ("sma(close,3)",)

    def __init__(self, params: Mapping[str, float]) -> None:
        self.edge = params.get("edge", 0.0)

    def rules(self, values: Any, previous: Any) -> dict[str, Any]:
        return {"entry_long": values["close"] > values["open"], "exit_long": values["close"] <= values["open"]}

    def rules_array(self, values: Any, previous: Any) -> dict[str, Any]:
        return self.told(values, values["close"] > values["open"])

    def told(self, values: Any, rises: Any) -> dict[str, Any]:
        return {"entry_long": rises, "exit_long": ~rises}


class Ahead(Colours):
    """Knows whether the next bar rises."""

    def told(self, values: Any, rises: Any) -> dict[str, Any]:
        following = np.append(rises[1:], False)
        return super().told(values, np.where(self.sees(values), following, rises).astype(bool))

    def sees(self, values: Any) -> Any:
        """Whether it looks ahead at a bar."""
        return np.full(len(values["close"]), True)


class AheadAboveAPrice(Ahead):
    """Looks ahead where the price is high, as on no made-up market."""

    def sees(self, values: Any) -> Any:
        return values["close"] > FAR


class AheadByParameter(Ahead):
    """Looks ahead with one value of its parameter."""

    def sees(self, values: Any) -> Any:
        return np.full(len(values["close"]), self.edge == 2.0)


class OtherAboveAPrice(Colours):
    """Over a history it enters where bar by bar it does not; without looking ahead."""

    def told(self, values: Any, rises: Any) -> dict[str, Any]:
        return super().told(values, rises | (values["close"] > FAR))


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The classes of this module, as an installed package would offer them."""
    kinds = (Colours, Ahead, AheadAboveAPrice, AheadByParameter, OtherAboveAPrice)
    points = [metadata.EntryPoint(k.__name__, f"{__name__}:{k.__name__}", "tradewire.strategies") for k in kinds]
    monkeypatch.setattr("tradewire.trading.language.plugins.entry_points", lambda group: points)


def lifted(by: float) -> MarketHistory:
    """A random walk around 100, all its prices raised."""
    given = market("BTCUSDT", 3, 400)
    raised = {name: np.round(getattr(given, name) + by, 2) for name in ("open", "high", "low", "close")}
    return replace(given, **raised)


def asked(kind: type[Colours], *, price: float = 100.0, edge: float = 1.0) -> BacktestRequest:
    """A run of a class on a market around 100, lifted to ``price``."""
    text = (
        "id: plug\nvenue: binance\naccount: main\nsymbols: [BTCUSDT]\ninterval: 1h\n"
        f"python: '{__name__}:{kind.__name__}'\n"
        "sizing: {fixed_qty: 1}\nparams: {edge: {default: 1, low: 1, high: 3, step: 1}}\n"
    )
    return BacktestRequest(text, (lifted(price - 100.0),), {"edge": edge})


@pytest.mark.parametrize("engine", [FuturesEngine(), VectorizedEngine()], ids=lambda engine: engine.name)
@pytest.mark.parametrize(
    ("kind", "price", "edge", "message"),
    [
        (Ahead, 100.0, 1.0, "line 6, column 1: on a made-up market, bar .* looks ahead"),
        (AheadAboveAPrice, 5_000.0, 1.0, "on the history of BTCUSDT, bar .* looks ahead"),
        (AheadByParameter, 100.0, 2.0, "looks ahead"),
        (OtherAboveAPrice, 5_000.0, 1.0, "on the history of BTCUSDT, bar .* array form and bar-by-bar form disagree"),
    ],
)
def test_an_engine_refuses_rules_that_can_not_be_believed(
    engine: Any, kind: type[Colours], price: float, edge: float, message: str
) -> None:
    with pytest.raises(StrategyErrors, match=message):
        engine.run(asked(kind, price=price, edge=edge))


@pytest.mark.parametrize("engine", [FuturesEngine(), VectorizedEngine()], ids=lambda engine: engine.name)
@pytest.mark.parametrize(("kind", "price"), [(Colours, 5_000.0), (AheadAboveAPrice, 100.0), (AheadByParameter, 100.0)])
def test_an_engine_runs_rules_that_decide_on_this_market_by_the_past(
    engine: Any, kind: type[Colours], price: float
) -> None:
    assert len(engine.run(asked(kind, price=price)).fills) > 50


def test_a_search_is_refused_before_it_begins() -> None:
    request = asked(Ahead)
    space = parse_space(parse_strategy(request.strategy), ())

    with pytest.raises(StrategyErrors, match="looks ahead"):
        SweepPlan(request, space, Search())
    with pytest.raises(StrategyErrors, match="looks ahead"):
        VectorizedEngine().run_many(request, {"edge": np.array([1.0])})


@pytest.mark.parametrize("engine", ["vectorized", "futures"])
def test_a_search_crowns_no_set_that_looks_ahead(engine: str, tmp_path: Path) -> None:
    request = asked(AheadByParameter)
    plan = SweepPlan(request, parse_space(parse_strategy(request.strategy), ()), Search(), engine=engine)

    with (
        SweepStore(tmp_path, plan.manifest()) as store,
        processes(plan.job, 1) as workers,
        pytest.raises(StrategyErrors, match="looks ahead"),
    ):
        run_sweep(plan, workers, store)


def test_run_from_python_refuses_it_too() -> None:
    request = asked(Ahead)
    bars = request.markets[0]
    frame = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    table = pl.DataFrame({"open_time": 1_500_000_000_000 // HOUR_MS * HOUR_MS + bars.open_time_us // 1_000, **frame})

    with pytest.raises(StrategyErrors, match="looks ahead"):
        tb.run(request.strategy, table)
