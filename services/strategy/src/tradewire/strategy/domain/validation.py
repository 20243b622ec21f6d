"""Is a published strategy fit to trade? Every reason why not, at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tradewire.ports.errors import RefusedRecordError
from tradewire.ports.events import (
    ActiveVersion,
    InstrumentChanged,
    RefusalReason,
    StrategyConfigPublished,
    TradingMode,
)
from tradewire.strategy.domain.history import VERSIONS_BYTES_MAX, Versions, size_bytes
from tradewire.trading.language import (
    CompiledStrategy,
    StrategyErrors,
    compile_strategy,
    findings_of,
    parse_strategy,
)


class RefusedError(Exception):
    """The strategy can't be accepted, for these reasons."""

    def __init__(self, reasons: Sequence[RefusalReason]) -> None:
        super().__init__("; ".join(reason.message for reason in reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Examination:
    """What a document is, as far as it tells by itself. ``compiled``: None when it can't be read.

    ``reasons``: why it is unfit whatever can be traded; ``doubts``: why it is unfit to decide, looked for only when
    there are no reasons.
    """

    compiled: CompiledStrategy | None
    reasons: tuple[RefusalReason, ...] = ()
    doubts: tuple[RefusalReason, ...] = ()


def examined(config: StrategyConfigPublished) -> Examination:
    """The strategy, compiled, with every fault found. Takes about 0.1 s, and needs nothing but the configuration."""
    try:
        compiled = compile_strategy(parse_strategy(config.document))
    except StrategyErrors as errors:
        found = (
            RefusalReason(line=e.line, column=e.column, message=e.message, suggestion=e.suggestion)
            for e in errors.errors
        )
        return Examination(None, tuple(found))
    reasons = _identity(config, compiled)
    return Examination(compiled, _told(reasons), () if reasons else _told(_truth(compiled)))


def fit(finding: Examination, instruments: Mapping[tuple[str, str], InstrumentChanged]) -> CompiledStrategy:
    """The strategy, if it may trade. Raises RefusedError with every fault found."""
    if finding.compiled is None:
        raise RefusedError(finding.reasons)
    reasons = (*finding.reasons, *_told(_markets(finding.compiled, instruments)))
    if reasons or finding.doubts:
        raise RefusedError(reasons or finding.doubts)
    return finding.compiled


def lacks_market(finding: Examination, instruments: Mapping[tuple[str, str], InstrumentChanged]) -> bool:
    """Does a document that can be read trade a market that is not known?"""
    compiled = finding.compiled
    return compiled is not None and any((compiled.venue, symbol) not in instruments for symbol in compiled.symbols)


def hold_immutable(config: StrategyConfigPublished, known: str, compiled: CompiledStrategy) -> None:
    """A version never changes its content. Raises RefusedError when it is registered with another digest."""
    if known != compiled.digest:
        found = f"version {config.version} is registered as {known[:12]} and came as {compiled.digest[:12]}"
        raise RefusedError([RefusalReason(message=f"{found}; a version never changes: publish the next one")])


def hold_markets(before: ActiveVersion | None, compiled: CompiledStrategy) -> None:
    """A version trades every market of its forerunner. Raises RefusedError for those it would leave.

    In a market that is left nobody would close what is held, nor answer for a last bar that is missing.
    """
    if before is None:
        return
    moved = (before.account_id, before.venue) != (compiled.account, compiled.venue)
    left = [symbol for symbol in before.symbols if moved or symbol not in compiled.symbols]
    if left:
        markets = ", ".join(f"{before.venue}:{symbol}" for symbol in left)
        message = f"version {before.version} trades {markets} on account {before.account_id} and this version does not"
        raise RefusedError([RefusalReason(message=message, suggestion="retire the strategy first, then publish")])


def hold_now(before: ActiveVersion, version: ActiveVersion, earliest_us: int) -> None:
    """A change of interval is in force at once. Raises RefusedError when it is asked for at a later time.

    Bars of the earlier interval end behind the newest one that is known; which is the last before a later time, and
    whether one is missing there, nobody can know.
    """
    if version.effective_from_us > earliest_us:
        message = f"decides at {version.interval} from {version.effective_from_us} us, version {before.version} at "
        suggestion = "publish it without effective_from, or retire the strategy first"
        raise RefusedError([RefusalReason(message=f"{message}{before.interval}", suggestion=suggestion)])


def hold_size(versions: Versions) -> None:
    """Raises RefusedError when the versions that are still needed take more than one message can hold."""
    found = size_bytes(versions)
    if found > VERSIONS_BYTES_MAX:
        first = versions[0]
        message = (
            f"with this one, {len(versions)} versions from {first.version} on take {found} bytes, allowed "
            f"{VERSIONS_BYTES_MAX}: bars of version {first.version} may not be answered on account {first.account_id}"
        )
        raise RefusedError([RefusalReason(message=message, suggestion="publish again when the account has gone on")])


def _told(reasons: Iterable[str]) -> tuple[RefusalReason, ...]:
    return tuple(RefusalReason(message=reason) for reason in reasons)


def _identity(config: StrategyConfigPublished, compiled: CompiledStrategy) -> list[str]:
    reasons = []
    if compiled.id != config.strategy_id:
        reasons.append(f"published as {config.strategy_id!r}, but the document's id is {compiled.id!r}")
    if config.mode is not TradingMode.PAPER:
        reasons.append(f"mode {config.mode.value}; this platform's execution takes PAPER")
    return reasons


def _markets(compiled: CompiledStrategy, instruments: Mapping[tuple[str, str], InstrumentChanged]) -> list[str]:
    reasons = []
    known = sorted(f"{venue}:{symbol}" for venue, symbol in instruments)
    for symbol in compiled.symbols:
        instrument = instruments.get((compiled.venue, symbol))
        if instrument is None:
            reasons.append(f"no instrument {compiled.venue}:{symbol}; known: {', '.join(known) or 'none'}")
        elif compiled.interval not in instrument.intervals:
            offered = ", ".join(instrument.intervals)
            reasons.append(f"{compiled.venue}:{symbol} has no {compiled.interval} candles; offered: {offered}")
    return reasons


def _truth(compiled: CompiledStrategy) -> list[str]:
    """Look-ahead, and a batch form that disagrees with the stream."""
    return [finding.message for finding in findings_of(compiled) if finding.refuses]


def compiled_version(strategy_id: str, version: ActiveVersion) -> CompiledStrategy:
    """A version in force, compiled. Raises RefusedRecordError for one that no service of ours accepted."""
    try:
        return compile_strategy(parse_strategy(version.document))
    except StrategyErrors as errors:
        raise RefusedRecordError(f"{strategy_id}: version {version.version} can't be compiled: {errors}") from errors
