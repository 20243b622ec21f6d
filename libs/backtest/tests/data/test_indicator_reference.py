"""The reference of indicators is generated, current, and complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tradewire.trading.indicators import INDICATORS
from tradewire.trading.indicators.candlesticks import Candlestick

FOLDER = Path(__file__).parents[4] / "docs" / "research"


def test_the_committed_reference_is_current() -> None:
    script = FOLDER / "generate_indicators.py"
    found = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_it_has_every_indicator_and_at_least_60_own_ones() -> None:
    text = (FOLDER / "indicators.md").read_text(encoding="utf-8")
    missing = [name for name in INDICATORS if f"`{name}(" not in text]
    assert missing == []
    assert sum(not isinstance(one, Candlestick) for one in INDICATORS.values()) >= 60
