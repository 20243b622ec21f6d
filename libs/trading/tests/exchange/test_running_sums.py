"""What the exchange does not sum or walk anew decides nothing: it equals the sum over every symbol, from scratch."""

from __future__ import annotations

from contextlib import nullcontext
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings

from tradewire.trading.exchange import bar_walk
from tradewire.trading.exchange.account import Account
from tradewire.trading.exchange.admission import margin_of_orders, order_margin

from .exchange_sessions import Session, play, play_hour, sessions

MODEST = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@MODEST
@given(session=sessions())
def test_sums_when_carried_along_then_equal_those_over_every_symbol(session: Session) -> None:
    exchange = session.open()
    for hour in session.hours:
        play_hour(exchange, hour)
        account, registry = exchange.account, exchange._executor.registry
        scratch = Account(account.initial_balance_e8, account.wallet_e8, account.positions)
        assert account.open_positions() == tuple(p for p in account.positions.values() if p.qty_e8)
        assert account.cross_wallet_e8 == account.wallet_e8 - sum(p.margin_e8 for p in account.positions.values())
        reserved = {symbol: order_margin(p, registry.of_symbol(symbol)) for symbol, p in account.positions.items()}
        assert margin_of_orders(account, registry) == sum(reserved.values())
        for symbol, position in account.positions.items():
            others = sum(reserved.values()) - reserved[symbol]
            assert margin_of_orders(account, registry, but_of=symbol) == others
            assert account.free_balance_e8(position) == scratch.free_balance_e8(position)
            assert account.is_underwater(position) == scratch.is_underwater(position)


@MODEST
@given(session=sessions())
def test_idle_symbols_when_passed_over_then_nothing_changes(session: Session) -> None:
    exchange, events = play(session)
    with patch.object(bar_walk, "_is_idle", lambda *_: False):
        walked, expected = play(session)
    assert events == expected
    assert exchange.to_state() == walked.to_state()


@MODEST
@given(session=sessions())
def test_sums_when_carried_through_a_walk_then_every_event_is_as_if_summed_anew(session: Session) -> None:
    exchange, events = play(session)
    with patch.object(Account, "carrying_sums", lambda _: nullcontext()):
        summed, expected = play(session)
    assert events == expected
    assert exchange.to_state() == summed.to_state()
