"""What a run trades, whatever way it is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tradewire.ports.events import RiskLimitsChanged

ANSWER_SECONDS = 120.0
"""Longest wait for the platform's answer while a run begins."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a run trades: candle files, strategy files, limits, accounts. The same for every way to run it.

    ``begins_us``: first event time at which the strategies decide. On the bars before, their indicators warm up:
    ``warm_up`` has strategies that demand the same and trade on no account that counts.
    """

    name: str
    data: Path
    files: tuple[str, ...]
    strategies: tuple[Path, ...]
    limits: tuple[RiskLimitsChanged, ...] = ()
    paper: Mapping[str, str] = field(default_factory=dict)
    """Settings of the paper accounts, by name, where they differ from the defaults of the execution service."""
    begins_us: int = 0
    warm_up: tuple[Path, ...] = ()


def sample_scenarios(root: Path) -> dict[str, Scenario]:
    """The two scenarios on the data that comes with the project."""
    data, strategies = root / "data/sample", root / "strategies"
    hourly = ("donchian-breakout-btc", "ema-cross-btc", "rsi-reversion-btc")
    daily: Iterable[str] = ("band-reversion-daily", "trend-daily")
    return {
        "btc-hourly": Scenario(
            "btc-hourly", data, ("coinbase-BTCUSD-1h.csv",), tuple(strategies / f"{name}.yaml" for name in hourly)
        ),
        "three-daily": Scenario(
            "three-daily",
            data,
            tuple(f"bitstamp-{symbol}-1d.csv" for symbol in ("BTCUSD", "ETHUSD", "LTCUSD")),
            tuple(strategies / f"{name}.yaml" for name in daily),
            limits=_daily_limits(),
        ),
    }


def _daily_limits() -> tuple[RiskLimitsChanged, ...]:
    """Limits that bind across symbols: a third market is often one too many, and a losing account stops."""
    alpha = RiskLimitsChanged(
        account_id="alpha",
        version=1,
        max_gross_exposure=Decimal(220_000),
        max_net_exposure=Decimal(140_000),
        max_leverage=Decimal("1.1"),
        max_concentration_ratio=Decimal("0.6"),
        max_drawdown_ratio=Decimal("0.22"),
        author="sample",
        changed_at_us=0,
    )
    beta = RiskLimitsChanged(
        account_id="beta",
        version=1,
        max_gross_exposure=Decimal(75_000),
        max_net_exposure=Decimal(45_000),
        max_leverage=Decimal("0.9"),
        max_drawdown_ratio=Decimal("0.8"),
        author="sample",
        changed_at_us=0,
    )
    return alpha, beta
