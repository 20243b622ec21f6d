"""What the compiled loop does not know goes to the exchange; what the models gain fails here first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from typing import Any, get_args

import pytest

from tradewire.backtest.futures import FuturesEngine, coverage, loop
from tradewire.backtest.futures.arrays import Limits
from tradewire.backtest.futures.coverage import place_of, unknown_limits
from tradewire.backtest.futures.decisions import FixedLimits
from tradewire.backtest.loops.refusals import RULES
from tradewire.ports.backtest import AccountSettings, BacktestRequest, BacktestResult
from tradewire.ports.events import ControlLevel, InstrumentChanged, RiskLimitsChanged, RuleOutcome, Side
from tradewire.ports.risk import Entry, Exposure
from tradewire.trading.assessment.rules import judge
from tradewire.trading.exchange import OrderType
from tradewire.trading.exchange.orders import NewOrder, Order, TimeInForce, WorkingType
from tradewire.trading.exchange.orders import Side as OrderSide
from tradewire.trading.language import SizingMethod
from tradewire.trading.language.document import PROTECTIONS
from tradewire.trading.limit_bounds import LIMITS, META

from .markets import instrument, market, strategy
from .requests import GUARDS, RISKS, SIZES, TIGHT, limited

SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")


EXCHANGE_ALONE: dict[str, str] = {}
"""Limits that the loop leaves to the exchange, and their rules."""


class MoreLimits(RiskLimitsChanged):
    """The model with one limit more."""

    max_open_positions: int | None = None


def run(request: BacktestRequest) -> BacktestResult:
    return FuturesEngine().run(request)


def run_bar_by_bar(request: BacktestRequest) -> BacktestResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "trade", lambda start, *_: (start, False))
        return run(request)


def asked(limits: RiskLimitsChanged | None, seed: int = 0, sizing: str = "fraction_of_equity: 0.5") -> BacktestRequest:
    markets = tuple(market(symbol, 5 + seed + n, 300, mark=True) for n, symbol in enumerate(SYMBOLS))
    account = AccountSettings(capital=Decimal(10_000), limits=limits)
    return BacktestRequest(strategy(SYMBOLS, sizing=sizing), markets, account=account)


@pytest.mark.parametrize("name", [name for name in LIMITS if name != "max_data_age_s"])
def test_each_limit_refuses_in_the_loop_what_it_refuses_at_the_exchange(name: str) -> None:
    changed = 0
    for seed, value in ((seed, value) for seed in range(0, 12, 3) for value in TIGHT[name]):
        limits = limited({name: value})
        found, expected = run(asked(limits, seed)), run_bar_by_bar(asked(limits, seed))
        assert (found.fingerprint, found.activity) == (expected.fingerprint, expected.activity)
        changed += found.fingerprint != run(asked(None, seed)).fingerprint

    assert changed, "the limit is never reached: nothing was compared"


def test_a_limit_that_the_loop_does_not_know_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(rules: FixedLimits, entry: Entry, instrument: InstrumentChanged) -> tuple[RuleOutcome, ...]:
        limits = rules.limits(entry.account_id)
        assert isinstance(limits, MoreLimits)
        assert limits.max_open_positions is not None
        after = entry.exposure.with_order(entry.symbol, entry.side, entry.notional)
        held = sum(1 for exposure in after.symbols.values() if exposure.worst)
        passed = held <= limits.max_open_positions
        more = RuleOutcome(rule="max_open_positions", passed=passed, value=str(held), limit="<= 1")
        return (*judge(entry, instrument, limits), more)

    monkeypatch.setattr(FixedLimits, "validate_trade", judged)
    limits = MoreLimits(account_id="main", version=1, author="test", changed_at_us=0, max_open_positions=1)

    found = run(asked(limits))

    held = sum((found.position_e8[symbol] != 0).astype(int) for symbol in SYMBOLS)
    assert max(held) == 1
    assert found.fingerprint == run_bar_by_bar(asked(limits)).fingerprint


def test_a_limit_that_is_not_set_keeps_no_entry_from_the_loop() -> None:
    limits = MoreLimits(account_id="main", version=1, author="test", changed_at_us=0, max_leverage=Decimal(3))

    assert unknown_limits(limits) == []
    assert unknown_limits(limits.model_copy(update={"max_open_positions": 2})) == ["max_open_positions"]


@pytest.mark.parametrize(
    ("method", "amount"), [("fraction_of_equity", 0.3), ("fixed_notional", 3_000), ("fixed_qty", 20)]
)
def test_a_sizing_method_that_the_loop_does_not_know_is_computed_by_the_rules(
    method: str, amount: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(None, sizing=f"{method}: {amount}")
    expected = run(request)
    monkeypatch.setattr(coverage, "SIZING_METHODS", coverage.SIZING_METHODS - {SizingMethod(method)})

    assert run(request).fingerprint == expected.fingerprint


def order(**changes: Any) -> Order:
    given: dict[str, Any] = {
        "client_order_id": "a",
        "symbol": "BTCUSDT",
        "side": OrderSide.BUY,
        "type": OrderType.MARKET,
        "qty_e8": 1,
    }
    return Order(NewOrder(**given | changes), "main-1", 1, 0, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.LIMIT, "price_e8": 1},
        {"price_e8": 1},
        {"callback_rate_e8": 1},
        {"time_in_force": TimeInForce.IOC},
        {"close_position": True},
        {"working_type": WorkingType.MARK},
    ],
    ids=str,
)
def test_an_order_that_asks_for_more_than_the_loop_knows_has_no_place_in_it(changes: dict[str, Any]) -> None:
    assert place_of(order()) is not None
    assert place_of(order(**changes)) is None


def test_what_the_models_gain_is_looked_at() -> None:
    """A new limit, rule, protection, sizing method, order type or field of orders needs an answer here.

    It is either taught to the loop (and named in `coverage`), or named here among those that the exchange alone knows.
    """
    assert coverage.RATIO_LIMITS.keys() | coverage.OTHER_LIMITS | EXCHANGE_ALONE.keys() == set(LIMITS)
    assert {field for field, _ in coverage.RATIO_LIMITS.values()} <= set(Limits._fields)
    assert TIGHT.keys() == set(LIMITS)
    beyond_loop = {*RULES_OF_LIVE, *EXCHANGE_ALONE.values()}
    assert [rule for rule in _rules_with_every_limit() if rule not in beyond_loop] == list(RULES)
    assert coverage.DISTANCES.keys() == set(PROTECTIONS)
    assert all(any(name in guard for guard in GUARDS) for name in PROTECTIONS)
    assert set(SizingMethod) == coverage.SIZING_METHODS
    sizes = {size.partition(":")[0] for size in (*SIZES, *RISKS)}
    assert {method.value for method in SizingMethod} == sizes
    assert {kind for kind in OrderType if place_of(order(type=kind)) is None} == {OrderType.LIMIT}
    beyond = {field.name for field in fields(NewOrder)} - coverage._ORDER_FIELDS
    assert beyond == {"price_e8", "callback_rate_e8", "time_in_force", "close_position", "working_type"}


RULES_OF_LIVE = {"kill_switch", "max_data_age"}
"""Research has no kill switch, and history no age of data."""


def _rules_with_every_limit() -> Iterator[str]:
    """Names of all rules that an entry is judged by when every limit of the model is set."""
    values: dict[str, Any] = {}
    for name in LIMITS:
        kinds = get_args(RiskLimitsChanged.model_fields[name].annotation)
        values[name] = 1 if int in kinds else 1.0 if float in kinds else Decimal(1)
    entry = Entry(
        account_id="main",
        symbol="BTCUSDT",
        side=Side.BUY,
        qty=Decimal(1),
        price=Decimal(100),
        mark=Decimal(100),
        equity=Decimal(1_000),
        peak_equity=Decimal(1_000),
        day_start_equity=Decimal(1_000),
        exposure=Exposure({}),
        orders_last_minute=0,
        level=ControlLevel.NORMAL,
        data_age_s=0.5,
    )
    limits = limited(values)
    assert all(getattr(limits, name) is not None for name in LIMITS)
    assert set(RiskLimitsChanged.model_fields) == {*LIMITS, *META}
    return (outcome.rule for outcome in judge(entry, instrument("BTCUSDT"), limits))
