"""Round trips, results by day, strategy and symbol, and how much of each limit is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.events import OrderFilled, RiskLimitsChanged
from tradewire.ports.message import Event
from tradewire.telemetry.adapters.api.chart import ChartRoutes
from tradewire.telemetry.adapters.api.results import ResultRoutes
from tradewire.telemetry.domain.bar_history import BarHistory
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.limit_use import MEASURED
from tradewire.telemetry.domain.results import DAY_US, ResultBook
from tradewire.telemetry.domain.round_trips import TradeBook
from tradewire.trading.assessment.rules import rule_names

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


class Ledger:
    """Books and the routes over them; sequences count by themselves."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.books, self._sequence = messages, Books(), 0
        app = FastAPI()
        for router in (ResultRoutes(self.books).router, ChartRoutes(BarHistory(), self.books).router):
            app.include_router(router)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    def take(self, event: Event) -> None:
        assert self.books.take(event, self.messages.envelope(event))

    def fill(self, time_us: int, side: str, qty: str, price: str, **other: Any) -> None:
        self._sequence += 1
        fields: dict[str, Any] = {"event_time_us": time_us, "side": side, "qty": qty, "price": price, "fee": "0"}
        ids = {"sequence": self._sequence, "client_order_id": f"o{self._sequence}", "realized_pnl": "0"}
        self.take(self.messages.fill(**fields | ids | other))

    def state(self, time_us: int, equity: str, **other: Any) -> None:
        self._sequence += 1
        self.take(self.messages.state(event_time_us=time_us, equity=equity, sequence=self._sequence, **other))

    async def get(self, path: str, /, **asked: Any) -> Any:
        answer = await self.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def ledger(messages: Messages) -> AsyncIterator[Ledger]:
    ledger = Ledger(messages)
    yield ledger
    await ledger.client.aclose()


async def test_trades_when_closed_in_parts_then_prices_are_weighted_and_fees_taken_off(ledger: Ledger) -> None:
    ledger.fill(1, "BUY", "1", "100", fee="0.1")
    ledger.fill(2, "BUY", "1", "110", fee="0.1")
    ledger.fill(3, "SELL", "0.5", "120", fee="0.1", leg="TAKE_PROFIT")
    ledger.fill(4, "SELL", "1.5", "100", fee="0.1", leg="STOP_LOSS")
    (trade,) = (await ledger.get("/trades"))["items"]
    assert (trade["side"], trade["qty"], trade["entry_price"], trade["exit_price"]) == (
        "BUY",
        "2.00000000",
        "105.00000000",
        "105.00000000",
    )
    assert (trade["fees"], trade["pnl"], trade["exit_leg"]) == ("0.40000000", "-0.40000000", "STOP_LOSS")
    assert (trade["entry_time_us"], trade["exit_time_us"], trade["orders"]) == (1, 4, ["o1", "o2", "o3", "o4"])


async def test_trades_when_a_fill_goes_through_zero_then_one_ends_and_the_next_begins(ledger: Ledger) -> None:
    ledger.fill(1, "BUY", "1", "100")
    ledger.fill(2, "SELL", "3", "90", fee="0.3")
    opened, ended = (await ledger.get("/trades"))["items"]
    assert (ended["pnl"], ended["fees"], ended["exit_time_us"]) == ("-10.10000000", "0.10000000", 2)
    assert (opened["side"], opened["qty"], opened["fees"]) == ("SELL", "2.00000000", "0.20000000")
    assert (opened["pnl"], opened["exit_price"], opened["exit_time_us"]) == (None, None, None)
    assert [one["side"] for one in (await ledger.get("/trades", open=True))["items"]] == ["SELL"]
    assert [one["side"] for one in (await ledger.get("/trades", open=False))["items"]] == ["BUY"]


async def test_trades_when_the_venue_liquidates_then_every_share_of_the_symbol_ends(ledger: Ledger) -> None:
    ledger.fill(1, "BUY", "3", "100", strategy_id="a")
    ledger.fill(2, "SELL", "1", "100", strategy_id="b")
    ledger.fill(3, "BUY", "1", "100", strategy_id="c", symbol="ETHUSDT")
    gone: dict[str, Any] = {"strategy_id": "", "venue": "", "leg": "LIQUIDATION", "fee": "0.8"}
    ledger.fill(4, "SELL", "2", "50", **gone)
    ended = {one["strategy_id"]: one for one in (await ledger.get("/trades", open=False))["items"]}
    assert {name: (one["pnl"], one["exit_leg"]) for name, one in ended.items()} == {
        "a": ("-150.60000000", "LIQUIDATION"),
        "b": ("49.80000000", "LIQUIDATION"),
    }
    assert [one["strategy_id"] for one in (await ledger.get("/trades", open=True))["items"]] == ["c"]
    marks = (await ledger.get("/annotations", venue="binance", strategy_id="a"))["items"]
    assert marks[0]["kind"] == "LIQUIDATION"


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.integers(1, 500), st.integers(1, 10**6)), max_size=40)
)
def test_trades_when_all_shares_are_flat_then_their_sum_is_the_cash_that_came_in(
    messages: Messages, fills: list[tuple[str, bool, int, int]]
) -> None:
    book, cash, held = TradeBook(), Decimal(0), {"a": 0, "b": 0}
    rows = [*fills]
    for name in held:
        left = sum((1 if buys else -1) * qty for who, buys, qty, _ in fills if who == name)
        rows += [(name, left < 0, abs(left), 777)] if left else []
    for number, (name, buys, qty, price) in enumerate(rows):
        side, fee = ("BUY" if buys else "SELL"), Decimal(number) / 100
        made = {"strategy_id": name, "side": side, "qty": Decimal(qty) / 100, "price": Decimal(price) / 100, "fee": fee}
        book.take(messages.fill(**made, event_time_us=number, client_order_id=f"o{number}"))
        cash -= (1 if buys else -1) * Decimal(qty) * Decimal(price) / 10_000 + fee
    assert list(book.working()) == []
    assert sum((trade.pnl or Decimal(0) for trade in book.ended), Decimal(0)) == cash


async def test_trades_when_paged_then_each_once(ledger: Ledger) -> None:
    for number in range(1, 20):
        ledger.fill(number, "BUY" if number % 2 else "SELL", "1", "100")
    found: list[int] = []
    after: dict[str, str] = {}
    while True:
        shown = await ledger.get("/trades", limit=4, **after)
        found += [one["entry_time_us"] for one in shown["items"]]
        if shown["next"] is None:
            break
        after = {"after": shown["next"]}
    assert found == list(range(19, 0, -2))


async def test_pnl_when_days_pass_then_each_from_the_equity_with_which_it_began(ledger: Ledger) -> None:
    ledger.state(1, "100", funding_paid="0")
    ledger.fill(2, "SELL", "1", "10", realized_pnl="5", fee="1")
    ledger.state(3, "104", funding_paid="0.5")
    ledger.state(DAY_US + 1, "90", funding_paid="0.25")
    newest, first = (await ledger.get("/pnl"))["rows"]
    assert (first["key"], first["realized_pnl"], first["fees"], first["fills"]) == ("1970-01-01", "5", "1", 1)
    assert (first["equity_change"], first["funding"], first["as_of_us"]) == ("4", "-0.5", 3)
    assert (newest["key"], newest["equity_change"], newest["funding"]) == ("1970-01-02", "-14", "0.25")
    assert [row["key"] for row in (await ledger.get("/pnl", from_us=DAY_US))["rows"]] == ["1970-01-02"]


async def test_pnl_when_by_strategy_or_symbol_then_sums_of_fills(ledger: Ledger) -> None:
    ledger.fill(1, "BUY", "1", "10", strategy_id="a", realized_pnl="0.1")
    ledger.fill(DAY_US, "BUY", "1", "10", strategy_id="a", symbol="ETHUSDT", realized_pnl="0.2")
    ledger.fill(3, "BUY", "1", "10", strategy_id="b", realized_pnl="-1")
    rows = (await ledger.get("/pnl", by="strategy"))["rows"]
    assert [(row["key"], row["realized_pnl"], row["equity_change"]) for row in rows] == [
        ("a", "0.3", None),
        ("b", "-1", None),
    ]
    rows = (await ledger.get("/pnl", by="symbol", strategy_id="a"))["rows"]
    assert [(row["key"], row["fills"]) for row in rows] == [("BTCUSDT", 1), ("ETHUSDT", 1)]


def test_results_when_older_days_make_room_then_said(messages: Messages) -> None:
    book = ResultBook(rows_max=2)
    for day in range(4):
        book.take_fill(messages.fill(event_time_us=day * DAY_US))
    assert (len(book.rows), book.dropped_until_us) == (2, 2 * DAY_US)


async def test_limits_in_use_when_set_then_used_ratio_and_headroom_by_the_newest_state(ledger: Ledger) -> None:
    limits = ledger.messages.limits(max_leverage="2", max_drawdown_ratio="0.5", max_daily_loss="100")
    ledger.take(limits)
    ledger.state(1, "10000")
    ledger.state(2, "7400")  # one BTC at 3,700
    assessed = ledger.messages.assessment()
    ledger.take(assessed)
    (shown,) = await ledger.get("/limits/in-use", account_id="paper-1")
    by_name = {one["limit_name"]: one for one in shown["limits"]}
    assert (shown["as_of_us"], shown["version"], shown["author"]) == (2, 1, "a")
    leverage = by_name["max_leverage"]
    assert (leverage["used"], leverage["ratio"], leverage["headroom"]) == ("0.50000000", 0.25, "1.50000000")
    assert by_name["max_drawdown_ratio"]["ratio"] == 0.52
    assert (by_name["max_daily_loss"]["used"], by_name["max_daily_loss"]["ratio"]) == ("2600.00000000", 26.0)
    assert (by_name["max_gross_exposure"]["used"], by_name["max_gross_exposure"]["limit"]) == ("3700.00000000", None)
    order = by_name["max_order_notional"]
    assert (order["used"], order["last_value"], order["last_limit"]) == (None, "3650 USDT", "3000 USDT")


def test_limits_in_use_when_the_model_grows_then_so_does_what_is_measured() -> None:
    assert MEASURED.keys() == {
        name for name, field in RiskLimitsChanged.model_fields.items() if not field.is_required()
    }
    assert {one.rule for one in MEASURED.values()} <= set(rule_names())


def test_fill_when_repeated_then_counted_once(messages: Messages) -> None:
    books = Books()
    fill: OrderFilled = messages.fill()
    for _ in range(2):
        books.take(fill, messages.envelope(fill))
    assert [row.fills for row in books.results.rows.values()] == [1]
    assert [trade.qty for trade in books.trades.working()] == [Decimal(1)]


async def test_fill_when_of_an_amount_that_a_contract_allows_and_64_bits_do_not_then_booked(messages: Messages) -> None:
    ledger = Ledger(messages)
    huge = "92233720368547.00000001"
    for number, side in enumerate(("BUY", "SELL")):
        ledger.fill(number, side, huge, "10000000000", fee="9000000000000000000")
    ledger.fill(2, "BUY", "0", "1", fee="1")
    (trade,) = (await ledger.get("/trades"))["items"]
    assert (trade["qty"], trade["pnl"]) == (huge, "-18000000000000000000.00000000")
