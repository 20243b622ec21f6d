"""Checking a strategy file without a platform: the checks that the strategy service makes, but for its markets."""

from __future__ import annotations

from dataclasses import dataclass

from tradewire.trading.language import (
    CompiledStrategy,
    StrategyError,
    StrategyErrors,
    compile_strategy,
    findings_of,
    memory_of,
    parse_strategy,
)


@dataclass(frozen=True, slots=True)
class StrategyFault:
    """One finding that refuses the strategy; line and column count from 1, None where the whole file is meant."""

    message: str
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None

    @classmethod
    def of(cls, error: StrategyError) -> StrategyFault:
        """From the language's own finding."""
        return cls(error.message, error.line, error.column, error.suggestion)


@dataclass(frozen=True, slots=True)
class StrategyReport:
    """What a strategy file is; empty but for the faults when it can't be compiled."""

    valid: bool
    faults: tuple[StrategyFault, ...] = ()
    warnings: tuple[str, ...] = ()
    strategy_id: str = ""
    venue: str = ""
    account: str = ""
    symbols: tuple[str, ...] = ()
    interval: str = ""
    demands: tuple[str, ...] = ()
    warmup_bars: int = 0
    settled_bars: int | None = None
    digest: str = ""


def validate(document: str) -> StrategyReport:
    """Compile a strategy and look for look-ahead and disagreement of its forms, on a made-up market."""
    try:
        parsed = parse_strategy(document)
        compiled = compile_strategy(parsed)
    except StrategyErrors as errors:
        return StrategyReport(valid=False, faults=tuple(StrategyFault.of(error) for error in errors.errors))
    faults, warnings = _truth(compiled)
    settled, unsettled = (None, ()) if faults else memory_of(compiled)
    return StrategyReport(
        valid=not faults,
        faults=faults,
        warnings=(*map(str, parsed.warnings), *warnings, *(finding.message for finding in unsettled)),
        strategy_id=compiled.id,
        venue=compiled.venue,
        account=compiled.account,
        symbols=compiled.symbols,
        interval=compiled.interval,
        demands=compiled.demands,
        warmup_bars=compiled.warmup_bars,
        settled_bars=settled,
        digest=compiled.digest,
    )


def _truth(compiled: CompiledStrategy) -> tuple[tuple[StrategyFault, ...], tuple[str, ...]]:
    findings = findings_of(compiled)
    return (
        tuple(StrategyFault(finding.message) for finding in findings if finding.refuses),
        tuple(finding.message for finding in findings if not finding.refuses),
    )
