"""Answers of a life before that saved its state earlier: they are out, so they stand, and are not decided anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from tradewire.ports.events import RiskAssessed
from tradewire.trading.roster import Stream


@dataclass(slots=True)
class GivenStep:
    """The answers of one step, by evaluation id; ``after``: those that came after the step.

    ``size``: how many evaluations the step had. A crash may have cut its answers short.
    """

    size: int = 0
    late: bool = False
    own: dict[str, RiskAssessed] = field(default_factory=dict)
    after: dict[str, RiskAssessed] = field(default_factory=dict)

    def take(self, answer: RiskAssessed) -> None:
        """The next answer on the topic."""
        if not self.size:
            self.size, self.late = answer.step_size, answer.late
        taken = {own.step_index for own in self.own.values()}
        of_step = answer.step_size == self.size and answer.step_index not in taken
        (self.own if of_step else self.after)[answer.evaluation_id] = answer

    @property
    def missing(self) -> int:
        """Answers of the step that a crash kept from the topic."""
        return self.size - len(self.own)

    def state_us(self) -> int:
        """Event time of the newest account state that an answer was given on; -1 when none was needed."""
        times = (answer.account_time_us for answer in self.own.values())
        return max((time_us for time_us in times if time_us is not None), default=-1)


@dataclass(slots=True)
class RecordedStep:
    """What the topic says of one step, by evaluation id, in its order. Whoever may write there may have said it."""

    answers: dict[str, RiskAssessed] = field(default_factory=dict)

    def take(self, answer: RiskAssessed) -> None:
        """The next answer on the topic; one that was published again says nothing new."""
        self.answers.setdefault(answer.evaluation_id, answer)

    def given(self, evaluations: Collection[str]) -> GivenStep:
        """The answers to these evaluations."""
        found = GivenStep()
        for evaluation_id, answer in self.answers.items():
            if evaluation_id in evaluations:
                found.take(answer)
        return found


def recorded_steps(
    answers: Iterable[RiskAssessed], answered_us: Mapping[tuple[str, str], int]
) -> dict[int, RecordedStep]:
    """The steps of one account with answers that its state does not include, by event time.

    ``answers``: in the order in which they were published; ``answered_us``: what the state includes, per strategy and
    symbol.
    """
    steps: dict[int, RecordedStep] = {}
    for answer in answers:
        if answer.event_time_us > answered_us.get((answer.strategy_id, answer.symbol), -1):
            steps.setdefault(answer.event_time_us, RecordedStep()).take(answer)
    return steps


class Again(NamedTuple):
    """A step that was answered before: its streams, what was answered, by evaluation id, and the streams that were
    answered after it. None: all that is here.
    """

    streams: Collection[Stream] | None
    given: Mapping[str, RiskAssessed]
    after: Collection[Stream] = ()
    late: bool = False


FIRST = Again(None, MappingProxyType({}))
"""A step that nobody has answered."""


def by_account(answers: Iterable[RiskAssessed]) -> dict[str, list[RiskAssessed]]:
    """Answers in their order, per account."""
    found: dict[str, list[RiskAssessed]] = {}
    for answer in answers:
        found.setdefault(answer.account_id, []).append(answer)
    return found
