"""What every LedgerPort must do. An adapter's test class inherits this and says how to make one."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import FatalError, FencedError
from tradewire.ports.events import Liquidity, OrderChanged, OrderFilled, OrderStatus, Side
from tradewire.ports.ledger import AccountRow, Changes, LedgerPort, OrderIdReusedError, ReadPosition


def account(account_id: str = "paper-1", *, partition: int = 0, time_us: int = 1_000) -> AccountRow:
    """An account's row."""
    state = json.dumps({"time_us": time_us}).encode()
    return AccountRow(account_id, partition, time_us, state)


def transition(sequence: int, order_id: str = "o-1", **other: Any) -> OrderChanged:
    """A transition of a buy order of 0.5 BTC."""
    fields: dict[str, Any] = {
        "account_id": "paper-1",
        "client_order_id": order_id,
        "strategy_id": "ema-cross",
        "venue": "binance",
        "symbol": "BTCUSDT",
        "event_time_us": sequence * 1_000,
        "sequence": sequence,
        "status": OrderStatus.SUBMITTED,
        "side": Side.BUY,
        "order_type": "MARKET",
        "leg": "ENTRY",
        "qty": Decimal("0.5"),
        "filled_qty": Decimal(0),
    }
    return OrderChanged(**fields | other)


def fill(sequence: int, trade_id: str = "t-1", **other: Any) -> OrderFilled:
    """A fill of that order."""
    fields: dict[str, Any] = {
        "account_id": "paper-1",
        "client_order_id": "o-1",
        "strategy_id": "ema-cross",
        "venue": "binance",
        "symbol": "BTCUSDT",
        "event_time_us": sequence * 1_000,
        "sequence": sequence,
        "venue_trade_id": trade_id,
        "side": Side.BUY,
        "qty": Decimal("0.5"),
        "price": Decimal("64123.10"),
        "fee": Decimal("-0.00000001"),
        "liquidity": Liquidity.TAKER,
        "realized_pnl": Decimal(0),
        "position_after": Decimal("0.5"),
        "leg": "ENTRY",
    }
    return OrderFilled(**fields | other)


def message(number: int, account_id: str = "paper-1") -> Outgoing:
    """A record as the service publishes it."""
    headers = (("event_id", f"e-{number}".encode()), ("producer", b"execution"), ("event_id", b"again"))
    return Outgoing("execution.order.v1", account_id.encode(), bytes([0, 255, number % 256]), headers)


class LedgerSuite:
    """The port's contract."""

    @abstractmethod
    async def writer(self) -> LedgerPort:
        """A new, open writer of the same ledger each time; the suite closes none of them."""

    @abstractmethod
    async def stored(self) -> tuple[Sequence[OrderChanged], Sequence[OrderFilled]]:
        """Latest transition of each order by client order id, and fills by trade id."""

    @pytest.fixture
    async def ledger(self) -> AsyncIterator[LedgerPort]:
        """A writer of partitions 0 and 1."""
        ledger = await self.writer()
        await ledger.acquire([0, 1])
        yield ledger
        await ledger.close()

    async def test_acquire_when_empty_then_nothing_is_recovered(self) -> None:
        recovered = await (await self.writer()).acquire([3, 1])
        assert (list(recovered.accounts), list(recovered.unpublished)) == ([], [])

    async def test_acquire_when_committed_then_newest_accounts_of_those_partitions_only(
        self, ledger: LedgerPort
    ) -> None:
        await ledger.commit(Changes(accounts=[account("a"), account("b", partition=1)]))
        await ledger.commit(Changes(accounts=[account("a", time_us=5_000)]))
        recovered = await (await self.writer()).acquire([0])
        assert list(recovered.accounts) == [account("a", time_us=5_000)]

    async def test_acquire_when_positions_were_committed_then_the_newest_of_those_partitions_only(
        self, ledger: LedgerPort
    ) -> None:
        await ledger.commit(Changes(positions={0: ReadPosition({0: 5, 11: 7}, 3), 1: ReadPosition({0: 9}, 3)}))
        await ledger.commit(Changes([account()], positions={0: ReadPosition({0: 6, 11: 7}, 4)}))
        recovered = await (await self.writer()).acquire([0, 2])
        assert recovered.positions == {0: ReadPosition({0: 6, 11: 7}, 4)}

    async def test_commit_when_only_a_position_moves_of_a_partition_taken_over_then_fenced(
        self, ledger: LedgerPort
    ) -> None:
        await ledger.commit(Changes(positions={0: ReadPosition({0: 5}, 0)}))
        await (await self.writer()).acquire([0])
        with pytest.raises(FencedError):
            await ledger.commit(Changes(positions={0: ReadPosition({0: 9}, 0)}))
        assert (await (await self.writer()).acquire([0])).positions == {0: ReadPosition({0: 5}, 0)}

    async def test_acquire_when_not_published_then_records_come_in_order_with_all_they_had(
        self, ledger: LedgerPort
    ) -> None:
        tombstone = Outgoing("execution.account.v1", b"paper-1", None, (), partition=4)
        sent = [*(message(number) for number in range(300)), tombstone]
        await ledger.commit(Changes(accounts=[account()], outbox=sent[:100]))
        await ledger.commit(Changes(outbox=sent[100:]))
        recovered = await (await self.writer()).acquire([0])
        assert list(recovered.unpublished) == sent

    async def test_acquire_when_published_and_committed_again_then_only_the_later_records(
        self, ledger: LedgerPort
    ) -> None:
        await ledger.commit(Changes(accounts=[account()], outbox=[message(1)]))
        await ledger.published()
        await ledger.commit(Changes(outbox=[message(2)]))
        recovered = await (await self.writer()).acquire([0, 1])
        assert list(recovered.unpublished) == [message(2)]

    async def test_acquire_when_closed_after_publishing_then_nothing_is_left(self, ledger: LedgerPort) -> None:
        await ledger.commit(Changes(accounts=[account()], outbox=[message(1)]))
        await ledger.published()
        await ledger.close()
        assert not (await (await self.writer()).acquire([0])).unpublished

    async def test_acquire_when_other_partitions_have_unpublished_records_then_they_stay_where_they_are(
        self, ledger: LedgerPort
    ) -> None:
        both = [account("a"), account("b", partition=1)]
        await ledger.commit(Changes(accounts=both, outbox=[message(1, "a"), message(2, "b")]))
        other = await self.writer()
        assert list((await other.acquire([1])).unpublished) == [message(2, "b")]
        await other.published()
        await other.close()
        third = await self.writer()
        assert list((await third.acquire([0, 1])).unpublished) == [message(1, "a")]

    async def test_acquire_when_taken_over_records_are_older_then_earlier_confirmations_do_not_count_for_them(
        self, ledger: LedgerPort
    ) -> None:
        other = await self.writer()
        await other.acquire([5])
        await other.commit(Changes(accounts=[account("old", partition=5)], outbox=[message(1, "old")]))
        await ledger.commit(Changes(accounts=[account()], outbox=[message(2)]))
        await ledger.published()
        assert list((await ledger.acquire([5])).unpublished) == [message(1, "old")]
        await ledger.commit(Changes(accounts=[account()]))  # a crash here, before the older record was published
        assert list((await (await self.writer()).acquire([0, 5])).unpublished) == [message(1, "old")]

    async def test_acquire_when_record_is_no_accounts_then_next_writer_finds_it(self, ledger: LedgerPort) -> None:
        lost = Outgoing("dlq.execution.v1", None, b"bytes", (("stage", b"decode"),))
        await ledger.commit(Changes(outbox=[lost]))
        assert list((await (await self.writer()).acquire([1])).unpublished) == [lost]

    async def test_commit_when_taken_over_then_fenced_and_nothing_is_written(self, ledger: LedgerPort) -> None:
        await ledger.commit(Changes(accounts=[account()]))
        await (await self.writer()).acquire([0])
        late = Changes([account(time_us=9_000)], [transition(1)], [fill(2)], [message(1)])
        with pytest.raises(FencedError):
            await ledger.commit(late)
        with pytest.raises(FencedError):
            await ledger.commit(Changes(orders=[transition(1)]))
        recovered = await (await self.writer()).acquire([0])
        assert (list(recovered.accounts), list(recovered.unpublished)) == ([account()], [])
        assert await self.stored() == ([], [])

    async def test_commit_when_another_partition_was_taken_over_then_goes_on(self, ledger: LedgerPort) -> None:
        await ledger.commit(Changes(accounts=[account("a"), account("b", partition=1)]))
        await (await self.writer()).acquire([0])
        await ledger.commit(Changes(accounts=[account("b", partition=1, time_us=2_000)]))
        with pytest.raises(FencedError):
            await ledger.commit(Changes(accounts=[account("a"), account("b", partition=1, time_us=3_000)]))

    async def test_commit_when_never_acquired_then_fenced(self) -> None:
        with pytest.raises(FencedError):
            await (await self.writer()).commit(Changes(accounts=[account()]))

    async def test_commit_when_account_is_unknown_then_fatal(self, ledger: LedgerPort) -> None:
        with pytest.raises(FatalError, match="paper-1"):
            await ledger.commit(Changes(orders=[transition(1)]))

    async def test_commit_when_orders_move_on_then_latest_is_kept(self, ledger: LedgerPort) -> None:
        filled = transition(3, status=OrderStatus.FILLED, filled_qty=Decimal("0.5"), venue_order_id="77")
        other = transition(2, "o-2", price=Decimal("1.10"), reason="post only", evaluation_id="e")
        await ledger.commit(Changes([account()], [transition(1), other], [fill(4)]))
        await ledger.commit(Changes(orders=[filled], fills=[fill(5, "t-2")]))
        assert await self.stored() == ([filled, other], [fill(4), fill(5, "t-2")])

    async def test_commit_when_everything_comes_again_then_left_alone(self, ledger: LedgerPort) -> None:
        changes = Changes([account()], [transition(1), transition(2, status=OrderStatus.ACCEPTED)], [fill(3)])
        await ledger.commit(changes)
        before = await self.stored()
        await ledger.commit(changes)
        await ledger.commit(replace(changes, orders=[transition(1), transition(1), transition(4, "o-2")]))
        orders, fills = await self.stored()
        assert (orders, fills) == ([*before[0], transition(4, "o-2")], before[1])

    @pytest.mark.parametrize(
        ("bad", "kind"),
        [
            (Changes(orders=[transition(1, status=OrderStatus.REJECTED)]), FatalError),
            (Changes(orders=[transition(9, symbol="ETHUSDT")]), OrderIdReusedError),
            (Changes(orders=[transition(9, qty=Decimal("0.6"))]), OrderIdReusedError),
            (Changes(orders=[transition(8), transition(8, reason="why")]), FatalError),
            (Changes(orders=[transition(8, "o-9"), transition(9, "o-9", side=Side.SELL)]), OrderIdReusedError),
            (Changes(fills=[fill(2, price=Decimal("64123.11"))]), FatalError),
            (Changes(fills=[fill(8, "t-9"), fill(9, "t-9")]), FatalError),
        ],
        ids=["transition", "symbol", "qty", "sequence-twice", "order-id-twice", "fill", "trade-id-twice"],
    )
    async def test_commit_when_key_holds_something_else_then_the_error_says_both_and_nothing_is_written(
        self, ledger: LedgerPort, bad: Changes, kind: type[Exception]
    ) -> None:
        await ledger.commit(Changes([account()], [transition(1)], [fill(2)]))
        before = await self.stored()
        event = (*bad.orders, *bad.fills)[-1]
        with pytest.raises(kind, match="came again as") as raised:
            await ledger.commit(replace(bad, accounts=[account(time_us=9_000)], outbox=[message(1)]))
        assert repr(event) in str(raised.value)
        assert await self.stored() == before
        recovered = await (await self.writer()).acquire([0])
        assert (list(recovered.accounts), list(recovered.unpublished)) == ([account()], [])

    async def test_commit_when_order_goes_back_in_sequence_then_fatal(self, ledger: LedgerPort) -> None:
        await ledger.commit(Changes([account()], [transition(5)]))
        with pytest.raises(FatalError, match="later than"):
            await ledger.commit(Changes(orders=[transition(4)]))

    async def test_commit_when_empty_then_nothing_happens(self, ledger: LedgerPort) -> None:
        await ledger.commit(Changes())
        await ledger.published()
        assert await self.stored() == ([], [])
