"""The strategy desk: answers every configuration once, and every snapshot with one evaluation per strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradewire.ports.events import (
    ActiveVersion,
    ConfigStatus,
    IndicatorsUpdated,
    InstrumentChanged,
    RefusalReason,
    Signal,
    Sizing,
    SizingMethod,
    StrategyConfigPublished,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Attributes, Emit, Envelope, WaitReason, Work
from tradewire.strategy.domain.validation import RefusedError, hold_markets, lacks_market, validated
from tradewire.trading.language import CompiledStrategy, compile_strategy, parse_strategy
from tradewire.trading.roster import Roster

VERSIONS_KEPT = 2
LEADER_PARTITION = 0
QUIET_US = 2_000_000
"""A question about a market that is not known waits until no new one came for so long: topics have no common order."""


class StrategyDesk:
    """Configurations of all strategies; evaluations for the partitions that this process owns.

    The owner of partition 0 answers configurations. An evaluation is a pure function of one snapshot.
    """

    def __init__(self) -> None:
        self._instruments: dict[tuple[str, str], InstrumentChanged] = {}
        self._roster = Roster()
        self._statuses: dict[str, StrategyStatusChanged] = {}
        self._asked: dict[str, tuple[StrategyConfigPublished | None, Envelope]] = {}
        self._compiled: dict[tuple[str, int], CompiledStrategy] = {}
        self._partitions: set[int] = set()
        self._newest_us = -1
        self._seen_us: dict[tuple[str, str, str], int] = {}
        self._stirred, self._quiet_since_us = True, 0
        self._digests: dict[tuple[str, int], str] = {}
        self._journal: list[tuple[StrategyConfigPublished | None, StrategyStatusChanged]] = []

    # ---- configurations ----

    def on_instrument(self, event: InstrumentChanged, _: Envelope) -> Iterable[Emit]:
        """What can be traded."""
        self._stirred |= (event.venue, event.symbol) not in self._instruments
        self._instruments[event.venue, event.symbol] = event
        return ()

    def on_status(self, event: StrategyStatusChanged, _: Envelope) -> Iterable[Emit]:
        """Our own answers, read back: what is in force, also for an instance that did not give them."""
        self._take(event)
        return ()

    def on_config(self, event: StrategyConfigPublished, envelope: Envelope) -> Iterable[Emit]:
        """A version to answer, at the next tick, by whoever leads then."""
        self._stirred = True
        self._asked[event.strategy_id] = (event, envelope)
        return ()

    def on_retired(self, strategy_id: str, envelope: Envelope) -> Iterable[Emit]:
        """A tombstone: the strategy stops."""
        self._stirred = True
        self._asked[strategy_id] = (None, envelope)
        return ()

    def tick(self, now_us: int) -> Iterator[Emit]:
        """Answer what was asked, if this process leads; a question that lacks a market not before markets settle."""
        if LEADER_PARTITION not in self._partitions or not self._asked:
            return
        stirred, self._stirred = self._stirred, False
        if stirred:
            self._quiet_since_us = now_us
        settled = now_us - self._quiet_since_us >= QUIET_US
        if not (stirred or settled):
            return  # all that is open lacks a market, and nothing new is known
        asked, self._asked = self._asked, {}
        for strategy_id, (config, envelope) in asked.items():
            if config is not None and not settled and lacks_market(config, self._instruments):
                self._asked[strategy_id] = (config, envelope)
                continue
            status = self._answer(strategy_id, config, now_us)
            if status is not None:
                self._take(status)
                self._journal.append((config, status))
                yield Emit(status, envelope)

    def _answer(
        self, strategy_id: str, config: StrategyConfigPublished | None, now_us: int
    ) -> StrategyStatusChanged | None:
        known = self._statuses.get(strategy_id)
        if config is None:
            if known is None or known.status is ConfigStatus.RETIRED:
                return None
            return known.model_copy(
                update={"status": ConfigStatus.RETIRED, "active": self._left(known), "answered_at_us": now_us}
            )
        if known is not None and config.version <= known.version and known.status is not ConfigStatus.RETIRED:
            return None
        active = known.active if known is not None else ()
        reasons: tuple[RefusalReason, ...] = ()
        try:
            compiled = validated(config, self._instruments)
            self._hold_immutable(config, compiled)
            hold_markets(active, compiled)
        except RefusedError as refused:
            reasons = refused.reasons
        else:
            version = self._version(config, compiled)
            earlier = [v for v in active if v.effective_from_us < version.effective_from_us]
            active = (*earlier[-(VERSIONS_KEPT - 1) :], version)
        return StrategyStatusChanged(
            strategy_id=strategy_id,
            version=config.version,
            status=ConfigStatus.REFUSED if reasons else ConfigStatus.ACCEPTED,
            reasons=reasons,
            active=active,
            answered_at_us=now_us,
        )

    def _hold_immutable(self, config: StrategyConfigPublished, compiled: CompiledStrategy) -> None:
        """A version never changes its content. Raises RefusedError when it is registered with another."""
        known = self._digests.setdefault((config.strategy_id, config.version), compiled.digest)
        if known != compiled.digest:
            found = f"version {config.version} is registered as {known[:12]} and came as {compiled.digest[:12]}"
            raise RefusedError([RefusalReason(message=f"{found}; a version never changes: publish the next one")])

    def _version(self, config: StrategyConfigPublished, compiled: CompiledStrategy) -> ActiveVersion:
        """In force from the time asked for, else from the first bar after the newest one seen here."""
        return ActiveVersion(
            version=config.version,
            account_id=compiled.account,
            venue=compiled.venue,
            symbols=compiled.symbols,
            interval=compiled.interval,
            demands=compiled.demands,
            effective_from_us=max(config.effective_from_us, self._newest_us + 1),
            digest=compiled.digest,
            document=config.document,
        )

    def _left(self, retired: StrategyStatusChanged) -> tuple[ActiveVersion, ...]:
        """What was in force, and that it leaves each market after the newest bar seen of it: all stop at the same bar.

        Not later: should the next bar be missing, nobody would answer for it. A market that another process follows
        is left with the newest bar seen of any. Empty when nothing was in force yet.
        """
        begun = [version for version in retired.active if version.effective_from_us <= self._newest_us]
        left = tuple(begun[-1:])
        for last in begun[-1:]:
            feeds = {symbol: (last.venue, symbol, last.interval) for symbol in last.symbols}
            seen_us = {symbol: self._seen_us.get(feed, self._newest_us) for symbol, feed in feeds.items()}
            ends_us = {symbol: max(time_us + 1, last.effective_from_us) for symbol, time_us in seen_us.items()}
            for end_us in sorted(set(ends_us.values())):
                symbols = tuple(symbol for symbol in last.symbols if ends_us[symbol] > end_us)
                after = last.model_copy(update={"symbols": symbols, "effective_from_us": end_us})
                left = (*(version for version in left if version.effective_from_us < end_us), after)
        return left

    def _take(self, status: StrategyStatusChanged) -> None:
        self._statuses[status.strategy_id] = status
        self._roster.apply(status)
        for version in status.active:
            key = (status.strategy_id, version.version)
            if key not in self._compiled:
                self._compiled[key] = compile_strategy(parse_strategy(version.document))

    # ---- evaluations ----

    def on_snapshot(self, event: IndicatorsUpdated, envelope: Envelope) -> Iterator[Emit]:
        """One evaluation per strategy that trades the symbol at this interval."""
        self._newest_us = max(self._newest_us, event.event_time_us)
        self._seen_us[event.venue, event.symbol, event.interval] = event.event_time_us
        for strategy_id in self._roster.strategies_on(event.venue, event.symbol):
            version = self._roster.version(strategy_id, event.event_time_us)
            if version is None or version.venue != event.venue or version.interval != event.interval:
                continue
            if event.symbol in version.symbols:
                yield self._evaluate(strategy_id, version, event, envelope)

    def _evaluate(self, strategy_id: str, version: ActiveVersion, event: IndicatorsUpdated, envelope: Envelope) -> Emit:
        compiled = self._compiled[strategy_id, version.version]
        answer = compiled.evaluate(event.values, event.previous)
        evaluated = StrategyEvaluated(
            account_id=version.account_id,
            strategy_id=strategy_id,
            config_version=version.version,
            venue=event.venue,
            symbol=event.symbol,
            interval=event.interval,
            event_time_us=event.event_time_us,
            signal=Signal(answer.signal.name),
            ready=answer.ready,
            entry_long=answer.entry_long,
            exit_long=answer.exit_long,
            entry_short=answer.entry_short,
            exit_short=answer.exit_short,
            close=event.close,
            sizing=Sizing(
                method=SizingMethod(compiled.sizing.method.name),
                value=float(compiled.sizing.amount),
                max_leverage=float(compiled.sizing.max_leverage) if compiled.sizing.max_leverage is not None else None,
                inputs=dict(answer.sizing_inputs),
            ),
            stop_distance=answer.stop_distance,
            take_profit_distance=answer.take_profit_distance,
            trailing_distance=answer.trailing_distance,
            seen={key: event.values.get(key) for key in compiled.demands},
            candle_offset=event.input_offset,
            last_of_stream=event.last_of_stream,
        )
        attributes: Attributes = {"tradewire.strategy.id": strategy_id, "tradewire.config.version": version.version}
        return Emit(evaluated, envelope, strategy_id, work=Work("strategy.evaluate", attributes))

    # ---- state ----

    def register(self, strategy_id: str, version: int, digest: str) -> None:
        """What the registry holds already."""
        self._digests[strategy_id, version] = digest

    def journal(self) -> list[tuple[StrategyConfigPublished | None, StrategyStatusChanged]]:
        """Questions and answers since last asked; a question of None is a retirement."""
        taken, self._journal = self._journal, []
        return taken

    def own(self, partitions: Iterable[int]) -> None:
        """Take partitions over."""
        self._partitions |= set(partitions)

    def forget(self, partitions: Iterable[int]) -> None:
        """Hand partitions over."""
        self._partitions -= set(partitions)

    def waits(self) -> Iterator[WaitReason]:
        """Strategies with a version that is not answered, as instruments may still be read; told by who answers."""
        if LEADER_PARTITION in self._partitions:
            for strategy_id in sorted(self._asked):
                yield WaitReason("instruments", f"{strategy_id}: instruments of its markets")

    def status(self) -> dict[str, object]:
        """For /health."""
        return {
            "strategies": {
                strategy_id: {
                    "version": status.version,
                    "status": status.status,
                    "active": [v.version for v in status.active],
                }
                for strategy_id, status in self._statuses.items()
            },
            "unanswered": sorted(self._asked),
        }
