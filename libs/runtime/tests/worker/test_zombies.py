"""A member that was stopped for longer than its session, and goes on where it was, writes over nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.events import RiskAssessed
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus import readers
from tradewire.testkit.folding_story import Story
from tradewire.testkit.worker_rig import WITHIN_SECONDS

ASSESSMENTS = BY_EVENT[RiskAssessed].name


async def outlived(kind: str, stops_at: int, before: int, meanwhile: int, *, when: str) -> Story:
    """One member stops at some step, another takes over and goes on alone, and the first goes on where it was."""
    story = Story(kind)
    stopped, thawed = story.freeze(stops_at, when=when)
    story.start(0)
    await story.say("alpha", 0, before)
    await story.say("alpha", 1, before)
    await asyncio.wait_for(stopped.wait(), WITHIN_SECONDS)
    story.start(1)
    await story.say("alpha", 0, meanwhile)
    await story.say("alpha", 1, meanwhile)
    await story.rig.until(lambda: sum(story.rig.bus._groups["risk"].committed.values()) == 2 * (before + meanwhile))
    assert await story.written() == story.wanted()
    thawed.set()
    for _ in range(200):  # a zombie at work: nobody has told it yet
        await asyncio.sleep(0)
    return story


@pytest.mark.parametrize("kind", ["table", "changelog"])
@given(stops_after=st.integers(1, 8), before=st.integers(6, 8), meanwhile=st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_member_that_goes_on_after_others_took_over_writes_nothing(
    kind: str, stops_after: int, before: int, meanwhile: int
) -> None:
    async def live() -> None:
        story = await outlived(kind, stops_after, before, meanwhile, when="after")
        said, rows = story.rig.count(ASSESSMENTS), await story.rows("alpha")
        await story.readmit()
        assert await story.written() == story.wanted()
        assert story.rig.count(ASSESSMENTS) == said
        assert await story.rows("alpha") == rows == sorted(rows)
        assert not story.failed(0)
        await end_alone(story)

    at_once(live)


@pytest.mark.parametrize("kind", ["table", "changelog"])
@given(stops_at=st.integers(1, 8), before=st.integers(6, 8), meanwhile=st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_member_that_stopped_between_its_lease_and_its_write_changes_nothing(
    kind: str, stops_at: int, before: int, meanwhile: int
) -> None:
    async def live() -> None:
        story = await outlived(kind, stops_at, before, meanwhile, when="before")
        assert await story.written() == story.wanted()
        await story.readmit()
        assert await story.written() == story.wanted()
        assert not story.failed(0)
        await end_alone(story)

    at_once(live)


async def end_alone(story: Story) -> None:
    """The other member dies; the one that was taken for dead takes its partitions over and does all that is left."""
    await story.end(1, orderly=False)
    await story.say("alpha", 0, 5)
    await story.say("alpha", 1, 5)
    await story.rest()
    await story.end(0, orderly=True)
    assert await story.messages() == story.loud()


def at_once(live: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run it with readers that are idle at once: there is nothing to wait for."""
    patience_s, readers.POLL_SECONDS = readers.POLL_SECONDS, 0.002
    try:
        asyncio.run(live())
    finally:
        readers.POLL_SECONDS = patience_s
