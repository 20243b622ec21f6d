"""An order router between a ledger and a faulty venue, which can be crashed at any await and rebuilt."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook
from tradewire.execution.domain.live_order import intended
from tradewire.execution.router import OrderRouter
from tradewire.ports.broker import BrokerPort, VenueFill
from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import OrderIntent, RiskAssessed, RiskDecision
from tradewire.ports.ledger import LedgerPort
from tradewire.ports.message import Emit, Envelope, derived_id
from tradewire.testkit.faulty_venue import Faults, FaultyVenue
from tradewire.testkit.ledger_writer import LedgerWriter
from tradewire.testkit.manual_clock import ManualClock

ACCOUNT = "live-1"
SYMBOL = "BTCUSDT"
QUIET = Faults(hidden_us=0)


class CrashError(BaseException):
    """The process is gone: nothing in it may catch this."""


class Fuse:
    """Counts the moments before and after each call outside; raises CrashError at the ``at``-th."""

    def __init__(self) -> None:
        self.count, self.at = 0, 0

    def burn(self) -> None:
        """One moment passes."""
        self.count += 1
        if self.count == self.at:
            raise CrashError(f"at moment {self.count}")


class Fused:
    """Any port, with a fuse before and after every call."""

    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        async def fused(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            answer = await call(*args, **kwargs)
            self._fuse.burn()
            return answer

        return fused


def assessed(number: int, intents: Sequence[OrderIntent] = (), cancels: Sequence[str] = ()) -> RiskAssessed:
    """The ``number``-th assessment, one a second."""
    return RiskAssessed(
        account_id=ACCOUNT,
        strategy_id="ema-cross",
        config_version=1,
        venue="binance",
        symbol=SYMBOL,
        event_time_us=number * 1_000_000,
        evaluation_id=f"evaluation-{number}",
        decision=RiskDecision.APPROVED,
        intents=tuple(intents),
        cancels=tuple(cancels),
        rules=(),
        step_index=0,
        step_size=1,
    )


class RouterRig:
    """Parameters: ledger: a new writer of the same ledger each time; seed: of the venue and of the jitter."""

    def __init__(self, ledger: Callable[[], LedgerPort], *, seed: int = 1, faults: Faults | None = None) -> None:
        self.clock = ManualClock(1_000_000)
        self.venue = FaultyVenue(self.clock, seed=seed, faults=faults)
        self.fuse = Fuse()
        self.approved: list[OrderIntent] = []
        self.published: dict[str, bytes] = {}
        self.bus_down = False
        self._new_ledger, self._dice = ledger, random.Random(seed)
        self._numbers = 0

    async def start(self) -> None:
        """A new process takes the account over from the ledger."""
        ledger = self._new_ledger()
        await ledger.open()
        recovered = await ledger.acquire([0])
        await self._publish(recovered.unpublished)
        rows = [row for row in recovered.accounts if row.account_id == ACCOUNT]
        self.account = LiveAccount.restored(rows[0].state) if rows else LiveAccount(LiveBook(ACCOUNT, "binance"))
        fused_ledger: LedgerPort = Fused(ledger, self.fuse)
        fused_venue: BrokerPort = Fused(self.venue, self.fuse)
        writer = LedgerWriter(self.account, 0, fused_ledger, self._publish, _encode, self.clock)
        self.router = OrderRouter(writer, venue=fused_venue, clock=self.clock, dice=self._dice)
        self.router.resume()
        await writer.commit()

    async def place(self, intents: Sequence[OrderIntent] = (), cancels: Sequence[str] = ()) -> None:
        """Deliver an assessment until it is taken, however often the process crashes over it."""
        self._numbers += 1
        self.approved += intents
        event = assessed(self._numbers, intents, cancels)
        for _ in range(10_000):
            try:
                return await self.deliver(event)
            except RetryableError:
                await self.step()
            except CrashError:
                await self.rebuild()
        raise AssertionError(f"{event.evaluation_id} is never taken")

    async def deliver(self, event: RiskAssessed) -> None:
        """An assessment comes once, as the desk hands it on. Raises RetryableError while it can't be taken."""
        if not self.router.ready:
            raise RetryableError("orders of an earlier process are unknown")
        for client_id in event.cancels:
            self.router.withdraw(client_id)
        for wanted in event.intents:
            self.router.submit(intended(event, wanted, Envelope(event_id=event.evaluation_id)))
        await self.router.tick()

    async def step(self, *, seconds: float = 1) -> None:
        """Time passes: pushes come, what is due is done."""
        self.clock.advance(seconds=seconds)
        try:
            for push in self.venue.pushes():
                await (self.router.on_fill(push) if isinstance(push, VenueFill) else self.router.on_order(push))
            await self.router.tick()
        except RetryableError:
            return
        except CrashError:
            await self.rebuild()

    async def rebuild(self) -> None:
        """Start until a start succeeds; a service waits for its bus before it takes anything over."""
        self.bus_down = False
        while True:
            try:
                return await self.start()
            except CrashError:
                continue

    async def until_ready(self, *, steps: int = 500) -> None:
        """Time passes until all that was unfinished at the start is known."""
        for _ in range(steps):
            if self.router.ready:
                return
            await self.step()
        raise AssertionError(f"never ready: {self.account.book.orders}")

    async def settle(self) -> None:
        """Faults end, and time passes until ledger and venue have told each other everything."""
        self.fuse.at, self.venue.down, self.venue.faults, self.bus_down = 0, False, QUIET, False
        await self.until_ready()
        for _ in range(150):
            await self.step()

    async def _publish(self, records: Sequence[Outgoing]) -> None:
        self.fuse.burn()
        if self.bus_down:
            raise RetryableError("no broker")
        for record in records:
            event_id, value = dict(record.headers)["event_id"].decode(), record.value or b""
            assert self.published.setdefault(event_id, value) == value, f"{event_id} says two things"
        self.fuse.burn()


def _encode(emit: Emit) -> Outgoing:
    assert emit.cause is not None, "everything that execution says has a cause"
    event_id = derived_id(emit.cause.event_id, type(emit.event).__name__, emit.ordinal)
    return Outgoing(
        type(emit.event).__name__,
        ACCOUNT.encode(),
        emit.event.model_dump_json().encode(),
        (("event_id", event_id.encode()),),
    )
