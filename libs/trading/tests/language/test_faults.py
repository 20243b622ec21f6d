"""Stories of authors' mistakes: each is told at its line and column, with a way out, and all at once."""

from __future__ import annotations

import pickle

import pytest

from tradewire.trading.language import StrategyError, StrategyErrors, compile_strategy, parse_strategy

VALID = """\
id: story
symbols: [BTCUSDT]
interval: 1h
indicators: {fast: 'ema(close, 20)', slow: 'ema(close, 50)', band: 'bollinger(close, 20, 2)'}
entry_long: crossed_above(fast, slow)
sizing: {fraction_of_equity: 0.1}
"""
SIZING = "sizing: {fraction_of_equity: 0.1}"
RULE = "entry_long: crossed_above(fast, slow)"


def faults(text: str) -> list[StrategyError]:
    with pytest.raises(StrategyErrors) as caught:
        parse_strategy(text)
    return list(caught.value.errors)


def only(text: str) -> StrategyError:
    found = faults(text)
    assert len(found) == 1, [str(error) for error in found]
    return found[0]


def rule(expression: str) -> str:
    return VALID.replace(RULE, f"entry_long: {expression}")


def test_parse_when_valid_then_no_fault() -> None:
    assert parse_strategy(VALID).id == "story"


@pytest.mark.parametrize(
    ("expression", "column", "message", "suggestion"),
    [
        ("fats > slow", 13, "unknown name `fats`", "did you mean `fast`?"),
        ("close > emaa(close, 20)", 21, "unknown function `emaa`", "did you mean `ema`?"),
        ("crossover(fast, slow)", 13, "unknown function `crossover`", "did you mean `crossed_above`?"),
        ("close > band", 21, "`band` has the outputs upper, middle, lower; one must be chosen", "write `band.upper`"),
        ("close > band.uper", 21, "`bollinger` has no output `uper`", "did you mean `upper`?"),
        ("close > fast.value", 21, "`fast` is a single number and has no `.value`", "write `fast`"),
        ("fast", 13, "`fast` is a number where a condition is needed", "compare it, as `fast > 0`"),
        ("close > 1 and slow", 27, "`slow` is a number where a condition is needed", "compare it, as `slow > 0`"),
        ("(close > open) + 1 > 2", 14, "`close > open` is a condition where a number is needed", None),
        ("close > 1 && open > 1", 23, "`&&` is not part of the language here", "write `and`"),
        ("close > 1 | open > 1", 23, "`|` is not part of the language here", "write `or`"),
        ("close > 1 AND open > 1", 23, "`AND` is not part of the language here", "write `and` in lower case"),
        ("close = open", 19, "`=` is not part of the language here", "compare with `==`; `=` only names"),
        ("close > 4h", 21, "`4h` is not part of the language here", "an interval stands only in a call"),
        ("close[1] > open", 13, "square brackets are not part of the language", "write `shift(x, 1)`"),
        ("close(1) > open", 13, "`close` is a series, not a function", "write `shift(close, 1)`"),
        ("close > 2 ** 3", 21, "the operator in `2 ** 3` is not part of the language", "operators are + - * /"),
        ("close in open", 13, "`in` and `is` are not part of the language", "compare with < <="),
        ("close > (open", 21, "the brackets do not match: 1 `(` but 0 `)`", "balance the brackets"),
        ("True", 13, "`True` is not a number", "conditions are comparisons"),
        ("close > 1e999", 21, "number 1e999 is too large", None),
        ("close > 1 / 0", 21, "`1 / 0` has no finite value", None),
        ("close > ema", 21, "`ema` is a function", "call it, as `ema(…)`"),
        ("close > ema(20)", 25, "a series is needed here, found the number 20", "write `ema(close, 20)`"),
        ("close > ema(close, 20, 3)", 36, "`ema` takes at most 2 arguments, found 3", "write `ema(close, 20)`"),
        ("close > ema(close, 2.5)", 32, "`n` of `ema` is 2.5; it must be a whole number", "choose 2"),
        ("close > ema(close, fast)", 32, "`fast` changes from bar to bar where a fixed number", "write a number"),
        ("close > shift(close, -1)", 34, "`n` of `shift` is -1; allowed is 1 to 10000", "the future cannot"),
        ("close > ema(close, m=3)", 34, "`ema` has no parameter `m`", "one of n, interval"),
        ("close > ema(close, 5, n=3)", 37, "parameter `n` is given twice", None),
        ("close > ema(close, 5, interval=5h)", 44, "`5h` is not an interval", "one of 1m, 2m"),
        ("close > ema(close, 5, interval=15m)", 44, "interval 15m is not a whole multiple", "one of 2h, 3h"),
        ("close > ema(ema(close, 5, interval=4h), 5, interval=1d)", 25, "an interval inside another", "once"),
        ("close > ema(*close)", 25, "`*` before an argument is not part of the language", None),
        ("close > max(close)", 21, "`max` needs 2 or more numbers, found 1", None),
        ("close > log(close, 2)", 21, "`log` needs 1 number, found 2", None),
        ("crossed_above(close)", 13, "`crossed_above` needs 2 series, found 1", "write `crossed_above(fast, slow)`"),
        ("close > volatility()", 21, "`volatility` needs the number of bars", "write `volatility(30)`"),
        ("close if open > 1 else high", 13, "if/else is not part of the language", "use `and`, `or`, `not`"),
        ("close > __import__", 21, "unknown name `__import__`", "known here"),
        ("close > close.__class__", 21, "`close` is a single number", "write `close`"),
    ],
)
def test_parse_when_a_rule_is_wrong_then_tells_where_what_and_a_way_out(
    expression: str, column: int, message: str, suggestion: str | None
) -> None:
    error = only(rule(expression))
    assert (error.line, error.column) == (5, column)
    assert message in error.message
    assert (suggestion or "") in (error.suggestion or "")
    assert suggestion is None or error.suggestion


@pytest.mark.parametrize(
    ("found", "written", "place", "message", "suggestion"),
    [
        ("id: story", "id: My_Story", (1, 5), "id `My_Story` is not allowed", None),
        ("id: story\n", "", (1, 1), "`id` is missing", "add `id: …`"),
        ("symbols:", "symbol:", (1, 1), "`symbols` is missing", "add `symbols: [BTCUSDT]`"),
        ("[BTCUSDT]", "[BTC/USDT]", (2, 11), "`BTC/USDT` is not a symbol", "write `BTCUSDT`"),
        ("[BTCUSDT]", "[btcusdt]", (2, 11), "`btcusdt` is not a symbol", "write `BTCUSDT`"),
        ("[BTCUSDT]", "[币安人生USDT]", None, None, None),
        ("[BTCUSDT]", "[BTCUSDT, BTCUSDT]", (2, 20), "symbol BTCUSDT is given twice", None),
        ("[BTCUSDT]", "BTCUSDT", (2, 10), "`symbols` must be a list", "write `symbols: [BTCUSDT]`"),
        ("1h", "7m", (3, 11), "`7m` is not an interval", "one of 1m, 2m"),
        ("fast: 'ema(close, 20)'", "fast: 'ema(fast, 20)'", (4, 25), "defined by itself: fast → fast", None),
        ("fast: 'ema(close, 20)'", "fast: 'ema(slow, 20)'", None, None, None),
        ("fast:", "close:", (4, 14), "`close` is taken by the language", "choose another name"),
        ("fast:", "Fast:", (4, 14), "`Fast` is not a name", None),
        (RULE, "exit_long: close > open", (1, 1), "a strategy needs an entry", "add `entry_long"),
        (RULE, "entrylong: close > open", (5, 1), "`entrylong` is no part of", "did you mean `entry_long`?"),
        (
            "fraction_of_equity: 0.1",
            "fraction: 0.1",
            (6, 10),
            "`fraction` is no part of sizing",
            "`fraction_of_equity`?",
        ),
        ("fraction_of_equity: 0.1", "fixed_qty: 0", (6, 21), "fixed_qty is 0; it must be above 0", None),
        ("fraction_of_equity: 0.1", "fixed_qty: close", (6, 21), "`close` changes from bar to bar", None),
        ("fraction_of_equity: 0.1", "risk_per_trade: 0.1", (6, 9), "risk_per_trade needs a stop", "protect"),
        ("sizing:", "protect: {stop_loss: 0}\nsizing:", (6, 22), "stop_loss is 0; it must be above 0", None),
        ("sizing:", "params: {n: {default: 1}}\nsizing:", (6, 13), "parameter `n` lacks low, high", "write"),
        ("sizing:", "params: {n: {default: 9, low: 1, high: 3}}\nsizing:", (6, 13), "outside 1 to 3", None),
        ("id: story", "id: story\nid: other", (2, 1), "`id` is given twice in the strategy", None),
        ("[BTCUSDT]", "[BTCUSDT", (3, 9), "this is not YAML", "check indentation and brackets"),
    ],
)
def test_parse_when_a_part_is_wrong_then_tells_where_what_and_a_way_out(
    found: str, written: str, place: tuple[int, int] | None, message: str | None, suggestion: str | None
) -> None:
    text = VALID.replace(found, written, 1)
    if place is None:
        parse_strategy(text)
        return
    matching = [error for error in faults(text) if message and message in error.message]
    assert [(error.line, error.column) for error in matching] == [place], [str(e) for e in faults(text)]
    assert (suggestion or "") in (matching[0].suggestion or "")


def test_parse_when_many_parts_are_wrong_then_tells_all_in_text_order_without_echoes() -> None:
    text = VALID.replace("ema(close, 20)", "emma(close, 20)").replace("[BTCUSDT]", "[btc]")
    text = text.replace(RULE, RULE + " and clos > slow\nexit_long: slow")
    assert [(e.line, e.column) for e in faults(text)] == [(2, 11), (4, 21), (5, 43), (6, 12)]


def test_parse_when_a_rule_is_folded_over_lines_then_columns_stay_true() -> None:
    folded = "entry_long: >-\n    close > slow and\n      opne > 1 or\n    close > 'x'"
    found = faults(VALID.replace(RULE, folded.replace("'x'", "hihg")))
    assert [(e.line, e.column) for e in found] == [(7, 7), (8, 13)]


def test_parse_when_a_rule_is_quoted_then_columns_stay_true() -> None:
    assert only(rule('"opne > 1"')).column == 14
    assert only(rule("'close > 1 and opne > 1'")).column == 28


def test_parse_when_a_flow_mapping_holds_calls_then_their_commas_belong_to_them() -> None:
    document = parse_strategy(VALID.replace("{fast:", "{nested: sma(max(open, 1), 5), fast:"))
    assert {name: found.text for name, found in document.indicators.items()} == {
        "nested": "sma(max(open, 1), 5)",
        "fast": "ema(close, 20)",
        "slow": "ema(close, 50)",
        "band": "bollinger(close, 20, 2)",
    }


@pytest.mark.parametrize(
    "expression",
    ["(" * 300 + "close" + ")" * 300 + " > 1", "not " * 200 + "close > 1", "-" * 100 + "close > 1"],
)
def test_parse_when_nested_too_deep_then_refuses_instead_of_crashing(expression: str) -> None:
    assert len(faults(rule(f"'{expression}'"))) == 1


def test_parse_when_names_multiply_the_expression_then_refuses_instead_of_exploding() -> None:
    doubling = "".join(f"  i{step}: i{step + 1} * i{step + 1}\n" for step in range(30))
    text = f"id: a\nsymbols: [AB]\ninterval: 1h\nindicators:\n{doubling}  i30: close\nentry_long: i0 > 1\n"
    assert "the expression is too large" in faults(text + "sizing: {fixed_qty: 1}")[0].message


def test_parse_when_a_chain_of_names_is_very_long_then_refuses_instead_of_crashing() -> None:
    chain = "".join(f"  i{step}: ema(i{step + 1}, 3)\n" for step in range(2_000))
    text = f"id: a\nsymbols: [AB]\ninterval: 1h\nindicators:\n{chain}  i2000: close\nentry_long: i0 > 1\n"
    assert "a chain of more than 32 indicators" in faults(text + "sizing: {fixed_qty: 1}")[0].message


def test_parse_when_text_is_hostile_then_refuses() -> None:
    for text in ("", "[" * 5000, "a: &x [*x]", "- 1", "x" * 100_000, "id: \x00", "!!python/object:os.system {}"):
        assert faults(text)


def test_compile_when_a_parameter_is_unknown_or_out_of_range_then_refuses() -> None:
    text = VALID.replace("ema(close, 20)", "ema(close, n)")
    document = parse_strategy(text + "params: {n: {default: 20, low: 5, high: 100, step: 5}}\n")
    for params, message in (
        ({"m": 1.0}, "the strategy has no parameter `m`"),
        ({"n": 4.0}, "parameter `n` is 4; allowed is 5 to 100"),
        ({"n": 7.5}, "parameter `n` is 7.5; it must be a whole number"),
        ({"n": float("nan")}, "parameter `n` is nan; allowed is 5 to 100"),
    ):
        with pytest.raises(StrategyErrors, match=message):
            compile_strategy(document, params)
    assert "ema(close,30)" in compile_strategy(document, {"n": 30}).demands


def test_faults_survive_the_way_from_a_worker_process() -> None:
    with pytest.raises(StrategyErrors) as faults:
        parse_strategy("id: x")

    arrived = pickle.loads(pickle.dumps(faults.value))

    assert arrived.errors == faults.value.errors
    assert str(arrived) == str(faults.value)


@pytest.mark.parametrize(
    "default", ["", "abc", "null", "true", "[1]", "{a: 1}", ".nan", ".inf", "1e400", "9" * 400, '"\\ud800"']
)
def test_default_that_is_no_finite_number_then_a_fault_and_never_an_exception(default: str) -> None:
    text = (
        VALID.replace("close, 20)", "close, n)") + f"params: {{n: {{default: {default}, low: 1, high: 9, step: 1}}}}\n"
    )

    assert any("default" in error.message for error in faults(text))


def test_an_amount_beyond_any_account_is_refused_with_its_line() -> None:
    text = "id: a\nvenue: v\nsymbols: [X]\ninterval: 1h\nentry_long: close > 1\nexit_long: close < 1\n"
    with pytest.raises(StrategyErrors, match=r"line 7, column 21: fixed_qty is 1e\+?300; it must be below 1e\+?30"):
        parse_strategy(text + "sizing: {fixed_qty: 1e300}\n")


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [("0.57 * 100", "57"), ("0.7 + 0.1", "0.8"), ("1 - 0.9", "0.1"), ("0.3 / 0.1", "3"), ("1234567.12345678", "")],
)
def test_an_amount_is_computed_with_decimals(amount: str, wanted: str) -> None:
    text = VALID.replace(SIZING, f"sizing: {{fixed_qty: {amount}}}")

    assert str(compile_strategy(parse_strategy(text)).sizing.amount) == (wanted or amount)


@pytest.mark.parametrize("amount", ["12345678901.12345678", "0.1 + 0.12345678901234567891"])
def test_an_amount_of_more_digits_than_are_kept_is_refused(amount: str) -> None:
    error = only(VALID.replace(SIZING, f"sizing: {{fixed_qty: {amount}}}"))

    assert "more digits than are kept" in error.message
    assert "at most 15 digits" in str(error.suggestion)


def test_a_parameter_of_more_digits_than_are_kept_is_refused() -> None:
    text = VALID.replace("close, 20)", "close, n)")

    error = only(text + "params: {n: {default: 5, low: 1.00000000000000001, high: 9, step: 1}}\n")

    assert "`low` of `n` is 1.00000000000000001, more digits than are kept" in error.message
