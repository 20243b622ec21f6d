"""The running service with the order router: the same fills and states as the paper venue, whatever ends it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as within
from hypothesis import strategies as st

from tradewire.execution.settings import Settings
from tradewire.ports.events import OrderChanged, OrderIntent, OrderLeg, OrderStatus, OrderType, Side
from tradewire.ports.message import Event
from tradewire.testkit.builders import assessment, intent
from tradewire.testkit.execution_story import MARKETS, PAPER, ExecutionStory, feeds_of, waiting

ROUTED = Settings(bus_url="memory:", venue="simulated")
S = OrderStatus
Feeds = Mapping[str, Sequence[Event]]


async def lived(
    feeds: Feeds, rng: random.Random, settings: Settings, bars: int, ends: float
) -> tuple[str, ExecutionStory]:
    """A service that is ended with probability ``ends`` after each record, in order or at once; its fingerprint."""
    story = ExecutionStory(bars, settings)
    await story.begin()
    story.start(0)
    left = {name: list(feed) for name, feed in feeds.items()}
    while names := waiting(left):
        await story.rig.say(left[rng.choice(names)].pop(0))
        if rng.random() < ends:
            for _ in range(rng.randrange(60)):
                await asyncio.sleep(0)
            await story.end(0, orderly=rng.random() < 0.5)
            story.start(0)
    return await story.come_to_an_end(), story


async def life(story: ExecutionStory, client_order_id: str) -> list[OrderStatus]:
    """An order's transitions."""
    said = [event for _, event in await story.rig.said(OrderChanged) if isinstance(event, OrderChanged)]
    return [event.status for event in said if event.client_order_id == client_order_id]


def guard(name: str, leg: OrderLeg, order_type: OrderType, stop_price: int) -> OrderIntent:
    """One of a pair that guards the entry: when one fills, the venue withdraws the other."""
    return intent(
        name,
        Side.SELL,
        2,
        leg=leg,
        order_type=order_type,
        stop_price=Decimal(stop_price),
        parent_id="entry",
        oco_group="pair",
        reduce_only=True,
    )


def guarded(bars: int) -> Feeds:
    """Account alpha enters once, between a stop and a target of which one withdraws the other; others do nothing."""
    entry = intent("entry", qty=2)
    guards = [
        guard("stop", OrderLeg.STOP_LOSS, OrderType.STOP_MARKET, 96),
        guard("target", OrderLeg.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET, 104),
    ]
    rng = random.Random(7)
    feeds = {**feeds_of(rng, bars)}
    for account, on in MARKETS.items():
        feeds[account] = [
            assessment(
                number,
                *([entry, *guards] if account == "alpha" and number == 0 else []),
                account_id=account,
                strategy_id=f"trend-{account}",
                step_index=index,
                step_size=len(on),
                symbol=symbol,
            )
            for number in range(bars)
            for index, symbol in enumerate(on)
        ]
    return feeds


async def test_guards_when_one_fires_then_the_other_is_withdrawn_as_at_the_paper_venue() -> None:
    feeds, bars = guarded(12), 12
    calm, _ = await lived(feeds, random.Random(1), PAPER, bars, 0)
    found, story = await lived(feeds, random.Random(2), ROUTED, bars, 0.2)
    assert found == calm
    lives = [await life(story, "stop"), await life(story, "target")]
    assert sorted(found[-1] for found in lives) == [S.CANCELED, S.FILLED]


async def test_order_when_routed_then_written_before_it_is_sent_and_accepted_before_it_fills() -> None:
    feeds = {**feeds_of(random.Random(3), 3)}
    feeds["alpha"] = [
        assessment(n, *([intent("entry")] if n == 0 else []), strategy_id="trend-alpha") for n in range(3)
    ]
    _, story = await lived(feeds, random.Random(1), ROUTED, 3, 0)
    assert await life(story, "entry") == [S.INITIALIZED, S.SUBMITTED, S.ACCEPTED, S.FILLED]


@given(seed=st.integers(0, 2**32), bars=st.integers(2, 6))
@within(max_examples=10, deadline=None)
def test_service_when_ended_at_any_moment_then_the_paper_venues_fingerprint(seed: int, bars: int) -> None:
    rng = random.Random(seed)
    feeds = feeds_of(rng, bars)
    calm, _ = asyncio.run(lived(feeds, rng, PAPER, bars, 0))
    assert asyncio.run(lived(feeds, rng, ROUTED, bars, 0.3))[0] == calm


@pytest.mark.parametrize(
    ("other", "why"),
    [({"execution_dsn": "postgresql://ledger"}, "ends with its process"), ({"latency_us": 1}, "LATENCY_US is set")],
)
def test_settings_when_a_simulated_broker_can_not_keep_them_then_refused(other: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Settings(bus_url="memory:", venue="simulated", **other)  # type: ignore[arg-type]
