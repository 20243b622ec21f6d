"""How many bars a series needs before it has a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradewire.trading.indicators import Indicator
from tradewire.trading.language.intervals import INTERVALS_US
from tradewire.trading.language.tree import Apply, Tree, children


def warmup_bars(trees: Iterable[Tree], interval_us: int, catalogue: Mapping[str, Indicator]) -> int:
    """Base bars without a value at the start of the slowest of the series, at most, where no bars are
    missing.

    A higher bar of r base bars costs up to r-1 more when the history begins inside one.
    """
    return max((_warmup(tree, interval_us, catalogue) for tree in trees), default=0)


def wait_for(bars: int) -> tuple[str, ...]:
    """The series, in canonical text, that has no value on the first bars of a history and one from then on.

    A strategy that reads it is not ready before, in every form and service, without a count of its own.
    """
    return (f"shift(close,{bars})",) if bars else ()


def _warmup(tree: Tree, interval_us: int, catalogue: Mapping[str, Indicator]) -> int:
    inner = max((_warmup(child, interval_us, catalogue) for child in children(tree)), default=0)
    if not isinstance(tree, Apply):
        return inner
    own = inner + catalogue[tree.indicator].warmup(*tree.params)
    if tree.interval is None:
        return own
    ratio = INTERVALS_US[tree.interval] // interval_us
    return (ratio - 1) + ratio * (own + 1) - 1
