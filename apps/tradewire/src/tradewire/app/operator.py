"""What operators and quants say to a platform: strategies, limits, controls — and what it answers."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError, TradewireError
from tradewire.ports.events import (
    AccountStateChanged,
    ConfigStatus,
    ControlChanged,
    ControlLevel,
    InstrumentChanged,
    RiskLimitsChanged,
    StrategyConfigPublished,
    StrategyStatusChanged,
    TradingMode,
)
from tradewire.ports.message import Envelope, Event, derived_id
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.codec import Codec
from tradewire.runtime.readers import read_to_end
from tradewire.runtime.tracing import root_traceparent
from tradewire.trading.language import parse_strategy

PRODUCER = "cli"


class NoAnswerError(RetryableError):
    """The platform did not answer in time."""


class Operator:
    """Speaks to a platform over its bus."""

    def __init__(self, bus: EventBusPort, codec: Codec, clock: ClockPort, author: str | None = None) -> None:
        self._bus, self._codec, self._clock = bus, codec, clock
        self._author = author or getpass.getuser()

    async def say(self, event: Event) -> str:
        """Publish one message; returns its event id."""
        spec = BY_EVENT[type(event)]
        key, now_us = spec.key_of(event), self._clock.now_us()
        event_id = derived_id(PRODUCER, f"{spec.name}|{key}", now_us)
        envelope = Envelope(
            event_id=event_id,
            correlation_id=event_id,
            event_time_us=now_us,
            producer=PRODUCER,
            traceparent=root_traceparent(event_id, sampled=False),
        )
        record = Outgoing(spec.name, key.encode(), self._codec.encode(event), self._codec.encode_headers(envelope))
        await self._bus.publish([record])
        return event_id

    async def forget(self, event: type[Event], key: str) -> None:
        """Publish a tombstone."""
        await self._bus.publish([Outgoing(BY_EVENT[event].name, key.encode(), None)])

    async def latest(self, event: type[Event]) -> dict[str, Event]:
        """Newest message per key of a broadcast topic."""
        found: dict[str, Event] = {}
        async for record in read_to_end(self._bus, BY_EVENT[event].name):
            key = (record.key or b"").decode()
            if record.value is None:
                found.pop(key, None)
            else:
                found[key] = self._codec.decode(record.topic, record.value)
        return found

    async def control(self, scope: str, level: ControlLevel, reason: str) -> None:
        """Set the level of a scope."""
        now_us = self._clock.now_us()
        await self.say(
            ControlChanged(scope=scope, level=level, reason=reason, author=self._author, issued_at_us=now_us)
        )

    async def controls(self) -> dict[str, ControlChanged]:
        """Controls in force by scope, NORMAL left out."""
        found = await self.latest(ControlChanged)
        return {
            scope: control
            for scope, control in sorted(found.items())
            if isinstance(control, ControlChanged) and control.level is not ControlLevel.NORMAL
        }

    async def set_limits(self, account_id: str, changes: Mapping[str, Decimal | int | None]) -> RiskLimitsChanged:
        """Publish an account's limits with these changes, as its next version."""
        known = (await self.latest(RiskLimitsChanged)).get(account_id)
        assert known is None or isinstance(known, RiskLimitsChanged), "the topic carries limits"
        limits = RiskLimitsChanged(
            **({} if known is None else known.model_dump())
            | {
                **changes,
                "account_id": account_id,
                "version": 1 if known is None else known.version + 1,
                "author": self._author,
                "changed_at_us": self._clock.now_us(),
            }
        )
        await self.say(limits)
        return limits

    async def publish_strategy(
        self, document: str, *, effective_from_us: int = 0, evidence: Mapping[str, str] | None = None
    ) -> StrategyConfigPublished:
        """Publish a strategy file as its next version. ``evidence``: why, by name; the registry keeps it.

        Raises StrategyErrors when the file can't even be parsed.
        """
        strategy_id = parse_strategy(document).id
        versions = [
            config.version
            for kind in (StrategyConfigPublished, StrategyStatusChanged)
            if (config := (await self.latest(kind)).get(strategy_id)) is not None
            and isinstance(config, StrategyConfigPublished | StrategyStatusChanged)
        ]
        config = StrategyConfigPublished(
            strategy_id=strategy_id,
            version=max(versions, default=0) + 1,
            document=document,
            mode=TradingMode.PAPER,
            author=self._author,
            effective_from_us=effective_from_us,
            evidence=dict(evidence or {}),
            published_at_us=self._clock.now_us(),
        )
        await self.say(config)
        return config

    async def answers(self, versions: Mapping[str, int], within_s: float) -> dict[str, StrategyStatusChanged]:
        """Wait for the platform's answers to strategy versions. Raises NoAnswerError."""
        topic = BY_EVENT[StrategyStatusChanged].name
        starts = {Place(topic, p): 0 for p in range(await self._bus.partitions(topic))}
        return await self._until_answered(versions, starts, within_s)

    async def _until_answered(
        self, versions: Mapping[str, int | None], starts: Mapping[Place, int], within_s: float
    ) -> dict[str, StrategyStatusChanged]:
        """Read answers from ``starts`` on until each strategy has one, about the version given if one is."""
        found: dict[str, StrategyStatusChanged] = {}
        tail = await self._bus.tail(starts)
        try:
            async with asyncio.timeout(within_s):
                while set(found) != set(versions):
                    for record in await tail.poll(max_records=500, timeout_s=0.5):
                        if record.value is None:
                            continue
                        status = self._codec.decode(record.topic, record.value)
                        assert isinstance(status, StrategyStatusChanged)
                        if status.strategy_id in versions and versions[status.strategy_id] in (None, status.version):
                            found[status.strategy_id] = status
        except TimeoutError:
            missing = sorted(set(versions) - set(found))
            raise NoAnswerError(
                f"no answer about {', '.join(missing)} within {within_s:.0f} s: is the strategy service running?"
            ) from None
        finally:
            await tail.close()
        return found

    async def retire_strategy(self, strategy_id: str, within_s: float) -> StrategyStatusChanged:
        """Publish a tombstone and wait for the answer. Raises NoAnswerError."""
        topic = BY_EVENT[StrategyStatusChanged].name
        ends = await self._bus.end_offsets([Place(topic, p) for p in range(await self._bus.partitions(topic))])
        await self.forget(StrategyConfigPublished, strategy_id)
        return (await self._until_answered({strategy_id: None}, ends, within_s))[strategy_id]

    async def until_account(
        self, done: Callable[[AccountStateChanged], bool], accounts: Collection[str], within_s: float
    ) -> None:
        """Wait until the newest state of each account is as wanted, from the ones there are on. Raises NoAnswerError.

        An account that never had a state has nothing that could be unwanted.
        """
        topic = BY_EVENT[AccountStateChanged].name
        places = [Place(topic, p) for p in range(await self._bus.partitions(topic))]
        ends = await self._bus.end_offsets(places)
        newest = await self._newest_states(topic, accounts)
        tail = await self._bus.tail(ends)
        try:
            async with asyncio.timeout(within_s):
                while not all(done(state) for state in newest.values()):
                    for record in await tail.poll(max_records=500, timeout_s=0.5):
                        self._take_state(newest, record, accounts)
        except TimeoutError:
            raise NoAnswerError(f"{', '.join(sorted(newest))}: not as wanted within {within_s:.0f} s") from None
        finally:
            await tail.close()

    async def _newest_states(self, topic: str, accounts: Collection[str]) -> dict[str, AccountStateChanged]:
        newest: dict[str, AccountStateChanged] = {}
        async for record in read_to_end(self._bus, topic):
            self._take_state(newest, record, accounts)
        return newest

    def _take_state(self, newest: dict[str, AccountStateChanged], record: Record, accounts: Collection[str]) -> None:
        if record.value is None or (record.key or b"").decode() not in accounts:
            return
        state = self._codec.decode(record.topic, record.value)
        assert isinstance(state, AccountStateChanged), "the topic carries account states"
        known = newest.get(state.account_id)
        if known is None or known.sequence < state.sequence:
            newest[state.account_id] = state

    async def until_instruments(self, count: int, within_s: float) -> None:
        """Wait until ingest has said what can be traded. Raises NoAnswerError."""
        try:
            async with asyncio.timeout(within_s):
                while len(await self.latest(InstrumentChanged)) < count:
                    await self._bus_turn()
        except TimeoutError:
            raise NoAnswerError(f"no instruments within {within_s:.0f} s: is the ingest service running?") from None

    async def _bus_turn(self) -> None:
        """Wait until the instrument topic has more to say."""
        topic = BY_EVENT[InstrumentChanged].name
        ends = await self._bus.end_offsets([Place(topic, 0)])
        tail = await self._bus.tail(ends)
        try:
            await tail.poll(max_records=1, timeout_s=1.0)
        finally:
            await tail.close()

    async def register(self, files: Iterable[Path], within_s: float) -> dict[str, StrategyStatusChanged]:
        """Publish strategy files and wait for the answers. Raises TradewireError naming what was refused and why."""
        versions = {}
        for path in files:
            config = await self.publish_strategy(path.read_text(encoding="utf-8"))
            versions[config.strategy_id] = config.version
        answers = await self.answers(versions, within_s)
        refused = [a for a in answers.values() if a.status is not ConfigStatus.ACCEPTED]
        if refused:
            lines = [f"{a.strategy_id} v{a.version}: {reason.message}" for a in refused for reason in a.reasons]
            raise TradewireError("refused:\n  " + "\n  ".join(lines))
        return answers
