"""The execution service over random crashes and hand-overs, at full speed and with a rest between any two records.

Topics have no common order: a strategy's status may come when the bars that it needs were read and let go. Of cause
and effect the cause is published first: what risk answers comes after the status of its strategy.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.message import Event
from tradewire.testkit.execution_story import ExecutionStory, feeds_of, idle_at_once, waiting


async def lived(rng: random.Random, feeds: dict[str, list[Event]], bars: int, *, trouble: bool, paced: bool) -> str:
    """Say everything in some order, with what ``trouble`` may come; returns the fingerprint."""
    story = ExecutionStory(bars)
    await story.begin()
    story.start(0)
    left = {name: list(feed) for name, feed in feeds.items()}
    while names := waiting(left):
        name, checkpoints = rng.choice(names), story.checkpoints
        await story.rig.say(left[name].pop(0))
        if trouble and rng.random() < 0.25:
            match rng.choice(("kill", "kill", "strike", "strike", "stop", "join")):
                case "strike":
                    story.strike(rng.randrange(1, 12))
                case "join":
                    story.start(1)
                case how:
                    await story.end(rng.randrange(2), orderly=how == "stop")
        if paced and rng.random() < 0.7:
            await story.checkpoint(checkpoints)
        else:
            story.start(0)
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
    return await story.come_to_an_end()


@pytest.mark.parametrize("paced", [False, True], ids=["at full speed", "paced"])
@given(seed=st.integers(0, 2**32), bars=st.integers(2, 8))
@settings(max_examples=15, deadline=None)
def test_service_when_killed_struck_and_handed_over_at_any_moment_then_the_same_fingerprint(
    paced: bool, seed: int, bars: int
) -> None:
    rng = random.Random(seed)
    feeds = feeds_of(rng, bars)
    with idle_at_once():
        calm = asyncio.run(lived(rng, feeds, bars, trouble=False, paced=False))
        assert asyncio.run(lived(rng, feeds, bars, trouble=True, paced=paced)) == calm
