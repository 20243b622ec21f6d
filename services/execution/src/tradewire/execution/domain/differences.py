"""Where an account's records and its venue differ, and what is done about it.

The venue is right about money and positions; what is unknown is why the records say something else. A difference
counts when readings go on showing it alike: one alone may have met a fill on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook, WalletRecord
from tradewire.execution.domain.position_sides import place_of
from tradewire.ports.broker import BrokerAccount
from tradewire.ports.events import Severity
from tradewire.ports.live_venue import Payment

ZERO: Final = Decimal(0)
COMMISSION, REALIZED, FUNDING = "COMMISSION", "REALIZED_PNL", "FUNDING_FEE"
"""Kinds of rows that our own records can be held against; others are transfers, rebates and the like."""


SETTLE_US: Final = {"position": 1_000_000, "wallet": 60_000_000, "commission": 60_000_000, "realized": 60_000_000}
"""How long a difference must last. A row of the venue may appear some time after the wallet has moved."""
Place = tuple[str, str, Decimal]
"""(what, of, the venue's figure less ours)."""
OTHER_ASSET: Final = ":"
"""Stands in the kind of a row before an asset that is not the wallet's."""


class Action(StrEnum):
    """What follows from a difference."""

    ADOPT = "adopt"
    """The account is new to us: what the venue has is where the records begin."""
    CORRECT = "correct"
    """The venue's figure is taken over."""
    HALT = "halt"
    """No order that opens a position is taken until both agree again."""


class AccountDifference(NamedTuple):
    """``what``: position, wallet, commission or realized; ``of``: the position's place, or the asset that is not the
    quote's; ``ours`` and ``venues``: base for a position, else in the asset.
    """

    what: str
    of: str
    ours: Decimal
    venues: Decimal
    action: Action

    @property
    def place(self) -> Place:
        """What lasts of a difference while fills move both figures alike."""
        return self.what, self.of, self.venues - self.ours

    @property
    def text(self) -> str:
        """For people."""
        where = f" of {self.of}" if self.of else ""
        return f"{self.what}{where}: ours {self.ours:f}, the venue's {self.venues:f}; action: {self.action}"


def take_payments(book: LiveBook, payments: Sequence[Payment], cursor: str) -> None:
    """Add the venue's rows up."""
    for payment in payments:
        book.money.rows[payment.kind] = book.money.rows.get(payment.kind, ZERO) + payment.amount
    book.money.cursor = cursor


def is_explained(book: LiveBook, shown: BrokerAccount) -> bool:
    """Do the rows that were read come to what is shown and booked? They weigh much, so they are read when not."""
    return bool(book.money.cursor) and not any(True for _ in _money(book, shown))


def _explained(money: WalletRecord) -> Decimal:
    own = [amount for kind, amount in money.rows.items() if OTHER_ASSET not in kind]
    return (money.opening or ZERO) + sum(own, ZERO) + money.corrected


def differences(book: LiveBook, shown: BrokerAccount) -> Iterator[AccountDifference]:
    """Every figure on which records and venue differ now."""
    theirs = {place_of(item.symbol, item.position_side): item.qty for item in shown.positions}
    begun = book.money.opening is not None
    for place in sorted(theirs.keys() | book.positions.keys()):
        ours, venues = book.positions.get(place, ZERO), theirs.get(place, ZERO)
        if ours != venues:
            yield AccountDifference("position", place, ours, venues, Action.HALT if begun else Action.ADOPT)
    if begun:
        yield from _money(book, shown)


def _money(book: LiveBook, shown: BrokerAccount) -> Iterator[AccountDifference]:
    money = book.money
    explained = _explained(money)
    if explained != shown.wallet_balance:
        yield AccountDifference("wallet", "", explained, shown.wallet_balance, Action.CORRECT)
    figures = [("commission", "", money.converted - money.fees, COMMISSION), ("realized", "", money.realized, REALIZED)]
    others = {kind.partition(OTHER_ASSET)[2] for kind in money.rows if kind.startswith(f"{COMMISSION}{OTHER_ASSET}")}
    figures += [
        ("commission", asset, -money.paid.get(asset, ZERO), f"{COMMISSION}{OTHER_ASSET}{asset}")
        for asset in sorted(others | money.paid.keys())
    ]
    for what, of, ours, kind in figures:
        if (venues := money.rows.get(kind, ZERO)) != ours:
            yield AccountDifference(what, of, ours, venues, Action.CORRECT)


class Reconciliation:
    """Acts on what two readings show alike, far enough apart."""

    def __init__(self, account: LiveAccount) -> None:
        self._account = account
        self._since_us: dict[Place, int] = {}
        self._told: set[Place] = set()

    def acts_by_us(self) -> int | None:
        """When the first difference that was seen has lasted long enough, UTC µs; None: there is none."""
        return min(
            (since_us + SETTLE_US[place[0]] for place, since_us in self._since_us.items() if place not in self._told),
            default=None,
        )

    def take(self, shown: BrokerAccount, time_us: int) -> bool:
        """Hold the account against a reading; is there something that another one will settle?"""
        book, money = self._account.book, self._account.book.money
        found = sorted(differences(book, shown))
        if money.opening is None:
            money.opening, self._account.changed = shown.wallet_balance, True
            for difference in found:
                self._act(difference, time_us)
            return False
        self._since_us = {item.place: self._since_us.get(item.place, time_us) for item in found}
        self._told.intersection_update(self._since_us)
        for difference in found:
            place, since_us = difference.place, self._since_us[difference.place]
            if place not in self._told and time_us - since_us >= SETTLE_US[difference.what]:
                self._told.add(place)
                self._act(difference, time_us)
        self._resume(found, time_us)
        return any(difference.place not in self._told for difference in found)

    def _resume(self, found: Collection[AccountDifference], time_us: int) -> None:
        """Take orders again when nothing speaks against it any more."""
        if self._account.book.halted and not any(item.action is Action.HALT for item in found):
            self._account.note_account("reconciled", "records and venue agree again", time_us, Severity.INFO)
            self._account.book.halted = ""

    def _act(self, difference: AccountDifference, time_us: int) -> None:
        book, severity = self._account.book, Severity.WARNING
        match difference.what, difference.action:
            case "position", Action.ADOPT:
                book.positions[difference.of] = difference.venues
            case _, Action.HALT:
                book.halted, severity = difference.text, Severity.ERROR
            case "wallet", _:
                book.money.corrected += difference.venues - difference.ours
            case "commission", _ if difference.of:
                book.money.paid[difference.of] = -difference.venues
            case "commission", _:
                book.money.fees = book.money.converted - difference.venues
            case "realized", _:
                book.money.realized = difference.venues
        self._account.note_account("account_differs", difference.text, time_us, severity)
