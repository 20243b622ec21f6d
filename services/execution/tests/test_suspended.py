"""A process that stands still between its write and its order, while another one may take the account."""

from __future__ import annotations

import pytest
from services.execution.tests.test_order_router import Story

from tradewire.execution.adapters.memory_ledger import MemoryLedger
from tradewire.ports.errors import FencedError
from tradewire.ports.ledger import Changes
from tradewire.testkit.broker_suite import intent


@pytest.mark.parametrize("seconds", [10, 3600])
async def test_place_when_the_process_stood_still_before_it_sent_then_written_again_first_or_given_up(
    seconds: int,
) -> None:
    story = Story()
    rig = await story.begin()
    commit = story.ledger.commit
    written: list[bool] = []

    async def suspended(changes: Changes) -> None:
        written.append("o-1" in rig.venue.accepted)
        await commit(changes)
        if len(written) == 1:
            rig.clock.advance(seconds=seconds)

    story.ledger.commit = suspended  # type: ignore[method-assign]
    await rig.place([intent("o-1")])
    for _ in range(3):
        await rig.step()
    assert written[:2] == [False, False]
    assert ("o-1" in rig.venue.accepted) == (seconds == 10)
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "ACCEPTED" if seconds == 10 else "REJECTED"]


async def test_place_when_another_process_took_the_account_while_this_one_stood_still_then_nothing_is_sent() -> None:
    story = Story()
    rig = await story.begin()
    commit = story.ledger.commit

    async def suspended(changes: Changes) -> None:
        await commit(changes)
        rig.clock.advance(seconds=10)
        await MemoryLedger(story.tables).acquire([0])

    story.ledger.commit = suspended  # type: ignore[method-assign]
    with pytest.raises(FencedError):
        await rig.place([intent("o-1")])
    assert rig.venue.accepted == {}


async def test_place_when_many_wait_behind_slow_writes_then_each_is_sent_after_a_write_of_its_own() -> None:
    story = Story()
    rig = await story.begin()
    commit = story.ledger.commit

    async def slow(changes: Changes) -> None:
        await commit(changes)
        rig.clock.advance(seconds=1)

    story.ledger.commit = slow  # type: ignore[method-assign]
    names = [f"o-{number}" for number in range(10)]
    await rig.place([intent(name) for name in names])  # a pass over all of them takes longer than a write is fresh
    for _ in range(3):
        await rig.step()
    assert list(rig.venue.accepted) == names
