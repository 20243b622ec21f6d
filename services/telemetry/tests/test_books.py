"""The books: what is delivered twice or late changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.message import Event
from tradewire.telemetry.domain.books import BookBounds, Books
from tradewire.telemetry.domain.curve import Curve, Point, thinned

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


def shown(books: Books) -> object:
    """All that a reader of the books can see."""
    return (
        {
            name: (
                book.state,
                book.peak_equity,
                book.curve.between(None, None),
                {key: (r.realized_pnl, r.fees, r.fills) for key, r in book.strategies.items()},
            )
            for name, book in books.accounts.items()
        },
        {key: seen.event for key, seen in books.orders.items()},
        [seen.event for seen in books.fills],
        [seen.event for seen in books.evaluations],
        [seen.event for seen in books.assessments],
    )


def story(messages: Messages, accounts: int, length: int) -> list[Event]:
    """Bars of several accounts: evaluation, assessment, order, fill, state, with sequences as execution counts them."""
    told: list[Event] = []
    for bar in range(length):
        for number in range(accounts):
            account, time_us = f"paper-{number}", bar * 3_600_000_000
            ids: dict[str, Any] = {"account_id": account, "event_time_us": time_us}
            told += [
                messages.evaluation(**ids),
                messages.assessment(**ids, evaluation_id=f"e{bar}"),
                messages.order(**ids, sequence=3 * bar + 1, client_order_id=f"o{number}-{bar}"),
                messages.fill(**ids, sequence=3 * bar + 2, realized_pnl=str(bar - 1), fee="0.1"),
                messages.state(**ids, sequence=3 * bar + 3, equity=str(100 + (bar * 7) % 5)),
            ]
    return told


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data(), accounts=st.integers(1, 3), length=st.integers(1, 6))
def test_take_when_stretches_are_delivered_again_then_as_if_once(
    messages: Messages, data: st.DataObject, accounts: int, length: int
) -> None:
    told = [(event, messages.envelope(event)) for event in story(messages, accounts, length)]
    once, again = Books(), Books()
    for event, envelope in told:
        assert once.take(event, envelope)
    reached = 0
    while reached < len(told):
        start = data.draw(st.integers(0, reached))
        reached = data.draw(st.integers(reached + 1, len(told)))
        for event, envelope in told[start:reached]:
            again.take(event, envelope)
    assert shown(again) == shown(once)


def test_take_when_fills_come_then_results_are_their_exact_sum(messages: Messages) -> None:
    books = Books()
    for sequence, pnl in enumerate(("0.1", "0.2", "-0.4"), 1):
        fill = messages.fill(sequence=sequence, realized_pnl=pnl, fee="0.01")
        books.take(fill, messages.envelope(fill))
    results = books.accounts["paper-1"].strategies["ema-cross-btc"]
    assert (results.realized_pnl, results.fees, results.fills) == (Decimal("-0.1"), Decimal("0.03"), 3)


def test_drawdown_when_equity_falls_from_its_peak_then_share_of_the_peak(messages: Messages) -> None:
    books = Books()
    for sequence, equity in enumerate(("100", "200", "150"), 1):
        state = messages.state(sequence=sequence, event_time_us=sequence, equity=equity)
        books.take(state, messages.envelope(state))
    book = books.accounts["paper-1"]
    assert book.drawdown_ratio == 0.25
    assert [point.drawdown_ratio for point in book.curve.between(None, None)] == [0.0, 0.0, 0.25]


def test_exposure_when_long_and_short_then_gross_adds_and_net_keeps_signs(messages: Messages) -> None:
    held = messages.state().positions[0]
    short = held.model_copy(update={"symbol": "ETHUSDT", "qty": Decimal(-2), "mark_price": Decimal(100)})
    state = messages.state(positions=(held, short))
    books = Books()
    books.take(state, messages.envelope(state))
    book = books.accounts["paper-1"]
    assert book.net_exposure == {("binance", "BTCUSDT"): Decimal(3700), ("binance", "ETHUSDT"): Decimal(-200)}
    assert book.gross_exposure == Decimal(3900)


def test_take_when_two_flattens_answer_different_switches_at_one_time_then_both_are_kept(messages: Messages) -> None:
    books = Books()
    for switch in ("c1", "c2", "c2"):
        flatten = messages.assessment(step_size=0, evaluation_id=switch)
        books.take(flatten, messages.envelope(flatten))
    assert [seen.event.evaluation_id for seen in books.assessments] == ["c1", "c2"]


def test_take_when_more_comes_than_is_kept_then_the_oldest_go(messages: Messages) -> None:
    books = Books(BookBounds(orders=2, fills=2))
    for sequence in range(1, 5):
        for event in (
            messages.order(sequence=sequence, client_order_id=f"o{sequence}"),
            messages.fill(sequence=sequence, venue_trade_id=str(sequence)),
        ):
            books.take(event, messages.envelope(event))
    assert list(books.orders) == ["o3", "o4"]
    assert [seen.event.sequence for seen in books.fills] == [3, 4]
    assert books.accounts["paper-1"].strategies["ema-cross-btc"].fills == 4


def test_forget_when_partitions_leave_then_their_accounts_go_and_may_come_back(messages: Messages) -> None:
    books = Books()
    told = [(e, messages.envelope(e, partition=int(e.account_id[-1]))) for e in story(messages, 2, 3)]  # type: ignore[attr-defined]
    for event, envelope in told:
        books.take(event, envelope)
    before = shown(books)
    books.forget([1])
    assert list(books.accounts) == ["paper-0"]
    assert {seen.event.account_id for seen in books.fills} == {"paper-0"}
    for event, envelope in told:
        if envelope.partition == 1:
            books.take(event, envelope)
    assert set(books.accounts) == {"paper-0", "paper-1"}
    assert shown(books)[0] == before[0]  # type: ignore[index]


def test_limits_when_risk_answers_then_what_it_says_is_in_force_is_shown(messages: Messages) -> None:
    books = Books()
    for version in (1, 2):
        limits = messages.limits(version=version)
        books.take(limits, messages.envelope(limits))
    state = messages.state()
    books.take(state, messages.envelope(state))
    kept = books.accounts["paper-1"].limits
    assert kept is not None
    assert kept.version == 2


# ---- the curve ----

POINTS = st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=200).map(
    lambda values: [Point(number, value, Decimal(0), 0.0) for number, value in enumerate(values)]
)


@given(points=POINTS, count=st.integers(4, 60))
def test_thinned_when_there_are_many_points_then_ends_lows_and_highs_stay_in_order(
    points: list[Point], count: int
) -> None:
    kept = thinned(points, count)
    assert len(kept) <= max(count, 4)
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    for extreme in (min, max):
        assert extreme(point.equity for point in kept) == extreme(point.equity for point in points)


def test_curve_when_full_then_bounded_and_its_low_is_still_there() -> None:
    curve = Curve(points_max=100)
    for number in range(1000):
        curve.add(Point(number, Decimal(-5 if number == 137 else 1), Decimal(0), 0.0))
    points = curve.between(None, None)
    assert len(points) <= 100
    assert min(points, key=lambda point: point.equity).time_us == 137
    assert curve.between(990, 995) == points[-10:-5]


@pytest.mark.parametrize("times", [2, 5])
def test_curve_when_a_time_repeats_then_the_last_state_of_it_counts(times: int) -> None:
    curve = Curve()
    for number in range(times):
        curve.add(Point(7, Decimal(number), Decimal(0), 0.0))
    assert curve.between(None, None) == [Point(7, Decimal(times - 1), Decimal(0), 0.0)]
