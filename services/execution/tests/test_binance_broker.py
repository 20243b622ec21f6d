"""The Binance broker against a venue that speaks the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tradewire.binance.errors import CREDENTIALS, NOT_EXECUTED, UNCERTAIN, ErrorCode
from tradewire.binance.orders import AlgoStatus, MarginType
from tradewire.binance.orders import BinanceOrderStatus as BinanceStatus
from tradewire.execution.adapters.binance_access import credentials
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.execution.adapters.binance_orders import ALGO_STATUSES, STATUSES
from tradewire.execution.adapters.shadow_broker import SHADOW
from tradewire.execution.domain.venue_errors import VenueFailure, outcome
from tradewire.ports.broker import Accepted, BrokerPort, NotFound, Rejected, Unknown, VenueFill, VenueOrder
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import OrderIntent, OrderLeg, OrderStatus, OrderType, Side
from tradewire.testkit.binance_venue import LEVERAGE, BinanceVenue
from tradewire.testkit.broker_suite import SYMBOL, BrokerSuite, intent, market
from tradewire.testkit.builders import candle
from tradewire.venue.faults import ScriptedFault, parse_faults
from tradewire.venue.incidents import changed as relisted

PRICE = 50_000


@pytest.fixture
async def venue() -> AsyncIterator[BinanceVenue]:
    found = BinanceVenue([candle(n, PRICE, volume=Decimal(1000)) for n in range(48)], whole_bars=False)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def broker(venue: BinanceVenue, tmp_path: Path) -> AsyncIterator[BinanceBroker]:
    found = venue.broker(tmp_path)
    found.list_symbol(SYMBOL, venue.clock.now_us())
    await found.begin()
    yield found
    await found.close()


class TestBinanceBroker(BrokerSuite):
    """Every broker keeps the port's contract."""

    @pytest.fixture
    def port(self, broker: BinanceBroker) -> BrokerPort:
        return broker

    def trade(self, venue: BrokerPort) -> None:
        """Market orders fill at once."""


def stop_loss(client_order_id: str, stop_price: int) -> OrderIntent:
    """A stop under a long position."""
    return market(
        client_order_id,
        side=Side.SELL,
        leg=OrderLeg.STOP_LOSS,
        reduce_only=True,
    ).model_copy(update={"order_type": OrderType.STOP_MARKET, "stop_price": Decimal(stop_price)})


async def pushed(broker: BinanceBroker, count: int) -> list[object]:
    """Reports as they come."""
    return [await broker.report() for _ in range(count)]


async def test_stream_when_an_order_fills_then_the_fill_is_pushed_before_the_order(broker: BinanceBroker) -> None:
    await pushed(broker, 1)
    await broker.submit(SYMBOL, market("m-1"))
    accepted, fill, filled = await pushed(broker, 3)
    assert isinstance(accepted, VenueOrder)
    assert isinstance(fill, VenueFill)
    assert isinstance(filled, VenueOrder)
    assert (accepted.status, filled.status) == (OrderStatus.ACCEPTED, OrderStatus.FILLED)
    assert fill == (await broker.fills_since("")).fills[0]


async def test_stop_when_its_price_is_reached_then_shown_under_one_id_until_it_is_filled(
    venue: BinanceVenue, broker: BinanceBroker
) -> None:
    await broker.submit(SYMBOL, market("m-1"))
    stop = stop_loss("s-1", 49_000)
    assert isinstance(await broker.submit(SYMBOL, stop), Accepted)
    assert [order.client_order_id for order in await broker.open_orders()] == ["s-1"]
    canceled = await broker.cancel(SYMBOL, "s-1")
    assert isinstance(canceled, VenueOrder)
    assert canceled.status is OrderStatus.CANCELED
    assert await broker.cancel(SYMBOL, "s-1") == NotFound()


async def test_stop_when_its_price_is_reached_already_then_it_is_done_at_once(broker: BinanceBroker) -> None:
    await broker.submit(SYMBOL, market("m-1"))
    stop = stop_loss("s-1", 51_000)
    assert isinstance(await broker.submit(SYMBOL, stop), Accepted)
    seen = await broker.query(SYMBOL, "s-1")
    assert isinstance(seen, VenueOrder)
    assert seen.status is OrderStatus.FILLED
    assert (await broker.account()).positions == ()


@pytest.mark.parametrize("kind", ["reply_lost", "unavailable", "timed_out"])
async def test_submit_when_the_outcome_is_not_known_then_unknown_and_asked_for_by_our_id(
    venue: BinanceVenue, broker: BinanceBroker, kind: str
) -> None:
    text = f"faults: [{{kind: {kind}, times: 1, call: POST /fapi/v1/order}}]"
    venue.venue.faults = venue.server.venue.faults = parse_faults(text, "test", seed=1)
    assert isinstance(await broker.submit(SYMBOL, market("m-1")), Unknown)
    taken = any(order.client_order_id == "m-1" for order in venue.venue.account.orders.values())
    assert isinstance(await broker.query(SYMBOL, "m-1"), VenueOrder if taken else NotFound)


async def test_calls_when_the_address_is_limited_then_none_leaves_until_it_is_allowed(
    venue: BinanceVenue, broker: BinanceBroker
) -> None:
    venue.venue.gate.addresses["127.0.0.1"].weight.used = 5_000
    with pytest.raises(RetryableError, match="HTTP 429"):
        await broker.query(SYMBOL, "m-1")
    used = venue.venue.gate.addresses["127.0.0.1"].weight.used
    with pytest.raises(RetryableError, match="limits this address for another"):
        await broker.query(SYMBOL, "m-1")
    with pytest.raises(RetryableError, match="limits this address for another"):
        await broker.submit(SYMBOL, market("m-1"))
    assert venue.venue.gate.addresses["127.0.0.1"].weight.used == used
    venue.clock.advance(seconds=60)
    assert isinstance(await broker.submit(SYMBOL, market("m-1")), Accepted)


@pytest.mark.parametrize(
    ("modes", "words"),
    [
        (AccountModes(leverage=5), "leverage: found 20, TRADEWIRE_BINANCE_LEVERAGE allows 5"),
        (AccountModes(leverage=LEVERAGE, hedged=True), "position mode: found one-way"),
        (AccountModes(leverage=LEVERAGE, margin_type=MarginType.ISOLATED), "margin type: found CROSSED"),
    ],
)
async def test_begin_when_the_account_is_set_otherwise_then_refused_and_nothing_is_changed(
    venue: BinanceVenue, tmp_path: Path, modes: AccountModes, words: str
) -> None:
    broker = venue.broker(tmp_path, modes=modes)
    broker.list_symbol(SYMBOL)
    with pytest.raises(FatalError, match=words):
        await broker.begin()
    await broker.close()


async def test_begin_when_the_key_may_withdraw_then_refused(venue: BinanceVenue, broker: BinanceBroker) -> None:
    venue.venue.may_withdraw = True
    with pytest.raises(FatalError, match="the API key has enableWithdrawals"):
        await broker.begin()


async def test_keys_when_there_are_none_then_refused_with_the_names_of_the_files(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"main\.key and main\.secret or main\.pem"):
        credentials(tmp_path, "main")


async def test_resting_orders_when_nobody_stays_then_withdrawn_but_not_stops(
    venue: BinanceVenue, broker: BinanceBroker
) -> None:
    await broker.submit(SYMBOL, market("m-1"))
    await broker.submit(SYMBOL, intent("l-1"))
    await broker.submit(SYMBOL, stop_loss("s-1", 49_000))
    await broker.stay({SYMBOL})
    venue.clock.advance(seconds=100)
    await broker.stay({SYMBOL})
    venue.clock.advance(seconds=100)
    assert {order.client_order_id for order in await broker.open_orders()} == {"l-1", "s-1"}
    venue.clock.advance(seconds=100)
    assert {order.client_order_id for order in await broker.open_orders()} == {"s-1"}


async def test_payments_when_read_again_then_each_row_comes_once(venue: BinanceVenue, broker: BinanceBroker) -> None:
    first = await broker.payments_since("")
    assert first.payments == ()
    await broker.submit(SYMBOL, market("m-1"))
    second = await broker.payments_since(first.cursor)
    assert [payment.kind for payment in second.payments] == ["COMMISSION"]
    await broker.submit(SYMBOL, market("m-2", side=Side.SELL))
    third = await broker.payments_since(second.cursor)
    assert {payment.kind for payment in third.payments} <= {"COMMISSION", "REALIZED_PNL"}
    assert await broker.payments_since(third.cursor) == type(third)((), third.cursor)


async def test_submit_when_this_process_stood_still_then_the_venue_refuses_it_and_keeps_nothing(
    venue: BinanceVenue, broker: BinanceBroker
) -> None:
    asked_us = venue.clock.now_us()
    venue.clock.advance(seconds=6)
    with pytest.raises(RetryableError, match="code -1021"):
        await broker.submit(SYMBOL, market("m-1"), asked_us)
    assert not venue.venue.account.orders
    assert isinstance(await broker.submit(SYMBOL, market("m-1")), Accepted)


async def test_shadow_when_an_order_is_placed_then_checked_and_not_sent(venue: BinanceVenue, tmp_path: Path) -> None:
    broker = venue.broker(tmp_path, shadow=True)
    broker.list_symbol(SYMBOL)
    await broker.begin()
    for order in (market("m-1"), intent("l-1"), stop_loss("s-1", 49_000)):
        assert await broker.submit(SYMBOL, order) == Rejected(SHADOW, "not sent: TRADEWIRE_BINANCE_SHADOW is true")
    refused = await broker.submit(SYMBOL, intent("l-2", price=Decimal("40000.05")))
    assert isinstance(refused, Rejected)
    assert refused.reason == "-4014"
    assert not venue.venue.account.orders
    assert not venue.venue.account.algos
    await broker.close()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"qty": Decimal("0.50005")}, ErrorCode.QTY_NOT_INCREASED_BY_STEP_SIZE),
        ({"qty": Decimal("0.00001")}, ErrorCode.QTY_LESS_THAN_MIN_QTY),
        ({"qty": Decimal(2000)}, ErrorCode.QTY_GREATER_THAN_MAX_QTY),
        ({"price": Decimal("40000.05")}, ErrorCode.PRICE_NOT_INCREASED_BY_TICK_SIZE),
        ({"price": Decimal(40), "qty": Decimal("0.001")}, ErrorCode.MIN_NOTIONAL),
    ],
)
async def test_submit_when_a_filter_refuses_then_said_with_what_is_allowed_and_not_sent(
    venue: BinanceVenue, broker: BinanceBroker, changed: dict[str, Decimal], code: ErrorCode
) -> None:
    venue.venue.faults.faults = parse_faults(
        "faults: [{kind: timed_out, call: POST /fapi/v1/order}]", "test", seed=1
    ).faults
    refused = await broker.submit(SYMBOL, intent("l-1", **changed))
    assert isinstance(refused, Rejected)
    assert refused.reason == str(int(code))
    assert "Not sent: quantity" in refused.detail
    assert not venue.venue.faults.struck


async def test_submit_when_the_filters_have_changed_then_the_new_ones_count(
    venue: BinanceVenue, broker: BinanceBroker
) -> None:
    order = intent("l-1", qty=Decimal("0.501"))
    listing = venue.venue.listings[SYMBOL]
    coarse = ScriptedFault(kind="filters", symbol=SYMBOL, step_size=Decimal("0.1"))
    venue.venue.listings[SYMBOL] = relisted(listing, coarse)
    assert isinstance(await broker.submit(SYMBOL, order), Rejected)
    venue.venue.listings[SYMBOL] = listing
    venue.clock.advance(seconds=61)
    assert isinstance(await broker.submit(SYMBOL, order), Accepted)
    venue.venue.listings[SYMBOL] = relisted(listing, coarse)
    refused = await broker.submit(SYMBOL, order.model_copy(update={"client_order_id": "l-2"}))
    assert isinstance(refused, Rejected), "the venue itself refuses what filters read before allowed"


async def test_hedge_mode_when_a_position_is_opened_and_guarded_then_on_its_own_side(
    venue: BinanceVenue, tmp_path: Path
) -> None:
    venue.venue.account.hedged = True
    broker = venue.broker(tmp_path, modes=AccountModes(leverage=LEVERAGE, hedged=True))
    broker.list_symbol(SYMBOL)
    await broker.begin()
    await broker.submit(SYMBOL, market("long"))
    await broker.submit(SYMBOL, market("short", side=Side.SELL, qty=Decimal("0.2")))
    assert isinstance(await broker.submit(SYMBOL, stop_loss("s-1", 49_000)), Accepted)
    await broker.submit(SYMBOL, market("out", side=Side.SELL, leg=OrderLeg.EXIT, reduce_only=True))
    sides = {order.client_order_id: order.position_side for order in venue.venue.account.orders.values()}
    assert sides == {"long": "LONG", "short": "SHORT", "out": "LONG"}
    assert [(position.symbol, position.qty) for position in (await broker.account()).positions] == [
        (SYMBOL, Decimal("-0.2"))
    ]
    await broker.close()


def test_statuses_when_binance_has_them_then_each_is_one_of_ours() -> None:
    assert set(STATUSES) == {status.value for status in BinanceStatus}
    assert set(ALGO_STATUSES) == {status.value for status in AlgoStatus}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_error_codes_when_an_order_meets_them_then_each_is_judged(code: ErrorCode) -> None:
    try:
        answer = outcome(VenueFailure(400, code, code.name))
    except (RetryableError, FatalError):
        assert code in NOT_EXECUTED | CREDENTIALS
        return
    assert isinstance(answer, Unknown) == (code in UNCERTAIN | {ErrorCode.DUPLICATED_CLIENT_TRAN_ID})
