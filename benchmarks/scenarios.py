"""What is traded while measuring: slices of the recorded hourly bars, one file per symbol, and the strategies."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import yaml

from tradewire.app.operating.monolith import Scenario

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data/sample/coinbase-BTCUSD-1h.csv"
INSTRUMENTS = ROOT / "data/sample/instruments.yaml"
ONE_STRATEGY = ("ema-cross-btc",)
THREE_STRATEGIES = ("donchian-breakout-btc", "ema-cross-btc", "rsi-reversion-btc")
SYMBOLS_PER_ACCOUNT = 10
HOUR_MS = 3_600_000

ALWAYS = """\
id: {name}
description: A signal on every bar, so that every bar waits for the account as the bar before left it
venue: coinbase
account: {account}
symbols: {symbols}
interval: 1h
indicators: {{fast: 'ema(close, 12)', slow: 'ema(close, 26)', atr: atr(14)}}
entry_long:  close > open
exit_long:   close <= open
entry_short: close <= open
exit_short:  close > open
sizing: {{fixed_notional: 1000}}
"""
SELDOM = """\
id: {name}
description: Two averages cross
venue: coinbase
account: {account}
symbols: {symbols}
interval: 1h
indicators: {{fast: 'ema(close, 12)', slow: 'ema(close, 26)', atr: atr(14)}}
entry_long:  crossed_above(fast, slow)
exit_long:   crossed_below(fast, slow)
entry_short: crossed_below(fast, slow)
exit_short:  crossed_above(fast, slow)
sizing: {{fixed_notional: 1000}}
"""


def sample_rows() -> list[list[str]]:
    """Rows of the recorded hourly bars: open time (ms) and five numbers, as text."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def sample(folder: Path, *, bars: int, strategies: tuple[str, ...]) -> Scenario:
    """The first bars of the recorded symbol, traded by sample strategies."""
    data = folder / f"sample-{bars}"
    data.mkdir(parents=True, exist_ok=True)
    (data / "instruments.yaml").write_text(INSTRUMENTS.read_text(encoding="utf-8"), encoding="utf-8")
    _write(data / SAMPLE.name, sample_rows()[:bars])
    files = tuple(ROOT / f"strategies/{name}.yaml" for name in strategies)
    return Scenario(f"sample-{bars}", data, (SAMPLE.name,), files)


def synthetic(
    folder: Path, *, symbols: int, bars: int, template: str, per_account: int = SYMBOLS_PER_ACCOUNT
) -> Scenario:
    """``bars`` hours of ``symbols`` symbols, each another slice of the recorded bars on one grid of hours.

    ``per_account`` symbols share one account and one strategy.
    """
    name = f"synthetic-{symbols}x{bars}-{per_account}-{'always' if template is ALWAYS else 'seldom'}"
    data = folder / name
    data.mkdir(parents=True, exist_ok=True)
    rows = sample_rows()
    start_ms = int(rows[0][0]) // HOUR_MS * HOUR_MS
    names = [f"S{number:04d}USD" for number in range(symbols)]
    for number, symbol in enumerate(names):
        shift = number * 17
        slice_ = (rows[(shift + hour) % len(rows)][1:] for hour in range(bars))
        stamped = [[str(start_ms + hour * HOUR_MS), *numbers] for hour, numbers in enumerate(slice_)]
        _write(data / f"coinbase-{symbol}-1h.csv", stamped)
    _write_instruments(data / "instruments.yaml", names)
    strategies = tuple(
        _write_strategy(data, template, number, names[first : first + per_account])
        for number, first in enumerate(range(0, symbols, per_account))
    )
    return Scenario(name, data, tuple(f"coinbase-{symbol}-1h.csv" for symbol in names), strategies)


def _write(path: Path, rows: list[list[str]]) -> None:
    lines = ["open_time,open,high,low,close,volume", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_instruments(path: Path, names: list[str]) -> None:
    known = yaml.safe_load(INSTRUMENTS.read_text(encoding="utf-8"))["instruments"]
    template = next(item for item in known if item["venue"] == "coinbase")
    instruments = [{**template, "symbol": name, "base": name[:-3]} for name in names]
    path.write_text(json.dumps({"instruments": instruments}), encoding="utf-8")  # JSON is YAML


def _write_strategy(data: Path, template: str, number: int, symbols: list[str]) -> Path:
    path = data / f"strategy-{number:03d}.yaml"
    text = template.format(name=f"bench-{number:03d}", account=f"bench-{number:03d}", symbols=json.dumps(symbols))
    path.write_text(text, encoding="utf-8")
    return path
