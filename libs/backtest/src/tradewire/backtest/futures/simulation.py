"""One account over one grid: in a compiled loop, and by the exchange itself every bar that the loop leaves to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tradewire.backtest.futures import loop
from tradewire.backtest.futures.arrays import (
    FILLS,
    HOLDINGS,
    MONEY,
    ORDERS,
    PAYMENTS,
    PEAK,
    RATE,
    AccountArrays,
    Held,
    Inside,
    InstrumentArrays,
    Ints,
    LogArrays,
    MarketArrays,
    Room,
)
from tradewire.backtest.futures.counting import count_passed
from tradewire.backtest.futures.decisions import Answers, Decider, Equity, parts_by_symbol
from tradewire.backtest.futures.finer import FinerBars, inside_of
from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.futures.handover import book_of, held_of, orders_of
from tradewire.backtest.futures.history import AccountHistory
from tradewire.backtest.futures.log import Log
from tradewire.backtest.futures.margin import book_seen
from tradewire.backtest.futures.pieces import PIECE_COLUMNS
from tradewire.backtest.futures.terms import tape_of, venue_of
from tradewire.backtest.loops.arithmetic import LARGEST_WORTH, TOO_LARGE
from tradewire.backtest.loops.units import IntMatrix
from tradewire.ports.backtest import AccountSettings
from tradewire.ports.events import InstrumentChanged
from tradewire.trading import exchange as venue
from tradewire.trading.exchange import Holding, Money, Passed, Quote, SimulatedExchange, from_e8
from tradewire.trading.wire import order_of, spec_of


def decided(
    at: int, equity: Equity, grid: Grid, answers: Mapping[int, Answers], decider: Decider, exchange: SimulatedExchange
) -> Iterator[venue.Event]:
    """Answer all signals of one close against the account as it is then, and place the orders after that.

    ``answers``: of the rows that have a signal there, by rising row.
    """
    time_us = int(grid.close_time_us[at])
    context = decider.context(exchange, time_us, equity)
    part_of = parts_by_symbol(context.state)
    placed = []
    for row, answer in answers.items():
        symbol, close = grid.symbols[row], from_e8(int(grid.close[row, at]))
        context = replace(context, state=part_of(symbol))
        decision = decider.decide(symbol, int(answer.index[at]), time_us, answer.arrays, context, close)
        context = replace(
            context,
            exposure=decision.exposure or context.exposure,
            orders_last_minute=context.orders_last_minute + len(decision.intents),
        )
        placed.append((symbol, decision))
    with exchange.account.carrying_sums():
        for symbol, decision in placed:
            for client_order_id in decision.cancels:
                yield from exchange.cancel(client_order_id, time_us)
            for intent in decision.intents:
                yield from exchange.submit(order_of(intent, symbol, decider.strategy.id), time_us)


@dataclass(slots=True)
class Simulation:
    """Runs to the end in `run`; then ``equity`` (t,), ``positions`` (s, t), ``history`` and ``log`` hold what happened.

    ``instruments`` is the mapping that the decider reads: ``later`` versions, by rising time, are put in force in it
    and in the exchange.
    """

    grid: Grid
    finer: Mapping[str, FinerBars]
    exchange: SimulatedExchange
    answers: Sequence[Answers]
    decider: Decider
    account: AccountSettings
    instruments: dict[str, InstrumentChanged]
    later: list[InstrumentChanged]
    equity: IntMatrix = field(init=False)
    positions: IntMatrix = field(init=False)
    history: AccountHistory = field(init=False)
    log: Log = field(init=False)
    _peak_e8: int = 0
    _market: MarketArrays = field(init=False)
    _inside: Inside = field(init=False)
    _venue: InstrumentArrays = field(init=False)
    _tape: LogArrays = field(init=False)

    def run(self) -> None:
        """Let every bar happen, in order of its close."""
        grid = self.grid
        closes, symbols = len(grid), len(grid.symbols)
        self.equity = np.empty(closes, dtype=np.int64)  # every close is booked
        self.positions = np.zeros((symbols, closes), dtype=np.int64)
        self.history = AccountHistory(grid)
        self.log = Log(grid.symbols, self.decider)
        self._market, self._inside = _market_of(grid, self.answers), inside_of(grid, self.finer)
        self._tape = tape_of(grid, self.answers)
        self._renew(0)
        at = self._pass(0)
        while at < closes:
            time_us = int(grid.close_time_us[at])
            self._enforce(time_us - grid.interval_us, at)
            self._step(at)
            self._enforce(time_us, at)
            self._book(at)
            if self._market.signal[:, at].any():
                self._decide(at)
            at = self._pass(at + 1)

    @property
    def insurance_e8(self) -> int:
        """What the insurance fund bore, quote."""
        return self.exchange.account.insurance_e8

    def _renew(self, at: int) -> None:
        """Let the loop go by the instruments that are in force at close ``at``."""
        specs = [self.exchange.account.positions[symbol].spec for symbol in self.grid.symbols]
        self._venue = venue_of(self.grid, specs, self.answers, self.decider, self.account)
        self.history.brackets.append((at, self._venue.brackets))

    def _enforce(self, time_us: int, at: int) -> None:
        """Put the versions in force that are valid by now, as close ``at`` is seen."""
        changed = False
        while self.later and self.later[0].valid_from_us <= time_us:
            version = self.account.priced(self.later.pop(0))
            self.instruments[version.symbol] = version
            self.exchange.replace_instrument(spec_of(version))
            changed = True
        if changed:
            self._renew(at)

    def _step(self, at: int) -> None:
        """All bars of one close, and the funding settled there; of symbols with nothing at stake the prices alone."""
        grid, bars, marks, rates, quotes = self.grid, {}, {}, {}, self._quotes(at, at + 1)
        concerned = {position.spec.symbol for position in self.exchange.account.open_positions()}
        concerned.update(order.request.symbol for order in self.exchange.orders)
        for row in np.flatnonzero(grid.present[:, at]).tolist():
            symbol = grid.symbols[row]
            if symbol not in concerned:
                continue
            del quotes[symbol]
            bar, mark = grid.bar(row, at), grid.mark(row, at)
            if symbol in self.finer:
                bar, mark = self.finer[symbol].inside(bar, mark)
            bars[symbol] = bar
            if mark is not None:
                marks[symbol] = mark
            if rate := int(grid.rows[RATE, row, at]):
                rates[symbol] = rate
        self.exchange.take_over(int(grid.close_time_us[at]), Passed(quotes))
        self.log.note(self.exchange.step(int(grid.close_time_us[at]), bars, marks, rates))

    def _decide(self, at: int) -> None:
        """Answer all signals of one close against the account as it is then, and place the orders after that."""
        times = self.grid.close_time_us
        first = np.searchsorted(times, times[at] // loop.DAY_US * loop.DAY_US)
        equity = Equity(int(self.equity[at]), self._peak_e8, int(self.equity[first]))
        answers = {row: self.answers[row] for row in np.flatnonzero(self._market.signal[:, at]).tolist()}
        self.log.note(decided(at, equity, self.grid, answers, self.decider, self.exchange))

    def _book(self, at: int) -> None:
        """Write the account's state at a close that the exchange saw."""
        held, totals = held_of(self.grid, self.exchange), self._totals()
        book_seen(at, self._market, held, totals, self.equity, self.positions)
        self.history.note(at, held, totals)
        self._peak_e8 = int(totals[PEAK])

    def _totals(self) -> IntMatrix:
        account = self.exchange.account
        if abs(account.wallet_e8) > LARGEST_WORTH:
            raise ValueError(TOO_LARGE)
        return _ints((account.wallet_e8, account.realized_e8, account.fees_e8, account.funding_e8, self._peak_e8))

    def _pass(self, start: int) -> int:
        """Pass bars in the loop from ``start`` on; the first that the exchange must see, or the number of bars."""
        grid, exchange = self.grid, self.exchange
        closes = len(grid)
        limit = int(np.searchsorted(grid.close_time_us, self.later[0].valid_from_us)) if self.later else closes
        if start >= limit:
            return start
        book = book_of(grid, exchange, self.account.latency_us)
        if book is None:
            return start
        held, totals, tape = held_of(self.grid, self.exchange), self._totals(), self._tape
        tape.counts[:] = 0
        tape.counts[ORDERS] = exchange.taken
        self.history.note(start, held, totals)
        stop, due = loop.trade(
            start,
            limit,
            self._market,
            self._inside,
            self._venue,
            held,
            totals,
            book,
            tape,
            self.equity,
            self.positions,
            _copy_of(held, totals, book, tape),
            _room_for(len(grid.symbols)),
        )
        if stop > start:
            self._go_on_from(start, stop, held, totals, book)
        if due:
            self._decide(stop - 1)
        return stop

    def _go_on_from(self, start: int, stop: int, held: Held, totals: IntMatrix, book: Ints) -> None:
        """Log what the loop did in [start, stop), and put the exchange where it left the account."""
        counts, tape = self._tape.counts, self._tape
        self.log.fills.extend(tape.fills[: counts[FILLS]].copy())
        self.log.payments.extend(tape.funding[: counts[PAYMENTS]].copy())
        self.history.holdings.extend(tape.holdings[: counts[HOLDINGS]].copy())
        self.history.money.extend(tape.money[: counts[MONEY]].copy())
        self.history.know(held, totals)
        count_passed(self.decider.counts, tape)
        *money, self._peak_e8 = totals.tolist()
        holdings = (Holding(*map(int, line)) for line in zip(held.qty, held.cost, held.margin, strict=True))
        passed = Passed(
            quotes=self._quotes(start, stop),
            holdings=dict(zip(self.grid.symbols, holdings, strict=True)),
            money=Money(*money),
            orders=int(counts[ORDERS]) - self.exchange.taken,
            trades=int(counts[FILLS]),
            resting=orders_of(book, self.grid, self.exchange, self.decider),
        )
        self.exchange.take_over(int(self.grid.close_time_us[stop - 1]), passed)

    def _quotes(self, start: int, stop: int) -> dict[str, Quote]:
        """Where the bars of [start, stop) left each symbol."""
        grid, rows = self.grid, np.arange(len(self.grid.symbols))
        last = np.full(len(rows), stop - 1)
        if not grid.present[:, stop - 1].all():
            last -= np.argmax(grid.present[:, start:stop][:, ::-1], axis=1)
        there = grid.present[rows, last]
        prices = (grid.close_time_us[last], grid.close[rows, last], grid.mark_close[rows, last])
        quotes = zip(*(column.tolist() for column in prices), strict=True)
        return {
            symbol: Quote(*quote)
            for symbol, quote, known in zip(grid.symbols, quotes, there.tolist(), strict=True)
            if known
        }


def _market_of(grid: Grid, answers: Sequence[Answers]) -> MarketArrays:
    return MarketArrays(
        grid.interval_us,
        grid.mark_row,
        grid.close_time_us,
        grid.present,
        grid.has_mark,
        grid.rows,
        np.stack([answer.signal for answer in answers]),
    )


def _room_for(symbols: int) -> Room:
    counts = np.zeros(symbols, dtype=np.int64)
    piece = np.zeros((symbols, PIECE_COLUMNS), dtype=np.int64)
    return Room(piece, counts, counts.copy(), np.zeros((3, symbols), dtype=np.float64))


def _copy_of(held: Held, totals: Ints, book: Ints, tape: LogArrays) -> AccountArrays:
    copied: Any = (column.copy() for column in held)  # flags among them
    return AccountArrays(Held(*copied), totals.copy(), book.copy(), tape.counts.copy())


def _ints(values: Iterable[int]) -> IntMatrix:
    return np.array(list(values), dtype=np.int64)
