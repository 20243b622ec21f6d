"""Whether a run reads the volume: where nothing does, files without one, or with an unfit one, may be used."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.ports.backtest import AccountSettings
from tradewire.trading.indicators import INDICATORS, Indicator
from tradewire.trading.language import CompiledStrategy, parse_series
from tradewire.trading.language.tree import Apply, Field, Tree, children

VOLUME = "volume"


def volume_reader(strategy: CompiledStrategy, account: AccountSettings) -> str:
    """What the volume is needed for, as a person would say it; "" when nothing does."""
    if account.volume_share > 0:
        return "the volume share"
    if strategy.python is not None:
        return "the strategy's Python code"
    for text in dict.fromkeys((*strategy.demands, *strategy.reads)):
        if reads_volume(text, strategy.interval_us, strategy.catalogue):
            return f"`{text}`"
    return ""


def reads_volume(text: str, interval_us: int, catalogue: Mapping[str, Indicator] = INDICATORS) -> bool:
    """Whether an expression reads the volume. Raises StrategyErrors for a text that is none."""
    return _reads_volume(parse_series(text, interval_us, catalogue), catalogue)


def _reads_volume(tree: Tree, catalogue: Mapping[str, Indicator]) -> bool:
    if isinstance(tree, Field):
        return tree.name == VOLUME
    if isinstance(tree, Apply) and VOLUME in catalogue[tree.indicator].inputs:
        return True
    return any(_reads_volume(child, catalogue) for child in children(tree))
