"""What every LogStorePort must do. An adapter's test class inherits this and says how to make one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.telemetry import LogQuery, LogStorePort, TelemetryEntry


def seen(number: int, **other: Any) -> TelemetryEntry:
    """The number-th message, of a kind that has every id."""
    fields: dict[str, Any] = {
        "event_id": f"event-{number:05d}",
        "topic": "execution.fill.v1",
        "partition": number % 3,
        "offset": number,
        "event_time_us": 1_000 * number,
        "recorded_at_us": 5_000_000 + number,
        "kind": "OrderFilled",
        "account_id": "paper-1",
        "strategy_id": "ema-cross",
        "symbol": "BTCUSDT",
        "client_order_id": f"o-{number}",
        "trace_id": f"{number:032x}",
        "correlation_id": "c",
        "causation_id": f"event-{number - 1:05d}",
        "payload": {"qty": "0.10000000", "ratio": 0.1, "tags": ["a", None, {"deep": True}], "text": "naïve \u2603"},
    }
    return TelemetryEntry(**fields | other)


async def pages(store: LogStorePort, query: LogQuery) -> list[Sequence[TelemetryEntry]]:
    """All pages of a query."""
    found = [await store.query(query)]
    while (after := found[-1].next) is not None:
        found.append(await store.query(replace(query, after=after)))
    return [page.entries for page in found]


class LogStoreSuite:
    """The port's contract."""

    @abstractmethod
    async def opened(self) -> LogStorePort:
        """A new, open and empty store."""

    @pytest.fixture
    async def store(self) -> AsyncIterator[LogStorePort]:
        """An empty store."""
        store = await self.opened()
        yield store
        await store.close()

    async def test_query_when_recorded_then_entries_come_back_whole(self, store: LogStorePort) -> None:
        bare = TelemetryEntry("bare", "ops.audit.v1", 0, 0, -5, 1, "AuditRecorded")
        await store.record([seen(1), bare])
        page = await store.query(LogQuery())
        assert (list(page.entries), page.next) == ([bare, seen(1)], None)

    async def test_query_when_payload_had_decimals_then_they_are_strings_to_the_last_digit(
        self, store: LogStorePort
    ) -> None:
        await store.record([seen(1, payload={"price": Decimal("64123.10"), "fees": [Decimal("-0.00000001")]})])
        found = (await store.query(LogQuery())).entries[0]
        assert found.payload == {"price": "64123.10", "fees": ["-0.00000001"]}

    async def test_record_when_repeated_in_one_call_or_later_then_kept_once_as_first_seen(
        self, store: LogStorePort
    ) -> None:
        await store.record([seen(1), seen(1, recorded_at_us=9, payload={})])
        await store.record([seen(1, offset=77), seen(2)])
        await store.record([])
        assert list((await store.query(LogQuery())).entries) == [seen(1), seen(2)]

    @pytest.mark.parametrize("name", ["trace_id", "client_order_id", "strategy_id", "account_id", "symbol", "kind"])
    async def test_query_when_asked_by_one_field_then_only_its_entries(self, store: LogStorePort, name: str) -> None:
        others = [seen(number, **{name: "other"}) for number in (1, 3)]
        wanted = [seen(number, **{name: "this"}) for number in (2, 4)]
        await store.record([*others, *reversed(wanted)])
        query: dict[str, Any] = {name: "this"}
        assert list((await store.query(LogQuery(**query))).entries) == wanted

    async def test_query_when_several_conditions_then_all_must_hold(self, store: LogStorePort) -> None:
        await store.record([seen(1), seen(2, symbol="ETHUSDT"), seen(3, strategy_id="rsi"), seen(4)])
        query = LogQuery(symbol="BTCUSDT", strategy_id="ema-cross", from_us=1_001)
        assert list((await store.query(query)).entries) == [seen(4)]

    async def test_query_when_times_are_given_then_from_is_included_and_to_is_not(self, store: LogStorePort) -> None:
        await store.record([seen(number) for number in range(5)])
        assert list((await store.query(LogQuery(from_us=1_000, to_us=3_000))).entries) == [seen(1), seen(2)]

    @pytest.mark.parametrize("limit", [1, 3, 7, 8])
    async def test_query_when_paged_then_every_entry_comes_once_in_order_also_within_one_time(
        self, store: LogStorePort, limit: int
    ) -> None:
        entries = [seen(number, event_time_us=1_000 * (number // 4)) for number in range(7)]
        await store.record(list(reversed(entries)))
        found = await pages(store, LogQuery(account_id="paper-1", limit=limit))
        assert [entry for page in found for entry in page] == entries
        assert [len(page) for page in found] == [limit] * (7 // limit) + [7 % limit] * (7 % limit > 0)

    async def test_query_when_entries_arrive_between_pages_then_none_is_missed_behind(
        self, store: LogStorePort
    ) -> None:
        await store.record([seen(1), seen(2)])
        first = await store.query(LogQuery(limit=1))
        await store.record([seen(3)])
        assert list((await store.query(LogQuery(limit=5, after=first.next))).entries) == [seen(2), seen(3)]

    async def test_forget_when_old_entries_are_there_then_only_they_go(self, store: LogStorePort) -> None:
        await store.record([seen(number, recorded_at_us=number) for number in range(10)])
        assert await store.forget(4) == 4
        assert await store.forget(4) == 0
        assert list((await store.query(LogQuery())).entries) == [
            seen(number, recorded_at_us=number) for number in range(4, 10)
        ]

    @pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 1_001}, {"after": "x"}, {"after": "1.5:e"}])
    def test_query_when_senseless_then_says_what_is_allowed(self, bad: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="allowed"):
            LogQuery(**bad)
