"""Writes indicators.md from the catalogue of ``tradewire.trading.indicators``.

python docs/research/generate_indicators.py            # write it
python docs/research/generate_indicators.py --check    # exit 1 when the committed file is stale
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tradewire.trading.indicators import BUILT_IN, Indicator
from tradewire.trading.indicators.adapters.choice import Adapter, adapter_of
from tradewire.trading.indicators.candlesticks import Candlestick
from tradewire.trading.language.calls import usage

TARGET = Path(__file__).with_name("indicators.md")
HEAD = """\
# Indicators

Generated from the code by `docs/research/generate_indicators.py`. {own} own indicators, each in an incremental form of
O(1) a bar and an array form, and {patterns} candlestick patterns that TA-Lib recognises; both forms of each are equal
bit for bit. `x` is the series that a call names first, as `close` in `rsi(close, 14)`; other inputs are read from the
bar. **Warm-up**: bars without a value at the default parameters. **Adapters**: who else computes it, for comparison:
`tradewire indicator compare 'rsi(close, 14)' --data FILE`.

Where TA-Lib has an indicator the two agree to 1e-9 relative, warm-up included, with TA-Lib's unstable periods at 0.
pandas-ta may seed recursive averages in its own way: such values agree once the seed has faded.

**Exact decimals.** Which of two sums or differences of prices is larger is decided by their decimals, not by how
floats round: equal typical prices of different bars are no money flow, a rise and a fall of the same size no
direction, a market that stands still has no range, and every average of one price is exactly that price. This holds
for decimals of up to 13 significant digits. Every indicator is held against exact fractions over random markets of
coarse ticks. TA-Lib compares floats and differs where they round.

**Exact zeros.** What a rule asks of the sign is right, of every indicator, for decimals of up to 13 significant digits:
one that is exactly zero of the decimals is zero, and one above or below it has that sign, for prices and for arguments
such as `close - open`. One difference of two prices (`momentum`, `roc`, `rocp`, `bop`, `qstick(1)`, `force(1)`) has its
sign up to 15 digits, which are all that floats tell apart. Distances of a window's values are taken to their decimals,
so a window of n values near 1e9 with a tick of 0.01 has a variance within (n + 8) · n · 2⁻⁵² of itself, and what is
made of it (`stddev`, `zscore`, `bollinger_percent`, `correl`, `cci`, `linreg_slope`, `efficiency_ratio`) likewise. A
sum of n numbers within (n + 8) · 2⁻⁵² of their sizes counts as zero.

**Limits.** What a definition limits, as `ultosc` to 0 to 100 and `cmf` to -1 to 1, stays within that at every price
that data may have, but for 1e-13 of the limit, by which sums round: a part of a range is never longer than the range.

**Bounds.** Differences of averages, or of a price and an average (`macd`, `apo`, `ppo`, `elder_ray`, `awesome`, `dpo`,
`adosc`, `trix`), and the averages `dema`, `tema`, `t3` and `zlema` are made of gaps to the newest value, so that their
differences are as exact as the moves of the price, whatever its size. With each gap goes a bound of what rounding is in
it, 2⁻⁵⁰ of each step, which fades as the gap does; within the bound the value is 0. `ema`, `rma`, `force`, `tsi` and
`kama` have such a bound once a value is below 0. Sums over all bars (`ad`, `obv`, `pvt`) are compensated, and 0 within
2⁻⁴⁹ of the sizes of what was added.

True ranges, changes (`rsi`, `cmo`, `tsi`), and what is made of them, are of decimals too. The values of `sma`, `ema`,
`rma`, `sum` and `bollinger` have the digits of floats: 2⁻⁵³ of their inputs. `beta` has those of the differences of
returns: none where moves are of one size, at prices of more than eight digits.
"""


def document() -> str:
    """The whole reference as Markdown."""
    own = [one for _, one in sorted(BUILT_IN.items()) if not isinstance(one, Candlestick)]
    patterns = [one for _, one in sorted(BUILT_IN.items()) if isinstance(one, Candlestick)]
    kinds = Counter("patterns" if isinstance(one, Candlestick) else "own" for one in BUILT_IN.values())
    parts = [HEAD.format(own=kinds["own"], patterns=kinds["patterns"]).rstrip()]
    parts += ["## Own indicators", *map(_section, own), "## Candlestick patterns", _patterns(patterns)]
    return "\n\n".join(parts) + "\n"


def _section(one: Indicator) -> str:
    lines = [f"### `{usage(one)}`", "", f"{one.title}. `{one.formula}`", ""]
    for param in one.params:
        kind = "whole number" if param.integer else "number"
        lines.append(f"- `{param.name}`: {kind} from {param.low:g} to {param.high:g}, default {param.default:g}")
    if len(one.outputs) > 1:
        lines.append(f"- outputs: {', '.join(f'`.{name}`' for name in one.outputs)}")
    lines.append(f"- reads {', '.join(one.inputs)}; warm-up {one.warmup()} bars; adapters {', '.join(_adapters(one))}")
    lines.append(f"- source: {one.source}")
    return "\n".join(lines)


def _patterns(patterns: Sequence[Indicator]) -> str:
    first = patterns[0]
    head = f"They read {', '.join(first.inputs)} and give {first.formula}. Adapters: {', '.join(_adapters(first))}."
    lines = [head, "", "| call | pattern | warm-up, bars | source |", "|---|---|---|---|"]
    lines += [f"| `{usage(one)}` | {one.title} | {one.warmup()} | {one.source} |" for one in patterns]
    return "\n".join(lines)


def _adapters(one: Indicator) -> list[str]:
    return [str(adapter) for adapter in Adapter if adapter_of(adapter).supports(one.name)]


def main() -> int:
    """Write the file, or with --check compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description="Writes indicators.md from the catalogue.")
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    text = document()
    stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text
    if parser.parse_args().check:
        print(f"{TARGET.name}: {'stale' if stale else 'current'}")
        return int(stale)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
