"""The trades as rows of the page's table, and what groups of them came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradewire.backtest.report.account_figures import largest
from tradewire.backtest.trade_measures import TradeMeasures, measures_of
from tradewire.ports.backtest import MarketHistory, Trade
from tradewire.ports.events import Side

ROWS_MAX = 20_000
"""Trades in the table; of more, those with the largest profits and losses."""
SPLIT_MAX = 30
"""Rows of a split; the groups with the fewest trades are left out."""
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class TradeGroup:
    """A group of trades: ``share`` of them with a profit, sum of their PnL, means of return and hours held."""

    name: str
    trades: int
    win_rate: float
    pnl: Decimal
    return_ratio: float
    hours: float


@dataclass(frozen=True, slots=True)
class Split:
    """All trades by one trait of theirs."""

    title: str
    parts: list[TradeGroup]


def side_of(trade: Trade) -> str:
    """Long or short."""
    return "long" if trade.side is Side.BUY else "short"


_SPLITS: tuple[tuple[str, Callable[[Trade], str]], ...] = (
    ("Long and short", side_of),
    ("By symbol", lambda trade: trade.symbol),
    ("By reason of exit", lambda trade: str(trade.exit_reason)),
    ("By reason of entry", lambda trade: str(trade.entry_reason)),
)


def splits_of(trades: Sequence[Trade], markets: Sequence[MarketHistory]) -> list[Split]:
    """The trades, those still open among them as of the end, by side, symbol and reasons."""
    held = [span / HOUR_US for span in measures_of(trades, markets).held_us.tolist()]
    return [Split(title, _parts(trades, held, trait)) for title, trait in _SPLITS]


def _parts(trades: Sequence[Trade], hours: Sequence[float], trait: Callable[[Trade], str]) -> list[TradeGroup]:
    groups: dict[str, list[int]] = {}
    for place, trade in enumerate(trades):
        groups.setdefault(trait(trade), []).append(place)
    found = [
        _part(name, [trades[at] for at in places], [hours[at] for at in places]) for name, places in groups.items()
    ]
    return sorted(found, key=lambda part: (-part.trades, part.name))[:SPLIT_MAX]


def _part(name: str, trades: Sequence[Trade], hours: Sequence[float]) -> TradeGroup:
    count = len(trades)
    return TradeGroup(
        name,
        count,
        sum(trade.pnl > 0 for trade in trades) / count,
        sum((trade.pnl for trade in trades), Decimal(0)),
        sum(trade.return_ratio for trade in trades) / count,
        sum(hours) / count,
    )


def trade_rows(trades: Sequence[Trade], markets: Sequence[MarketHistory]) -> list[list[object]]:
    """A row a trade, in the order of the table's columns: times in ms, money and prices as numbers, ratios in per cent.

    The first column is the trade's number in the run, from 1.
    """
    shown = largest(trades, ROWS_MAX)
    numbers = {id(trade): number for number, trade in enumerate(trades, 1)}
    measures = measures_of(shown, markets)
    return [_row(numbers[id(trade)], trade, measures, at) for at, trade in enumerate(shown)]


def _row(number: int, trade: Trade, measures: TradeMeasures, at: int) -> list[object]:
    return [
        number,
        trade.symbol,
        side_of(trade),
        trade.entry_time_us // 1000,
        str(trade.entry_reason),
        None if trade.exit_time_us is None else trade.exit_time_us // 1000,
        str(trade.exit_reason),
        float(trade.entry_price),
        float(trade.exit_price),
        round(float(trade.pnl), 2),
        round(trade.return_ratio * 100, 3),
        round(int(measures.held_us[at]) / HOUR_US, 2),
        int(measures.bars[at]),
        round(float(measures.mae_ratio[at]) * 100, 3),
        round(float(measures.mfe_ratio[at]) * 100, 3),
        float(trade.qty),
    ]


COLUMNS = (
    ("#", "number", "Number of the trade in the run"),
    ("Symbol", "text", "The venue's symbol"),
    ("Side", "text", "long or short"),
    ("Entry", "time", "Time of the first fill, UTC"),
    ("Entry by", "text", "Why it began"),
    ("Exit", "time", "Time of the last fill, UTC; open: still held at the end"),
    ("Exit by", "text", "Why it ended"),
    ("Entry price", "amount", "Quote per base"),
    ("Exit price", "amount", "Quote per base; of an open trade the last mark"),
    ("PnL", "money", "Net of fees, funding included, quote"),
    ("Return", "percent", "PnL over the worth at entry"),
    ("Held, h", "number", "From entry to exit"),
    ("Bars", "number", "Closes that it was held over"),
    ("MAE", "percent", "Maximum adverse excursion: farthest that the price went against it"),
    ("MFE", "percent", "Maximum favourable excursion: farthest that the price went for it"),
    ("Quantity", "amount", "Base"),
)
"""Of the table: heading, kind of value, what it says."""
