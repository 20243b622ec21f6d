"""Indicators of the catalogue computed by another library, over whole series and bar by bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType

import numpy as np

from tradewire.ports.indicator import IndicatorPort
from tradewire.trading.indicators.catalogue import INDICATORS
from tradewire.trading.indicators.model import FloatArray, Indicator, IndicatorError, IndicatorStream

WARMUPS_KEPT = 40
"""Window in warm-ups: Wilder's average of n bars still weighs what is 40 n bars back with e⁻⁴⁰."""
WINDOW_BARS_MIN, WINDOW_BARS_MAX = 250, 3_000
"""The window is saved with the stream's state, so it is bounded."""
WHOLE_HISTORY = frozenset({"ad", "kama", "obv", "sar"})
"""Values that depend on bars however far back: a window can't give them, our own code does."""


class WindowStream(IndicatorStream):
    """One incremental instance by an adapter that computes whole series: of the newest bars, the last value counts.

    A hole gives NaN and restarts the warm-up, as in `Stream`.
    """

    __slots__ = ("_bars", "_count", "_port", "_warmup", "_window")

    def __init__(self, indicator: Indicator, params: tuple[float, ...], port: IndicatorPort) -> None:
        self._indicator, self._params, self._port = indicator, params, port
        self._warmup = indicator.warmup(*params)
        self._window = min(max(WARMUPS_KEPT * self._warmup, WINDOW_BARS_MIN), max(WINDOW_BARS_MAX, 2 * self._warmup))
        self._bars = np.empty((len(indicator.inputs), 2 * self._window))
        self._count = 0
        self.update = self._update

    def _update(self, *inputs: float) -> tuple[float, ...]:
        nothing = (math.nan,) * len(self._indicator.outputs)
        if len(inputs) != len(self._bars):
            raise IndicatorError(f"{self._indicator.name}: {len(inputs)} inputs, allowed are {len(self._bars)}")
        if not all(map(math.isfinite, inputs)):
            self._count = 0
            return nothing
        if self._count == self._bars.shape[1]:
            self._bars[:, : self._window] = self._bars[:, self._window :]
            self._count = self._window
        self._bars[:, self._count] = inputs
        self._count += 1
        if self._count <= self._warmup:
            return nothing
        columns = self._bars[:, max(0, self._count - self._window) : self._count]
        found = self._port.compute(self._indicator.name, list(columns), self._params)
        return tuple(float(output[-1]) for output in found)

    @property
    def state(self) -> list[float]:
        """The bars of the window, bar after bar."""
        kept: list[float] = self._bars[:, max(0, self._count - self._window) : self._count].T.ravel().tolist()
        return kept

    @state.setter
    def state(self, saved: Sequence[float]) -> None:
        bars, rest = divmod(len(saved), len(self._bars))
        if rest or bars > self._window or not all(map(math.isfinite, saved)):
            raise IndicatorError(
                f"{self._indicator.name}{self._params}: a state of {len(saved)} numbers was offered, allowed are at "
                f"most {self._window} bars of {len(self._bars)} finite numbers"
            )
        self._count = bars
        self._bars[:, :bars] = np.array(saved, dtype=np.float64).reshape(bars, len(self._bars)).T


class AdaptedIndicator(Indicator):
    """An indicator whose forms are an adapter's."""

    __slots__ = ("adapter",)
    adapter: IndicatorPort

    @classmethod
    def of(cls, indicator: Indicator, adapter: IndicatorPort) -> AdaptedIndicator:
        """The indicator by that adapter."""
        twin = cls(**{field.name: getattr(indicator, field.name) for field in fields(indicator)})
        object.__setattr__(twin, "adapter", adapter)
        return twin

    def array(self, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
        """As `Indicator.array`, by the adapter; raises IndicatorError for what it does not have."""
        return self.adapter.compute(self.name, inputs, params)

    def stream(self, *params: float) -> IndicatorStream:
        """As `Indicator.stream`, by the adapter where it has the indicator for these params, else by our own code."""
        checked = self.checked(params)
        if self.name in WHOLE_HISTORY or not self._takes(checked):
            return super().stream(*params)
        return WindowStream(self, checked, self.adapter)

    def _takes(self, params: tuple[float, ...]) -> bool:
        """Does the adapter compute this indicator with these params?"""
        if not self.adapter.supports(self.name):
            return False
        rising = np.linspace(1.0, 2.0, self.warmup(*params) + 2)
        try:
            self.adapter.compute(self.name, [rising] * len(self.inputs), params)
        except IndicatorError:
            return False
        return True


def adapted(adapter: IndicatorPort) -> Mapping[str, Indicator]:
    """The catalogue by an adapter."""
    return MappingProxyType({name: AdaptedIndicator.of(item, adapter) for name, item in INDICATORS.items()})
