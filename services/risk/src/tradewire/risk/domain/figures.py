"""Exposure, its limit, drawdown and decisions as metrics, told by the module that judges them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradewire.ports.events import RiskAssessed, RiskDecision, RiskLimitsChanged
from tradewire.ports.message import Event
from tradewire.ports.metrics import Figure, Metric
from tradewire.ports.risk import RiskPort
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.assessments import unknown
from tradewire.risk.domain.refusals import BAR_CLOSED, NOT_SKIPPED, STEP_OPEN
from tradewire.trading.assessment.exposure import exposure_of
from tradewire.trading.assessment.rules import rule_names
from tradewire.trading.refused_bars import BAR_EVALUATED
from tradewire.trading.roster import VERSION_IN_FORCE

RULES_MAX = 100
"""Different rules that are told apart; what comes after counts as `other`."""
BY_ACCOUNT = ("account",)
GROSS = Metric(
    "tradewire_gross_exposure_usdt",
    "gauge",
    BY_ACCOUNT,
    "Sum of absolute notionals, open orders at their worst, quote.",
)
RATIO = Metric(
    "tradewire_exposure_ratio",
    "gauge",
    BY_ACCOUNT,
    "Gross exposure as a share of its limit, of max_gross_exposure and max_leverage the less; an entry that takes it "
    "above 1 is refused, the market's moves are not.",
)
LIMIT = Metric(
    "tradewire_exposure_limit_ratio", "gauge", BY_ACCOUNT, "Limit of gross exposure as a multiple of equity."
)
DRAWDOWN = Metric("tradewire_drawdown_ratio", "gauge", BY_ACCOUNT, "Equity below its peak, 0-1.")
DECISIONS = Metric(
    "tradewire_risk_decisions_total",
    "counter",
    ("decision", "rule"),
    "Answers to evaluations; a refusal by the first rule that failed, rule is empty otherwise.",
)
METRICS = (GROSS, RATIO, LIMIT, DRAWDOWN, DECISIONS)


class DecisionCounts:
    """Answers that were told since the start."""

    def __init__(self) -> None:
        refused = RiskDecision.REFUSED.lower()
        own = [outcome.rule for outcome in unknown(None, None).rules]
        self._rules = {*rule_names(), *own, VERSION_IN_FORCE, STEP_OPEN, BAR_CLOSED, BAR_EVALUATED, NOT_SKIPPED}
        self._counts = {(decision.lower(), ""): 0 for decision in RiskDecision}
        self._counts |= {(refused, rule): 0 for rule in self._rules}

    def count(self, event: Event) -> None:
        """Take note of what was told."""
        if isinstance(event, RiskAssessed):
            refusals = [outcome.rule for outcome in event.rules if not outcome.passed]
            labels = event.decision.lower(), self._bounded(refusals[0]) if refusals else ""
            self._counts[labels] = self._counts.get(labels, 0) + 1

    def _bounded(self, rule: str) -> str:
        if rule not in self._rules and len(self._rules) >= RULES_MAX:
            return "other"
        self._rules.add(rule)
        return rule

    def figures(self) -> Iterator[Figure]:
        """Every decision, and refusals by every rule, from the start."""
        for labels, count in self._counts.items():
            yield Figure(DECISIONS, labels, count)


def figures(accounts: Iterable[RiskAccount], rules: RiskPort, decisions: DecisionCounts) -> Iterator[Figure]:
    """All of the module's metrics as they stand."""
    for account in accounts:
        yield from _of(account, rules)
    yield from decisions.figures()


def _of(account: RiskAccount, rules: RiskPort) -> Iterator[Figure]:
    state = account.newest_state
    if state is None:
        return
    name, gross = (account.account_id,), exposure_of(state).gross
    yield Figure(GROSS, name, float(gross))
    peak = max(account.peak_equity, state.equity)
    yield Figure(DRAWDOWN, name, float(1 - state.equity / peak) if peak > 0 else 0.0)
    limit = _gross_limit(rules.limits(account.account_id), state.equity)
    if limit:
        yield Figure(RATIO, name, float(gross / limit))
        if state.equity > Decimal(0):
            yield Figure(LIMIT, name, float(limit / state.equity))


def _gross_limit(limits: RiskLimitsChanged, equity: Decimal) -> Decimal | None:
    """What gross exposure may come to, quote: the amount that is set, or the leverage on equity, whichever is less."""
    bounds = [] if limits.max_gross_exposure is None else [limits.max_gross_exposure]
    if limits.max_leverage is not None:
        bounds.append(limits.max_leverage * max(equity, Decimal(0)))
    return min(bounds, default=None)
