"""One account: its orders at the venue, whose orders are whose, and what waits to be joined in event time."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tradewire.execution.domain.arrivals import Arrived, Feed, PendingAssessment, feeds_of, is_whole
from tradewire.execution.domain.candle_order import CandleOrder
from tradewire.execution.domain.execution_port import ExecutionPort
from tradewire.ports.events import RiskAssessed
from tradewire.ports.message import Envelope
from tradewire.trading.candle_chain import CandleVerdict
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.refused_bars import RefusedBars, Streams


@dataclass(slots=True)
class OrderRecord:
    """What execution remembers of a working order: whose it is and which message asked for it.

    ``working_e8``: the quantity at work, which follows the entry's fills and the position; ``qty_e8`` never changes.
    ``reference_e8``: the close that decided on it, 0 where none did.
    """

    strategy_id: str
    venue: str
    symbol: str
    side: str
    order_type: str
    leg: str
    qty_e8: int
    price_e8: int
    stop_price_e8: int
    reduce_only: bool
    evaluation_id: str
    placed_us: int
    event_id: str
    correlation_id: str
    traceparent: str
    venue_order_id: str = ""
    filled_e8: int = 0
    working_e8: int = 0
    reference_e8: int = 0

    def cause(self) -> Envelope:
        """The assessment behind the order, as the cause of what happens to it."""
        return Envelope(
            event_id=self.event_id,
            correlation_id=self.correlation_id,
            event_time_us=self.placed_us,
            traceparent=self.traceparent,
        )


@dataclass
class ExecutionAccount:
    """Join state and book of one account. Buffers are read again after a restart; everything else is ``saved``.

    ``time_us``: the last event time that happened; ``awaits_us``: the event time whose assessments must be placed
    before the next bar may happen; ``read_to``: event time and index of the newest assessment that was placed or
    denied, which is the order in which risk writes them; ``reached_us``: the step that was read last since the start;
    ``unowed``: by step, indices of assessments of bars that nobody decides on; ``refused_to``: offset behind the newest
    of these that was ahead of the account, or of a version that was never accepted; ``follows``: the feeds whose bars
    the last step waited for, without those that it left; ``results_e8``: realized PnL before fees and fees, quote, by
    strategy, "" for what none of them asked for.
    """

    account_id: str
    pending: PendingOffsets
    execution: ExecutionPort = field(init=False)
    time_us: int = -1
    awaits_us: int | None = None
    assessed_us: int = -1
    read_to: tuple[int, int] = (-1, -1)
    sequence: int = 0
    shares_e8: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    ended: set[Feed] = field(default_factory=set)
    follows: frozenset[Feed] = frozenset()
    happened_us: dict[Feed, int] = field(default_factory=dict)
    candles: dict[Feed, deque[Arrived]] = field(default_factory=dict)
    assessments: dict[int, dict[int, PendingAssessment]] = field(default_factory=dict)
    ending: set[Feed] = field(default_factory=set)
    reached_us: int = -1
    unowed: dict[int, set[int]] = field(default_factory=dict)
    refused_to: int = 0
    refused: RefusedBars = field(default_factory=RefusedBars)
    venues: dict[str, str] = field(default_factory=dict)
    results_e8: dict[str, tuple[int, int]] = field(default_factory=dict)
    order_of_candles: CandleOrder = field(default_factory=CandleOrder)

    def next_sequence(self) -> int:
        """1, 2, … over everything that the account reports."""
        self.sequence += 1
        return self.sequence

    def book_result(self, strategy_id: str, *, realized_e8: int, fee_e8: int) -> None:
        """Add what a fill came to."""
        realized_so_far_e8, fees_e8 = self.results_e8.get(strategy_id, (0, 0))
        self.results_e8[strategy_id] = (realized_so_far_e8 + realized_e8, fees_e8 + fee_e8)

    # ---- joining ----

    def take_candle(self, arrived: Arrived) -> None:
        """Buffer a candle that follows the last one of its feed, or was taken and neither happened nor waits."""
        candle, envelope, feed = arrived.candle, arrived.envelope, arrived.feed
        verdict = self.order_of_candles.take(arrived)
        waiting = self.candles.setdefault(feed, deque())
        newest_us = waiting[-1].candle.close_time_us if waiting else self.time_us
        if candle.close_time_us <= self.time_us and verdict.is_taken:
            self.order_of_candles.happen(arrived)
        if candle.close_time_us <= newest_us or not (verdict.is_taken or verdict is CandleVerdict.COPY):
            return
        waiting.append(arrived)
        self.pending.take(envelope)
        if candle.last_of_stream:
            self.ending.add(feed)

    def take_assessment(self, event: RiskAssessed, envelope: Envelope) -> None:
        """Buffer an assessment, unless its step was placed already."""
        if event.event_time_us > self.assessed_us:
            step = self.assessments.setdefault(event.event_time_us, {})
            if event.step_index not in step:
                step[event.step_index] = PendingAssessment(event, envelope)
                self.pending.take(envelope)

    def read(self, event: RiskAssessed, offset: int, *, owed: bool) -> bool:
        """Note an assessment; is it a new one, rather than one that is delivered or published again?

        One of a bar that nobody decides on, not ``owed``, only tells that its step has one answer less to wait for.
        Risk answers an account's steps in order, so the answer read last tells how far it is, whatever was read before:
        one that is far ahead of the market is followed by those of steps before.
        """
        time_us, index = place = (event.event_time_us, event.step_index)
        if not owed and event.step_size > 1 and time_us > self.assessed_us:
            self.unowed.setdefault(time_us, set()).add(index)
        elif owed and time_us > self.assessed_us and index not in self.assessments.get(time_us, ()):
            self.reached_us = time_us
        if time_us <= self.time_us:
            new, self.read_to = place > self.read_to, max(place, self.read_to)
        else:
            new = owed or self.refuses(offset)
        return new

    def refuses(self, offset: int) -> bool:
        """Note that nothing of an assessment is placed; is that new, rather than said before a crash?"""
        new, self.refused_to = offset >= self.refused_to, max(offset + 1, self.refused_to)
        return new

    def lacking(self, owed: Iterable[tuple[Feed, int]]) -> Iterator[Feed]:
        """Feeds that have not answered for the bar close that they owe: by that bar, by any later one, or their end."""
        for feed, close_us in owed:
            waiting = self.candles.get(feed)
            newest_us = waiting[-1].candle.close_time_us if waiting else self.happened_us.get(feed, -1)
            if newest_us < close_us and feed not in self.ending and feed not in self.ended:
                yield feed

    def oldest_candle_us(self) -> int | None:
        """Event time of the oldest candle at hand."""
        return min((waiting[0].candle.close_time_us for waiting in self.candles.values() if waiting), default=None)

    def take_bars(self, time_us: int, feeds: Collection[Feed]) -> dict[Feed, Arrived]:
        """Take the candles that close at ``time_us`` out of the buffer, in canonical order; those of ``feeds`` happen.

        Whether a candle is needed may only be known once all that comes before has happened.
        """
        bars: dict[Feed, Arrived] = {}
        for feed in sorted(self.candles):
            waiting = self.candles[feed]
            if waiting and waiting[0].candle.close_time_us == time_us:
                taken = waiting.popleft()
                self.pending.release(taken.envelope)
                self.order_of_candles.happen(taken)
                if taken.candle.last_of_stream:
                    self.ended.add(feed)
                if feed in feeds:
                    bars[feed] = taken
                    self.happened_us[feed] = time_us
        return bars

    def bars_at(self, time_us: int, feeds: Collection[Feed]) -> dict[Feed, Arrived]:
        """The candles of ``feeds`` that close at ``time_us``, in canonical order, left in the buffer."""
        waiting = {feed: self.candles[feed][0] for feed in sorted(feeds) if self.candles.get(feed)}
        return {feed: item for feed, item in waiting.items() if item.candle.close_time_us == time_us}

    def open_symbols(self) -> set[str]:
        """Symbols with a position, a strategy's share of one, or a working order."""
        held = {symbol for (_, symbol), share_e8 in self.shares_e8.items() if share_e8}
        return {*self.execution.positions_e8(), *held, *(order.symbol for order in self.orders.values())}

    def complete_step(self, time_us: int, deciding: Callable[[], Streams]) -> list[PendingAssessment] | None:
        """The assessments of a step in order, once all are here; what is here, if anything, when risk has gone on to a
        later step, and so no more come.

        Risk may have counted one of a bar that nobody decides on, as it had not heard of that: then all are here when
        there is one of each stream that is ``deciding``. There is no step where risk refused each of these outside it.
        """
        step = self.assessments.get(time_us)
        if not step and (refused := self.refused.at(time_us)) and deciding() <= refused:
            return []
        if step and is_whole(step, self.unowed.get(time_us, set()), deciding):
            return self.take_step(time_us)
        if not self._has_later(time_us):
            return None
        return self.take_step(time_us) if step else []

    def _has_later(self, time_us: int) -> bool:
        """Has risk gone on to a later step? Not before a bar of it was published."""
        if self.reached_us <= time_us:
            return False
        return any(waiting and waiting[-1].candle.close_time_us >= self.reached_us for waiting in self.candles.values())

    def take_step(self, time_us: int) -> list[PendingAssessment]:
        """Take what is here of a step out of the buffer, in order."""
        step = self.assessments.pop(time_us)
        for assessed in step.values():
            self.pending.release(assessed.envelope)
        self.unowed = {at_us: indices for at_us, indices in self.unowed.items() if at_us > time_us}
        self.read_to = max((time_us, max(step)), self.read_to)
        return [step[index] for index in sorted(step)]

    def drop(self) -> None:
        """Let go of the account: of everything buffered, and of its venue."""
        self.execution.close()
        for arrived in (item for waiting in self.candles.values() for item in waiting):
            self.pending.release(arrived.envelope)
        for assessed in (item for step in self.assessments.values() for item in step.values()):
            self.pending.release(assessed.envelope)

    # ---- state ----

    def saved(self) -> bytes:
        """JSON of all but the buffers."""
        return json.dumps(
            {
                "exchange": self.execution.saved(),
                "time_us": self.time_us,
                "awaits_us": self.awaits_us,
                "assessed_us": self.assessed_us,
                "read_to": self.read_to,
                "refused_to": self.refused_to,
                "refused": sorted(self.refused.saved(self.assessed_us)),
                "sequence": self.sequence,
                "shares_e8": [[*key, qty] for key, qty in sorted(self.shares_e8.items())],
                "orders": {client_id: asdict(order) for client_id, order in self.orders.items()},
                "ended": sorted(self.ended),
                "follows": sorted(self.follows),
                "happened_us": [[*feed, time_us] for feed, time_us in sorted(self.happened_us.items())],
                "results_e8": self.results_e8,
                "candles": self.order_of_candles.saved(),
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def restored(
        cls,
        account_id: str,
        saved: bytes,
        pending: PendingOffsets,
        open_at: Callable[[ExecutionAccount, Any], ExecutionPort],
    ) -> ExecutionAccount:
        """The account that ``saved`` wrote. ``open_at``: takes it back at its venue, from what was saved of that.

        One that was saved without what it follows is taken to follow every feed that it was moved by and is open in;
        what one came to that was saved without results by strategy is of none of them.
        """
        data: dict[str, Any] = json.loads(saved)
        account = cls(
            account_id,
            pending,
            time_us=data["time_us"],
            awaits_us=data["awaits_us"],
            assessed_us=data["assessed_us"],
            read_to=tuple(data.get("read_to", (data["assessed_us"], 0))),
            refused_to=data.get("refused_to", 0),
            refused=RefusedBars(data.get("refused", ())),
            sequence=data["sequence"],
            shares_e8={(strategy, symbol): qty for strategy, symbol, qty in data["shares_e8"]},
            orders={client_id: OrderRecord(**order) for client_id, order in data["orders"].items()},
            ended={feed for row in data["ended"] for feed in feeds_of(row)},
            happened_us={feed: time_us for *row, time_us in data["happened_us"] for feed in feeds_of(row)},
            order_of_candles=CandleOrder(data.get("candles", ())),
        )
        book = data["exchange"].get("account", {})
        totals = {"": (book.get("realised_e8", 0), book.get("fees_e8", 0))}
        account.results_e8 = {strategy: (pnl, fees) for strategy, (pnl, fees) in data.get("results_e8", totals).items()}
        account.venues = {symbol: venue for venue, symbol, _ in account.happened_us}
        account.execution = open_at(account, data["exchange"])
        rows = data.get("follows")
        if rows is None:
            still_open = account.open_symbols()
            rows = [feed for feed in account.happened_us if feed[1] in still_open]
        account.follows = frozenset((venue, symbol, interval_us) for venue, symbol, interval_us in rows)
        return account
