"""An indicator written in Python: Heikin-Ashi candles.

The arithmetic is written once, as a step. It runs bar by bar in a service and, compiled by numba, over whole arrays in
a backtest: plain arithmetic on floats, `min`, `max`, `abs` and loops, and functions of this module.
"""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators import Indicator, Kernel


def _step(state: list[float], params: tuple[float, ...], bar: Sequence[float], out: list[float]) -> None:
    """state[0] counts the bars, this one included; the rest is ours, and begins as zeros."""
    close = (bar[0] + bar[1] + bar[2] + bar[3]) / 4.0
    opened = _middle(bar[0], bar[3]) if state[0] == 1.0 else _middle(state[1], state[2])
    state[1] = opened
    state[2] = close
    out[0] = opened
    out[1] = close


def _middle(left: float, right: float) -> float:
    return (left + right) / 2.0


HEIKIN_ASHI = Indicator(
    name="heikin_ashi",
    title="Heikin-Ashi candle",
    formula="close = (o + h + l + c) / 4; open = middle of the open and close before, at first (o + c) / 2",
    source="Valcu (2004), Using the Heikin-Ashi Technique",
    series=(),
    fields=("open", "high", "low", "close"),
    params=(),
    outputs=("open", "close"),
    kernel=Kernel(_step, size=lambda: 3, warmup=lambda: 0),
)
