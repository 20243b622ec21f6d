"""The risk desk: answers every evaluation, in event-time order per account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tradewire.ports.events import (
    AccountStateChanged,
    ControlChanged,
    ControlLevel,
    InstrumentChanged,
    RiskAssessed,
    RiskDecision,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.ports.risk import Exposure, RiskPort
from tradewire.risk.domain.account import RiskAccount, WaitingEvaluation
from tradewire.risk.domain.assessments import assessed, unknown
from tradewire.risk.domain.flattening import close_share, only_refused, refused_as_ended, refused_as_late, shares
from tradewire.risk.domain.limits import LimitsDesk
from tradewire.risk.domain.recorded import FIRST, Again, by_account
from tradewire.trading.assessment.assess import Decision, RiskContext, assess
from tradewire.trading.assessment.exposure import exposure_of
from tradewire.trading.controls import Controls, decides
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.roster import Roster, Stream
from tradewire.trading.tracking import Tracked


class RiskDesk:
    """State of all accounts that this process answers for.

    Handlers take events in any interleaving of topics; answers come out in event-time order per account, the same
    whatever the interleaving. ``grace_us``: how long, live, a step waits for what
    is missing; None: as long as it takes. ``partition_of``, set when the bus is known, tells an account's partition.
    """

    partition_of: Callable[[str], int]

    def __init__(self, rules: RiskPort, *, grace_us: int | None = None) -> None:
        self._rules, self._grace_us = rules, grace_us
        self.pending = PendingOffsets()
        self._accounts: Tracked[str, RiskAccount] = Tracked()
        self._partitions: dict[str, int] = {}
        self._roster = Roster()
        self.controls = Controls()
        self.limits = LimitsDesk(rules, self._owns)
        self._owned: set[int] = set()
        self._demands: dict[str, Envelope] = {}
        self._published_us: dict[str, int] = {}
        self._recorded: dict[str, list[RiskAssessed]] = {}
        self._instruments: dict[tuple[str, str], InstrumentChanged] = {}

    # ---- events ----

    def on_status(self, event: StrategyStatusChanged, _: Envelope) -> Iterator[Emit]:
        """A strategy came, changed or went: steps that waited for it may now be complete."""
        self._roster.apply(event)
        for account in self._accounts.values():
            yield from self._advance(account)

    def on_instrument(self, event: InstrumentChanged, _: Envelope) -> Iterable[Emit]:
        """Filters and status of an instrument."""
        self._instruments[event.venue, event.symbol] = event
        return ()

    def on_evaluation(self, event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        """An evaluation to answer."""
        account = self._account(event.account_id, envelope)
        account.take_evaluation(event, envelope)
        yield from self._advance(account)

    def on_account(self, event: AccountStateChanged, envelope: Envelope) -> Iterator[Emit]:
        """An account as of an event time."""
        account = self._account(event.account_id, envelope)
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
        """Carry out a FLATTEN that came before the accounts did; live, answer steps whose grace has run out, and say
        so. Tell what became of changed limits.
        """
        yield from self.limits.tick(now_us)
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
        for account_id, account in self._accounts.touched():
            yield self._partitions[account_id], account

    def restore(self, partition: int, account: RiskAccount) -> None:
        """Take back an account from its changelog."""
        self._accounts.restore(account.account_id, account)
        self._partitions[account.account_id] = partition

    def published(self, newest_us: Mapping[str, int], answers: Iterable[RiskAssessed] = ()) -> None:
        """The answers on the topic, in order, and the event time of each account's newest, saved or not: they stand."""
        recorded = by_account(answers)
        self._recorded |= recorded
        for account_id in recorded.keys() & self._accounts.peek().keys():
            self._accounts[account_id].remember(self._recorded.pop(account_id))
        for account_id, time_us in newest_us.items():
            account = self._accounts.known(account_id)
            if time_us > (account.answered_until_us if account is not None else -1):
                self._published_us[account_id] = time_us

    def includes(self, account_id: str, time_us: int) -> bool:
        """Does the state of an account include the answers up to an event time?"""
        account = self._accounts.known(account_id)
        return account is not None and time_us <= account.answered_until_us

    def forget(self, partition: int) -> None:
        """Drop the accounts of a partition that another member answers for now."""
        self._owned.discard(partition)
        for account_id in [a for a, p in self._partitions.items() if p == partition]:
            del self._partitions[account_id]
            self._published_us.pop(account_id, None)
            self._accounts.pop(account_id).drop()

    def accounts(self) -> Mapping[str, RiskAccount]:
        """Accounts that it answers for and has heard of, to look at."""
        return self._accounts.peek()

    def status(self) -> dict[str, object]:
        """For /health."""
        return {
            "accounts": {
                a.account_id: {
                    "waiting_steps": len(a.steps),
                    "waits_for": sorted(f"{stream.strategy_id}:{stream.symbol}" for stream in self._owing(a)),
                    "buffered_states": len(a.states),
                    "peak_equity": str(a.peak_equity),
                }
                for a in self._accounts.peek().values()
            },
            "controls": self.controls.levels(),
        }

    def waits(self) -> Iterator[WaitReason]:
        """Accounts whose oldest step lacks something."""
        for account in self._accounts.peek().values():
            if (step_us := account.oldest_us) is None:
                continue
            owing = self._owing(account)
            streams = ", ".join(sorted(f"{stream.strategy_id} on {stream.symbol}" for stream in owing))
            if unanswered := account.unanswered(step_us, self._roster.knows):
                whose = ", ".join(sorted(one.told for one in unanswered))
                yield WaitReason("strategy_status", f"{account.account_id}: the answer about {whose}", step_us)
            elif streams:
                yield WaitReason("evaluations", f"{account.account_id}: evaluations of {streams}", step_us)
            else:
                yield WaitReason("account_state", f"{account.account_id}: the account's state", step_us)

    # ---- answers ----

    def _account(self, account_id: str, envelope: Envelope) -> RiskAccount:
        if account_id not in self._accounts:
            account = self._accounts[account_id] = RiskAccount(account_id, self.pending)
            account.remember(self._recorded.pop(account_id, ()))
            self._partitions[account_id] = envelope.partition
        return self._accounts[account_id]

    def _advance(self, account: RiskAccount) -> Iterator[Emit]:
        """Answer every step that is complete."""
        while (step_us := account.oldest_us) is not None:
            if step_us in account.recorded:
                if (streams := account.as_recorded(step_us)) is None:
                    return
                yield from self._repeat(account, step_us, *streams)
                continue
            if next(self._owing(account), None) is not None or account.unanswered(step_us, self._roster.knows):
                return
            signalled = any(self._may_trade(waiting) for waiting in account.steps[step_us].values())
            if signalled and step_us > account.answered_until_us and account.state_as_of(step_us) is None:
                return
            yield from self._answer(account, step_us, late=False, now_us=None)

    def _may_trade(self, waiting: WaitingEvaluation) -> bool:
        return waiting.signals and not self._roster.has_ended(waiting.event)

    def _owing(self, account: RiskAccount) -> Iterator[Stream]:
        """Streams whose evaluations the oldest step waits for."""
        owed = self._roster.owed(account.account_id, account.oldest_us or -1, account.answered_until_us)
        return account.owing(owed)

    def _repeat(self, account: RiskAccount, step_us: int, own: list[Stream], after: list[Stream]) -> Iterator[Emit]:
        """Go past a step as its answers on the topic say, and give those that a crash kept from getting there."""
        recorded = account.recorded.pop(step_us)
        yield from self._answer(account, step_us, late=recorded.late, now_us=None, again=Again(own, recorded.own))
        if after:
            account.answer(step_us, after)

    def _answer(
        self, account: RiskAccount, step_us: int, *, late: bool, now_us: int | None, again: Again = FIRST
    ) -> Iterator[Emit]:
        """Answer one step in canonical order; each approval is reserved before the next is judged.
        A step without a signal needs no account state: its answers are the same whatever the account looks like."""
        state = account.state_as_of(step_us) or account.state
        answered_until_us = account.answered_until_us
        step = account.answer(step_us, again.streams)
        exposure = exposure_of(state) if state is not None else None
        for index, waiting in enumerate(step):
            may_trade = self._may_trade(waiting)
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

        A state older than the newest step answered does not show that step's orders, and after a restart may be long
        out of date: a later one decides then.
        """
        state = account.newest_state
        if not self._demands or state is None or state.event_time_us < account.answered_until_us:
            return
        if state.event_time_us <= self._published_us.get(account.account_id, -1):
            return
        for key in shares(account, state):
            control = self.controls.flattening(account.account_id, key.strategy_id)
            if control is not None:
                yield from close_share(account, state, key, self._demands[control.scope])
