"""The paper venue: every account is traded at a simulated exchange, in event time and in the same process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.broker_accounts import broker_account
from tradewire.execution.domain.execution_port import Bars, ExecutionPort
from tradewire.execution.domain.order_records import record_of
from tradewire.execution.domain.reports import order_changed, report
from tradewire.execution.domain.venue import AccountVenue
from tradewire.ports.broker import BrokerAccount
from tradewire.ports.errors import FatalError
from tradewire.ports.events import OrderIntent, OrderStatus, RiskAssessed
from tradewire.ports.message import Emit, Envelope
from tradewire.trading.exchange import FillModel, InstrumentSpec, MarginMode, SimulatedExchange
from tradewire.trading.wire import order_of


class PaperExecution(ExecutionPort):
    """One account at a simulated exchange, which answers at once. The exchange's state is the account's."""

    def __init__(
        self, account: ExecutionAccount, exchange: SimulatedExchange, *, leverage: int, margin_mode: MarginMode
    ) -> None:
        self._account, self._exchange = account, exchange
        self._leverage, self._margin_mode = leverage, margin_mode

    @property
    def owes(self) -> str:
        return ""

    @property
    def hedged(self) -> bool:
        return False

    @property
    def halted(self) -> str:
        return ""

    @property
    def reconciled(self) -> bool:
        return True

    def list_instrument(self, spec: InstrumentSpec) -> None:
        self._exchange.list_instrument(spec, leverage=self._leverage, margin_mode=self._margin_mode)

    def knows(self, client_order_id: str) -> bool:
        return self._exchange.knows(client_order_id)

    def submit(self, event: RiskAssessed, intent: OrderIntent, cause: Envelope, time_us: int) -> Iterator[Emit]:
        account, client_id = self._account, intent.client_order_id
        record = account.orders[client_id] = record_of(event, intent, cause, time_us)
        yield order_changed(account, client_id, record, OrderStatus.SUBMITTED, time_us)
        order = order_of(intent, event.symbol, event.strategy_id)
        yield from report(account, self._exchange.submit(order, time_us), cause)

    def cancel(self, client_order_id: str, cause: Envelope, time_us: int) -> Iterator[Emit]:
        yield from report(self._account, self._exchange.cancel(client_order_id, time_us), cause)

    def has_shown(self, time_us: int, bars: Callable[[], Bars]) -> bool:
        return True

    def step(self, time_us: int, bars: Bars, cause: Envelope) -> Iterator[Emit]:
        moved = {symbol: item.bar for symbol, item in bars.items()}
        marks = {symbol: item.mark for symbol, item in bars.items() if item.mark is not None}
        rates = {symbol: item.funding_e8 for symbol, item in bars.items() if item.funding_e8}
        yield from report(self._account, self._exchange.step(time_us, moved, marks, rates), cause)

    def reports(self) -> Iterable[Emit]:
        return ()

    def working(self) -> Collection[str]:
        return {order.request.client_order_id for order in self._exchange.orders}

    def state(self) -> BrokerAccount:
        return broker_account(self._exchange.account_state())

    def positions_e8(self) -> Mapping[str, int]:
        positions = self._exchange.account.positions
        return {symbol: position.qty_e8 for symbol, position in positions.items() if position.qty_e8}

    def last_close_us(self, symbol: str) -> int:
        position = self._exchange.account.positions.get(symbol)
        return -1 if position is None else position.bar_close_us

    def saved(self) -> Mapping[str, Any]:
        return self._exchange.to_state()

    def close(self) -> None:
        return


class PaperVenue(AccountVenue):
    """``balance_e8`` tells what an account starts with, quote 1e-8; ``leverage`` and mode are those of every symbol."""

    def __init__(
        self,
        *,
        balance_e8: Callable[[str], int],
        leverage: int,
        fill_model: FillModel,
        margin_mode: MarginMode = MarginMode.CROSS,
    ) -> None:
        self._balance_e8, self._fill_model = balance_e8, fill_model
        self._leverage, self._margin_mode = leverage, margin_mode

    def open(self, account: ExecutionAccount) -> PaperExecution:
        balance_e8 = self._balance_e8(account.account_id)
        return self._at(account, SimulatedExchange(account.account_id, balance_e8, (), fill_model=self._fill_model))

    def restore(
        self, account: ExecutionAccount, saved: Mapping[str, Any], specs: Iterable[InstrumentSpec]
    ) -> PaperExecution:
        """Symbols that were listed without ever being traded are left behind."""
        if "account" not in saved:
            raise FatalError(f"account {account.account_id}: the ledger has it at a broker, not at the paper venue")
        book: Mapping[str, Any] = saved["account"]
        traded = {symbol: row for symbol, row in book["positions"].items() if row["bar_close_us"] >= 0}
        state = {**saved, "account": {**book, "positions": traded}}
        known = [spec for spec in specs if spec.symbol in traded]
        return self._at(account, SimulatedExchange.from_state(state, known))

    def reporting(self) -> Sequence[str]:
        return ()

    def stored(self) -> None:
        return

    async def close(self) -> None:
        return

    def _at(self, account: ExecutionAccount, exchange: SimulatedExchange) -> PaperExecution:
        return PaperExecution(account, exchange, leverage=self._leverage, margin_mode=self._margin_mode)
