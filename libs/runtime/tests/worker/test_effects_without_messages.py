"""What a service does in silence survives like what it says: any pace, any crash, any hand-over, one result."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.runtime.bus import readers
from tradewire.testkit.folding_story import ACCOUNTS, Story

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 5), st.integers(1, 4)),
        st.tuples(st.just("start"), st.integers(0, 1), st.integers(0, 60)),
        st.tuples(st.just("stop"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("kill"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("expel"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("readmit"), st.just(0), st.just(0)),
        st.tuples(st.just("strike"), st.integers(1, 15), st.just(0)),
        st.tuples(st.just("run"), st.just(0), st.integers(1, 80)),
        st.tuples(st.just("rest"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


async def lived(story: Story, steps: list[tuple[str, int, int]]) -> None:
    """Go through the steps, then come to rest."""
    for name, which, count in steps:
        match name:
            case "say":
                await story.say(ACCOUNTS[which // 2], which % 2, count)
            case "start" | "run":
                if name == "start":
                    story.start(which)
                for _ in range(count):
                    await asyncio.sleep(0)
            case "strike":
                story.strike(which)
            case "expel":
                story.expel(which)
            case "readmit":
                await story.readmit()
            case "rest":
                await story.rest()
            case _:
                await story.end(which, orderly=name == "stop")
    await story.rest()
    for member in (0, 1):
        await story.end(member, orderly=True)


@pytest.mark.parametrize("kind", ["table", "changelog"])
@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_any_interleaving_of_silence_checkpoints_crashes_zombies_and_hand_overs_ends_as_if_undisturbed(
    kind: str, steps: list[tuple[str, int, int]]
) -> None:
    async def live() -> None:
        story = Story(kind)
        await lived(story, steps)
        assert await story.written() == story.wanted()
        assert await story.messages() == story.loud()

    patience_s, readers.POLL_SECONDS = readers.POLL_SECONDS, 0.002  # idle at once, so that idle checkpoints abound
    try:
        asyncio.run(live())
    finally:
        readers.POLL_SECONDS = patience_s


@pytest.mark.parametrize("kind", ["table", "changelog"])
async def test_crash_in_the_quiet_after_a_silent_turn_loses_nothing(kind: str) -> None:
    story = Story(kind)
    story.start(0)
    await story.say("alpha", 0, 2)
    await story.say("alpha", 1, 1)
    await story.rest()
    await story.rig.until(lambda: sum(story.rig.bus._groups["risk"].committed.values()) == 3)
    await story.end(0, orderly=False)
    await story.say("alpha", 1, 2)
    await story.say("alpha", 0, 1)
    await story.rest()
    await story.end(0, orderly=True)
    assert await story.messages() == story.loud()
