"""Makes the series that rules read, each known by a number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.vectorized.market import Markets
from tradewire.trading.language import IndicatorEngine
from tradewire.trading.language.numbers import array_form
from tradewire.trading.language.ties import size_of
from tradewire.trading.language.tree import Apply, Field, Number, canonical, leaves

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

ENGINE_BYTES = 1 << 24
"""Series that one indicator engine computes at once."""


class Wanted(Enum):
    """Which series of a number: its values; anything but NaN where all that it reads has a value; those above 0; its
    sizes, see `tradewire.trading.language.ties`.
    """

    VALUE = auto()
    COMPLETE = auto()
    ABOVE_ZERO = auto()
    SIZE = auto()


class SeriesMaker:
    """Gives equal series equal numbers, and makes a series by its number."""

    def __init__(self, markets: Markets, room_bytes: int) -> None:
        """``room_bytes``: for the indicators that expressions are made of."""
        self._markets = markets
        self._room = room_bytes // (8 * sum(map(len, markets.seen)))
        self._numbers: dict[tuple[str, Wanted], int] = {}
        self._wanted: list[tuple[Number, Wanted]] = []
        self._kept: OrderedDict[str, tuple[FloatArray, ...]] = OrderedDict()

    def number(self, tree: Number, what: Wanted) -> int:
        """The number of a series of ``tree``."""
        if what is Wanted.SIZE:
            size = size_of(tree)
            assert size is not None, "only numbers with a size are compared by it"
            tree, what = size, Wanted.VALUE
        if what is Wanted.COMPLETE and isinstance(tree, Apply | Field):
            what = Wanted.VALUE  # which is NaN where it has none
        key = (canonical(tree), what)
        if key not in self._numbers:
            self._numbers[key] = len(self._wanted)
            self._wanted.append((tree, what))
        return self._numbers[key]

    def make(self, numbers: Sequence[int]) -> Iterator[tuple[FloatArray, ...]]:
        """Each series of these numbers, in order: one array a symbol."""
        at_once = max(ENGINE_BYTES // (8 * sum(map(len, self._markets.seen))), 1)
        for first in range(0, len(numbers), at_once):
            asked = [self._wanted[number] for number in numbers[first : first + at_once]]
            plain = self._indicators([tree for tree, _ in asked if isinstance(tree, Apply)])
            for tree, what in asked:
                found = plain[canonical(tree)] if isinstance(tree, Apply) else self._composed(tree, what)
                yield (
                    tuple(np.where(part > 0.0, part, np.nan) for part in found) if what is Wanted.ABOVE_ZERO else found
                )

    def _indicators(self, trees: Sequence[Apply]) -> dict[str, tuple[FloatArray, ...]]:
        """Indicators by canonical text, those of one call computed together."""
        if not trees:
            return {}
        engine = IndicatorEngine.of_trees({canonical(tree): tree for tree in trees}, self._markets.interval_us)
        parts = [engine.array(bars) for bars in self._markets.seen]
        return {text: tuple(part[text] for part in parts) for text in parts[0]}

    def _composed(self, tree: Number, what: Wanted) -> tuple[FloatArray, ...]:
        """An expression over indicators and fields."""
        read = {canonical(leaf): self._leaf(leaf) for leaf in leaves(tree)}
        found = []
        for symbol, bars in enumerate(self._markets.seen):
            series = {text: values[symbol] for text, values in read.items()}
            if what is Wanted.COMPLETE:
                complete = np.all([np.isfinite(values) for values in series.values()], axis=0)
                found.append(np.where(complete, 0.0, np.nan))
            else:
                found.append(array_form(tree, len(bars))(series))
        return tuple(found)

    def _leaf(self, leaf: Field | Apply) -> tuple[FloatArray, ...]:
        """An indicator or field, kept while there is room."""
        if isinstance(leaf, Field):
            return tuple(bars.columns()[leaf.name] for bars in self._markets.seen)
        text = canonical(leaf)
        if text not in self._kept:
            self._kept[text] = self._indicators([leaf])[text]
        self._kept.move_to_end(text)
        found = self._kept[text]
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return found
