"""One account over one grid: plain and quiet stretches in compiled loops, every other bar by the exchange itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tradewire.backtest.futures import market_orders, quiet
from tradewire.backtest.futures.decisions import Answers, Decider, Equity
from tradewire.backtest.futures.grid import Grid, IntMatrix
from tradewire.backtest.futures.log import Log
from tradewire.backtest.futures.margin import Tape
from tradewire.backtest.futures.plain_terms import Plain
from tradewire.backtest.futures.resting import guards_of, orders_of
from tradewire.backtest.loops.path import times_within
from tradewire.trading import exchange as venue
from tradewire.trading.exchange import Holding, InstrumentSpec, Money, Passed, Quote, SimulatedExchange, from_e8
from tradewire.trading.exchange.orders import Order, OrderStatus, OrderType, Side
from tradewire.trading.fingerprint import POSITION_COLUMNS, STATE_COLUMNS
from tradewire.trading.wire import order_of

DAY_US = 86_400_000_000


def decided(
    at: int, equity: Equity, grid: Grid, answers: Sequence[Answers], decider: Decider, exchange: SimulatedExchange
) -> Iterator[venue.Event]:
    """Answer all signals of one close against the account as it is then, and place the orders after that."""
    time_us = int(grid.close_time_us[at])
    standing = decider.standing(exchange, time_us, equity)
    placed = []
    for row, answer in enumerate(answers):
        if answer.signal[at]:
            symbol, close = grid.symbols[row], from_e8(int(grid.close[row, at]))
            decision = decider.decide(symbol, int(answer.index[at]), time_us, answer.arrays, standing, close)
            standing = replace(
                standing,
                exposure=decision.exposure or standing.exposure,
                orders_last_minute=standing.orders_last_minute + len(decision.intents),
            )
            placed.append((symbol, decision))
    for symbol, decision in placed:
        for client_order_id in decision.cancels:
            yield from exchange.cancel(client_order_id, time_us)
        for intent in decision.intents:
            yield from exchange.submit(order_of(intent, symbol, decider.strategy.id), time_us)


@dataclass(slots=True)
class Simulation:
    """Runs to the end in `run`; then ``states``, ``positions`` and ``log`` hold what happened.

    ``states`` (t, 9) and ``positions`` (s, t, 4) have the columns of `tradewire.trading.fingerprint`.
    """

    grid: Grid
    exchange: SimulatedExchange
    specs: Sequence[InstrumentSpec]
    answers: Sequence[Answers]
    decider: Decider
    plain: Plain | None = None
    states: IntMatrix = field(init=False)
    positions: IntMatrix = field(init=False)
    log: Log = field(init=False)
    _peak_e8: int = 0
    _market: quiet.Market = field(init=False)
    _brackets: quiet.Brackets = field(init=False)

    def run(self) -> None:
        """Let every bar happen, in order of its close."""
        closes, symbols = len(self.grid), len(self.grid.symbols)
        self.states = np.zeros((closes, len(STATE_COLUMNS)), dtype=np.int64)
        self.positions = np.zeros((symbols, closes, len(POSITION_COLUMNS)), dtype=np.int64)
        self.states[:, 0] = self.grid.close_time_us
        self.log = Log(self.grid.symbols, self.decider)
        self._market, self._brackets = self._loop_inputs()
        at = self._pass(0)
        while at < closes:
            self._step(at)
            self._book(at, at + 1)
            if self._market.signal[:, at].any():
                self._decide(at)
            at = self._pass(at + 1)

    def _loop_inputs(self) -> tuple[quiet.Market, quiet.Brackets]:
        grid = self.grid
        signal = np.stack([answer.signal for answer in self.answers])
        market = quiet.Market(
            *(grid.present, grid.open, grid.high, grid.low, grid.close),
            *(grid.mark_open, grid.mark_high, grid.mark_low, grid.mark_close, grid.rate),
            signal,
        )
        return market, _brackets(self.specs)

    def _step(self, at: int) -> None:
        """All bars of one close, and the funding settled there."""
        grid = self.grid
        rows = np.flatnonzero(grid.present[:, at]).tolist()
        marks = {grid.symbols[row]: mark for row in rows if (mark := grid.mark(row, at)) is not None}
        rates = {grid.symbols[row]: int(grid.rate[row, at]) for row in rows if grid.rate[row, at]}
        bars = {grid.symbols[row]: grid.bar(row, at) for row in rows}
        self.log.note(self.exchange.step(int(grid.close_time_us[at]), bars, marks, rates))

    def _decide(self, at: int) -> None:
        """Answer all signals of one close against the account as it is then, and place the orders after that."""
        time_us, grid = int(self.grid.close_time_us[at]), self.grid
        day = int(np.searchsorted(grid.close_time_us, time_us // DAY_US * DAY_US))
        equity = Equity(int(self.states[at, 3]), self._peak_e8, int(self.states[day, 3]))
        self.log.note(decided(at, equity, grid, self.answers, self.decider, self.exchange))

    def _book(self, start: int, stop: int) -> None:
        """Write the account's states of [start, stop), during which only prices change."""
        account = self.exchange.account
        totals = (account.wallet_e8, account.realised_e8, account.fees_e8, -account.funding_e8)
        quiet.book(start, stop, self._market, self._held(), self._brackets, totals, self.states, self.positions)
        self._peak_e8 = max(self._peak_e8, int(self.states[start:stop, 3].max()))

    def _held(self) -> quiet.Held:
        held = [self.exchange.account.positions[symbol] for symbol in self.grid.symbols]
        return quiet.Held(
            quantity=_ints(p.quantity_e8 for p in held),
            cost=_ints(p.cost_e8 for p in held),
            entry_price=_ints(p.entry_price_e8 for p in held),
            cross=np.array([p.is_cross for p in held], dtype=np.bool_),
            margin=_ints(p.margin_e8 for p in held),
            leverage=_ints(p.leverage for p in held),
            mark=_ints(p.mark_e8 for p in held),
        )

    def _pass(self, start: int) -> int:
        """Pass bars from ``start`` on; returns the first that the exchange must see, or the number of bars."""
        guards = None if self.plain is None else guards_of(self.grid, self.exchange)
        if self.plain is None or guards is None:
            return self._pass_quiet(start)
        stop, due = self._trade(start, self.plain, guards)
        if due:
            self._decide(stop - 1)
        return stop

    def _trade(self, start: int, plain: Plain, guards: IntMatrix) -> tuple[int, bool]:
        """Trade plain bars; as `market_orders.trade`."""
        account, held = self.exchange.account, self._held()
        totals = _ints((account.wallet_e8, account.realised_e8, account.fees_e8, account.funding_e8))
        plain.tape.counts[:] = 0
        stop, due = market_orders.trade(
            start,
            len(self.grid),
            self._market,
            plain.asked,
            plain.terms,
            held,
            guards,
            self._brackets,
            totals,
            plain.tape,
            self.states,
            self.positions,
        )
        if stop > start:
            self._go_on_from(start, stop, plain.tape, held, totals, guards)
        return stop, due

    def _go_on_from(
        self, start: int, stop: int, tape: Tape, held: quiet.Held, totals: IntMatrix, guards: IntMatrix
    ) -> None:
        """Log what the loop did in [start, stop), and put the exchange where it left the account."""
        fills, payments, orders = tape.counts.tolist()
        self._keep(tape.fills[:fills], tape.funding[:payments])
        self._peak_e8 = max(self._peak_e8, int(self.states[start:stop, 3].max()))
        holdings = (Holding(*map(int, line)) for line in zip(held.quantity, held.cost, held.margin, strict=True))
        resting = orders_of(guards, held.quantity, self.grid, self.exchange, self.answers, self.decider)
        passed = Passed(
            quotes=self._quotes(start, stop),
            holdings=dict(zip(self.grid.symbols, holdings, strict=True)),
            money=Money(*totals.tolist()),
            orders=orders,
            trades=fills,
            resting=resting,
        )
        self.exchange.take_over(int(self.grid.close_time_us[stop - 1]), passed)

    def _keep(self, fills: IntMatrix, payments: IntMatrix) -> None:
        """Log what the tape says, rows of `TAPE_FILLS` and `TAPE_FUNDING`."""
        times = self.grid.close_time_us
        if len(fills):
            at, s, leg, sign, quantity, price, fee, realised, position, shown, part, begin, end, decided = fills.T
            span_us, maker = self.grid.interval_us, np.zeros(len(at), dtype=np.int64)
            time_us = times[at] - span_us + times_within(part, shown, begin, end, span_us)
            columns = (time_us, s, leg, sign, maker, quantity, price, fee, realised, position, shown, times[decided])
            self.log.fills.extend(np.column_stack(columns))
        if len(payments):
            at, s, _, _, position, amount = payments.T
            self.log.payments.extend(np.column_stack((times[at], s, amount, position)))

    def _pass_quiet(self, start: int) -> int:
        """As `_pass`, bars in which nothing can happen."""
        rows = {symbol: row for row, symbol in enumerate(self.grid.symbols)}
        orders = [order for order in self.exchange.orders if order.status is not OrderStatus.INACTIVE]
        waits = [_waits_for(order) for order in orders]
        resting = quiet.Resting(
            symbol=_ints(rows[order.request.symbol] for order in orders),
            kind=_ints(kind for kind, _ in waits),
            level=_ints(level for _, level in waits),
            extreme=_ints(order.extreme_e8 for order in orders),
        )
        stop: int = quiet.first_eventful(
            start,
            len(self.grid),
            self._market,
            self._held(),
            resting,
            self._brackets,
            self.exchange.account.cross_wallet_e8,
        )
        if stop > start:
            self._book(start, stop)
            extremes = {
                order.request.client_order_id: int(extreme)
                for order, (kind, _), extreme in zip(orders, waits, resting.extreme, strict=True)
                if kind in (quiet.TRAIL_SELL, quiet.TRAIL_BUY)
            }
            self.exchange.take_over(int(self.grid.close_time_us[stop - 1]), Passed(self._quotes(start, stop), extremes))
        return stop

    def _quotes(self, start: int, stop: int) -> dict[str, Quote]:
        """Where the bars of [start, stop) left each symbol."""
        grid, found = self.grid, {}
        for row, symbol in enumerate(grid.symbols):
            last = stop - 1
            while last >= start and not grid.present[row, last]:
                last -= 1
            if last >= start:
                prices = int(grid.close[row, last]), int(grid.mark_close[row, last])
                found[symbol] = Quote(int(grid.close_time_us[last]), *prices)
        return found


def _waits_for(order: Order) -> tuple[int, int]:
    """Kind and level (or distance) of what an order waits for."""
    request, buys = order.request, order.request.side is Side.BUY
    if not order.arrived or order.acts_as_market or order.cancel_us >= 0:
        return quiet.BUSY, 0
    if request.type is OrderType.STOP_MARKET:
        return (quiet.STOP_ABOVE if buys else quiet.STOP_BELOW), request.stop_price_e8
    if request.type is OrderType.TAKE_PROFIT_MARKET:
        return (quiet.STOP_BELOW if buys else quiet.STOP_ABOVE), request.stop_price_e8
    if request.type is OrderType.TRAILING_STOP_MARKET and request.callback_distance_e8:
        return (quiet.TRAIL_BUY if buys else quiet.TRAIL_SELL), request.callback_distance_e8
    return quiet.BUSY, 0


def _brackets(specs: Sequence[InstrumentSpec]) -> quiet.Brackets:
    longest = max(len(spec.brackets) for spec in specs)
    padded = [[*spec.brackets, *[spec.brackets[-1]] * (longest - len(spec.brackets))] for spec in specs]
    names = ("cap_e8", "mmr_e8", "cum_e8", "max_leverage")
    columns = (np.array([[getattr(b, name) for b in row] for row in padded], dtype=np.int64) for name in names)
    return quiet.Brackets(*columns)


def _ints(values: Iterable[int]) -> IntMatrix:
    return np.array(list(values), dtype=np.int64)
