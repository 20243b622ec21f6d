"""What the API says of dead letters: each with its lineage, what became of it, and what an operator can do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.dead_letters.kept import KeptLetters, Letter
from tradewire.runtime.dead_letters.letters import copy_of, dead_letter
from tradewire.runtime.dead_letters.releases import Failure, ReleaseAnswer, write_answer
from tradewire.telemetry.adapters.api.dead_letters import ASKED_SECONDS, DeadLetterRoutes
from tradewire.testkit.manual_clock import ManualClock

EVALUATIONS = "strategy.evaluation.v1"
TRACE = "5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7"
HEADERS = (
    ("event_id", b"e1"),
    ("event_time_us", b"17"),
    ("traceparent", f"00-{TRACE}-8a5f3c2e1d0b9a78-01".encode()),
)
ERROR = ContractViolationError("qty: found -1; allowed: 0 or more", stage="handle")


class Rig:
    """The route over a bus; ``is_away``: the bus does not answer."""

    def __init__(self, *, records_max: int | None = None) -> None:
        self.bus, self.clock = MemoryBus(dict.fromkeys(DEAD_LETTERS.values(), 2)), ManualClock()
        self.kept, self.is_away = KeptLetters(self.bus, records_max=records_max, with_values=False), False
        app = FastAPI()
        app.include_router(DeadLetterRoutes(self._read, self.clock).router)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def _read(self) -> tuple[Sequence[Letter], bool]:
        if self.is_away:
            raise RetryableError("broker away")
        return await self.kept.read(), self.kept.is_complete

    async def wrote(
        self, service: str, offset: int, *, topic: str = EVALUATIONS, key: str = "paper-1", stage: str = "handle"
    ) -> Record:
        """A service writes a dead letter; as it is read back."""
        source = Record(topic, 0, offset, key.encode(), b"bytes", HEADERS, 0)
        letter = dead_letter(source, service=service, version="1", stage=stage, error=ERROR)
        (ack,) = await self.bus.publish([letter])
        return Record(letter.topic, ack.partition, ack.offset, letter.key, letter.value, letter.headers, 0)

    async def answered(self, letter: Record, *, given_up: Sequence[int] = (), failure: Failure | None = None) -> None:
        """The service answers a request about the letters of a key, up to this one."""
        released = letter.offset if failure is None else letter.offset - 1
        await self.bus.publish([write_answer(letter, ReleaseAnswer(0, released, 1, tuple(given_up), failure))])

    async def get(self, query: str = "", expected: int = 200) -> Any:
        self.clock.advance(seconds=ASKED_SECONDS)
        answer = await self.client.get(f"/dead-letters{query}")
        assert answer.status_code == expected, answer.text
        return answer.json()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.bus.start()
    yield rig
    await rig.client.aclose()
    await rig.bus.close()


async def test_letters_when_there_are_none_then_an_empty_page_that_is_complete(rig: Rig) -> None:
    shown = await rig.get()
    assert (shown["items"], shown["waiting"], shown["parked_keys"], shown["is_complete"]) == ([], 0, 0, True)


async def test_letter_when_it_waits_then_its_lineage_and_what_each_act_would_do(rig: Rig) -> None:
    await rig.wrote("risk", 7)
    await rig.wrote("risk", 8, stage="parked")
    shown = await rig.get("?limit=1&service=risk")
    (letter,) = shown["items"]
    assert (shown["waiting"], shown["parked_keys"]) == (2, 1)
    assert (letter["topic"], letter["partition"], letter["key"]) == (EVALUATIONS, 0, "paper-1")
    assert (letter["event_id"], letter["event_time_us"], letter["trace_id"]) == ("e1", 17, TRACE)
    assert (letter["error_type"], letter["reason"]) == ("ContractViolationError", str(ERROR))
    assert (letter["state"], letter["parks_key"], letter["waiting_of_key"]) == ("WAITS", True, 2)
    assert "risk handles the 2 letters, in their order, of paper-1" in letter["replay"]
    assert "handles the 1 others of paper-1" in letter["give_up"]
    assert [one["offset"] for one in (await rig.get("?behind=false"))["items"]] == [7]
    (other,) = (await rig.get(f"?limit=1&service=risk&after={shown['next']}"))["items"]
    assert {letter["offset"], other["offset"]} == {7, 8}


async def test_letters_when_answered_then_handled_or_given_up_and_nothing_more_to_do(rig: Rig) -> None:
    first, second = await rig.wrote("risk", 7), await rig.wrote("risk", 8)
    assert (await rig.get())["waiting"] == 2
    await rig.answered(second, given_up=[first.offset])
    shown = await rig.get()
    assert (shown["waiting"], shown["parked_keys"]) == (0, 0)
    assert {one["offset"]: one["state"] for one in shown["items"]} == {7: "GIVEN_UP", 8: "HANDLED"}
    assert {(one["replay"], one["give_up"]) for one in shown["items"]} == {(None, None)}
    assert [one["offset"] for one in (await rig.get("?state=GIVEN_UP"))["items"]] == [7]


async def test_letter_when_its_replay_failed_then_why_it_failed_last(rig: Rig) -> None:
    letter = await rig.wrote("risk", 7)
    await rig.answered(letter, failure=Failure(letter.offset, "ValueError", "still broken", "handle"))
    (shown,) = (await rig.get())["items"]
    assert (shown["state"], shown["failed_again"], shown["reason"]) == ("WAITS", True, "still broken")


async def test_letters_when_filtered_then_those_of_that_service_topic_and_key(rig: Rig) -> None:
    await rig.wrote("risk", 1)
    await rig.wrote("execution", 2, topic="risk.assessment.v1", key="paper-2")
    for query in ("service=execution", "topic=risk.assessment.v1", "key=paper-2"):
        assert [one["offset"] for one in (await rig.get(f"?{query}"))["items"]] == [2], query
    for query, allowed in (("service=risks", "risk, execution"), ("topic=none", EVALUATIONS)):
        assert allowed in (await rig.get(f"?{query}", 422))["detail"]


@pytest.mark.parametrize(
    ("service", "topic"), [("risk", "risk.limits.v1"), ("risk", "risk.state.v1"), ("execution", "market.candle.v1")]
)
async def test_letter_when_it_can_only_be_given_up_then_it_says_why(rig: Rig, service: str, topic: str) -> None:
    await rig.wrote(service, 1, topic=topic)
    (shown,) = (await rig.get())["items"]
    assert (shown["replay"], shown["parks_key"]) == (None, False)
    assert f"{topic} is not read by partition" in shown["not_replayable"]
    assert shown["give_up"] == f"{service} passes this record over for good"


async def test_letter_when_its_service_shares_the_partitions_then_it_can_be_replayed(rig: Rig) -> None:
    await rig.wrote("indicator", 1, topic="market.candle.v1")
    (shown,) = (await rig.get())["items"]
    assert shown["not_replayable"] is None
    assert "indicator handles the letter of paper-1 from market.candle.v1" in shown["replay"]


async def test_letter_when_it_was_written_again_then_it_is_one_with_its_first_time(rig: Rig) -> None:
    letter = await rig.wrote("risk", 1)
    (first,) = (await rig.get())["items"]
    await rig.bus.publish([copy_of(replace(letter, timestamp_ms=first["written_us"] // 1000))])
    shown = await rig.get()
    (again,) = shown["items"]
    assert (shown["waiting"], again["waiting_of_key"], again["written_us"]) == (1, 1, first["written_us"])
    assert again["letter"] != first["letter"]


async def test_letters_when_the_bus_is_away_then_503_with_the_reason(rig: Rig) -> None:
    rig.is_away = True
    assert (await rig.get(expected=503))["detail"] == "the bus does not answer: broker away"


async def test_letters_when_there_are_more_than_are_looked_at_then_the_newest_and_it_says_so() -> None:
    rig = Rig(records_max=3)
    await rig.bus.start()
    for offset in range(5):
        await rig.wrote("risk", offset)
    shown = await rig.get()
    assert sorted(one["offset"] for one in shown["items"]) == [2, 3, 4]
    assert shown["is_complete"] is False
    await rig.bus.publish([Outgoing(DEAD_LETTERS["risk"], b"paper-1", b"of no service")])
    await rig.wrote("risk", 5)
    assert sorted(one["offset"] for one in (await rig.get())["items"]) == [3, 4, 5]
    await rig.bus.close()
