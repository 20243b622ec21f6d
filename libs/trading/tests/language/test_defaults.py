"""A strategy file with other parameter values says so itself, and stays the file that its author wrote."""

from __future__ import annotations

import pytest

from tradewire.trading.language import (
    StrategyErrors,
    compile_strategy,
    parse_strategy,
    with_defaults,
    with_names,
    with_symbols,
)

FILE = """\
# Two averages cross.   (kept)
id: cross
venue: binance
account: main
symbols: [BTCUSDT]
interval: 1h
indicators: {fast: 'ema(close, fast_len)', slow: 'ema(close, slow_len)'}
entry_long: crossed_above(fast, slow)   # kept too
exit_long: crossed_below(fast, slow)
sizing: {fixed_qty: 1}
params:
  fast_len: {default: 12, low: 5, high: 60, step: 1}
  slow_len:
    low: 10
    default: 26  # of the paper
    high: 200
"""


def test_values_are_written_where_the_defaults_were() -> None:
    changed = with_defaults(FILE, {"slow_len": 120, "fast_len": 7})

    assert changed == FILE.replace("default: 12", "default: 7").replace("default: 26", "default: 120")


def test_file_says_what_the_parameters_said() -> None:
    params = {"fast_len": 9.0, "slow_len": 30.0}

    written = compile_strategy(parse_strategy(with_defaults(FILE, params)))

    assert written.digest == compile_strategy(parse_strategy(FILE), params).digest


@pytest.mark.parametrize(("name", "value"), [("fast_len", 3), ("fst_len", 10)])
def test_value_that_is_not_allowed_is_refused(name: str, value: float) -> None:
    with pytest.raises(StrategyErrors, match=name):
        with_defaults(FILE, {name: value})


REST = "symbols: [X]|interval: 1h|entry_long: close > 1|exit_long: close < 1|sizing: {fixed_qty: 1}"
NAMED = [
    f"id: a|venue: v|account: main|{REST}".replace("|", "\n"),
    f"account: main  # mine|id: a|venue: v|{REST}".replace("|", "\n"),
    f"  id: a # one|venue: v|{REST}".replace("|", "\n  "),
    f"{{id: a|venue: v|{REST}}}".replace("|", ", "),
]


@pytest.mark.parametrize("text", NAMED)
def test_a_file_under_other_names_is_the_same_strategy(text: str) -> None:
    named = parse_strategy(with_names(text, strategy_id="b", account="c"))
    before, after = compile_strategy(parse_strategy(text)), compile_strategy(named)
    assert (after.id, after.account, after.demands, after.symbols) == ("b", "c", before.demands, before.symbols)


@pytest.mark.parametrize(
    "symbols", ["symbols: [A, 'B', C]  # all", "symbols:\n- A\n- B\n- C", "symbols:\n  - A\n  - 'B'\n  - C\n"]
)
def test_a_file_on_some_of_its_symbols_is_otherwise_the_same(symbols: str) -> None:
    text = FILE.replace("symbols: [BTCUSDT]", symbols)
    assert with_symbols(text, ["C", "A", "B"]) == text

    fewer = with_symbols(text, ["C", "B"])

    assert parse_strategy(fewer).symbols == ("B", "C")
    wanted = FILE.replace("[BTCUSDT]", "[B, C]")
    assert compile_strategy(parse_strategy(fewer)).digest == compile_strategy(parse_strategy(wanted)).digest
