"""PnL, exposure, orders and mismatches follow what happens to the accounts."""

from __future__ import annotations

import json
from decimal import Decimal

from tradewire.execution.adapters.simulated_broker import SimulatedBroker
from tradewire.execution.domain.account_status import accounts_status
from tradewire.execution.domain.asking import IN_EVENT_TIME
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.execution.domain.figures import METRICS, OrderCounts, figures
from tradewire.execution.domain.following import Following
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook
from tradewire.execution.routed_execution import BrokerLink, RoutedExecution
from tradewire.ports.events import OrderLeg, OrderStatus, Side
from tradewire.testkit.builders import assessment, candle, intent
from tradewire.testkit.execution_desk import desk_with, told
from tradewire.testkit.manual_clock import ManualClock
from tradewire.trading.exchange import MarginMode, SimulatedExchange
from tradewire.trading.roster import Roster

FIRST, SECOND = intent(qty=2), intent(qty=2, client_order_id="out", side=Side.SELL, leg=OrderLeg.EXIT)


def shown(desk: ExecutionDesk, orders: OrderCounts | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every figure now."""
    return {(f.metric.name, f.labels): f.value for f in figures(desk.accounts().values(), orders or OrderCounts())}


def bought() -> ExecutionDesk:
    """Two bought at 105, marked at 110."""
    desk = desk_with()
    bar = candle(1, 110, open=Decimal(105), low=Decimal(104), high=Decimal(111))
    told(desk, candle(0, 100), assessment(0, FIRST), bar)
    return desk


def test_position_when_the_mark_is_above_its_price_then_pnl_fees_and_exposure_show_it() -> None:
    found = shown(bought())
    assert found["tradewire_unrealized_pnl_usdt", ("alpha",)] == 10.0
    assert found["tradewire_equity_usdt", ("alpha",)] == 10_009.79
    assert found["tradewire_net_exposure_usdt", ("alpha", "BTCUSDT")] == 220.0
    assert found["tradewire_realized_pnl_usdt", ("alpha", "trend")] == 0.0
    assert found["tradewire_fees_paid_usdt_total", ("alpha", "trend")] == 0.21


def test_position_when_closed_then_realized_and_no_exposure_is_left() -> None:
    desk = bought()
    told(desk, assessment(1, SECOND), candle(2, 120, open=Decimal(115), low=Decimal(114), high=Decimal(121)))
    found = shown(desk)
    assert found["tradewire_realized_pnl_usdt", ("alpha", "trend")] == 20.0
    assert found["tradewire_net_exposure_usdt", ("alpha", "BTCUSDT")] == 0.0
    assert found["tradewire_unrealized_pnl_usdt", ("alpha",)] == 0.0


def test_results_when_the_account_is_restored_then_as_before() -> None:
    def restored(saved: bytes) -> dict[str, tuple[int, int]]:
        desk = desk_with()
        desk.restore("alpha", saved)
        return desk.accounts()["alpha"].results_e8

    account = bought().accounts()["alpha"]
    assert restored(account.saved()) == account.results_e8 == {"trend": (0, 21_000_000)}
    assert restored(account.saved().replace(b"results_e8", b"other")) == {"": (0, 21_000_000)}


def test_orders_when_told_then_counted_by_status_and_others_are_there_at_zero() -> None:
    desk, orders = desk_with(), OrderCounts()
    before = shown(desk, orders)
    assert {labels[0] for name, labels in before if name == "tradewire_orders_total"} == {
        status.lower() for status in OrderStatus
    }
    for event in told(desk, candle(0, 100), assessment(0, FIRST), candle(1, 110)):
        orders.count(event)
    after = shown(desk, orders)
    counts = {labels[0]: value for (name, labels), value in after.items() if name == "tradewire_orders_total"}
    assert {status: count for status, count in counts.items() if count} == {"submitted": 1, "accepted": 1, "filled": 1}


def test_mismatch_when_an_order_at_the_venue_is_in_no_record_then_shown() -> None:
    desk = desk_with()
    limit = intent(qty=2, order_type="LIMIT", price=Decimal(50))
    told(desk, candle(0, 100), assessment(0, limit))
    assert shown(desk)["tradewire_ledger_mismatch_orders", ("alpha",)] == 0
    (account,) = desk.accounts().values()
    account.orders.clear()
    assert shown(desk)["tradewire_ledger_mismatch_orders", ("alpha",)] == 1


def test_every_metric_is_told_once_an_account_traded() -> None:
    assert {name for name, _ in shown(bought())} == {metric.name for metric in METRICS}


async def test_account_when_halted_then_health_says_why_and_the_figure_is_one() -> None:
    desk = bought()
    (account,) = desk.accounts().values()
    assert shown(desk)["tradewire_account_halted", ("alpha",)] == 0
    book = LiveAccount(LiveBook("alpha", "binance", halted="position of BTCUSDT: ours 2, the venue's 0"))
    broker = SimulatedBroker(SimulatedExchange("alpha", 10**12, ()), leverage=1, margin_mode=MarginMode.CROSS)
    link = BrokerLink(broker, IN_EVENT_TIME, market=broker)
    saved = {"book": json.loads(book.saved()), "closes_us": {}}
    account.time_us = -1
    account.execution = execution = RoutedExecution(account, link, ManualClock(0), saved=saved)
    assert shown(desk)["tradewire_account_halted", ("alpha",)] == 1
    status = accounts_status([account], Following(Roster()))["alpha"]
    assert isinstance(status, dict)
    assert (status["halted"], status["reconciled"]) == ("position of BTCUSDT: ours 2, the venue's 0", False)
    execution.close()
    await execution.ended()
