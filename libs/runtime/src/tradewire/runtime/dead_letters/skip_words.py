"""The answer to an operator's word that a record is to be passed over, as it stands in the dead-letter topic."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.runtime.dead_letters.letters import is_letter, number

WORD, OUTCOME, POSITION = "dlq.skip.word", "dlq.skip.outcome", "dlq.skip.position"


class SkipOutcome(Enum):
    """``AHEAD``: it was not handled, and is passed over when it is read; ``PASSED_OVER``: it was; ``HANDLED``: it was
    handled before the word came, and what followed from it is written: nothing takes that back.
    """

    AHEAD = "ahead"
    PASSED_OVER = "passed_over"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True)
class SkipAnswer:
    """``word``: offset of the operator's word in its partition; ``position``: offset behind the last record handled."""

    word: int
    outcome: SkipOutcome
    position: int


def write_skip_answer(word: Place, topic: str, answer: SkipAnswer) -> Outgoing:
    """The answer to a word about a record of ``topic``. ``word``: the partition of the dead-letter topic it is in."""
    said = {
        "dlq.topic": topic,
        WORD: str(answer.word),
        OUTCOME: answer.outcome.value,
        POSITION: str(answer.position),
    }
    headers = tuple((name, text.encode()) for name, text in said.items())
    return Outgoing(word.topic, topic.encode(), b"", headers, word.partition)


def read_skip_answer(record: Record) -> SkipAnswer | None:
    """The answer that a record is; None when it is something else."""
    outcome = dict(record.headers).get(OUTCOME, b"").decode(errors="replace")
    if is_letter(record) or outcome not in {known.value for known in SkipOutcome}:
        return None
    return SkipAnswer(number(record, WORD), SkipOutcome(outcome), number(record, POSITION))
