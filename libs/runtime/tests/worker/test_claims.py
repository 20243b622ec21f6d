"""Of the states in a changelog the one of the last owner counts, whenever others wrote and compaction ran."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.bus import Ack, Outgoing
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import RiskStateSaved
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.service import StoreContext
from tradewire.runtime.stores.changelog import ChangelogStore

STATES = BY_EVENT[RiskStateSaved].name
CODEC = Codec(SchemaIds.static())
ACCOUNTS = ("alpha", "zeta")


class DelayedBus(MemoryBus):
    """A bus whose writes can be kept back, as by a process that stops just before one."""

    def __init__(self) -> None:
        super().__init__({STATES: 1})
        self.kept_back: list[Sequence[Outgoing]] | None = None

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        if self.kept_back is None:
            return await super().publish(records)
        self.kept_back.append(records)
        return []

    def compact(self) -> None:
        """Keep the newest record of each key. What is gone leaves its offset, as in Kafka; here as an empty record."""
        (log,) = self._logs(STATES)
        newest = {record.key: record.offset for record in log._records}
        log._records = [r if newest[r.key] == r.offset else replace(r, key=b"", value=None) for r in log._records]


class Owner:
    """A member that owns the partition, with the states that it knows."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus, self.states, self._changed = bus, dict[str, int](), set[str]()
        self.store = ChangelogStore(
            RiskStateSaved, changed=self._changes, restored=self._restore, forgotten=lambda _: self.states.clear()
        )

    def _changes(self) -> list[tuple[int, Event]]:
        changed, self._changed = sorted(self._changed), set()
        return [(0, RiskStateSaved(account_id=a, event_time_us=0, state=b"%d" % self.states[a])) for a in changed]

    def _restore(self, _: int, event: Event) -> None:
        assert isinstance(event, RiskStateSaved)
        assert event.account_id not in self.states, "each key is restored once"
        self.states[event.account_id] = int(event.state)

    async def take_over(self) -> Owner:
        """Restore what the topic holds."""
        await self.store.open(StoreContext(self.bus, CODEC, "risk"))
        await self.store.acquire([0])
        return self

    async def save(self, states: dict[str, int]) -> None:
        """Change some states and write them."""
        self.states |= states
        self._changed |= states.keys()
        await self.store.checkpoint()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), st.sets(st.sampled_from(ACCOUNTS), min_size=1)),
        st.tuples(st.just("stop in a write"), st.sets(st.sampled_from(ACCOUNTS), min_size=1)),
        st.tuples(st.just("take over"), st.just(set[str]())),
        st.tuples(st.just("the stopped one goes on"), st.just(set[str]())),
        st.tuples(st.just("compact"), st.just(set[str]())),
    ),
    max_size=30,
)


class Told:
    """What should be restored: of each account the state of the latest owner that wrote one."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[int, int]] = {}

    def save(self, owner: int, states: dict[str, int]) -> None:
        """An owner, counted in the order of their take-overs, writes."""
        for account, state in states.items():
            if owner >= self._states.get(account, (0, 0))[0]:
                self._states[account] = owner, state

    @property
    def states(self) -> dict[str, int]:
        """By account."""
        return {account: state for account, (_, state) in self._states.items()}


@given(steps=STEPS)
@settings(max_examples=200, deadline=None)
def test_no_stopped_owner_s_state_counts_after_a_later_owner_s_whenever_it_is_written_and_compacted(
    steps: list[tuple[str, set[str]]],
) -> None:
    async def live() -> None:
        bus, told, late = DelayedBus(), Told(), list[tuple[int, Sequence[Outgoing], dict[str, int]]]()
        owner, owners = await Owner(bus).take_over(), 0
        for number, (step, accounts) in enumerate(steps):
            states = dict.fromkeys(sorted(accounts), number)
            match step:
                case "save":
                    await owner.save(states)
                    told.save(owners, states)
                case "stop in a write":
                    bus.kept_back = []
                    await owner.save(states)
                    late += [(owners, records, states) for records in bus.kept_back]
                    bus.kept_back = None
                case "compact":
                    bus.compact()
                case "the stopped one goes on":
                    for stopped, records, written in late:
                        await MemoryBus.publish(bus, records)
                        told.save(stopped, written)
                    late = []
            if step in ("take over", "stop in a write"):
                owner, owners = await Owner(bus).take_over(), owners + 1
            assert (await Owner(bus).take_over()).states == told.states

    asyncio.run(live())


async def test_state_that_was_written_before_there_were_claims_is_restored_and_replaced() -> None:
    bus = MemoryBus({STATES: 1})
    old = RiskStateSaved(account_id="alpha", event_time_us=0, state=b"7")
    await bus.publish([Outgoing(STATES, b"alpha", CODEC.encode(old), partition=0)])
    owner = await Owner(bus).take_over()
    assert owner.states == {"alpha": 7}
    await owner.save({"alpha": 8})
    (log,) = bus._logs(STATES)
    assert [(r.key, r.value is None) for r in log._records[-2:]] == [(b"alpha@1", False), (b"alpha", True)]
    assert (await Owner(bus).take_over()).states == {"alpha": 8}


async def test_state_with_a_claim_that_is_no_number_is_refused_with_its_place() -> None:
    bus = MemoryBus({STATES: 1})
    odd = RiskStateSaved(account_id="alpha", event_time_us=0, state=b"7")
    await bus.publish([Outgoing(STATES, b"alpha@x", CODEC.encode(odd), (("claim", b"x"),), partition=0)])
    with pytest.raises(ContractViolationError, match=r"header claim: found b'x'; allowed: an offset"):
        await Owner(bus).take_over()
