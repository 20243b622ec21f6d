"""Statistics against quantstats and empyrical on the same returns, with equal settings.

Both peers annualise with 252 periods unless told otherwise: they are told 365. empyrical takes the sample standard
deviation (ddof 1), as quantstats and we do. quantstats divides the ulcer index by n−1 and we, as Martin does, by n:
the test converts. empyrical compounds alpha over a year and quantstats multiplies it, as we do: quantstats is compared.
"""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tradewire.backtest.statistics import drawdowns, returns
from tradewire.backtest.statistics.sampling import DAY_US, FloatArray

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers/bin/python"
SCRIPT = Path(__file__).with_name("statistics_peer.py")
PERIODS = 365

pytestmark = pytest.mark.skipif(not PEERS.exists(), reason="no peers: `make .venv-peers/.installed` makes them")


def ours(series: FloatArray, benchmark: FloatArray) -> dict[str, float | None]:
    equity = np.concatenate(([1.0], np.cumprod(1.0 + series)))
    growth, deepest = returns.cagr(equity, len(series) * DAY_US), drawdowns.max_drawdown(equity)
    ulcer = drawdowns.ulcer_index(equity[1:])
    assert ulcer is not None
    return {
        "total_return": returns.total_return(equity),
        "cagr": growth,
        "volatility": returns.volatility(series, PERIODS),
        "sharpe": returns.sharpe(series, PERIODS),
        "sortino": returns.sortino(series, PERIODS),
        "calmar": drawdowns.calmar(growth, deepest),
        "omega": returns.omega(series),
        "max_drawdown": deepest,
        "value_at_risk": returns.value_at_risk(series),
        "conditional_value_at_risk": returns.conditional_value_at_risk(series),
        "tail_ratio": returns.tail_ratio(series),
        "ulcer_index": ulcer * math.sqrt(len(series) / (len(series) - 1)),
        "skewness": returns.skewness(series),
        "kurtosis": returns.kurtosis(series),
        "best_day": returns.best_day(series),
        "worst_day": returns.worst_day(series),
        "alpha": returns.alpha(series, benchmark, PERIODS),
        "beta": returns.beta(series, benchmark),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_statistics_equal_those_of_both_peers(seed: int) -> None:
    dice = np.random.default_rng(seed)
    # The first day gains: quantstats looks for drawdowns from the first close, not from the capital before it.
    benchmark = np.concatenate(([0.01], dice.normal(0.001, 0.03, 399)))
    series = np.concatenate(([0.02], 0.4 * benchmark[1:] + dice.standard_t(4, 399) * 0.01))
    asked = json.dumps({"returns": series.tolist(), "benchmark": benchmark.tolist(), "periods": PERIODS})

    answer = subprocess.run([PEERS, SCRIPT], input=asked, capture_output=True, text=True, check=True, timeout=600)

    mine = ours(series, benchmark)
    for peer, found in json.loads(answer.stdout).items():
        for name, value in found.items():
            assert mine[name] == pytest.approx(value, rel=1e-9), f"{name} by {peer}"
