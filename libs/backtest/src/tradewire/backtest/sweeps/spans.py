"""Which bars a search sees, and which ones it is judged on: a held-out end, or windows that walk forward.

Between the two lies an embargo: bars that neither the search nor the judgement trades, so that nothing held in one
reaches into the other. (López de Prado 2018, Advances in Financial Machine Learning, chapter 7: purging and embargo.)
Every account begins flat at its span's first bar; its indicators have seen the bars before that.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradewire.backtest.sweeps.tasks import SweepSpan

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

_UNITS_US = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
_LENGTH = re.compile(r"(\d+)([mhdw]?)")


@dataclass(frozen=True, slots=True)
class Window:
    """``train``: what the search trades; ``test``: what the chosen set trades, an embargo later."""

    train: SweepSpan
    test: SweepSpan


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Lengths in µs; ``anchored``: training always begins at the first bar, else it rolls."""

    train_us: int
    test_us: int
    step_us: int
    anchored: bool = False

    def windows(self, first_us: int, end_us: int, embargo_us: int) -> list[Window]:
        """Windows whose training and first test bar lie in the bars searched; the last test may be shorter.

        Raises: ValueError when there is none, or the embargo leaves less than half of the training.
        """
        if embargo_us * 2 > self.train_us:
            raise ValueError(
                f"--walk-forward: the embargo of {_days(embargo_us)} takes over half of the {_days(self.train_us)} of "
                "training; train longer, or give a shorter --embargo"
            )
        found = []
        counted = first_us + self.train_us
        while counted < end_us:
            begin = first_us if self.anchored else counted - self.train_us
            test = SweepSpan(counted, min(counted + self.test_us, end_us))
            found.append(Window(SweepSpan(begin, counted - embargo_us), test))
            counted += self.step_us
        if not found:
            raise ValueError(
                f"--walk-forward: {_days(self.train_us)} of training leave no bar of the {_days(end_us - first_us)} "
                "searched to test; train shorter, or hold out less (--holdout)"
            )
        return found


def parse_walk_forward(text: str, interval_us: int, *, anchored: bool = False) -> WalkForward:
    """``TRAIN:TEST[:STEP]`` in bars or durations, e.g. ``180d:30d`` or ``4320:720``; STEP is TEST by default.

    Raises: ValueError.
    """
    lengths = [_length(part, interval_us) for part in text.split(":")]
    if len(lengths) not in (2, 3) or not all(lengths):
        raise ValueError(f"--walk-forward: found {text!r}, allowed TRAIN:TEST[:STEP] in bars or as 180d:30d")
    train, test, step = (*lengths, lengths[1])[:3]
    if step < test:
        raise ValueError(f"--walk-forward: found a step below the test in {text!r}, allowed steps of a test or longer")
    return WalkForward(train, test, step, anchored)


def _length(part: str, interval_us: int) -> int:
    """µs, a whole number of bars; 0 for what is no length."""
    match = _LENGTH.fullmatch(part.strip())
    if match is None:
        return 0
    length = int(match[1]) * _UNITS_US.get(match[2], interval_us)
    return length if length % interval_us == 0 else 0


def held_out(times_us: IntArray, interval_us: int, share: float, embargo_us: int) -> Window | None:
    """The last share of the closes as a test; None for a share of 0. Raises: ValueError when too few bars are left."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"--holdout: found {share:g}, allowed a share from 0 to below 1")
    if share == 0.0:
        return None
    counted = int(times_us[min(len(times_us) - 1, math.ceil(len(times_us) * (1.0 - share)))])
    bound = counted - embargo_us
    if bound - int(times_us[0]) < embargo_us:
        raise ValueError(
            f"--holdout {share:g}: the embargo of {_days(embargo_us)} leaves too few bars to search; "
            "give more data, a smaller share, or a shorter --embargo"
        )
    end = int(times_us[-1]) + interval_us
    return Window(SweepSpan(int(times_us[0]), bound), SweepSpan(counted, end))


def _days(length_us: int) -> str:
    return f"{length_us / 86_400_000_000:.4g} days"
