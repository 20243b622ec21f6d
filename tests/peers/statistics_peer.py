"""Runs in the peers' environment: statistics of the returns on stdin by quantstats and empyrical, as JSON on stdout.

Input: {"returns": [...], "benchmark": [...], "periods": bars per year}; returns per day from 2020-01-01.
"""

from __future__ import annotations

import json
import sys
import warnings

warnings.filterwarnings("ignore")

import empyrical  # noqa: E402
import pandas as pd  # noqa: E402
import quantstats.stats as qs  # noqa: E402


def series(values: list[float]) -> pd.Series:
    return pd.Series(values, index=pd.date_range("2020-01-01", periods=len(values), freq="D"), dtype="float64")


def by_empyrical(returns: pd.Series, benchmark: pd.Series, periods: float) -> dict[str, float]:
    return {
        "total_return": empyrical.cum_returns_final(returns),
        "cagr": empyrical.annual_return(returns, annualization=periods),
        "volatility": empyrical.annual_volatility(returns, annualization=periods),
        "sharpe": empyrical.sharpe_ratio(returns, annualization=periods),
        "sortino": empyrical.sortino_ratio(returns, annualization=periods),
        "calmar": empyrical.calmar_ratio(returns, annualization=periods),
        "omega": empyrical.omega_ratio(returns, annualization=1),
        "max_drawdown": empyrical.max_drawdown(returns),
        "value_at_risk": empyrical.value_at_risk(returns, cutoff=0.05),
        "conditional_value_at_risk": empyrical.conditional_value_at_risk(returns, cutoff=0.05),
        "tail_ratio": empyrical.tail_ratio(returns),
        "beta": empyrical.beta(returns, benchmark),
    }


def by_quantstats(returns: pd.Series, benchmark: pd.Series, periods: float) -> dict[str, float]:
    greeks = qs.greeks(returns, benchmark, periods=periods, prepare_returns=False)
    return {
        "total_return": qs.comp(returns),
        "volatility": qs.volatility(returns, periods=periods, prepare_returns=False),
        "sharpe": qs.sharpe(returns, periods=periods),
        "sortino": qs.sortino(returns, periods=periods),
        "max_drawdown": qs.max_drawdown(returns),
        "ulcer_index": qs.ulcer_index(returns),
        "skewness": qs.skew(returns, prepare_returns=False),
        "kurtosis": qs.kurtosis(returns, prepare_returns=False),
        "omega": qs.omega(returns, periods=periods),
        "best_day": qs.best(returns, prepare_returns=False),
        "worst_day": qs.worst(returns, prepare_returns=False),
        "alpha": greeks["alpha"],
        "beta": greeks["beta"],
    }


def main() -> None:
    asked = json.load(sys.stdin)
    returns, benchmark = series(asked["returns"]), series(asked["benchmark"])
    answer = {
        "empyrical": by_empyrical(returns, benchmark, asked["periods"]),
        "quantstats": by_quantstats(returns, benchmark, asked["periods"]),
    }
    json.dump(
        {peer: {name: float(value) for name, value in found.items()} for peer, found in answer.items()}, sys.stdout
    )


if __name__ == "__main__":
    main()
