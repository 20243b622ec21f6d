"""What a level of the kill switch has come to on each account: what its newest state and its orders show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tradewire.app.operating.control_statuses import Statuses, read_statuses
from tradewire.app.operating.newest_records import newest_of_keys
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.reported_account import CLOSING, ReportedAccount, Share, WorkingOrder
from tradewire.app.operating.standstill import Standstill
from tradewire.ports.bounds import GLOBAL
from tradewire.ports.bus import Place, Record, TailPort
from tradewire.ports.events import AccountStateChanged, ControlLevel, OrderChanged, OrderStatus
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_between
from tradewire.trading.controls import may_work

STATES, ORDERS = BY_EVENT[AccountStateChanged].name, BY_EVENT[OrderChanged].name
MARGIN_MS = 60_000
"""Clocks of brokers differ: orders are read from so long before the state that they follow."""
REASON = "kill_switch"


class Outcome(StrEnum):
    """What a level has come to on an account."""

    FLAT = "flat"
    CLOSING = "closing"
    DONE = "done"
    CANNOT_ACT = "cannot_act"

    @property
    def words(self) -> str:
        """As it begins a line for people."""
        return "can't act:" if self is Outcome.CANNOT_ACT else self.value


AT_REST = frozenset({Outcome.FLAT, Outcome.DONE})


@dataclass(frozen=True, slots=True)
class AccountEffect:
    """An account under a level. ``detail``: for people; ``withdrawn``: orders that the level ended since it was asked
    for."""

    outcome: Outcome
    detail: str
    withdrawn: int = 0


class LevelEffects:
    """Follows the accounts of a scope until each shows what a level has come to. ``begin`` before it is asked for."""

    def __init__(self, operator: Operator, scope: str, level: ControlLevel) -> None:
        self._operator, self._bus, self._level = operator, operator.bus, level
        kind, _, name = scope.partition(":")
        self._account = name if kind == "account" else None
        self._strategy = name if kind == "strategy" else None
        self._everything = scope == GLOBAL
        self._views: dict[str, ReportedAccount] = {}
        self._asked_at: dict[Place, int] = {}
        self._withdrawn: defaultdict[str, set[str]] = defaultdict(set)
        self._unread: set[str] = set()

    async def begin(self) -> None:
        """Note where the orders end, before the level is asked for."""
        self._asked_at = await self._bus.end_offsets(await self._places(ORDERS))

    async def until_shown(self, within_s: float) -> dict[str, AccountEffect]:
        """Each account by id, once all show what the level has come to; after ``within_s`` as they are then.

        An account that can't act says why. Raises RetryableError.
        """
        statuses, _ = await read_statuses(self._operator)
        since, ends = await self._read_newest(statuses), await self._bus.end_offsets(await self._places(ORDERS))
        async for record in read_between(self._bus, {place: since[place] for place in ends}, ends):
            await self._take(record)
        tail, deadline_s = await self._bus.tail(since | ends), self._operator.clock.monotonic_s() + within_s
        try:
            await self._follow(tail, lambda view: self._shown(view) is not None, deadline_s)
            told = await self._told(statuses)
            if any(one.outcome is Outcome.CANNOT_ACT for one in told.values()):  # a venue may fill without a bar
                await self._follow(tail, lambda view: self._shown(view) in AT_REST, deadline_s)
                told = await self._told(statuses)
            return told
        finally:
            await tail.close()

    async def _follow(self, tail: TailPort, done: Callable[[ReportedAccount], bool], deadline_s: float) -> None:
        """Read on until all accounts are ``done``, or until the deadline."""
        while not all(map(done, self._views.values())):
            left_s = deadline_s - self._operator.clock.monotonic_s()
            if left_s <= 0:
                return
            for record in await tail.poll(max_records=500, timeout_s=min(left_s, 0.5)):
                await self._take(record)

    # ---- reading ----

    async def _places(self, topic: str) -> list[Place]:
        count = await self._bus.partitions(topic)
        if self._account is not None:
            return [Place(topic, partition_of(self._account.encode(), count))]
        return [Place(topic, partition) for partition in range(count)]

    async def _read_newest(self, statuses: Statuses) -> dict[Place, int]:
        """The newest state of each account; returns where to read on, orders from the time of those states."""
        places, count = await self._places(STATES), await self._bus.partitions(STATES)
        ends = await self._bus.end_offsets(places)
        known = statuses.accounts() if self._account is None else {self._account}
        wanted = {place: {a for a in known if partition_of(a.encode(), count) == place.partition} for place in places}
        newest, self._unread = await newest_of_keys(self._bus, wanted)
        found = {key: record for key, record in newest.items() if self._account in (None, key)}
        self._views = {account_id: ReportedAccount(account_id) for account_id in sorted(known | found.keys())}
        for record in found.values():
            await self._take(record)
        times = {Place(ORDERS, p.partition): [r.timestamp_ms for r in found.values() if r.place == p] for p in places}
        since = {place: min(at_ms) - MARGIN_MS for place, at_ms in times.items() if at_ms}
        orders = self._asked_at or await self._bus.end_offsets(await self._places(ORDERS))
        return ends | orders | await self._bus.offsets_at(since)

    async def _take(self, record: Record) -> None:
        event = await self._operator.decoded(record)
        if isinstance(event, AccountStateChanged | OrderChanged) and event.account_id in self._views:
            self._views[event.account_id].take(event)
            new = record.offset >= self._asked_at.get(record.place, 0)
            if isinstance(event, OrderChanged) and new and _withdrawn(event):
                self._withdrawn[event.account_id].add(event.client_order_id)

    # ---- judging ----

    def _held(self, view: ReportedAccount) -> dict[Share, Decimal]:
        return {share: qty for share, qty in view.held().items() if self._strategy in (None, share.strategy_id)}

    def _working(self, view: ReportedAccount) -> list[WorkingOrder]:
        return [order for order in view.working() if self._strategy in (None, order.share.strategy_id)]

    def _shown(self, view: ReportedAccount) -> Outcome | None:
        """What the account shows; None: the level is not carried out on it yet."""
        working = self._working(view)
        if any(not may_work(self._level, order.leg) for order in working):
            return None
        if self._level is not ControlLevel.FLATTEN:
            return Outcome.DONE
        held = self._held(view)
        closing = {order.share for order in working if order.leg in CLOSING and order.confirmed}
        if held:
            return Outcome.CLOSING if held.keys() <= closing else None
        return Outcome.FLAT if not working else None

    async def _told(self, statuses: Statuses) -> dict[str, AccountEffect]:
        """Each account in words. What stands in the way is looked for only where something does, or may."""
        shown = {view.account_id: self._shown(view) for view in self._views.values()}
        moving = any(outcome not in AT_REST for outcome in shown.values())
        standstill = await Standstill.read(self._operator, statuses) if moving else None
        found = {}
        for account_id, view in self._views.items():
            if self._strategy is None or self._held(view) or self._working(view) or self._withdrawn[account_id]:
                outcome, detail = await self._described(view, shown[account_id], standstill)
                found[account_id] = AccountEffect(outcome, detail, len(self._withdrawn[account_id]))
        return found

    async def _described(
        self, view: ReportedAccount, outcome: Outcome | None, standstill: Standstill | None
    ) -> tuple[Outcome, str]:
        if view.account_id in self._unread:
            return Outcome.CANNOT_ACT, "its newest state is too far back on execution.account.v1 to be read"
        if outcome in AT_REST or standstill is None:
            return self._at_rest(view, outcome or Outcome.DONE)
        if outcome is None:
            what = "; ".join(self._missing(view))
            return Outcome.CANNOT_ACT, f"{what}: {standstill.of(view.account_id) or 'no report says why'}"
        held = self._held(view)
        if why := await standstill.of_market(view, {(share.venue, share.symbol) for share in held}):
            return Outcome.CANNOT_ACT, f"{_positions(held)} can't be closed: {why}"
        return Outcome.CLOSING, f"{_positions(held)} with the next bar of {_symbols(held)}: the orders are at work"

    def _at_rest(self, view: ReportedAccount, outcome: Outcome) -> tuple[Outcome, str]:
        if outcome is Outcome.FLAT and self._strategy is None and (symbols := view.unowned()):
            what = f"the position in {', '.join(symbols)} belongs to no strategy"
            return Outcome.CANNOT_ACT, f"{what}, and flatten closes what strategies own: close it at the venue"
        return outcome, "no position and no order" if outcome is Outcome.FLAT else "nothing that the level forbids"

    def _missing(self, view: ReportedAccount) -> Iterator[str]:
        """What the level wants of an account and its reports do not show."""
        working = self._working(view)
        if still := [order for order in working if not may_work(self._level, order.leg)]:
            yield f"{len(still)} orders on {_symbols(order.share for order in still)} are not withdrawn yet"
        if self._level is ControlLevel.FLATTEN:
            closing = {order.share for order in working if order.leg in CLOSING}
            confirmed = {order.share for order in working if order.leg in CLOSING and order.confirmed}
            held = self._held(view)
            for share in sorted(held.keys() - confirmed):
                sent = "no venue has confirmed the order that closes it" if share in closing else ""
                why = sent or view.failed_to_close(share) or "no order that closes it is at work"
                yield f"{share.strategy_id} holds {_number(held[share])} {share.symbol}, and {why}"
            if not held and not still:
                yield f"{len(working)} orders on {_symbols(order.share for order in working)} are still at work"


def _withdrawn(order: OrderChanged) -> bool:
    """Did the kill switch end an order that was at work?"""
    return order.status is OrderStatus.CANCELED and (order.reason or "").startswith(REASON)


def _number(qty: Decimal) -> str:
    return f"{qty.normalize():f}"


def _symbols(shares: Iterable[Share]) -> str:
    return ", ".join(sorted({share.symbol for share in shares}))


def _positions(held: Mapping[Share, Decimal]) -> str:
    return ", ".join(f"{_number(qty)} {share.symbol} of {share.strategy_id}" for share, qty in sorted(held.items()))
