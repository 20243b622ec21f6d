"""Every statistic of a run: its name, its unit and the function that it comes from, in the order of all tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from tradewire.backtest.statistics import drawdowns, returns, trading
from tradewire.backtest.statistics.sampling import (
    YEAR_US,
    FloatArray,
    IntArray,
    daily_returns,
    periods_per_year,
    simple_returns,
)
from tradewire.ports.backtest import BacktestResult

Value = float | int | Decimal | None
"""Money is Decimal, counts are int, all else float; None where the statistic is not defined for the run."""


class Unit(StrEnum):
    """What a value is measured in."""

    RATIO = "ratio"
    PURE = "1"
    PER_YEAR = "1/year"
    QUOTE = "quote"
    COUNT = "count"
    BARS = "bars"
    DAYS = "days"
    HOURS = "hours"


class Group(StrEnum):
    """Headings of the tables."""

    RETURN = "Return"
    RISK = "Risk"
    RATIOS = "Return for risk"
    BENCHMARK = "Against buy-and-hold"
    TRADES = "Trades"
    MONEY = "Where the money went"


@dataclass(frozen=True, eq=False)
class Sample:
    """A run as the statistics see it: the result, its equity in quote and that of buying and holding, both (t,)."""

    result: BacktestResult
    equity: FloatArray
    benchmark: FloatArray

    @property
    def time_us(self) -> IntArray:
        """Closes, UTC µs."""
        return self.result.time_us

    @cached_property
    def span_us(self) -> int:
        """From the first close to the last."""
        return int(self.time_us[-1] - self.time_us[0]) if len(self.time_us) else 0

    @cached_property
    def periods(self) -> float:
        """Bars per year; NaN for less than two closes, which makes every annualised statistic None."""
        return periods_per_year(self.time_us) or float("nan")

    @cached_property
    def per_bar(self) -> FloatArray:
        """Returns per bar."""
        return simple_returns(self.equity)

    @cached_property
    def benchmark_per_bar(self) -> FloatArray:
        """Returns of the benchmark over the same bars."""
        return simple_returns(self.benchmark)[: len(self.per_bar)]

    @cached_property
    def per_day(self) -> FloatArray:
        """Returns per UTC day."""
        return daily_returns(self.time_us, self.equity).returns

    @cached_property
    def gained(self) -> float | None:
        """Total return."""
        return returns.total_return(self.equity)

    @cached_property
    def growth(self) -> float | None:
        """Compound annual growth rate."""
        return returns.cagr(self.equity, self.span_us)

    @cached_property
    def deepest(self) -> float | None:
        """Maximum drawdown."""
        return drawdowns.max_drawdown(self.equity)

    @cached_property
    def open_trades(self) -> int:
        """Trades still open at the end."""
        return trading.open_trades(self.result.position_e8)

    @property
    def closed_trades(self) -> int:
        """Trades that ended."""
        return trading.closed_trades(self.result.trades, self.open_trades)

    @cached_property
    def money(self) -> trading.Attribution:
        """Where the money went."""
        end = Decimal(int(self.result.equity_e8[-1])).scaleb(-8) if len(self.equity) else self.result.account.capital
        net = end - self.result.account.capital
        return trading.attribution(net, self.result.fills, self.result.funding, self.result.insurance)


@dataclass(frozen=True, slots=True)
class Definition:
    """One statistic: ``source`` is the function whose docstring holds formula and source; ``of`` computes it."""

    name: str
    label: str
    unit: Unit
    group: Group
    source: Callable[..., object]
    of: Callable[[Sample], Value]


def _rows(
    group: Group, *rows: tuple[str, str, Unit, Callable[..., object], Callable[[Sample], Value]]
) -> list[Definition]:
    return [Definition(name, label, unit, group, source, of) for name, label, unit, source, of in rows]


_RETURN = _rows(
    Group.RETURN,
    ("total_return", "Total return", Unit.RATIO, returns.total_return, lambda s: s.gained),
    ("cagr", "Growth a year (CAGR)", Unit.RATIO, returns.cagr, lambda s: s.growth),
    ("best_day", "Best day", Unit.RATIO, returns.best_day, lambda s: returns.best_day(s.per_day)),
    ("worst_day", "Worst day", Unit.RATIO, returns.worst_day, lambda s: returns.worst_day(s.per_day)),
)
_RISK = _rows(
    Group.RISK,
    (
        "volatility",
        "Volatility a year",
        Unit.RATIO,
        returns.volatility,
        lambda s: returns.volatility(s.per_bar, s.periods),
    ),
    ("max_drawdown", "Deepest drawdown", Unit.RATIO, drawdowns.max_drawdown, lambda s: s.deepest),
    (
        "average_drawdown",
        "Average drawdown",
        Unit.RATIO,
        drawdowns.average_drawdown,
        lambda s: drawdowns.average_drawdown(s.equity),
    ),
    (
        "longest_drawdown_bars",
        "Longest drawdown, bars",
        Unit.BARS,
        drawdowns.longest_drawdown_bars,
        lambda s: drawdowns.longest_drawdown_bars(s.equity),
    ),
    (
        "longest_drawdown_days",
        "Longest drawdown, days",
        Unit.DAYS,
        drawdowns.longest_drawdown_days,
        lambda s: drawdowns.longest_drawdown_days(s.equity, s.time_us),
    ),
    ("ulcer_index", "Ulcer index", Unit.RATIO, drawdowns.ulcer_index, lambda s: drawdowns.ulcer_index(s.equity)),
    (
        "value_at_risk",
        "Value at risk, day, 95 %",
        Unit.RATIO,
        returns.value_at_risk,
        lambda s: returns.value_at_risk(s.per_day),
    ),
    (
        "conditional_value_at_risk",
        "Expected shortfall, day, 95 %",
        Unit.RATIO,
        returns.conditional_value_at_risk,
        lambda s: returns.conditional_value_at_risk(s.per_day),
    ),
    ("tail_ratio", "Tail ratio", Unit.PURE, returns.tail_ratio, lambda s: returns.tail_ratio(s.per_day)),
    ("skewness", "Skew", Unit.PURE, returns.skewness, lambda s: returns.skewness(s.per_bar)),
    ("kurtosis", "Excess kurtosis", Unit.PURE, returns.kurtosis, lambda s: returns.kurtosis(s.per_bar)),
)
_RATIOS = _rows(
    Group.RATIOS,
    ("sharpe", "Sharpe ratio", Unit.PURE, returns.sharpe, lambda s: returns.sharpe(s.per_bar, s.periods)),
    ("sortino", "Sortino ratio", Unit.PURE, returns.sortino, lambda s: returns.sortino(s.per_bar, s.periods)),
    ("calmar", "Calmar ratio", Unit.PURE, drawdowns.calmar, lambda s: drawdowns.calmar(s.growth, s.deepest)),
    ("omega", "Omega ratio", Unit.PURE, returns.omega, lambda s: returns.omega(s.per_bar)),
    (
        "recovery_factor",
        "Recovery factor",
        Unit.PURE,
        drawdowns.recovery_factor,
        lambda s: drawdowns.recovery_factor(s.gained, s.deepest),
    ),
)
_BENCHMARK = _rows(
    Group.BENCHMARK,
    (
        "benchmark_return",
        "Buy-and-hold return",
        Unit.RATIO,
        returns.total_return,
        lambda s: returns.total_return(s.benchmark),
    ),
    (
        "alpha",
        "Alpha a year",
        Unit.RATIO,
        returns.alpha,
        lambda s: returns.alpha(s.per_bar, s.benchmark_per_bar, s.periods),
    ),
    ("beta", "Beta", Unit.PURE, returns.beta, lambda s: returns.beta(s.per_bar, s.benchmark_per_bar)),
)
_TRADES = _rows(
    Group.TRADES,
    ("trades", "Closed trades", Unit.COUNT, trading.closed_trades, lambda s: s.closed_trades),
    ("open_trades", "Open at the end", Unit.COUNT, trading.open_trades, lambda s: s.open_trades),
    (
        "liquidations",
        "Liquidations",
        Unit.COUNT,
        trading.liquidations,
        lambda s: trading.liquidations(s.result.activity),
    ),
    ("win_rate", "Win rate", Unit.RATIO, trading.win_rate, lambda s: trading.win_rate(s.result.trades)),
    (
        "profit_factor",
        "Profit factor",
        Unit.PURE,
        trading.profit_factor,
        lambda s: trading.profit_factor(s.result.trades),
    ),
    (
        "expectancy",
        "Expectancy of a trade",
        Unit.QUOTE,
        trading.expectancy,
        lambda s: trading.expectancy(s.result.trades),
    ),
    ("payoff_ratio", "Payoff ratio", Unit.PURE, trading.payoff_ratio, lambda s: trading.payoff_ratio(s.result.trades)),
    (
        "holding_hours",
        "Holding time, mean",
        Unit.HOURS,
        trading.holding_hours,
        lambda s: trading.holding_hours(s.result.trades),
    ),
    ("exposure", "Time in the market", Unit.RATIO, trading.exposure, lambda s: trading.exposure(s.result.position_e8)),
    (
        "turnover",
        "Turnover",
        Unit.PER_YEAR,
        trading.turnover,
        lambda s: trading.turnover(s.result.fills, s.equity, s.span_us / YEAR_US),
    ),
)
_MONEY = _rows(
    Group.MONEY,
    ("price_pnl", "Price movement", Unit.QUOTE, trading.attribution, lambda s: s.money.price),
    ("fees", "Fees", Unit.QUOTE, trading.attribution, lambda s: -s.money.fees),
    ("funding", "Funding", Unit.QUOTE, trading.attribution, lambda s: s.money.funding),
    ("slippage", "Slippage", Unit.QUOTE, trading.attribution, lambda s: -s.money.slippage),
    ("insurance", "Borne by the insurance fund", Unit.QUOTE, trading.attribution, lambda s: s.money.insurance),
    ("net_pnl", "Net", Unit.QUOTE, trading.attribution, lambda s: s.money.net),
)
CATALOGUE: tuple[Definition, ...] = (*_RETURN, *_RISK, *_RATIOS, *_BENCHMARK, *_TRADES, *_MONEY)
"""All of them."""
