"""Dead letters of all services: what waits, why, and what replay and giving up would do."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.dead_letters.kept import Letter
from tradewire.runtime.dead_letters.letters import PARKED, VALUE_BYTES, letter_place
from tradewire.telemetry.adapters.api.dead_letter_models import (
    DeadLetterSelection,
    DeadLettersView,
    DeadLetterView,
    LetterState,
)
from tradewire.telemetry.adapters.api.examples import AWAY, answers
from tradewire.telemetry.adapters.api.paging import cursor_of

ASKED_SECONDS = 1.0
"""What the topics hold is good for so long, however many ask."""
Read = Callable[[], Awaitable[tuple[Sequence[Letter], bool]]]
Waiting = Counter[tuple[str, str, str]]
"""Letters that wait, by service, topic and key."""


class DeadLetterRoutes:
    """The route. ``read``: every letter that is looked at, and whether those are all; raises RetryableError."""

    def __init__(self, read: Read, clock: ClockPort) -> None:
        self._read, self._clock = read, clock
        self._asking = asyncio.Lock()
        self._asked_s: float | None = None
        self._letters: Sequence[Letter] = ()
        self._is_complete = True
        self.router = APIRouter(tags=["platform"])
        summary = "Records that services could not handle, and what can be done"
        self.router.get("/dead-letters", summary=summary, responses=answers("dead_letters") | AWAY)(self.dead_letters)

    async def dead_letters(self, chosen: Annotated[DeadLetterSelection, Query()]) -> DeadLettersView:
        """Newest first. 422 for a service or a topic that there is none of."""
        before = cursor_of(chosen.after)
        _hold_known("service", chosen.service, list(DEAD_LETTERS))
        _hold_known("topic", chosen.topic, list(TOPICS))
        letters = await self._known()
        waiting = Waiting(_key(one) for one in letters if one.waits)
        parked = {_key(one) for one in letters if one.parks}
        if not chosen.behind:
            faulty = {_key(one) for one in letters if one.waits and one.stage != PARKED}
            letters = [one for one in letters if one.stage != PARKED or _key(one) not in faulty]
        fitting = (one for one in letters if _is_chosen(one, chosen) and (before is None or _order(one) < before))
        found = heapq.nlargest(chosen.limit + 1, fitting, key=_order)
        shown = found[: chosen.limit]
        last = _order(shown[-1]) if len(found) > len(shown) else None
        return DeadLettersView(
            items=[letter_view(one, waiting[_key(one)]) for one in shown],
            next=f"{last[0]}:{last[1]}" if last is not None else None,
            asked_us=self._clock.now_us(),
            waiting=waiting.total(),
            parked_keys=len(parked),
            is_complete=self._is_complete,
        )

    async def _known(self) -> Sequence[Letter]:
        async with self._asking:
            now_s = self._clock.monotonic_s()
            if self._asked_s is None or now_s - self._asked_s >= ASKED_SECONDS:
                try:
                    self._letters, self._is_complete = await self._read()
                except RetryableError as error:
                    raise HTTPException(503, f"the bus does not answer: {error}") from error
                self._asked_s = now_s
            return self._letters


def _hold_known(name: str, found: str | None, allowed: Sequence[str]) -> None:
    if found is not None and found not in allowed:
        raise HTTPException(422, f"{name}: found {found}; allowed: {', '.join(allowed)}")


def _key(letter: Letter) -> tuple[str, str, str]:
    return letter.service, letter.topic, letter.key


def _order(letter: Letter) -> tuple[int, str]:
    return letter.written_ms * 1000, f"{letter.service}/{letter.place}"


def _is_chosen(letter: Letter, chosen: DeadLetterSelection) -> bool:
    return (
        chosen.service in (None, letter.service)
        and chosen.topic in (None, letter.topic)
        and chosen.key in (None, letter.key)
        and chosen.state in (None, state_of(letter))
    )


def state_of(letter: Letter) -> LetterState:
    """What became of it."""
    if letter.waits:
        return LetterState.WAITS
    return LetterState.GIVEN_UP if letter.is_given_up else LetterState.HANDLED


def letter_view(letter: Letter, waiting_of_key: int) -> DeadLetterView:
    """A letter as an answer."""
    lineage, (partition, offset) = letter.lineage(), letter_place(letter.record)
    trace, time_us = lineage.get("traceparent", "").split("-"), lineage.get("event_time_us", "")
    why_not = why_not_replayable(letter) if letter.waits else None
    return DeadLetterView(
        service=letter.service,
        letter=letter.place,
        written_us=letter.written_ms * 1000,
        topic=letter.topic,
        partition=partition if partition >= 0 else None,
        offset=offset if offset >= 0 else None,
        key=letter.key,
        event_id=lineage.get("event_id"),
        event_time_us=int(time_us) if time_us.isascii() and time_us.isdigit() and len(time_us) < 20 else None,
        trace_id=trace[1] if len(trace) == 4 else None,
        stage=letter.stage,
        error_type=letter.failure.error_type if letter.failure else lineage.get("dlq.error.type"),
        reason=letter.reason,
        failed_again=letter.failure is not None,
        state=state_of(letter),
        parks_key=letter.parks,
        waiting_of_key=waiting_of_key,
        replay=_replaying(letter, waiting_of_key) if letter.waits and why_not is None else None,
        give_up=_giving_up(letter, waiting_of_key) if letter.waits else None,
        not_replayable=why_not,
    )


def why_not_replayable(letter: Letter) -> str | None:
    """Why a letter can only be given up, as far as it can be told from here; the service has the last word."""
    spec = TOPICS.get(letter.topic)
    if (size := letter.lineage().get(VALUE_BYTES)) is not None:
        return f"the letter has only the beginning of a record of {size} bytes: publish its cause again"
    if spec is None or not spec.is_shared_by(letter.service):
        return f"{letter.topic} is not read by partition: publish what the record should have said again"
    return None


def _replaying(letter: Letter, waiting: int) -> str:
    which = "the letter" if waiting == 1 else f"the {waiting} letters, in their order,"
    then = f", then the records of {letter.key} that come" if letter.parks else ""
    return f"{letter.service} handles {which} of {letter.key} from {letter.topic}{then}; what fails again waits on"


def _giving_up(letter: Letter, waiting: int) -> str:
    others = "" if waiting == 1 else f", and handles the {waiting - 1} others of {letter.key} from {letter.topic}"
    return f"{letter.service} passes this record over for good{others}"
