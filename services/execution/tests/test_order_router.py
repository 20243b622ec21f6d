"""Stories of single orders on their way to a venue and back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tradewire.execution.adapters.memory_ledger import LedgerTables, MemoryLedger
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import AuditRecorded, OrderStatus, Side
from tradewire.ports.ledger import Changes
from tradewire.testkit.broker_suite import intent, market
from tradewire.testkit.faulty_venue import Faults
from tradewire.testkit.matching_engine import REFUSED_QTY
from tradewire.testkit.router_rig import ACCOUNT, SYMBOL, RouterRig, assessed

S = OrderStatus
LOSES_REQUESTS, LOSES_REPLIES = Faults(request_lost=1), Faults(reply_lost=1)


class SometimesAway(MemoryLedger):
    """A ledger that can be down."""

    away = False

    async def commit(self, changes: Changes) -> None:
        if self.away:
            raise RetryableError("no database")
        await super().commit(changes)


class Story:
    """A started rig and what its ledger says."""

    def __init__(self, faults: Faults | None = None, *, seed: int = 1) -> None:
        self.tables = LedgerTables()
        self.ledger = SometimesAway(self.tables)
        self.rig = RouterRig(lambda: self.ledger, seed=seed, faults=faults)

    async def begin(self) -> RouterRig:
        """Started and ready."""
        await self.rig.start()
        await self.rig.until_ready()
        return self.rig

    def life(self, client_id: str) -> list[str]:
        """Statuses of an order, as written, without repeats."""
        written = sorted(self.tables.transitions.values(), key=lambda event: event.sequence)
        statuses = [event.status.value for event in written if event.client_order_id == client_id]
        return [status for i, status in enumerate(statuses) if i == 0 or statuses[i - 1] != status]

    def last_reason(self, client_id: str) -> str | None:
        """Of the order's newest transition."""
        return self.tables.orders[ACCOUNT, client_id].reason

    def incidents(self) -> set[str]:
        """Names of what was reported to people."""
        values = [record.value or b"" for record in (item.record for item in self.tables.outbox)]
        values += self.rig.published.values()
        found = (AuditRecorded.model_validate_json(value) for value in values if b'"severity"' in value)
        return {event.name for event in found}


async def test_place_when_all_is_well_then_intent_is_written_before_it_is_sent() -> None:
    story = Story()
    rig = await story.begin()
    await rig.place([intent("o-1")])
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "ACCEPTED"]
    rig.venue.finish()
    await rig.step()
    assert story.life("o-1")[-1] == "FILLED"


async def test_place_when_the_ledger_is_away_then_nothing_is_sent_until_it_is_back() -> None:
    story = Story()
    rig = await story.begin()
    story.ledger.away = True
    event = assessed(1, [intent("o-1")])
    for _ in range(2):
        with pytest.raises(RetryableError, match="no database"):
            await rig.deliver(event)
    assert rig.venue.accepted == {}
    story.ledger.away = False
    await rig.deliver(event)
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "ACCEPTED"]
    assert len(rig.venue.accepted["o-1"]) == 1


async def test_place_when_delivered_twice_then_sent_once() -> None:
    story = Story()
    rig = await story.begin()
    event = assessed(1, [market("o-1")])
    for _ in range(2):
        await rig.deliver(event)
        rig.venue.finish()
        await rig.step()
    assert len(rig.venue.accepted["o-1"]) == 1


async def test_place_when_reply_is_lost_then_unknown_until_asked() -> None:
    story = Story(LOSES_REPLIES)
    rig = await story.begin()
    await rig.place([intent("o-1")])
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "UNKNOWN"]
    await rig.step()
    assert story.life("o-1")[-1] == "ACCEPTED"
    assert len(rig.venue.accepted["o-1"]) == 1


async def test_place_when_entry_never_arrives_then_rejected_only_after_the_window_and_not_resent() -> None:
    story = Story(LOSES_REQUESTS)
    rig = await story.begin()
    await rig.place([intent("o-1")])
    for _ in range(14):
        await rig.step()
        assert story.life("o-1")[-1] == "UNKNOWN"
    rig.venue.faults = Faults()
    await rig.settle()
    assert rig.venue.accepted == {}
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "UNKNOWN", "REJECTED"]
    assert story.last_reason("o-1") == "NOT_FOUND"
    assert rig.venue.accepted == {}


async def test_place_when_guard_never_arrives_then_sent_once_more_after_the_window() -> None:
    story = Story(LOSES_REQUESTS)
    rig = await story.begin()
    await rig.place([intent("o-1", reduce_only=True)])
    rig.venue.faults = Faults()
    await rig.settle()
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "UNKNOWN", "SUBMITTED", "ACCEPTED"]


async def test_place_when_guard_is_lost_every_time_then_it_is_given_up_after_two() -> None:
    story = Story(LOSES_REQUESTS)
    rig = await story.begin()
    await rig.place([intent("o-1", reduce_only=True)])
    for _ in range(200):
        await rig.step()
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "UNKNOWN", "SUBMITTED", "UNKNOWN", "REJECTED"]


async def test_place_when_request_arrives_late_then_it_is_found_and_not_doubled() -> None:
    story = Story(Faults(request_late=1, late_us=5_000_000))
    rig = await story.begin()
    await rig.place([market("o-1", reduce_only=True)])
    for _ in range(60):
        await rig.step()
    rig.venue.finish()
    await rig.settle()
    assert story.life("o-1")[-1] == "FILLED"
    assert len(rig.venue.accepted["o-1"]) == 1


async def test_place_when_surely_not_sent_then_tried_a_few_times_and_given_up() -> None:
    story = Story(Faults(not_sent=1))
    rig = await story.begin()
    await rig.place([intent("o-1")])
    for _ in range(60):
        await rig.step()
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "REJECTED"]
    assert story.last_reason("o-1") == "NOT_SENT"


async def test_place_when_venue_refuses_then_rejected_with_its_reason() -> None:
    story = Story()
    rig = await story.begin()
    await rig.place([intent("o-1", qty=REFUSED_QTY)])
    assert story.life("o-1")[-1] == "REJECTED"
    assert story.last_reason("o-1") == "-4003 Quantity less than minimum."


async def test_fill_when_it_comes_before_the_acknowledgement_and_again_then_booked_once() -> None:
    story = Story(LOSES_REPLIES)
    rig = await story.begin()
    await rig.place([intent("o-1")])
    rig.venue.finish()
    for fill in [*rig.venue.fills, *rig.venue.fills]:
        await rig.router.on_fill(fill)
    await rig.settle()
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "UNKNOWN", "FILLED"]
    assert sum(fill.qty for fill in story.tables.fills.values()) == Decimal("0.5")


async def test_cancel_when_the_fill_was_first_then_booked_and_filled() -> None:
    story = Story()
    rig = await story.begin()
    await rig.place([intent("o-1")])
    rig.venue.finish()
    await rig.place([], ["o-1"])
    assert story.life("o-1")[-2:] == ["PENDING_CANCEL", "FILLED"]


async def test_cancel_when_replies_are_lost_then_resolved_by_asking() -> None:
    story = Story()
    rig = await story.begin()
    await rig.place([intent("o-1")])
    rig.venue.faults = LOSES_REPLIES
    await rig.place([], ["o-1"])
    assert story.life("o-1")[-1] == "PENDING_CANCEL"
    await rig.step()
    assert story.life("o-1")[-1] == "CANCELED"


async def test_cancel_when_it_never_gets_through_then_given_up_at_the_deadline_and_reported() -> None:
    story = Story()
    rig = await story.begin()
    await rig.place([intent("o-1")])
    rig.venue.faults = LOSES_REQUESTS
    await rig.place([], ["o-1"])
    for _ in range(90):
        await rig.step()
    assert story.life("o-1") == ["INITIALIZED", "SUBMITTED", "ACCEPTED", "PENDING_CANCEL", "ACCEPTED"]
    assert "order_surprise" in story.incidents()


async def test_cancel_when_the_order_is_unknown_then_it_is_canceled_once_found() -> None:
    story = Story(LOSES_REPLIES)
    rig = await story.begin()
    await rig.place([intent("o-1")])
    await rig.place([], ["o-1"])
    rig.venue.faults = Faults()
    await rig.settle()
    assert story.life("o-1")[-2:] == ["PENDING_CANCEL", "CANCELED"]


async def test_start_when_orders_were_under_way_then_nothing_new_is_sent_before_they_are_known() -> None:
    story = Story(LOSES_REPLIES)
    rig = await story.begin()
    await rig.place([intent("o-1")])
    await rig.start()
    with pytest.raises(RetryableError, match="unknown"):
        await rig.deliver(assessed(9, [intent("o-2")]))
    await rig.until_ready()
    assert story.life("o-1")[-1] == "ACCEPTED"


async def test_venue_when_it_liquidates_then_fill_is_booked_and_reported() -> None:
    story = Story()
    rig = await story.begin()
    rig.venue.make_own_order("adl_autoclose", SYMBOL, Side.SELL, Decimal("0.3"))
    await rig.settle()
    (fill,) = story.tables.fills.values()
    assert (fill.leg, fill.position_after) == ("ADL", Decimal("-0.3"))
    assert story.life("adl_autoclose")[-1] == "FILLED"
    assert "order_not_ours" in story.incidents()


async def test_publish_when_the_bus_is_away_then_orders_go_on_and_messages_follow() -> None:
    story = Story()
    rig = await story.begin()
    rig.bus_down = True
    await rig.place([intent("o-1")])
    assert story.life("o-1")[-1] == "ACCEPTED"
    assert not any(b'"o-1"' in value for value in rig.published.values())
    rig.bus_down = False
    await rig.step()
    assert sum(b'"o-1"' in value for value in rig.published.values()) == 3


async def test_restart_when_an_order_went_out_late_and_is_not_shown_yet_then_it_is_waited_for() -> None:
    story = Story(Faults(not_sent=1))
    rig = await story.begin()
    await rig.place([intent("o-1")])
    rig.venue.faults = Faults(hidden_us=5_000_000, push_lost=1)
    await rig.step(seconds=20)
    await rig.step(seconds=0)  # written once more, then sent
    assert story.life("o-1")[-1] == "ACCEPTED"
    await rig.rebuild()
    await rig.settle()
    assert story.life("o-1")[-1] == "ACCEPTED"


@pytest.mark.parametrize("seed", range(8))
async def test_foreign_order_when_its_fill_is_shown_before_itself_then_it_is_waited_for(seed: int) -> None:
    story = Story(seed=seed)
    rig = await story.begin()
    rig.venue.faults = Faults(hidden_us=5_000_000)
    rig.venue.make_own_order("someone-1", SYMBOL, Side.SELL, Decimal("0.2"), whole=False)
    for _ in range(12):
        await rig.step(seconds=0.5)
    await rig.settle()
    assert story.life("someone-1")[-1] == "PARTIALLY_FILLED"
