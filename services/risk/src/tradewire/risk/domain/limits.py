"""Changes of limits and their answers: each change is in force, or refused with the reason.

The limits in force are one sequence of versions per account. A change names the version that it makes, so one that was
decided on other limits than those in force is refused, and the order of the topic decides between two. What is in force
is told with every answer, on ``risk.limits-status.v1``, which is read again at a start; risk's store keeps the same
sequence with its history, and goes on with it on a new bus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tradewire.ports.events import RiskLimitsAnswered, RiskLimitsChanged
from tradewire.ports.message import Emit, Envelope, derived_id
from tradewire.ports.risk import RiskPort, limits_told
from tradewire.trading.limit_bounds import fault_of

FIRST_VERSION_MAX = 1_000_000
"""Highest version of an account's first limits: the sequence may have begun on another bus."""


class Judged(NamedTuple):
    """A change that was judged. ``reason``: empty when it is in force; ``cause``: the message that asked for it."""

    cause: Envelope
    reason: str


class LimitsDesk:
    """Judges every change, as every instance does, and tells the answers for the accounts that this instance has."""

    def __init__(self, rules: RiskPort, owns: Callable[[str], bool]) -> None:
        self._rules, self._owns = rules, owns
        self._answered: dict[str, RiskLimitsAnswered] = {}
        self._judged: dict[str, list[Judged]] = {}
        self._stored_untold = True
        self._displaced: set[str] = set()

    def own(self) -> None:
        """Accounts were taken over: what the store holds of them may never have been told."""
        self._stored_untold = True

    def on_answer(self, event: RiskLimitsAnswered, _: Envelope) -> Iterable[Emit]:
        """Our own answer, read back, or another instance's. Raises ContractViolationError when it tells no limits."""
        limits = limits_told(event)
        if limits.version:
            self._rules.change(limits)
        self._answered[event.account_id] = event
        self._displaced.discard(event.account_id)
        left = [one for one in self._judged.get(event.account_id, ()) if one.cause.offset > event.request_offset]
        self._judged[event.account_id] = left
        return ()

    def on_displaced(self, account_id: str) -> None:
        """A record that is no answer stands behind the last one about an account, which is told again."""
        self._displaced.add(account_id)

    def on_change(self, event: RiskLimitsChanged, envelope: Envelope) -> Iterable[Emit]:
        """A change, in force at once when it is accepted; ``tick`` tells the answer."""
        answered = self._answered.get(event.account_id)
        if answered is None or envelope.offset > answered.request_offset:
            reason = self._refusal(event) or ""
            if not reason:
                self._rules.change(event)
            self._judged.setdefault(event.account_id, []).append(Judged(envelope, reason))
        return ()

    def tick(self, now_us: int) -> Iterator[Emit]:
        """Tell what was judged, and what the store holds that the topic does not."""
        for account_id, judged in self._judged.items():
            if judged and self._owns(account_id):
                self._judged[account_id] = []
                for cause, reason in judged:
                    answer = self._answer(account_id, cause.event_id, cause.offset, reason, now_us)
                    yield Emit(answer, cause)
        for account_id in [one for one in self._displaced if one in self._answered and self._owns(one)]:
            self._displaced.discard(account_id)
            again = self._answered[account_id].model_copy(update={"event_time_us": now_us})
            yield Emit(again, event_id=derived_id(account_id, "RiskLimitsAnswered again", now_us))
        if self._stored_untold:
            self._stored_untold = False
            yield from self._stored(now_us)

    def _stored(self, now_us: int) -> Iterator[Emit]:
        for limits in self._rules.every():
            told = self._answered.get(limits.account_id)
            if self._judged.get(limits.account_id):
                continue  # an answer about it is still to come
            if self._owns(limits.account_id) and (told is None or told.version < limits.version):
                offset = told.request_offset if told is not None else -1
                answer = self._answer(limits.account_id, "", offset, "", now_us)
                yield Emit(answer, event_id=derived_id(limits.account_id, "RiskLimitsAnswered", limits.version))

    def _refusal(self, event: RiskLimitsChanged) -> str | None:
        known = self._rules.limits(event.account_id)
        if event == known:
            return None
        fault = fault_of(event)
        if fault is not None:
            return fault
        if known.version == 0:
            allowed = f"1 to {FIRST_VERSION_MAX} for an account without limits"
            return None if 1 <= event.version <= FIRST_VERSION_MAX else f"version {event.version}; allowed: {allowed}"
        if event.version == known.version + 1:
            return None
        return f"version {event.version}; allowed: {known.version + 1}, the next after what {known.author} set"

    def _answer(self, account_id: str, request_id: str, offset: int, reason: str, now_us: int) -> RiskLimitsAnswered:
        limits = self._rules.limits(account_id)
        answer = RiskLimitsAnswered(
            account_id=account_id,
            request_id=request_id,
            request_offset=offset,
            accepted=not reason,
            reason=reason,
            version=limits.version,
            in_force=limits.model_dump_json(),
            event_time_us=now_us,
        )
        self._answered[account_id] = answer
        return answer
