"""The risk desk: answers every evaluation, in event-time order per account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tradewire.ports.events import (
    AccountStateChanged,
    ControlChanged,
    ControlLevel,
    InstrumentChanged,
    RiskDecision,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.ports.risk import Exposure, RiskPort
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.account_status import accounts_status, accounts_wait_for
from tradewire.risk.domain.admission import Admission, Admitted
from tradewire.risk.domain.assessments import assessed, unknown
from tradewire.risk.domain.closed_bars import ClosedBars
from tradewire.risk.domain.flattening import close_share, shares
from tradewire.risk.domain.limits import LimitsDesk
from tradewire.risk.domain.reading_again import PublishedAnswers, ReadingAgain
from tradewire.risk.domain.recorded import FIRST, Again
from tradewire.risk.domain.refusals import only_refused, refused_as_ended, refused_as_late
from tradewire.risk.domain.waiting import WaitingEvaluation
from tradewire.trading.assessment.assess import Decision, RiskContext, assess
from tradewire.trading.assessment.exposure import exposure_of
from tradewire.trading.controls import Controls, decides
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.roster import Roster
from tradewire.trading.tracking import Tracked


class RiskDesk:
    """State of all accounts that this process answers for.

    Answers come out in event-time order per account, the same whatever the interleaving of topics. ``grace_us``: how
    long, live, a step waits for what is missing; None: as long as it takes. ``partition_of``: an account's, once known.
    """

    partition_of: Callable[[str], int]

    def __init__(self, rules: RiskPort, *, grace_us: int | None = None) -> None:
        self._rules, self._grace_us = rules, grace_us
        self.pending = PendingOffsets()
        self._accounts: Tracked[str, RiskAccount] = Tracked()
        self._partitions: dict[str, int] = {}
        self._roster = Roster()
        self.admission = Admission(self._roster, self.pending)
        self._closed_bars = ClosedBars(self._roster, self.admission.refused_bars)
        self.controls = Controls()
        self.limits = LimitsDesk(rules, self._owns)
        self._owned: set[int] = set()
        self._demands: dict[str, Envelope] = {}
        self.again = ReadingAgain()
        self._instruments: dict[tuple[str, str], InstrumentChanged] = {}

    # ---- events ----

    def on_status(self, event: StrategyStatusChanged, _: Envelope) -> Iterator[Emit]:
        """A strategy came, changed or went: steps that waited for it may now be complete."""
        self._roster.apply(event)
        yield from self._explained()
        for account in self._accounts.values():
            yield from self._advance(account)

    def on_instrument(self, event: InstrumentChanged, _: Envelope) -> Iterable[Emit]:
        """Filters and status of an instrument."""
        self._instruments[event.venue, event.symbol] = event
        return ()

    def on_evaluation(self, event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        """An evaluation to answer."""
        known, recorded = self._accounts.known(event.account_id), self.again.answers(event.account_id)
        match self.admission.judge(event, envelope, known, recorded):
            case Admitted.JOINS:
                account = self._account(event.account_id, envelope)
                account.take_evaluation(event, envelope)
                yield from self._advance(account)
            case Emit() as refusal:
                yield refusal

    def _explained(self) -> Iterator[Emit]:
        """Evaluations of versions that were not known: known now, or never accepted."""
        for item in self.admission.unknown.explained():
            event = item.event
            if self._roster.knows(event.strategy_id, event.config_version):
                yield from self.on_evaluation(event, item.envelope)
            else:
                yield self.admission.refuse(event, item.envelope)
            if (account := self._accounts.get(event.account_id)) is not None:
                yield from self._advance(account)

    def _read_again(self) -> Iterator[Emit]:
        """What a life before answered is read again: steps that waited for more of it go on."""
        for partition in self.again.ended():
            accounts = [a for a in self._accounts.values() if self._partitions[a.account_id] == partition]
            for account in accounts:
                yield from self._advance(account)
            self.again.settle(partition, accounts, self._accounts.peek())

    def on_account(self, event: AccountStateChanged, envelope: Envelope, *, goes_on: bool = False) -> Iterator[Emit]:
        """An account as of an event time. ``goes_on``: an operator has no missing evaluation of its bar waited for."""
        account = self._account(event.account_id, envelope)
        account.released |= {event.event_time_us} if goes_on else set()
        account.take_state(event, envelope)
        yield from self._flatten(account)
        yield from self._advance(account)

    def on_control(self, event: ControlChanged, envelope: Envelope) -> Iterator[Emit]:
        """A kill-switch level, at once; FLATTEN closes what is open now and whatever opens until it is lifted."""
        if not self.controls.apply(event, envelope.offset):
            return
        if event.level is not ControlLevel.FLATTEN:
            self._demands.pop(event.scope, None)
            return
        self._demands[event.scope] = envelope
        for account in self._accounts.values():
            yield from self._flatten(account)

    def on_control_deleted(self, scope: str, envelope: Envelope) -> Iterable[Emit]:
        """The record of a scope was deleted: nothing is asked of it any more."""
        if self.controls.lift(scope, envelope.offset):
            self._demands.pop(scope, None)
        return ()

    def tick(self, now_us: int) -> Iterator[Emit]:
        """Carry out a FLATTEN that came before its accounts, answer steps whose grace has run out, tell of limits."""
        yield from self.limits.tick(now_us)
        yield from self._explained()
        yield from self._read_again()
        if self._demands:
            for account in self._accounts.values():
                yield from self._flatten(account)
        if self._grace_us is None:
            return
        until_us = now_us - self._grace_us
        overdue = [
            a.account_id for a in self._accounts.peek().values() if a.oldest_us is not None and a.oldest_us < until_us
        ]
        for account in map(self._accounts.__getitem__, overdue):
            while (step_us := account.oldest_us) is not None and step_us < until_us:
                if step_us in account.recorded:
                    break  # answered already: the rest of it is being read again
                yield from self._answer(account, step_us, late=True, now_us=now_us)

    # ---- state ----

    def own(self, partitions: Iterable[int]) -> None:
        """Answer for the accounts of partitions."""
        self._owned |= set(partitions)
        self.limits.own()

    def _owns(self, account_id: str) -> bool:
        return bool(self._owned) and self.partition_of(account_id) in self._owned

    def changed(self) -> Iterator[tuple[int, RiskAccount]]:
        """Accounts that may have changed since last asked, with their partitions."""
        return ((self._partitions[account_id], account) for account_id, account in self._accounts.touched())

    def restore(self, partition: int, account: RiskAccount) -> None:
        """Take back an account from its changelog."""
        self._accounts.restore(account.account_id, account)
        self._partitions[account.account_id] = partition

    def published(self, answers: PublishedAnswers) -> None:
        """The answers on the topic, saved or not: they stand."""
        self.again.begin(answers)
        for account_id, account in self._accounts.peek().items():
            if given := self.again.take(account_id):
                account.remember(given, whole=self.again.knows_all(self._partitions[account_id]))

    def forget(self, partition: int) -> None:
        """Drop the accounts of a partition that another member answers for now."""
        self._owned.discard(partition)
        self.admission.unknown.forget(lambda _, envelope: envelope.partition == partition)
        gone = [a for a, p in self._partitions.items() if p == partition]
        self.again.forget(partition, gone)
        for account_id in gone:
            del self._partitions[account_id]
            self._accounts.pop(account_id).drop()

    def accounts(self) -> Mapping[str, RiskAccount]:
        """Accounts that it answers for and has heard of, to look at."""
        return self._accounts.peek()

    def status(self) -> dict[str, object]:
        """For /health."""
        accounts = self._accounts.peek().values()
        return {"accounts": accounts_status(accounts, self._closed_bars.owing), "controls": self.controls.levels()}

    def waits(self) -> Iterator[WaitReason]:
        """Accounts whose oldest step lacks something."""
        yield from self.admission.unknown.waits()
        accounts = [a for a in self._accounts.peek().values() if not self.admission.holds_up(a)]
        yield from accounts_wait_for(accounts, self._closed_bars.owing)

    # ---- answers ----

    def _account(self, account_id: str, envelope: Envelope) -> RiskAccount:
        if account_id not in self._accounts:
            account = self._accounts[account_id] = RiskAccount(account_id, self.pending)
            self._partitions[account_id] = envelope.partition
            account.remember(self.again.take(account_id), whole=self.again.knows_all(envelope.partition))
        return self._accounts[account_id]

    def _advance(self, account: RiskAccount) -> Iterator[Emit]:
        """Answer every step that is complete."""
        self._closed_bars.settle(account)
        under_way = self.again.under_way(self._partitions[account.account_id])
        yield from self.admission.refuse_lost(account, () if under_way else self._closed_bars.released(account))
        while (step_us := account.oldest_us) is not None:
            if step_us in account.recorded:
                if (again := account.as_recorded(step_us, whole=not under_way)) is None:
                    return
                if again.given and not again.late and not self._closed_bars.follows(account, step_us):
                    return
                del account.recorded[step_us]
                if again.given:
                    yield from self._answer(account, step_us, late=again.late, now_us=None, again=again)
                continue
            if next(self._closed_bars.owing(account), None) is not None or self.admission.holds_up(account):
                return
            yield from self.admission.refuse_lost(account, () if under_way else self._closed_bars.lost(account))
            if self._closed_bars.has(account, step_us):
                yield from self._answer(account, step_us, late=False, now_us=None)
            elif self._closed_bars.owes(account, step_us):
                return
            else:  # nobody decides on the bar, so it may never come
                yield from self.admission.refuse_step(account, step_us)

    def _answer(
        self, account: RiskAccount, step_us: int, *, late: bool, now_us: int | None, again: Again = FIRST
    ) -> Iterator[Emit]:
        """Answer one step in canonical order; each approval is reserved before the next is judged.
        Where nobody signals the answers are the same whatever the account looks like: its state may not be here."""
        state, answered_until_us = account.state_as_of(step_us) or account.state, account.answered_until_us
        step = account.answer(step_us, again.streams)
        if again.after:
            account.answer(step_us, again.after)
        exposure = exposure_of(state) if state is not None else None
        for index, waiting in enumerate(step):
            may_trade = self._closed_bars.may_trade(waiting)
            if may_trade and step_us <= answered_until_us:
                decision = refused_as_late(waiting.event, answered_until_us)
            elif may_trade or not waiting.signals:
                decision = self._decision(account, waiting, state, exposure, now_us)
            else:
                decision = refused_as_ended(waiting.event)
            exposure = decision.exposure or exposure
            given = again.given.get(waiting.envelope.event_id)
            account.approved(waiting.event, decision.intents if given is None else given.intents)
            if given is None:
                yield assessed(waiting, decision, state if may_trade else None, index, len(step), late=late)
        yield from self.admission.refuse_overtaken(account)

    def _decision(
        self,
        account: RiskAccount,
        waiting: WaitingEvaluation,
        state: AccountStateChanged | None,
        exposure: Exposure | None,
        now_us: int | None,
    ) -> Decision:
        event, step_us = waiting.event, waiting.event.event_time_us
        instrument = self._instruments.get((event.venue, event.symbol))
        if not waiting.signals:
            return Decision(RiskDecision.NO_SIGNAL)
        if state is None or exposure is None or instrument is None:
            return unknown(state, instrument)
        context = RiskContext(
            state=state,
            exposure=exposure,
            peak_equity=account.peak_equity,
            day_start_equity=account.day_start_equity,
            orders_last_minute=account.orders_last_minute(step_us),
            level=self.controls.level(account.account_id, event.strategy_id),
            shared=self._roster.shared(event),  # then none may lean on the net position
            data_age_s=(now_us - step_us) / 1e6 if now_us is not None else None,
        )
        decision = assess(event, waiting.envelope.event_id, context, instrument, self._rules)
        return decision if decides(context.level) else only_refused(decision, context.level)

    def _flatten(self, account: RiskAccount) -> Iterator[Emit]:
        """Close what FLATTEN covers, as the newest state shows it: a demand does not wait for a bar.

        A state older than the newest step answered does not show that step's orders: a later one decides then.
        """
        state = account.newest_state
        if not self._demands or state is None or state.event_time_us < account.answered_until_us:
            return
        if self.again.hides(account.account_id, self._partitions[account.account_id], state.event_time_us):
            return
        for key in shares(account, state):
            control = self.controls.flattening(account.account_id, key.strategy_id)
            if control is not None:
                yield from close_share(account, state, key, self._demands[control.scope])
