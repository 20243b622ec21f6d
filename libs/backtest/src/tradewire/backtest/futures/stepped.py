"""Every bar by the exchange itself: for what the compiled loops don't know, and to check them.

Finer candles replace the guess of the way inside a bar, and an instrument may change its filters, fees and brackets:
a version acts from the first open or close at or after its ``valid_from_us``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tradewire.backtest.futures.decisions import Answers, Decider, Equity
from tradewire.backtest.futures.grid import Grid, IntMatrix, e8_array
from tradewire.backtest.futures.log import Log
from tradewire.backtest.futures.simulation import DAY_US, decided
from tradewire.ports.backtest import AccountSettings, MarketHistory, PathHistory
from tradewire.ports.events import InstrumentChanged
from tradewire.trading.exchange import Bar, MarkBar, SimulatedExchange
from tradewire.trading.fingerprint import POSITION_COLUMNS, STATE_COLUMNS
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.wire import spec_of


def needs_steps(markets: Sequence[MarketHistory]) -> bool:
    """Whether a market has what only the exchange itself models."""
    return any(market.path is not None or market.later_instruments for market in markets)


@dataclass(frozen=True, slots=True, eq=False)
class FinerBars:
    """A market's finer candles as the exchange takes them, in integers of 1e-8."""

    interval_us: int
    open_time_us: IntMatrix
    columns: tuple[IntMatrix, ...]
    marks: tuple[IntMatrix, ...] | None

    @classmethod
    def of(cls, path: PathHistory, symbol: str) -> FinerBars:
        """Raises: ValueError for a number that is no multiple of 1e-8."""
        lasts = (path.open, path.high, path.low, path.close)
        marks = None
        if path.mark is not None:
            told = (path.mark.open, path.mark.high, path.mark.low, path.mark.close)
            absent = np.isnan(path.mark.close)
            marks = tuple(
                e8_array(np.where(absent, last, mark), f"{symbol} path mark")
                for last, mark in zip(lasts, told, strict=True)
            )
        columns = tuple(e8_array(values, f"{symbol} path") for values in (*lasts, path.volume))
        return cls(INTERVALS_US[path.interval], np.asarray(path.open_time_us, dtype=np.int64), columns, marks)

    def inside(self, bar: Bar, mark: MarkBar | None) -> tuple[Bar, MarkBar | None]:
        """The bar with its finer bars, and its mark with theirs; as they are where it has none."""
        first, stop = np.searchsorted(self.open_time_us, (bar.open_time_us, bar.close_time_us)).tolist()
        if first == stop:
            return bar, mark
        inner = tuple(self._bars(first, stop))
        if mark is not None and self.marks is not None:
            rows = zip(*(column[first:stop].tolist() for column in self.marks), strict=True)
            mark = replace(mark, path=tuple(MarkBar(*row) for row in rows))
        return replace(bar, path=inner), mark

    def _bars(self, first: int, stop: int) -> Iterator[Bar]:
        times = self.open_time_us[first:stop].tolist()
        rows = zip(*(column[first:stop].tolist() for column in self.columns), strict=True)
        for open_us, row in zip(times, rows, strict=True):
            yield Bar(open_us, open_us + self.interval_us, *row)


@dataclass(slots=True)
class Stepped:
    """One account, close by close. ``states``, ``positions`` and ``log`` as `Simulation` has them.

    ``instruments`` is the mapping that the decider reads: versions are put in force in it and in the exchange.
    """

    grid: Grid
    exchange: SimulatedExchange
    answers: Sequence[Answers]
    decider: Decider
    instruments: dict[str, InstrumentChanged]
    account: AccountSettings
    markets: Sequence[MarketHistory]
    states: IntMatrix = field(init=False)
    positions: IntMatrix = field(init=False)
    log: Log = field(init=False)
    _paths: dict[str, FinerBars] = field(default_factory=dict)
    _due: list[InstrumentChanged] = field(default_factory=list)

    def run(self) -> None:
        """Let every bar happen, in order of its close."""
        closes, symbols = len(self.grid), len(self.grid.symbols)
        self.states = np.zeros((closes, len(STATE_COLUMNS)), dtype=np.int64)
        self.positions = np.zeros((symbols, closes, len(POSITION_COLUMNS)), dtype=np.int64)
        self.log = Log(self.grid.symbols, self.decider)
        self._paths = {m.symbol: FinerBars.of(m.path, m.symbol) for m in self.markets if m.path is not None}
        later = (version for market in self.markets for version in market.later_instruments)
        self._due = sorted(later, key=lambda version: (version.valid_from_us, version.symbol))
        asked = np.flatnonzero(np.stack([answer.signal for answer in self.answers]).any(axis=0))
        signals = frozenset(asked.tolist())
        for at, time_us in enumerate(self.grid.close_time_us.tolist()):
            self._enforce(time_us - self.grid.interval_us)
            self._step(at, time_us)
            self._enforce(time_us)
            self._book(at, time_us)
            if at in signals:
                self._decide(at, time_us)

    def _enforce(self, time_us: int) -> None:
        """Put the versions in force that are valid by now."""
        while self._due and self._due[0].valid_from_us <= time_us:
            version = self.account.priced(self._due.pop(0))
            self.instruments[version.symbol] = version
            self.exchange.replace_instrument(spec_of(version))

    def _step(self, at: int, time_us: int) -> None:
        grid, bars, marks, rates = self.grid, {}, {}, {}
        for row in np.flatnonzero(grid.present[:, at]).tolist():
            symbol = grid.symbols[row]
            bar, mark = grid.bar(row, at), grid.mark(row, at)
            if symbol in self._paths:
                bar, mark = self._paths[symbol].inside(bar, mark)
            bars[symbol] = bar
            if mark is not None:
                marks[symbol] = mark
            if grid.rate[row, at]:
                rates[symbol] = int(grid.rate[row, at])
        self.log.note(self.exchange.step(time_us, bars, marks, rates))

    def _book(self, at: int, time_us: int) -> None:
        found = self.exchange.account_state()
        self.states[at] = (
            *(time_us, found.wallet_e8, found.unrealised_pnl_e8, found.equity_e8),
            *(found.initial_margin_e8, found.maintenance_margin_e8),
            *(found.realised_pnl_e8, found.fees_e8, -found.funding_e8),
        )
        for held in found.positions:
            row = self.grid.symbols.index(held.symbol)
            amounts = (held.quantity_e8, held.entry_price_e8, held.mark_e8, held.unrealised_pnl_e8)
            self.positions[row, at] = amounts

    def _decide(self, at: int, time_us: int) -> None:
        """Answer all signals of one close against the account as it is then, and place the orders after that."""
        day = int(np.searchsorted(self.grid.close_time_us, time_us // DAY_US * DAY_US))
        equity = Equity(int(self.states[at, 3]), int(self.states[: at + 1, 3].max()), int(self.states[day, 3]))
        self.log.note(decided(at, equity, self.grid, self.answers, self.decider, self.exchange))
