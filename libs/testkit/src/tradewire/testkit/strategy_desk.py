"""A strategy desk by itself: publish configurations and bars to it, look at what it says."""

from __future__ import annotations

from typing import Any

from tradewire.ports.events import StrategyConfigPublished, StrategyEvaluated, StrategyStatusChanged
from tradewire.ports.message import Emit
from tradewire.strategy.domain.desk import QUIET_US, StrategyDesk
from tradewire.testkit.builders import BTC, ETH, envelope, instrument, snapshot

NOW_US = 77
MEAN = "sma(close,3)"


def desk_with(*symbols: str, leads: bool = True) -> StrategyDesk:
    """A desk that knows instruments, and leads unless told otherwise."""
    desk = StrategyDesk()
    for symbol in symbols or (BTC, ETH):
        desk.on_instrument(instrument(symbol), envelope(instrument(symbol)))
    desk.own([0, 1] if leads else [1])
    return desk


def asked(desk: StrategyDesk, *configs: StrategyConfigPublished) -> list[StrategyStatusChanged]:
    """Publish configurations, let a tick pass; returns the answers."""
    for item in configs:
        desk.on_config(item, envelope(item))
    return answers(desk)


def answers(desk: StrategyDesk) -> list[StrategyStatusChanged]:
    """What is said once markets have settled."""
    return [*ticked(desk, NOW_US), *ticked(desk, NOW_US + QUIET_US)]


def ticked(desk: StrategyDesk, now_us: int) -> list[StrategyStatusChanged]:
    """What a tick says."""
    return [said for emit in desk.tick(now_us) if isinstance(said := emit.event, StrategyStatusChanged)]


def evaluated(
    desk: StrategyDesk, number: int, close: float = 100, mean: float | None = 99.0, *, partition: int = 0, **other: Any
) -> list[Emit]:
    """Answers to bar ``number`` with the strategy's one indicator at ``mean``."""
    bar = snapshot(number, close, **other)
    bar = bar.model_copy(update={"values": {**bar.values, MEAN: mean}, "previous": {**bar.values, MEAN: mean}})
    return list(desk.on_snapshot(bar, envelope(bar, offset=1_000 + number, partition=partition)))


def versions(emits: list[Emit]) -> list[int]:
    """Versions that decided."""
    return [emit.event.config_version for emit in emits if isinstance(emit.event, StrategyEvaluated)]
