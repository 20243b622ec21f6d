"""Strategies for tests: a short document, and what the platform says about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewire.ports.events import (
    ActiveVersion,
    ConfigStatus,
    StrategyConfigPublished,
    StrategyStatusChanged,
    TradingMode,
)
from tradewire.testkit.builders import ACCOUNT, BTC, STRATEGY, VENUE
from tradewire.trading.language import compile_strategy, parse_strategy


def document(strategy_id: str = STRATEGY, account_id: str = ACCOUNT, *symbols: str, **fields: str) -> str:
    """A strategy file that is long above and short below its own three-bar average; ``fields`` replace its lines."""
    lines = {
        "id": strategy_id,
        "venue": VENUE,
        "account": account_id,
        "symbols": f"[{', '.join(symbols or (BTC,))}]",
        "interval": "1h",
        "indicators": "{mean: 'sma(close, 3)'}",
        "entry_long": "close > mean",
        "exit_long": "close < mean",
        "entry_short": "close < mean",
        "exit_short": "close > mean",
        "sizing": "{fixed_qty: 1}",
    }
    return "".join(f"{name}: {text}\n" for name, text in (lines | fields).items())


def config(text: str, version: int = 1, **other: Any) -> StrategyConfigPublished:
    """A strategy file as a quant publishes it, fit or not."""
    values: dict[str, Any] = {
        "strategy_id": next(line[4:] for line in text.splitlines() if line.startswith("id: ")),
        "version": version,
        "document": text,
        "mode": TradingMode.PAPER,
        "author": "quant",
        "published_at_us": version,
    }
    return StrategyConfigPublished(**values | other)


def active(text: str, version: int = 1, effective_from_us: int = 0) -> ActiveVersion:
    """A strategy file in force."""
    compiled = compile_strategy(parse_strategy(text))
    return ActiveVersion(
        version=version,
        account_id=compiled.account,
        venue=compiled.venue,
        symbols=compiled.symbols,
        interval=compiled.interval,
        demands=compiled.demands,
        effective_from_us=effective_from_us,
        digest=compiled.digest,
        document=text,
    )


def status(*versions: ActiveVersion, strategy_id: str | None = None) -> StrategyStatusChanged:
    """The platform's answer that these versions are in force; none: the strategy is retired."""
    return StrategyStatusChanged(
        strategy_id=strategy_id or parse_strategy(versions[0].document).id,
        version=versions[-1].version if versions else 1,
        status=ConfigStatus.ACCEPTED if versions else ConfigStatus.RETIRED,
        reasons=(),
        active=versions,
        answered_at_us=1,
    )


def retired(version: ActiveVersion, ends_us: Mapping[str, int]) -> StrategyStatusChanged:
    """The platform's answer that a strategy is retired, and leaves each of its symbols at an event time."""
    versions = [version]
    for end_us in sorted({ends_us[symbol] for symbol in version.symbols}):
        kept = tuple(symbol for symbol in version.symbols if ends_us[symbol] > end_us)
        versions.append(version.model_copy(update={"symbols": kept, "effective_from_us": end_us}))
    return status(*versions).model_copy(update={"status": ConfigStatus.RETIRED})
