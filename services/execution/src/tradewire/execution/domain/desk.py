"""The execution desk: places approved orders and lets the market happen to the accounts, in event-time order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.account_status import accounts_status, accounts_wait_for
from tradewire.execution.domain.arrivals import Arrived, Feed, Key, PendingAssessment
from tradewire.execution.domain.candle_intake import CandleIntake
from tradewire.execution.domain.catching_up import CatchingUp
from tradewire.execution.domain.execution_port import Bars, ExecutionPort
from tradewire.execution.domain.first_answers import FirstAnswers
from tradewire.execution.domain.following import Following, news
from tradewire.execution.domain.journal import OrderJournal
from tradewire.execution.domain.kill_switch import KillSwitch, permitted, reason
from tradewire.execution.domain.order_records import record_of
from tradewire.execution.domain.passed_steps import deny_passed
from tradewire.execution.domain.positions import CandlePositions
from tradewire.execution.domain.reports import account_changed, denied, order_changed
from tradewire.execution.domain.venue import AccountVenue
from tradewire.ports.events import (
    CandleClosed,
    ControlChanged,
    InstrumentChanged,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    RiskAssessed,
    StrategyStatusChanged,
)
from tradewire.ports.ledger import ReadPosition
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.ports.topics import BY_EVENT
from tradewire.trading.exchange import InstrumentSpec
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.roster import Roster
from tradewire.trading.tracking import Tracked
from tradewire.trading.unknown_versions import UnknownVersions
from tradewire.trading.wire import spec_of


class ExecutionDesk:
    """All accounts that this process writes for, each at the venue.

    Handlers take candles and assessments in any interleaving; what happens to an account is the same whatever the
    interleaving. ``partition_of``, set when the bus is known, tells an account's partition.
    """

    partition_of: Callable[[str], int]

    def __init__(self, venue: AccountVenue) -> None:
        self._venue, self._roster = venue, Roster()
        self._specs: dict[Key, InstrumentSpec] = {}
        self._accounts: Tracked[str, ExecutionAccount] = Tracked()
        self._following = Following(self._roster)
        self.pending = PendingOffsets()
        self.unknown: UnknownVersions[RiskAssessed] = UnknownVersions(self._roster.knows, self.pending)
        self.positions = CandlePositions()
        self._catching_up = CatchingUp(self.positions, self._roster, self._following, self._time_of)
        self._journal, self.kill_switch, self._first_answers = OrderJournal(), KillSwitch(), FirstAnswers()
        self.intake = CandleIntake(self._accounts, self._following, self._time_of, self.positions)

    # ---- events ----

    def on_control(self, event: ControlChanged, envelope: Envelope) -> Iterator[Emit]:
        """A kill-switch level, at once: what it does not let work is withdrawn."""
        self.kill_switch.take(event, envelope, self._accounts.peek())
        yield from self.tick(0)

    def tick(self, _: int) -> Iterator[Emit]:
        """Take what venues reported, and carry the kill switch out on accounts that do not obey it yet."""
        yield from self._explained()
        for account_id in self._venue.reporting():
            account = self._accounts[account_id]
            yield from self._journal.noted(account.execution.reports())
            yield from self._journal.noted(self._advance(account))
        for account_id in self.kill_switch.due():
            yield from self._journal.noted(self.kill_switch.carry_out(self._accounts[account_id]))

    def on_status(self, event: StrategyStatusChanged, envelope: Envelope) -> Iterator[Emit]:
        """A strategy came, changed or went."""
        unfollowed = self._catching_up.unfollowed(event)
        self._roster.apply(event)
        self._catching_up.applied(event, envelope.offset, unfollowed)
        for account in self._accounts.values():
            if account.awaits_us is None and account.assessed_us < account.time_us:
                account.awaits_us = account.time_us if self._following.decides(account, account.time_us) else None
            yield from self._journal.noted(deny_passed(account, self._following))
            yield from self._journal.noted(self._advance(account))
        yield from self._explained()

    def on_instrument(self, event: InstrumentChanged, _: Envelope) -> Iterable[Emit]:
        """Filters, fees and brackets."""
        spec = self._specs[event.venue, event.symbol] = spec_of(event)
        for account in self._accounts.values():
            if account.venues.get(event.symbol) == event.venue:
                account.execution.list_instrument(spec)
        return ()

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """A bar that may now happen to every account that decides on its symbol and interval, or closes there."""
        if self.positions.rewinds:
            return  # it is read again, behind those that are needed before it
        self.positions.passed(envelope.partition, envelope.offset)
        feed, arrived = (event.venue, event.symbol, INTERVALS_US[event.interval]), None
        needing = self.intake.needing(feed, event.close_time_us)
        yield from self.intake.check(feed, needing, event, envelope)
        self._catching_up.passed(feed, event.close_time_us)
        for account_id in needing:
            arrived = arrived or Arrived.of(event, envelope)
            account = self._account(account_id)
            account.take_candle(arrived)
            yield from self._journal.noted(self._advance(account))

    def on_assessment(self, event: RiskAssessed, envelope: Envelope) -> Iterator[Emit]:
        """Approved orders of one evaluation; placed when all of its step are here."""
        assessed = PendingAssessment(event, envelope)
        if event.step_size == 0:
            if event.intents or event.cancels:
                account = self._account(event.account_id)
                yield from self._journal.noted(self._place(account, assessed, max(account.time_us, 0)))
            elif (known := self._accounts.get(event.account_id)) is not None:
                known.refused.add(event)
                yield from self._journal.noted(self._advance(known))
        elif self.unknown.has(event.account_id) or not self._roster.knows(event.strategy_id, event.config_version):
            self.unknown.keep(event, envelope)
        else:
            yield from self._take(event, envelope)

    def _explained(self) -> Iterator[Emit]:
        """Assessments of versions that were not known, and those behind them: known now, or never accepted."""
        for item in self.unknown.explained():
            event, assessed = item.event, PendingAssessment(item.event, item.envelope)
            if self._roster.knows(event.strategy_id, event.config_version):
                yield from self._take(event, item.envelope)
            elif event.intents and (account := self._account(event.account_id)).refuses(item.envelope.offset):
                yield from self._journal.noted(denied(account, assessed))

    def _take(self, event: RiskAssessed, envelope: Envelope) -> Iterator[Emit]:
        yield from self._first_answers.compare(event, envelope)
        account, owed = self._account(event.account_id), self._roster.owes_some_bar(event)
        new = account.read(event, envelope.offset, owed=owed)
        if owed and not self._following.is_past(account, event):
            account.take_assessment(event, envelope)
        elif new:
            yield from self._journal.noted(denied(account, PendingAssessment(event, envelope)))
        yield from self._journal.noted(self._advance(account))

    # ---- state ----

    def own(self, partitions: Iterable[int], known: Mapping[int, ReadPosition]) -> None:
        """Become the writer of partitions whose accounts were restored. ``known``: their positions as written last."""
        for partition in partitions:
            self._catching_up.own(partition, known.get(partition))

    def _time_of(self, account_id: str) -> tuple[int, int]:
        """An account's partition, and the last event time that happened to it."""
        account = self._accounts.known(account_id)
        return self.partition_of(account_id), account.time_us if account is not None else -1

    def restore(self, account_id: str, saved: bytes) -> None:
        """Take an account back from the ledger."""
        account = ExecutionAccount.restored(account_id, saved, self.pending, self._taken_back)
        self._accounts.restore(account_id, account)
        for spec in filter(None, (self._specs.get((venue, symbol)) for symbol, venue in account.venues.items())):
            account.execution.list_instrument(spec)
        self.kill_switch.begin(account_id)
        self._following.begin(account)

    def _taken_back(self, account: ExecutionAccount, saved: Mapping[str, Any]) -> ExecutionPort:
        return self._venue.restore(account, saved, [spec for _, spec in sorted(self._specs.items())])

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop what another member writes now."""
        gone = set(partitions)
        self.intake.watch.clear()
        self.unknown.forget(lambda account_id, _: self.partition_of(account_id) in gone)
        for partition in gone:
            self.positions.forget(partition)
        for account_id in [a for a in self._accounts.peek() if self.partition_of(a) in gone]:
            account = self._accounts.pop(account_id)
            self.kill_switch.end(account_id)
            self._first_answers.forget(account_id)
            self._following.end(account)
            account.drop()

    def busy(self) -> bool:
        """Will there be something to report soon?"""
        return bool(self._venue.reporting()) or self.unknown.doubts()

    def stored(self) -> None:
        """The ledger holds everything up to now."""
        self._venue.stored()

    def journal(self) -> list[OrderChanged | OrderFilled]:
        """Transitions and fills since last asked."""
        return self._journal.take()

    def changed(self) -> Iterator[ExecutionAccount]:
        """Accounts that may have changed since last asked."""
        return (account for _, account in self._accounts.touched())

    def candle_positions(self) -> dict[int, ReadPosition]:
        """What was read of the candles, by account partition: up to the oldest one that is buffered."""
        topic, pending = BY_EVENT[CandleClosed].name, self.pending.lowest()
        return self.positions.saved({p.partition: offset for p, offset in pending.items() if p.topic == topic})

    def accounts(self) -> Mapping[str, ExecutionAccount]:
        """Accounts that it answers for and has heard of, to look at."""
        return self._accounts.peek()

    def status(self) -> dict[str, object]:
        """For /health."""
        accounts = accounts_status(self._accounts.peek().values(), self._following)
        return {"accounts": accounts, "controls": self.kill_switch.controls.levels()}

    def waits(self) -> Iterator[WaitReason]:
        """Accounts that stand still until risk has answered a step, their venue an order, or a market has a bar."""
        yield from self.intake.watch.waits()
        yield from self.unknown.waits()
        yield from accounts_wait_for(self._accounts.peek().values(), self._following)

    # ---- the market happens ----

    def _account(self, account_id: str) -> ExecutionAccount:
        if (account := self._accounts.get(account_id)) is None:
            account = self._accounts[account_id] = ExecutionAccount(account_id, self.pending)
            account.execution = self._venue.open(account)
        return account

    def _list(self, account: ExecutionAccount, venue: str, symbol: str) -> None:
        """List a symbol when the account first comes to it: what it keeps grows with what it trades."""
        if symbol not in account.venues and (spec := self._specs.get((venue, symbol))) is not None:
            account.execution.list_instrument(spec)
            account.venues[symbol] = venue

    def _advance(self, account: ExecutionAccount) -> Iterator[Emit]:
        """Place complete steps and let complete bars happen, alternately, as far as the inputs reach."""
        yield from self.kill_switch.carry_out(account)
        while not account.execution.owes:
            if account.awaits_us is not None:
                step = account.complete_step(account.awaits_us, partial(self._following.deciding, account))
                if step is None and self._following.decides(account, account.awaits_us):
                    return
                for assessed in step or ():
                    yield from self._place(account, assessed, account.awaits_us)
                account.assessed_us, account.awaits_us = account.awaits_us, None
            oldest_us = account.oldest_candle_us()
            if oldest_us is None:
                return
            feeds = self._following.feeds(account, oldest_us)
            if any(account.lacking(self._following.owed(account, oldest_us, feeds))):
                return
            if not account.execution.has_shown(oldest_us, partial(self._next_bars, account, oldest_us, feeds)):
                return
            arrived = account.take_bars(oldest_us, feeds)
            if arrived:
                yield from self._step(account, oldest_us, feeds, arrived)
                yield from deny_passed(account, self._following)

    def _next_bars(self, account: ExecutionAccount, time_us: int, feeds: Collection[Feed]) -> Bars:
        """What ``_step`` would let happen."""
        return self._news(account, account.bars_at(time_us, feeds))

    def _news(self, account: ExecutionAccount, arrived: dict[Feed, Arrived]) -> Bars:
        for venue, symbol, _ in arrived:
            self._list(account, venue, symbol)
        return news(account, arrived)

    def _step(
        self, account: ExecutionAccount, time_us: int, feeds: frozenset[Feed], arrived: dict[Feed, Arrived]
    ) -> Iterator[Emit]:
        """All bars of the account that close at ``time_us`` happen; then the account's state goes out."""
        bars = self._news(account, arrived)
        cause = list(arrived.values())[-1].envelope
        account.time_us = time_us
        yield from account.execution.step(time_us, bars, cause)
        account.awaits_us = time_us if self._following.decides(account, time_us) else None
        absent, last = list(self._following.absent(account)), self._following.settle(account, feeds, time_us)
        yield account_changed(account, cause, absent, last=last)

    def _place(self, account: ExecutionAccount, assessed: PendingAssessment, time_us: int) -> Iterator[Emit]:
        """Withdraw and place the orders of one assessment; each once, whatever is delivered twice."""
        event, envelope = assessed
        self._list(account, event.venue, event.symbol)
        for client_id in event.cancels:
            yield from account.execution.cancel(client_id, envelope, time_us)
        level = self.kill_switch.controls.level(event.account_id, event.strategy_id)
        for intent, allowed in permitted(event.intents, level):
            if account.execution.knows(intent.client_order_id):
                continue
            if allowed:
                yield from account.execution.submit(event, intent, envelope, time_us)
                continue
            record = record_of(event, intent, envelope, time_us)
            yield order_changed(account, intent.client_order_id, record, OrderStatus.DENIED, time_us, reason(level))
