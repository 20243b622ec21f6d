"""Carries faults out on a running platform, and starts again whatever died."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DeleteGroupsRequest

from tradewire.app.operating.platform import Platform
from tradewire.embedded.freezing import freeze, thaw
from tradewire.embedded.service_processes import ServiceProcess
from tradewire.testkit.chaos.plan import EVERYTHING, Fault, FaultKind
from tradewire.testkit.chaos.recovery import Recovery

LOOK_SECONDS = 0.1
"""How often the supervisor looks; nothing waits for it."""
NON_EMPTY_GROUP = 68
"""Kafka's answer while a member's session is not over (protocol error codes)."""
GROUP_ID_NOT_FOUND = 69


class Striker:
    """``away``: instances not to be started now; ``frozen``: what does not answer; ``counts``: what was done."""

    def __init__(self, running: Platform, recovery: Recovery, say: Callable[[str], None]) -> None:
        self._running, self._recovery, self._say = running, recovery, say
        self.away: Counter[str] = Counter()
        self.frozen: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.revived: Counter[str] = Counter()
        self._one_at_a_time = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Is a fault under way?"""
        return bool(self._under_way)

    def strike(self, fault: Fault) -> asyncio.Task[None]:
        """Begin a fault; the task is done when it is over."""
        task = asyncio.create_task(self._carry_out(fault))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def settle(self) -> None:
        """Wait until every fault that began is over. Raises what one of them raised."""
        await asyncio.gather(*self._under_way)

    async def revive(self) -> None:
        """Start whatever died again at once, until cancelled."""
        while True:
            for name, service in self._running.services.items():
                if service.starts and not service.running and not self.away[name]:
                    self.revived[name] += 1
                    service.start()
            await asyncio.sleep(LOOK_SECONDS)

    async def end(self) -> None:
        """Give up what is under way; nothing stays frozen."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for service in self._running.services.values():
            service.thaw()

    # ---- the kinds ----

    async def _carry_out(self, fault: Fault) -> None:
        self._say(str(fault))
        self.counts[f"{fault.kind} {fault.target}"] += 1
        match fault.kind:
            case FaultKind.FREEZE if fault.target in self._running.services:
                await self._freeze_instance(self._running.services[fault.target], fault.seconds)
            case FaultKind.FREEZE:
                await self._freeze_server(fault.target, fault.seconds)
            case FaultKind.HAND_OVER:
                await self._hand_over(self._running.services[fault.target], fault.seconds)
            case FaultKind.FORGET:
                await self._forget(fault.target)
            case FaultKind.KILL if fault.target == EVERYTHING:
                await self._kill_everything()
            case _ if fault.target in self._running.services:
                await self._end_instance(self._running.services[fault.target], fault.kind)
            case _:
                await self._end_server(fault.target, fault.kind)

    async def _end_instance(self, service: ServiceProcess, kind: FaultKind) -> None:
        if kind is FaultKind.KILL:
            await self._kill([service])
        else:
            await asyncio.to_thread(service.stop)

    async def _kill(self, services: Iterable[ServiceProcess]) -> None:
        for service in services:
            if service.running:
                await asyncio.to_thread(service.kill)
                self._recovery.killed(service.service)

    async def _end_server(self, part: str, kind: FaultKind) -> None:
        async with self._one_at_a_time:
            if kind is FaultKind.KILL:
                await asyncio.to_thread(self._running.stack.kill, part)
            await asyncio.to_thread(self._running.stack.restart, part)

    async def _freeze_instance(self, service: ServiceProcess, seconds: float) -> None:
        self.frozen[service.name] += 1
        try:
            await asyncio.to_thread(service.freeze)
            await asyncio.sleep(seconds)  # the freeze itself: what is tried is its length
        finally:
            self.frozen[service.name] -= 1
            if not self.frozen[service.name]:
                service.thaw()

    async def _freeze_server(self, part: str, seconds: float) -> None:
        async with self._one_at_a_time:
            pid = self._running.stack.pid(part)
            if pid is None:
                return
            self.frozen[part] += 1
            try:
                await asyncio.to_thread(freeze, pid)
                await asyncio.sleep(seconds)  # the freeze itself
            finally:
                self.frozen[part] -= 1
                thaw(pid)

    async def _hand_over(self, service: ServiceProcess, seconds: float) -> None:
        self.away[service.name] += 1
        try:
            await asyncio.to_thread(service.stop)
            await asyncio.sleep(seconds)  # the absence itself
        finally:
            self.away[service.name] -= 1

    async def _kill_everything(self) -> None:
        """Services and servers at once; the servers come back first, as on a machine that lost its power."""
        names = list(self._running.services)
        async with self._one_at_a_time:
            self.away.update(names)
            try:
                stack = self._running.stack
                kills = [self._kill(self._running.services.values())]
                await asyncio.gather(*kills, *(asyncio.to_thread(stack.kill, part) for part in stack.parts))
                for part in stack.parts:
                    await asyncio.to_thread(stack.restart, part)
            finally:
                self.away.subtract(names)

    async def _forget(self, service: str) -> None:
        instances = [process for process in self._running.services.values() if process.service == service]
        names = [process.name for process in instances]
        self.away.update(names)
        try:
            await self._kill(instances)
            await delete_offsets(self._running.stack.bootstrap_servers, service)
        finally:
            self.away.subtract(names)


async def delete_offsets(bootstrap_servers: str, group: str) -> None:
    """Delete a group's committed offsets, once its members are out of it; while the broker is away, wait for it."""
    while True:
        with suppress(KafkaError, OSError, TimeoutError):
            if await _deleted(bootstrap_servers, group):
                return
        await asyncio.sleep(LOOK_SECONDS)


async def _deleted(bootstrap_servers: str, group: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        coordinator = await admin.find_coordinator(group)
        answer = await admin._send_request_to_node(coordinator, DeleteGroupsRequest([group]))
        ((_, code),) = answer.results
        return code in (0, GROUP_ID_NOT_FOUND)
    finally:
        await admin.close()
