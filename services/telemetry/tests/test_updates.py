"""Cut anywhere, slow at will, behind a small ring: a reader has every fact once, or was told to read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.events import OrderFilled
from tradewire.telemetry.domain.seen import Seen
from tradewire.telemetry.domain.updates import (
    ReaderQueue,
    Reset,
    ResetReason,
    StreamPosition,
    Update,
    Updates,
    position_from,
    state_key,
)

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


@dataclass
class Page:
    """A page that follows the rules: a snapshot at a position, then only what is behind it."""

    at: StreamPosition
    facts: set[int]
    state: dict[str, int]
    resets: list[ResetReason] = field(default_factory=list)

    def apply(self, found: Reset | Update, world: World) -> None:
        assert found.number > self.at.number or isinstance(found, Reset)
        if isinstance(found, Reset):
            self.resets.append(found.reason)
            self.read_again(world)
            return
        if found.key is None:
            assert found.number not in self.facts
            self.facts.add(found.number)
        else:
            self.state[found.key[0]] = found.number
        self.at = StreamPosition(world.updates.epoch, found.number)

    def read_again(self, world: World) -> None:
        self.at, self.facts, self.state = world.updates.at, set(world.facts), dict(world.state)


@dataclass
class World:
    """All that happened, and one reader of it."""

    updates: Updates
    queue_max: int
    facts: list[int] = field(default_factory=list)
    state: dict[str, int] = field(default_factory=dict)
    queue: ReaderQueue | None = None
    epochs: int = 0

    def publish(self, key: str | None) -> None:
        update = self.updates.add(Seen(None, None), (key,) if key else None)  # type: ignore[arg-type]
        if key is None:
            self.facts.append(update.number)
        else:
            self.state[key] = update.number
        if self.queue is not None:
            self.queue.put(update)

    def restart(self) -> None:
        self.epochs += 1
        self.updates.begin(f"e{self.epochs}")
        self.queue, self.facts, self.state = None, [], {}

    def connect(self, page: Page) -> None:
        reset, rest = self.updates.after(page.at)
        self.queue = ReaderQueue(self.queue_max + len(rest))
        if reset is not None:
            self.queue.reset(reset)
        for update in rest:
            self.queue.put(update)

    def read(self, page: Page, most: int) -> None:
        for _ in range(most):
            found = self.queue.take() if self.queue is not None else None
            if found is None:
                return
            if isinstance(found, Reset) or found.number > page.at.number:  # what a snapshot had already
                page.apply(found, self)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from([None, None, "a", "b", "c"])),
        st.tuples(st.just("read"), st.integers(1, 8)),
        st.sampled_from([("cut", 0), ("connect", 0), ("restart", 0)]),
    ),
    max_size=120,
)


@given(STEPS, st.integers(1, 20), st.integers(1, 4), st.integers(1, 6))
def test_page_when_cut_slow_or_behind_the_ring_then_has_all_facts_once_and_the_newest_state(
    steps: list[tuple[str, Any]], facts_kept: int, keys_kept: int, queue_max: int
) -> None:
    world = World(Updates("e0", facts_kept=facts_kept, keys_kept=keys_kept), queue_max)
    page = Page(world.updates.at, set(), {})
    for name, argument in steps:
        if name == "publish":
            world.publish(argument)
        elif name == "read":
            world.read(page, argument)
        elif name == "cut":
            world.queue = None
        elif name == "restart":
            world.restart()
        else:
            world.connect(page)
    world.connect(page)
    world.read(page, 10_000)
    assert page.facts == set(world.facts)
    assert page.state == world.state


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60))
def test_resume_when_nothing_was_dropped_then_no_reset_and_each_fact_behind_the_position(
    facts: list[bool], number: int
) -> None:
    world = World(Updates("e0"), 100)
    for fact in facts:
        world.publish(None if fact else "a")
    reset, rest = world.updates.after(StreamPosition("e0", number))
    if number > len(facts):
        assert reset == Reset(len(facts), ResetReason.RESTART)
    else:
        assert reset is None
        assert [u.number for u in rest if u.key is None] == [n for n in world.facts if n > number]


def test_resume_when_dropped_or_of_another_life_then_says_which() -> None:
    world = World(Updates("e0", facts_kept=2), 100)
    for _ in range(5):
        world.publish(None)
    assert world.updates.after(StreamPosition("e0", 2)) == (Reset(5, ResetReason.TOO_OLD), [])
    assert world.updates.after(StreamPosition("e9", 4)) == (Reset(5, ResetReason.RESTART), [])
    assert world.updates.after(None) == (Reset(5, ResetReason.RESTART), [])
    assert [u.number for u in world.updates.after(StreamPosition("e0", 3))[1]] == [4, 5]


@given(st.text(max_size=30))
def test_position_from_any_text_when_read_then_itself_or_none(text: str) -> None:
    found = position_from(text)
    assert found is None or position_from(str(found)) == found


def test_state_key_when_an_event_is_a_fact_then_none(messages: Messages) -> None:
    assert state_key(OrderFilled.model_validate(messages.fill())) is None
    assert state_key(messages.state()) == ("AccountStateChanged", "paper-1")
    assert state_key(messages.candle()) == ("CandleClosed", "binance", "BTCUSDT", "1h")
