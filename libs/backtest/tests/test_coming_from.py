"""Every strategy of the page for those who come from another program is valid and trades on the sample data."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tradewire.backtest as tb
from tradewire.trading.language import Bars, check_strategy, compile_strategy, parse_strategy

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/research/coming-from.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_page_when_read_then_shows_ten_strategies() -> None:
    assert len({parse_strategy(text).id for text in FILES}) == len(FILES) == 10


@pytest.mark.parametrize("text", FILES, ids=lambda text: parse_strategy(text).id)
def test_strategy_of_the_page_when_backtested_on_the_sample_then_trades(text: str) -> None:
    document = parse_strategy(text)
    assert document.warnings == ()
    compiled = compile_strategy(document)
    sample = ROOT / "data/sample"
    candles = sample / f"{compiled.venue}-{compiled.symbols[0]}-{compiled.interval}.csv"
    rows = np.loadtxt(candles, delimiter=",", skiprows=1, max_rows=2_000)
    bars = Bars((rows[:, 0] * 1000).astype(np.int64), *(np.ascontiguousarray(rows[:, n]) for n in range(1, 6)))
    assert [finding.message for finding in check_strategy(compiled, bars) if finding.refuses] == []
    run = tb.run(text, data=candles, instruments=sample / "instruments.yaml")
    assert len(run.result.trades) >= 5
