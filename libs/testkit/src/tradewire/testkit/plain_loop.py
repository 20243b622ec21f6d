"""Trading as a plain loop over the bars in event time: the oracle of the joins.

It knows nothing of topics, joins, buffers or saved state, and calls the pure functions and the exchange directly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from tradewire.ingest.feed import emit_of
from tradewire.ports.events import (
    AccountStateChanged,
    ActiveVersion,
    CandleClosed,
    ControlLevel,
    IndicatorsUpdated,
    InstrumentChanged,
    OpenOrder,
    OrderIntent,
    RiskLimitsChanged,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Envelope, Event, derived_id
from tradewire.ports.risk import Exposure
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.testkit.builders import HOUR_US, account_state, position, share
from tradewire.testkit.loop_members import BALANCE, LEVERAGE
from tradewire.trading import exchange as venue
from tradewire.trading.assessment.assess import RiskContext, assess
from tradewire.trading.assessment.exposure import exposure_of
from tradewire.trading.exchange import from_e8
from tradewire.trading.exchange.bars import constant_mark
from tradewire.trading.language import INTERVALS_US, IndicatorEngine
from tradewire.trading.wire import bar_of, e8, funding_of, mark_of, order_of, spec_of

DAY_US = 24 * HOUR_US
Asked = tuple[str, StrategyEvaluated]
"""An evaluation with its event id."""


class PlainAccount:
    """One account, bar after bar, in a plain loop."""

    def __init__(self, account_id: str, setup: Sequence[Event]) -> None:
        self.account_id = account_id
        self.instruments = {e.symbol: e for e in setup if isinstance(e, InstrumentChanged)}
        self.rules = MemoryRules()
        for event in setup:
            if isinstance(event, RiskLimitsChanged):
                self.rules.change(event)
        self.versions = {
            (event.strategy_id, version.effective_from_us): version
            for event in setup
            if isinstance(event, StrategyStatusChanged)
            for version in event.active
            if version.account_id == account_id
        }
        specs = [spec_of(item) for item in self.instruments.values()]
        leverages = {spec.symbol: LEVERAGE for spec in specs}
        self.exchange = venue.SimulatedExchange(account_id, e8(BALANCE), specs, leverages=leverages)
        self.orders: dict[str, tuple[str, OrderIntent]] = {}
        self.shares: dict[tuple[str, str], Decimal] = {}
        self.followed: dict[str, set[str]] = {}
        self.told_us: dict[str, int] = {}
        self.approved_us: list[int] = []
        self.equities: list[tuple[int, Decimal]] = []
        self.decisions: set[tuple[object, ...]] = set()
        self.fills: set[tuple[object, ...]] = set()

    def traded(self, time_us: int) -> dict[str, set[str]]:
        """Symbol → strategies in force."""
        found: dict[str, set[str]] = {}
        for strategy_id, version in dict(self._in_force(time_us)).items():
            for symbol in version.symbols:
                found.setdefault(symbol, set()).add(strategy_id)
        return found

    def _in_force(self, time_us: int) -> Iterator[tuple[str, ActiveVersion]]:
        """Every version that began, in order: a strategy's last one is in force."""
        for (strategy_id, _), version in sorted(self.versions.items()):
            if version.effective_from_us <= time_us:
                yield strategy_id, version

    def intervals(self, time_us: int) -> dict[str, set[str]]:
        """Symbol → intervals at which the strategies in force decide on it, or did where something was left open."""
        found: dict[str, set[str]] = {}
        for version in dict(self._in_force(time_us)).values():
            for symbol in version.symbols:
                found.setdefault(symbol, set()).add(version.interval)
        return self.followed | found

    def step(self, time_us: int, bars: Sequence[CandleClosed], evaluations: list[Asked]) -> None:
        """All bars of one close happen, then all evaluations are answered, then the orders are placed.

        Of a symbol's bars only the shortest happens; longer ones are only decided on.
        """
        intervals = self.intervals(time_us)
        known = [bar for bar in bars if bar.interval in intervals.get(bar.symbol, ())]
        if not known:
            return
        known.sort(key=lambda bar: -INTERVALS_US[bar.interval])
        self._happen(time_us, {bar.symbol: bar for bar in known})
        state = self._state(time_us)
        self.equities.append((time_us, state.equity))
        still_open = {held.symbol for held in state.positions} | {order.symbol for order in state.open_orders}
        still_open |= {part.symbol for part in state.strategy_positions} | set(self.traded(time_us))
        self.followed = {symbol: names for symbol, names in intervals.items() if symbol in still_open}
        exposure, placed = exposure_of(state), []
        for event_id, evaluation in evaluations:
            context = self._standing(state, time_us, evaluation, exposure)
            decision = assess(evaluation, event_id, context, self.instruments[evaluation.symbol], self.rules)
            exposure = decision.exposure or exposure
            self.approved_us += [time_us] * len(decision.intents)
            failed = tuple(rule.rule for rule in decision.rules if not rule.passed)
            self.decisions.add((event_id, decision.decision, decision.intents, decision.cancels, failed))
            placed.append((evaluation, decision))
        for evaluation, decision in placed:
            for client_id in decision.cancels:
                self._fill(self.exchange.cancel(client_id, time_us))
            for intent in decision.intents:
                self.orders[intent.client_order_id] = (evaluation.strategy_id, intent)
                self._fill(self.exchange.submit(order_of(intent, evaluation.symbol, evaluation.strategy_id), time_us))

    def _happen(self, time_us: int, mine: dict[str, CandleClosed]) -> None:
        """One bar of each symbol; of one that began before what has happened, its close alone is new."""
        bars = {symbol: bar_of(bar) for symbol, bar in mine.items()}
        marks = {symbol: mark for symbol, bar in mine.items() if (mark := mark_of(bar)) is not None}
        rates = {symbol: rate for symbol, bar in mine.items() if (rate := funding_of(bar))}
        for symbol in [symbol for symbol, bar in bars.items() if bar.open_time_us < self.told_us.get(symbol, 0)]:
            close_us, price = bars[symbol].close_time_us, bars[symbol].close_e8
            bars[symbol] = venue.Bar(close_us - 1, close_us, price, price, price, price)
            rates.pop(symbol, None)
            if symbol in marks:
                marks[symbol] = constant_mark(marks[symbol].close_e8)
        self._fill(self.exchange.step(time_us, bars, marks, rates))
        self.told_us |= dict.fromkeys(mine, time_us)

    def _standing(
        self, state: AccountStateChanged, time_us: int, evaluation: StrategyEvaluated, exposure: Exposure
    ) -> RiskContext:
        today = [equity for at_us, equity in self.equities if at_us // DAY_US == time_us // DAY_US]
        return RiskContext(
            state=state,
            exposure=exposure,
            peak_equity=max(equity for _, equity in self.equities),
            day_start_equity=today[0],
            orders_last_minute=sum(at_us > time_us - 60_000_000 for at_us in self.approved_us),
            level=ControlLevel.NORMAL,
            shared=len(self.traded(time_us)[evaluation.symbol]) > 1,
        )

    def _fill(self, events: Iterable[venue.Event]) -> None:
        for event in events:
            if isinstance(event, venue.OrderFilled | venue.OrderPartiallyFilled):
                strategy_id, _ = self.orders[event.fill.client_order_id]
                key = (strategy_id, event.fill.symbol)
                signed_e8 = event.fill.side.sign * event.fill.qty_e8
                self.shares[key] = self.shares.get(key, Decimal(0)) + from_e8(signed_e8)
                self._note(event.fill)
            if isinstance(event, venue.Liquidated):  # every strategy's share of the symbol is gone
                for key in [key for key in self.shares if key[1] == event.fill.symbol]:
                    del self.shares[key]
                self._note(event.fill)

    def _note(self, fill: venue.Fill) -> None:
        amounts = (from_e8(fill.qty_e8), from_e8(fill.price_e8), from_e8(fill.fee_e8))
        self.fills.add((fill.time_us, fill.client_order_id, *amounts))

    def _state(self, time_us: int) -> AccountStateChanged:
        """Only what a decision looks at."""
        book = self.exchange.account_state()
        return account_state(
            account_id=self.account_id,
            event_time_us=time_us,
            equity=from_e8(book.equity_e8),
            positions=tuple(position(from_e8(p.qty_e8), p.symbol, from_e8(p.mark_e8)) for p in book.positions),
            strategy_positions=tuple(share(qty, s, strategy) for (strategy, s), qty in self.shares.items() if qty),
            open_orders=tuple(self._open_order(order) for order in book.open_orders),
        )

    def _open_order(self, order: venue.OpenOrderSnapshot) -> OpenOrder:
        strategy_id, intent = self.orders[order.request.client_order_id]
        return OpenOrder(
            client_order_id=intent.client_order_id,
            strategy_id=strategy_id,
            venue="sim",
            symbol=order.request.symbol,
            side=intent.side,
            order_type=intent.order_type,
            leg=intent.leg,
            remaining=from_e8(order.qty_e8 - order.filled_e8),
            reduce_only=intent.reduce_only,
            reference_price=intent.reference_price,
        )


class Evaluator:
    """Evaluations of every bar by the strategies in force; each of their demands has an engine of its own.

    It begins with the first bar at which a version that demands it is in force, and ends with the last.
    """

    def __init__(self, setup: Sequence[Event]) -> None:
        self._desk = StrategyDesk()
        self._strategies: list[StrategyStatusChanged] = []
        self._engines: dict[tuple[str, str], dict[str, IndicatorEngine]] = {}
        self._previous: dict[tuple[str, str], dict[str, float | None]] = {}
        for event in setup:
            if isinstance(event, StrategyStatusChanged):
                list(self._desk.on_status(event, Envelope("")))
                self._strategies.append(event)

    def _demanded(self, bar: CandleClosed) -> Iterator[str]:
        for strategy in self._strategies:
            begun = [version for version in strategy.active if version.effective_from_us <= bar.close_time_us]
            for version in begun[-1:]:
                if bar.symbol in version.symbols and bar.interval == version.interval:
                    yield from version.demands

    def evaluations(self, bar: CandleClosed) -> Iterator[Asked]:
        """Of all strategies that trade the bar's symbol, with the ids that the platform gives."""
        feed = (bar.symbol, bar.interval)
        running = self._engines.get(feed, {})
        engines = self._engines[feed] = {
            demand: running.get(demand) or IndicatorEngine([demand], INTERVALS_US[bar.interval])
            for demand in sorted(set(self._demanded(bar)))
        }
        prices = {name: float(getattr(bar, name)) for name in ("open", "high", "low", "close", "volume")}
        values: dict[str, float | None] = {**prices}
        for engine in engines.values():
            values |= engine.update(bar.open_time_us, **prices)
        root = emit_of(bar).event_id or ""
        snapshot_id = derived_id(root, "IndicatorsUpdated", 0)
        snapshot = IndicatorsUpdated(
            venue=bar.venue,
            symbol=bar.symbol,
            interval=bar.interval,
            open_time_us=bar.open_time_us,
            event_time_us=bar.close_time_us,
            close=bar.close,
            values=values,
            previous=self._previous.get(feed, {}),
            input_partition=0,
            input_offset=0,
        )
        self._previous[feed] = values
        for emit in self._desk.on_snapshot(snapshot, Envelope(snapshot_id)):
            assert isinstance(emit.event, StrategyEvaluated)
            yield derived_id(snapshot_id, "StrategyEvaluated", emit.ordinal), emit.event


def walk(setup: Sequence[Event], bars: Sequence[CandleClosed], accounts: Iterable[str]) -> dict[str, PlainAccount]:
    """Every account after all bars, close by close."""
    found = {name: PlainAccount(name, setup) for name in accounts}
    evaluator = Evaluator(setup)
    for time_us in sorted({bar.close_time_us for bar in bars}):
        now = sorted((bar for bar in bars if bar.close_time_us == time_us), key=lambda bar: bar.symbol)
        asked = [item for bar in now for item in evaluator.evaluations(bar)]
        asked.sort(key=lambda item: (item[1].strategy_id, item[1].symbol))
        for name, account in found.items():
            account.step(time_us, now, [item for item in asked if item[1].account_id == name])
    return found
