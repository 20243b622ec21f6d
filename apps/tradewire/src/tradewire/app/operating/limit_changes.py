"""Limits from the operator's side: a change is asked for, then risk says what it obeys."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal

from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.ports.bus import Place
from tradewire.ports.errors import ContractViolationError, TradewireError
from tradewire.ports.events import RiskLimitsAnswered, RiskLimitsChanged
from tradewire.ports.message import Event
from tradewire.ports.risk import limits_told
from tradewire.ports.topics import BY_EVENT
from tradewire.trading.limit_bounds import fault_of

OVERTAKEN_MAX = 5
"""How often a change is asked for again when others change the same limits at the same time."""


class LimitChanges:
    """Asks risk for limits, and reads what it obeys."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def change(
        self, account_id: str, changes: Mapping[str, Decimal | float | None], within_s: float
    ) -> RiskLimitsChanged:
        """Change some of an account's limits; returns what risk obeys since.

        A change that another one overtook is asked for again, on the limits that are in force by then.
        Raises: NoAnswerError when risk does not answer in time; TradewireError with the reason of a refusal.
        """
        for _ in range(OVERTAKEN_MAX):
            known = (await self.in_force()).get(account_id)
            limits = RiskLimitsChanged(
                **({} if known is None else known.model_dump())
                | {
                    **changes,
                    "account_id": account_id,
                    "version": 1 if known is None else known.version + 1,
                    "author": self._operator.author,
                    "changed_at_us": self._operator.clock.now_us(),
                }
            )
            if (fault := fault_of(limits)) is not None:
                raise TradewireError(fault)
            answer = await self._ask(limits, within_s)
            if answer.accepted:
                return limits_told(answer)
            if answer.version < limits.version:
                break
        raise TradewireError(f"{account_id}: risk refused it: {answer.reason}; in force: version {answer.version}")

    async def _ask(self, limits: RiskLimitsChanged, within_s: float) -> RiskLimitsAnswered:
        place = Place(BY_EVENT[RiskLimitsAnswered].name, 0)
        ends = await self._operator.bus.end_offsets([place])
        event_id = await self._operator.say(limits)
        answers: list[RiskLimitsAnswered] = []

        def answered(event: Event | None) -> bool:
            if isinstance(event, RiskLimitsAnswered) and event.request_id == event_id:
                answers.append(event)
            return bool(answers)

        try:
            await self._operator.follow(RiskLimitsAnswered, ends, answered, within_s)
        except TimeoutError:
            raise NoAnswerError(
                f"{limits.account_id}: version {limits.version} was asked for, and risk did not answer within "
                f"{within_s:g} s: not known to be in force; `tradewire limits show` tells what risk obeys"
            ) from None
        return answers[0]

    async def in_force(self) -> dict[str, RiskLimitsChanged]:
        """Limits in force by account, as risk told them last."""
        found = {}
        for account_id, answer in sorted((await self._operator.latest(RiskLimitsAnswered)).items()):
            assert isinstance(answer, RiskLimitsAnswered), "the topic carries answers"
            with suppress(ContractViolationError):
                limits = limits_told(answer)
                if limits.version:
                    found[account_id] = limits
        return found
