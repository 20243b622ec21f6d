"""What operators and quants say to a platform: strategies, limits, controls — and what it answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from tradewire.app.operating.deeds import Deed, deed_of, user
from tradewire.app.operating.scenario import ANSWER_SECONDS, Scenario
from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record
from tradewire.ports.checks import CHECKS
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError, TradewireError
from tradewire.ports.events import (
    AccountStateChanged,
    ConfigStatus,
    ControlChanged,
    ControlLevel,
    InstrumentChanged,
    StrategyConfigPublished,
    StrategyStatusChanged,
    TradingMode,
)
from tradewire.ports.message import Envelope, Event, derived_id
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.control_records import cleaned
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.observe.tracing import random_run, root_traceparent

PRODUCER = "cli"
AUTHOR = "author"
"""Header of a tombstone: who wrote it."""
log = logging.getLogger(__name__)


class NoAnswerError(RetryableError):
    """The platform did not answer in time."""


class Operator:
    """Speaks to a platform over its bus."""

    def __init__(self, bus: EventBusPort, codec: Codec, clock: ClockPort, author: str | None = None) -> None:
        self.bus, self.codec, self.clock = bus, codec, clock
        self.author = cleaned(author or user())

    async def say(self, event: Event) -> str:
        """Publish one message, and the audit event of what it asks for; returns its event id.

        Raises ContractViolationError for a value out of its bounds.
        """
        spec = BY_EVENT[type(event)]
        event_id = derived_id(PRODUCER, f"{spec.name}|{spec.key_of(event)}", self.clock.now_us())
        await self._publish(event, event_id)
        if (deed := deed_of(event)) is not None:
            await self.note(deed, event_id)
        return event_id

    async def note(self, deed: Deed, cause: str) -> None:
        """Write the audit event of what was done. ``cause``: what makes it the same when it is told twice.

        Nobody's halt fails because nothing can be written about it: the log says what could not.
        """
        event = deed.event(self.author, self.clock.now_us())
        try:
            await self._publish(event, derived_id(PRODUCER, f"{deed.name}|{cause}", event.event_time_us))
        except TradewireError as error:
            log.warning("no audit event was written of %r: %s", event.message, error)

    async def _publish(self, event: Event, event_id: str) -> None:
        CHECKS[type(event)](event)
        spec, now_us = BY_EVENT[type(event)], self.clock.now_us()
        envelope = Envelope(
            event_id=event_id,
            correlation_id=event_id,
            event_time_us=now_us,
            producer=PRODUCER,
            traceparent=root_traceparent(event_id, sampled=True, run=random_run()),
        )
        key = spec.key_of(event).encode()
        await self.bus.publish(
            [Outgoing(spec.name, key, self.codec.encode(event), self.codec.encode_headers(envelope))]
        )

    async def latest(self, event: type[Event]) -> dict[str, Event]:
        """Newest message per key of a broadcast topic. What can't be read is left out: its readers dead-letter it."""
        found: dict[str, Event] = {}
        async for record in read_to_end(self.bus, BY_EVENT[event].name):
            key = (record.key or b"").decode(errors="replace")
            if record.value is None:
                found.pop(key, None)
            elif (message := await self.decoded(record)) is not None:
                found[key] = message
        return found

    async def decoded(self, record: Record) -> Event | None:
        """A record's message as the services take it; None for a tombstone, and for what is a dead letter to them."""
        if record.value is None:
            return None
        try:
            return await read_record(self.codec, record)
        except ContractViolationError:
            return None

    async def follow(
        self,
        event: type[Event],
        starts: Mapping[Place, int],
        done: Callable[[Event | None], bool],
        within_s: float,
    ) -> None:
        """Read a topic on, message by message, until ``done``; asked once without one first. Raises TimeoutError."""
        if done(None):
            return
        tail = await self.bus.tail(starts)
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for record in await tail.poll(max_records=500, timeout_s=0.5):
                        message = await self.decoded(record)
                        if isinstance(message, event) and done(message):
                            return
        finally:
            await tail.close()

    async def control(self, scope: str, level: ControlLevel, reason: str) -> str:
        """Ask for a level of a scope; returns the message's event id. ``Switching`` waits until it is obeyed."""
        now_us = self.clock.now_us()
        return await self.say(
            ControlChanged(scope=scope, level=level, reason=cleaned(reason), author=self.author, issued_at_us=now_us)
        )

    async def controls(self) -> dict[str, ControlChanged]:
        """The newest record of each scope that asks for another level than NORMAL; ``Switching`` tells who obeys."""
        found = await self.latest(ControlChanged)
        return {
            scope: control
            for scope, control in sorted(found.items())
            if isinstance(control, ControlChanged) and control.level is not ControlLevel.NORMAL
        }

    async def publish_strategy(
        self, document: str, *, effective_from_us: int = 0, evidence: Mapping[str, str] | None = None
    ) -> StrategyConfigPublished:
        """Publish a strategy file as its next version. ``evidence``: why, by name; the registry keeps it.

        Raises StrategyErrors when the file can't even be parsed.
        """
        from tradewire.trading.language import parse_strategy  # takes half a second, which a kill switch has not

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
            author=self.author,
            effective_from_us=effective_from_us,
            evidence=dict(evidence or {}),
            published_at_us=self.clock.now_us(),
        )
        await self.say(config)
        return config

    async def answers(self, versions: Mapping[str, int], within_s: float) -> dict[str, StrategyStatusChanged]:
        """Wait for the platform's answers to strategy versions. Raises NoAnswerError."""
        topic = BY_EVENT[StrategyStatusChanged].name
        starts = {Place(topic, p): 0 for p in range(await self.bus.partitions(topic))}
        return await self._until_answered(versions, starts, within_s)

    async def _until_answered(
        self, versions: Mapping[str, int | None], starts: Mapping[Place, int], within_s: float
    ) -> dict[str, StrategyStatusChanged]:
        """Read answers from ``starts`` on until each strategy has one, about the version given if one is."""
        found: dict[str, StrategyStatusChanged] = {}
        tail = await self.bus.tail(starts)
        try:
            async with asyncio.timeout(within_s):
                while set(found) != set(versions):
                    for record in await tail.poll(max_records=500, timeout_s=0.5):
                        status = await self.decoded(record)
                        if not isinstance(status, StrategyStatusChanged):
                            continue
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
        """Publish a tombstone with its author, and wait for the answer. Raises NoAnswerError."""
        topic = BY_EVENT[StrategyStatusChanged].name
        ends = await self.bus.end_offsets([Place(topic, p) for p in range(await self.bus.partitions(topic))])
        author = (AUTHOR, self.author.encode())
        tombstone = Outgoing(BY_EVENT[StrategyConfigPublished].name, strategy_id.encode(), None, (author,))
        (ack,) = await self.bus.publish([tombstone])
        retired = Deed("strategy_retired", f"retired {strategy_id}", {"strategy": strategy_id})
        await self.note(retired, f"{strategy_id}|{ack.offset}")
        return (await self._until_answered({strategy_id: None}, ends, within_s))[strategy_id]

    async def until_account(
        self, done: Callable[[AccountStateChanged], bool], accounts: Collection[str], within_s: float
    ) -> None:
        """Wait until the newest state of each account is as wanted, from the ones there are on. Raises NoAnswerError.

        An account that never had a state has nothing that could be unwanted.
        """
        topic = BY_EVENT[AccountStateChanged].name
        places = [Place(topic, p) for p in range(await self.bus.partitions(topic))]
        ends = await self.bus.end_offsets(places)
        newest = await self._newest_states(topic, accounts)
        tail = await self.bus.tail(ends)
        try:
            async with asyncio.timeout(within_s):
                while not all(done(state) for state in newest.values()):
                    for record in await tail.poll(max_records=500, timeout_s=0.5):
                        await self._take_state(newest, record, accounts)
        except TimeoutError:
            raise NoAnswerError(f"{', '.join(sorted(newest))}: not as wanted within {within_s:.0f} s") from None
        finally:
            await tail.close()

    async def _newest_states(self, topic: str, accounts: Collection[str]) -> dict[str, AccountStateChanged]:
        newest: dict[str, AccountStateChanged] = {}
        async for record in read_to_end(self.bus, topic):
            await self._take_state(newest, record, accounts)
        return newest

    async def _take_state(
        self, newest: dict[str, AccountStateChanged], record: Record, accounts: Collection[str]
    ) -> None:
        if (record.key or b"").decode(errors="replace") not in accounts:
            return
        state = await self.decoded(record)
        if not isinstance(state, AccountStateChanged):
            return
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
        ends = await self.bus.end_offsets([Place(topic, 0)])
        tail = await self.bus.tail(ends)
        try:
            await tail.poll(max_records=1, timeout_s=1.0)
        finally:
            await tail.close()

    async def register(
        self, files: Iterable[Path], within_s: float, *, effective_from_us: int = 0
    ) -> dict[str, StrategyStatusChanged]:
        """Publish strategy files and wait for the answers. Raises TradewireError naming what was refused and why."""
        versions = {}
        for path in files:
            document = path.read_text(encoding="utf-8")
            config = await self.publish_strategy(document, effective_from_us=effective_from_us)
            versions[config.strategy_id] = config.version
        answers = await self.answers(versions, within_s)
        refused = [a for a in answers.values() if a.status is not ConfigStatus.ACCEPTED]
        if refused:
            lines = [f"{a.strategy_id} v{a.version}: {reason.message}" for a in refused for reason in a.reasons]
            raise TradewireError("refused:\n  " + "\n  ".join(lines))
        return answers

    async def register_scenario(self, scenario: Scenario) -> set[str]:
        """Have the scenario's strategies accepted; returns the accounts that trade. Raises TradewireError."""
        if scenario.warm_up:
            await self.register(scenario.warm_up, ANSWER_SECONDS)
        answers = await self.register(scenario.strategies, ANSWER_SECONDS, effective_from_us=scenario.begins_us)
        return {version.account_id for answer in answers.values() for version in answer.active}
