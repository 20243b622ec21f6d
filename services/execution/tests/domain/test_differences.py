"""What is done where records and venue differ."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tradewire.execution.domain.differences import Reconciliation, is_explained, take_payments
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook
from tradewire.ports.broker import BrokerAccount, BrokerPosition
from tradewire.ports.events import AuditRecorded
from tradewire.ports.live_venue import Payment

SECOND_US = 1_000_000
BTC = "BTCUSDT"


def shown(wallet: str = "1000", qty: str = "0") -> BrokerAccount:
    """What the venue shows: its wallet and a position."""
    zero, held = Decimal(0), Decimal(qty)
    position = BrokerPosition(BTC, held, Decimal(100), Decimal(100), zero)
    sums = (zero,) * 7
    return BrokerAccount(Decimal(wallet), *sums, positions=(position,) if held else ())


class Story:
    """An account that was opened flat with 1,000."""

    def __init__(self, opening: BrokerAccount | None = None) -> None:
        self.account = LiveAccount(LiveBook("live-1", "binance"))
        self.reconciliation = Reconciliation(self.account)
        self.time_us = 0
        self.read(opening or shown())

    def read(self, account: BrokerAccount, seconds: int = 0) -> bool:
        """One reading, so long after the last; is another one wanted?"""
        self.time_us += seconds * SECOND_US
        return self.reconciliation.take(account, self.time_us)

    def said(self) -> list[str]:
        """Names and messages of what was said to people since last asked."""
        events = [emit.event for emit in self.account.take_journal()]
        return [f"{event.name}: {event.message}" for event in events if isinstance(event, AuditRecorded)]


def test_account_when_it_is_new_then_what_the_venue_has_is_adopted_and_said() -> None:
    story = Story(shown(qty="2"))
    assert story.account.book.positions == {BTC: Decimal(2)}
    assert story.said() == ["account_differs: live-1: position of BTCUSDT: ours 0, the venue's 2; action: adopt"]


def test_position_when_it_differs_for_one_reading_then_nothing_follows() -> None:
    story = Story()
    assert story.read(shown(qty="2"), 5)
    assert not story.read(shown(), 5)
    assert story.said() == []
    assert not story.account.book.halted


def test_position_when_it_goes_on_differing_then_halted_until_both_agree() -> None:
    story = Story()
    story.read(shown(qty="2"))
    assert not story.read(shown(qty="2"), 2)
    assert "the venue's 2; action: halt" in story.account.book.halted
    story.read(shown(qty="2"), 60)
    assert len(story.said()) == 1
    story.read(shown(), 60)
    assert not story.account.book.halted
    assert story.said() == ["reconciled: live-1: records and venue agree again"]


def test_wallet_when_a_row_explains_it_then_nothing_is_said() -> None:
    story = Story()
    take_payments(story.account.book, [Payment("FUNDING_FEE", Decimal(-3), BTC, 0)], "1")
    assert is_explained(story.account.book, shown("997"))
    assert not story.read(shown("997"), 120)
    assert story.said() == []


def test_wallet_when_no_row_explains_it_for_a_minute_then_corrected_and_said_once() -> None:
    story = Story()
    for seconds in (0, 30, 40, 60):
        story.read(shown("990"), seconds)
    assert story.said() == ["account_differs: live-1: wallet: ours 1000, the venue's 990; action: correct"]
    assert not story.read(shown("990"), 60)
    assert story.account.book.money.corrected == Decimal(-10)


def test_commission_when_rows_say_more_than_our_fills_then_corrected() -> None:
    story = Story()
    take_payments(story.account.book, [Payment("COMMISSION", Decimal(-2), BTC, 0)], "1")
    story.read(shown("998"))
    story.read(shown("998"), 60)
    assert story.said() == ["account_differs: live-1: commission: ours 0, the venue's -2; action: correct"]
    assert story.account.book.money.fees == Decimal(2)


def test_commission_when_another_asset_paid_it_then_compared_in_that_asset() -> None:
    story = Story()
    book = story.account.book
    take_payments(book, [Payment("COMMISSION:BNB", Decimal("-0.02"), BTC, 0)], "1")
    book.money.paid["BNB"], book.money.fees, book.money.converted = Decimal("0.02"), Decimal(12), Decimal(12)
    for _ in range(3):
        assert not story.read(shown(), 60)
    assert story.said() == []
    take_payments(book, [Payment("COMMISSION:BNB", Decimal("-0.01"), BTC, 0)], "2")
    assert not is_explained(book, shown())
    story.read(shown())
    story.read(shown(), 60)
    assert story.said() == [
        "account_differs: live-1: commission of BNB: ours -0.02, the venue's -0.03; action: correct"
    ]
    assert (book.money.paid["BNB"], book.money.fees) == (Decimal("0.03"), Decimal(12))


def test_commission_when_both_assets_paid_then_the_quotes_part_is_compared_too() -> None:
    story = Story()
    book = story.account.book
    take_payments(
        book, [Payment("COMMISSION:BNB", Decimal("-0.02"), BTC, 0), Payment("COMMISSION", Decimal(-3), BTC, 0)], "1"
    )
    book.money.paid["BNB"], book.money.fees, book.money.converted = Decimal("0.02"), Decimal(14), Decimal(12)
    for _ in range(3):
        story.read(shown("997"), 60)
    assert story.said() == ["account_differs: live-1: commission: ours -2, the venue's -3; action: correct"]
    assert book.money.fees == Decimal(15)


def test_position_when_fills_move_both_figures_alike_then_the_difference_lasts_and_halts() -> None:
    story = Story()
    for qty in range(4):
        story.account.book.positions[BTC] = Decimal(qty)
        story.read(shown(qty=str(qty + 1)), 1)
    assert "position of BTCUSDT" in story.account.book.halted
    assert len(story.said()) == 1


def test_sides_when_their_errors_cancel_each_other_out_then_halted() -> None:
    story = Story()
    zero, price = Decimal(0), Decimal(100)
    sides = [("LONG", Decimal(1)), ("SHORT", Decimal(-1))]
    held = tuple(BrokerPosition(BTC, qty, price, price, zero, position_side=side) for side, qty in sides)
    unseen = replace(shown(), positions=held)
    story.read(unseen)
    story.read(unseen, 2)
    said = story.said()
    assert [line.split("; ")[0] for line in said] == [
        "account_differs: live-1: position of BTCUSDT LONG: ours 0, the venue's 1",
        "account_differs: live-1: position of BTCUSDT SHORT: ours 0, the venue's -1",
    ]
    assert story.account.book.halted
