"""Backtests: a strategy, the history of its markets and an account in; trades, fills and an equity curve out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from tradewire.ports.activity import Activity
from tradewire.ports.events import InstrumentChanged, Liquidity, RiskLimitsChanged, Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


LIQUIDATION = "LIQUIDATION"
"""Leg of the venue's own closing order; no order of ours has it."""


class MarginMode(StrEnum):
    """What answers for a position: the whole wallet, or its own margin."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


@dataclass(frozen=True, slots=True, eq=False)
class MarkHistory:
    """Mark-price candles over the spans of a market's bars, shape (n,), quote per base; NaN where there is none."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PathHistory:
    """Finer candles that tell the way of the price inside a market's bars, arrays of shape (m,) in order of time.

    The finer candles of a bar add up to it: equal open and close, the highest high, the lowest low. A bar may have
    none. ``mark``: mark candles over the same spans, NaN where there is none; it is there when the market has marks.
    """

    interval: str
    open_time_us: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    mark: MarkHistory | None = None

    def __len__(self) -> int:
        return len(self.close)


@dataclass(frozen=True, slots=True, eq=False)
class EarlierBars:
    """Closed candles of the same instrument and interval before a market's first one, arrays of shape (m,).

    Indicators warm up on them; nothing is decided or traded there.
    """

    open_time_us: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __len__(self) -> int:
        return len(self.close)


@dataclass(frozen=True, slots=True, eq=False)
class MarketHistory:
    """Closed candles of one instrument, arrays of shape (n,) in order of time, checked by the loader.

    Prices quote per base and volume base, float64 of at most 8 decimals. Without ``mark`` the last price is the mark.
    ``funding_rate`` is the sum of the rates settled after a bar's open and by its close, 0 where none was; longs pay a
    positive rate, on what they hold at the close. Without it no funding is paid. ``path``: finer candles that replace
    the guess of the way inside a bar. ``later_instruments``: versions of the instrument that come into force after
    the first bar's open, by rising ``valid_from_us``; each acts from the first open or close at or after that.
    ``earlier``: what is known of the time before the first bar. ``remarks``: what was taken for what in the files.
    ``assumed``: whether the instrument is, for want of a file that tells of it.
    """

    instrument: InstrumentChanged
    interval: str
    open_time_us: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    mark: MarkHistory | None = None
    funding_rate: FloatArray | None = None
    path: PathHistory | None = None
    later_instruments: tuple[InstrumentChanged, ...] = ()
    earlier: EarlierBars | None = None
    remarks: tuple[str, ...] = ()
    assumed: bool = False

    @property
    def symbol(self) -> str:
        """The venue's own symbol."""
        return self.instrument.symbol

    def __len__(self) -> int:
        return len(self.close)


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The account that trades and how its orders fill.

    ``capital`` quote; ``slippage_bps`` worsens taker prices; ``taker_fee`` and ``maker_fee`` are rates that replace
    the instruments' own; ``volume_share`` is the largest share of a bar's volume that the account takes, 0 for no
    bound; orders reach the venue ``latency_us`` after they are sent. The defaults are those of the paper account.
    """

    capital: Decimal = Decimal(100_000)
    leverage: int = 5
    margin_mode: MarginMode = MarginMode.CROSS
    slippage_bps: Decimal = Decimal(1)
    taker_fee: Decimal | None = None
    maker_fee: Decimal | None = None
    volume_share: Decimal = Decimal(0)
    latency_us: int = 0
    limits: RiskLimitsChanged | None = None

    def priced(self, instrument: InstrumentChanged) -> InstrumentChanged:
        """The instrument with the fees that the account asks for."""
        fees = {"taker_fee": self.taker_fee, "maker_fee": self.maker_fee}
        return instrument.model_copy(update={name: fee for name, fee in fees.items() if fee is not None})


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """One run: the text of a strategy file, values for its parameters (defaults where not given), markets, account.

    Every symbol of the strategy needs its history in ``markets``; one without bars is not traded.
    """

    strategy: str
    markets: tuple[MarketHistory, ...]
    params: Mapping[str, float] = field(default_factory=dict)
    account: AccountSettings = AccountSettings()


@dataclass(frozen=True, slots=True)
class BacktestFill:
    """One fill. Prices quote per base, ``qty`` base, money in quote; ``leg`` as in OrderFilled, or LIQUIDATION.

    ``slippage``: what the fill cost against the price that the market showed, never negative for a taker;
    ``realized_pnl`` before fee.
    """

    time_us: int
    symbol: str
    client_order_id: str
    leg: str
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity
    realized_pnl: Decimal
    slippage: Decimal


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """What the wallet received at a settlement, quote: negative when the account paid.

    ``position``: what was held then, base, signed; fills at the same time may come before it or after.
    """

    time_us: int
    symbol: str
    amount: Decimal
    position: Decimal


class TradeReason(StrEnum):
    """Why a trade began or ended.

    It begins on a signal, or on one that reverses: the account leaves the other side at that moment. It ends on a
    signal, at its stop, target or trailing stop, by the venue's liquidation or ADL, by an operator's order to flatten,
    or with the run.
    """

    SIGNAL = "signal"
    REVERSAL = "reversal"
    STOP = "stop"
    TARGET = "target"
    TRAIL = "trail"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    FLATTEN = "flatten"
    END = "end"


@dataclass(frozen=True, slots=True)
class Trade:
    """A position from flat to flat (or through zero). ``side`` is BUY for a long one.

    ``entry_price`` and ``exit_price`` are volume-weighted; ``pnl`` is net: price gain - fees + funding, quote.
    A trade still open at the end has no exit: its ``exit_price`` is the last mark, ``exit_time_us`` None, and its
    ``exit_reason`` END. An exit in parts has the reason of its last.
    """

    symbol: str
    side: Side
    qty: Decimal
    entry_time_us: int
    exit_time_us: int | None
    entry_price: Decimal
    exit_price: Decimal
    fees: Decimal
    funding: Decimal
    slippage: Decimal
    pnl: Decimal
    entry_reason: TradeReason
    exit_reason: TradeReason

    @property
    def return_ratio(self) -> float:
        """Net PnL over the worth at entry (0.05 = 5 %)."""
        return float(self.pnl) / (float(self.qty) * float(self.entry_price))


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """What a run did.

    ``time_us``, ``equity_e8`` (quote 1e-8, at the marks) and each of ``position_e8`` (base 1e-8 by symbol, signed)
    have shape (t,): one entry per close at which a market of the account had a bar. ``left_out`` names, in a
    sentence each, what the engine did not model of what was asked for; ``fill_model`` states how orders filled.
    ``trades``, ``fills`` and ``funding`` do not change; an engine may make their objects from columns of numbers when
    one is first asked for. ``fees``: paid less rebates, quote. ``insurance``: losses beyond an account's margin that
    the venue's insurance fund bore, quote. The trades' PnL and it add up to the account's change, exactly.
    ``make_fingerprint`` gives ``fingerprint`` and ``make_activity`` gives ``activity``, always the same: a sweep asks
    for neither.
    """

    engine: str
    strategy_id: str
    strategy_hash: str
    params: Mapping[str, float]
    account: AccountSettings
    make_fingerprint: Callable[[], str]
    fill_model: str
    left_out: tuple[str, ...]
    trades: Sequence[Trade]
    fills: Sequence[BacktestFill]
    funding: Sequence[FundingPayment]
    time_us: IntArray
    equity_e8: IntArray
    position_e8: Mapping[str, IntArray]
    fees: Decimal
    insurance: Decimal = Decimal(0)
    make_activity: Callable[[], Activity] = Activity

    @property
    def fingerprint(self) -> str:
        """sha256 over all fills and account states, 64 hex digits."""
        return self.make_fingerprint()

    @property
    def activity(self) -> Activity:
        """What the signals came to, and what did not happen."""
        return self.make_activity()


class BacktestPort(Protocol):
    """Runs a strategy over history. Adapters: vectorized, futures."""

    name: str
    """As in ``--engine``."""

    @abstractmethod
    def run(self, request: BacktestRequest) -> BacktestResult:
        """Run it to the end. A function of the request alone: not of the machine, of threads or of symbol order.

        Raises: StrategyErrors when the strategy does not compile, looks ahead, or decides bar by bar otherwise than on
        a whole history; ValueError when a market is missing, its interval
        is not the strategy's, no market has a bar, or a setting is out of range.
        """
