"""A venue that loses, delays, repeats and dies, by a seed, and that knows the truth about every order.

It is as forgiving as Binance and no more: an order id is refused as a duplicate only while an order of that id is
open, so a blind resend of an order that has filled makes a second one, and a checker sees it in ``accepted``.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NoReturn, TypeVar

from tradewire.binance.errors import ErrorCode
from tradewire.execution.domain.venue_errors import VenueFailure, outcome
from tradewire.ports.broker import (
    Accepted,
    BrokerAccount,
    BrokerPort,
    FillPage,
    NotFound,
    Rejected,
    Unknown,
    VenueFill,
    VenueOrder,
)
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import OrderIntent, Side
from tradewire.testkit.matching_engine import MatchingEngine, MatchingRefusedError, Push

PAGE_MAX: Final = 50
"""Fills in one answer."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Faults:
    """How often what goes wrong, as probabilities of one call or push; all off by default.

    ``late_us``: a late request arrives within this (the venue's receive window); ``hidden_us``: a new order or fill
    is shown by reads within this.
    """

    not_sent: float = 0
    request_lost: float = 0
    request_late: float = 0
    reply_lost: float = 0
    unavailable: float = 0
    timed_out: float = 0
    read_fails: float = 0
    push_lost: float = 0
    push_twice: float = 0
    push_late: float = 0
    late_us: int = 5_000_000
    hidden_us: int = 0


ALL_FAULTS: Final = Faults(
    not_sent=0.05,
    request_lost=0.05,
    request_late=0.05,
    reply_lost=0.05,
    unavailable=0.05,
    timed_out=0.05,
    read_fails=0.1,
    push_lost=0.2,
    push_twice=0.2,
    push_late=0.3,
    hidden_us=5_000_000,
)
"""Nearly every second write goes wrong."""


@dataclass(order=True)
class _Late:
    """Something that happens later."""

    at_us: int
    number: int
    act: Callable[[], object] = field(compare=False)


class FaultyVenue(BrokerPort):
    """One account. Reads and writes fail by ``faults``; ``trade`` lets orders fill; ``pushes`` is the user stream.

    The truth, for checkers: ``accepted`` and ``fills``.
    """

    def __init__(self, clock: ClockPort, *, seed: int, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.down = False
        self._clock, self._dice = clock, random.Random(seed)
        self._engine = MatchingEngine(self._now_us, self._dice, self._push, lambda: self.faults.hidden_us)
        self._numbers = itertools.count(1)
        self._arrived_us: int | None = None
        self._arriving: list[_Late] = []
        self._pushing: list[_Late] = []
        self._pushed: list[Push] = []

    @property
    def accepted(self) -> Mapping[str, Sequence[VenueOrder]]:
        """Every order that the venue ever took, by our id, as it stands."""
        return {client_id: [item.order for item in items] for client_id, items in self._engine.orders.items()}

    @property
    def fills(self) -> Sequence[VenueFill]:
        """Every fill, in trade order."""
        return self._engine.fills

    # ---- the port ----

    async def submit(
        self, symbol: str, intent: OrderIntent, asked_us: int | None = None
    ) -> Accepted | Rejected | Unknown:
        answer = self._write(lambda: self._engine.take(symbol, intent))
        assert not isinstance(answer, NotFound), "no answer to an order"
        return answer

    async def cancel(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        answer = self._write(lambda: self._engine.withdraw(client_order_id))
        assert not isinstance(answer, Rejected), "no answer to a cancel"
        return answer

    async def query(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound:
        now_us = self._read()
        shown = [item.order for item in self._engine.orders.get(client_order_id, ()) if item.from_us <= now_us]
        return shown[-1] if shown else NotFound()

    async def open_orders(self) -> Sequence[VenueOrder]:
        now_us = self._read()
        return tuple(item.order for item in self._engine.at_work() if item.from_us <= now_us)

    async def fills_since(self, cursor: str) -> FillPage:
        now_us, start = self._read(), int(cursor or 0)
        visible = itertools.takewhile(
            lambda at_us: at_us <= now_us, self._engine.fills_from_us[start : start + PAGE_MAX]
        )
        end = start + len(list(visible))
        return FillPage(tuple(self._engine.fills[start:end]), str(end) if end > start else cursor)

    async def account(self) -> BrokerAccount:
        """Of money the engine knows nothing."""
        self._read()
        none = Decimal(0)
        return BrokerAccount(none, none, none, none, none, none, none, none)

    async def time(self) -> int:
        return self._read()

    # ---- what a test does to it ----

    def trade(self) -> None:
        """The market moves: orders at work fill in part, wholly or not, in any order."""
        self._arrive()
        working = self._engine.at_work()
        for item in self._dice.sample(working, len(working)):
            if self._dice.random() < 0.5:
                self._engine.fill(item, whole=self._dice.random() < 0.5)

    def finish(self) -> None:
        """Every order at work fills."""
        self._arrive()
        for item in self._engine.at_work():
            self._engine.fill(item, whole=True)

    def make_own_order(
        self, client_order_id: str, symbol: str, side: Side, qty: Decimal, *, whole: bool = True
    ) -> None:
        """The venue itself trades on the account, as in a liquidation; ``whole``: or half of it for now."""
        item = self._engine.add(client_order_id, symbol, side, "LIQUIDATION", qty)
        self._engine.fill(item, whole=whole)

    def die(self) -> None:
        """No connection any more; what was on its way is lost."""
        self.down = True
        self._arriving.clear()
        self._pushing.clear()
        self._pushed.clear()

    def pushes(self) -> list[Push]:
        """What the user stream brings now: in any order, some of it twice, some late, some never."""
        self._arrive()
        while self._pushing and self._pushing[0].at_us <= self._clock.now_us():
            heapq.heappop(self._pushing).act()
        pushed, self._pushed = self._pushed, []
        return [] if self.down else self._dice.sample(pushed, len(pushed))

    # ---- faults ----

    def _arrive(self) -> None:
        while self._arriving and self._arriving[0].at_us <= self._clock.now_us():
            late = heapq.heappop(self._arriving)
            self._arrived_us = late.at_us
            self._quietly(late.act)
            self._arrived_us = None

    def _now_us(self) -> int:
        """When what the venue does now happens: a late request acts when it arrives, not when someone looks."""
        return self._clock.now_us() if self._arrived_us is None else self._arrived_us

    def _quietly(self, act: Callable[[], object]) -> None:
        """Carry out a request whose answer nobody gets."""
        try:
            act()
        except MatchingRefusedError:
            return

    def _later(self, queue: list[_Late], act: Callable[[], object]) -> None:
        at_us = self._clock.now_us() + self._dice.randint(0, self.faults.late_us)
        heapq.heappush(queue, _Late(at_us, next(self._numbers), act))

    def _read(self) -> int:
        self._arrive()
        if self.down or self._dice.random() < self.faults.read_fails:
            raise RetryableError("the read timed out")
        return self._clock.now_us()

    def _write(self, act: Callable[[], T]) -> T | Rejected | Unknown | NotFound:
        """Carry a request out, or not, and answer, or not."""
        self._arrive()
        if self.down:
            return outcome(VenueFailure(sent=False, message="connection refused"))
        faults, drawn = self.faults, self._dice.random()
        for share, fault in (
            (faults.not_sent, self._not_sent),
            (faults.request_lost, self._request_lost),
            (faults.request_late, self._request_late),
            (faults.reply_lost, self._reply_lost),
            (faults.unavailable, self._unavailable),
            (faults.timed_out, self._timed_out),
        ):
            if drawn < share:
                return fault(act)
            drawn -= share
        try:
            return act()
        except MatchingRefusedError as error:
            return outcome(error.failure)

    def _not_sent(self, act: Callable[[], object]) -> NoReturn:
        raise RetryableError("HTTP 429: too many requests")

    def _request_lost(self, act: Callable[[], object]) -> Rejected | Unknown | NotFound:
        return outcome(VenueFailure(message="timeout"))

    def _request_late(self, act: Callable[[], object]) -> Rejected | Unknown | NotFound:
        self._later(self._arriving, act)
        return outcome(VenueFailure(message="timeout"))

    def _reply_lost(self, act: Callable[[], object]) -> Rejected | Unknown | NotFound:
        self._quietly(act)
        return outcome(VenueFailure(message="connection reset"))

    def _unavailable(self, act: Callable[[], object]) -> Rejected | Unknown | NotFound:
        if self._dice.random() < 0.5:
            self._quietly(act)
        return outcome(VenueFailure(503, message="Unknown error, please check your request or try again later."))

    def _timed_out(self, act: Callable[[], object]) -> Rejected | Unknown | NotFound:
        self._dice.choice((self._request_lost, self._request_late, self._reply_lost))(act)
        return outcome(VenueFailure(408, ErrorCode.TIMEOUT, "Timeout waiting for response from backend server."))

    def _push(self, push: Push) -> None:
        copies = 0 if self._dice.random() < self.faults.push_lost else 1
        for _ in range(copies + (self._dice.random() < self.faults.push_twice)):
            if self._dice.random() < self.faults.push_late:
                self._later(self._pushing, lambda: self._pushed.append(push))
            else:
                self._pushed.append(push)
