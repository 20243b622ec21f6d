"""The account of a run from what was asked for, in words or numbers: the one check that commands and Python share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from tradewire.ports.backtest import AccountSettings, MarginMode
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.bounds import WORTH_BOUND
from tradewire.trading.limit_bounds import LIMITS, NO_LIMIT, fault_of
from tradewire.trading.spelling import nearest_word

Amount = Decimal | float | str
Named = Mapping[str, Amount | None] | str | Sequence[str]
"""Amounts by name, or as the commands take them: ``"name=1"``, one text or several."""
LATENCY_MS_MAX = 86_400_000
_UNIT = Decimal("0.00000001")
_BOUNDS = {
    "capital": (_UNIT, WORTH_BOUND),
    "fee": (Decimal(0), 1 - _UNIT),
    "slippage_bps": (Decimal(0), Decimal(9999)),
    "volume_share": (Decimal(0), Decimal(1)),
}
"""Least and most of each amount, both included."""


class SettingError(ValueError):
    """A setting that no run can have; ``name`` as in Python."""

    def __init__(self, name: str, found: object, allowed: str) -> None:
        super().__init__(f"{name}: found {found}, allowed {allowed}")
        self.name, self.found, self.allowed = name, found, allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWords:
    """An account as asked for. ``capital`` quote; ``fee``: rate for takers and makers in place of the instruments'
    own; ``limits``: risk limits by name, as ``tradewire limits set`` takes them. Defaults are those of a paper account.
    """

    capital: Amount = 100_000
    leverage: int = 5
    margin_mode: MarginMode | str = MarginMode.CROSS
    slippage_bps: Amount = 1
    fee: Amount | None = None
    volume_share: Amount = 0
    latency_ms: int = 0
    limits: Mapping[str, Amount | None] = field(default_factory=dict)

    def settings(self, account_id: str) -> AccountSettings:
        """The account. Raises SettingError, a ValueError, for a setting out of range."""
        rate = None if self.fee is None else self._amount("fee")
        return AccountSettings(
            capital=self._amount("capital"),
            leverage=self._whole("leverage", 1, 1_000),
            margin_mode=self._margin_mode(),
            slippage_bps=self._amount("slippage_bps"),
            taker_fee=rate,
            maker_fee=rate,
            volume_share=self._amount("volume_share"),
            latency_us=self._whole("latency_ms", 0, LATENCY_MS_MAX) * 1000,
            limits=limits_of(account_id, self.limits),
        )

    def _amount(self, name: str) -> Decimal:
        value = decimal_of(name, getattr(self, name))
        least, most = _BOUNDS[name]
        if not least <= value <= most:
            raise SettingError(name, getattr(self, name), f"{least:f} to {most:f}")
        if value != value.quantize(_UNIT):
            raise SettingError(name, getattr(self, name), "at most 8 decimals")
        return value

    def _whole(self, name: str, least: int, most: int) -> int:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise SettingError(name, repr(value), f"a whole number from {least} to {most:,}")
        return value

    def _margin_mode(self) -> MarginMode:
        try:
            return MarginMode(str(self.margin_mode).upper())
        except ValueError:
            raise SettingError("margin_mode", repr(self.margin_mode), " or ".join(MarginMode).lower()) from None


def decimal_of(name: str, value: Amount | None) -> Decimal:
    """The decimal that Python prints for the number. Raises SettingError for none, NaN and infinity."""
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise SettingError(name, repr(value), "a number") from None
    if not found.is_finite():
        raise SettingError(name, value, "a finite number")
    return found


def named_amounts(what: str, given: Named | None) -> Mapping[str, Amount | None]:
    """Amounts by name, whichever way they are given. Raises SettingError for what is none."""
    if given is None or isinstance(given, Mapping):
        return given or {}
    allowed = "a mapping of names to numbers, or texts as 'name=1'"
    words: Sequence[object] = (given,) if isinstance(given, str) or not isinstance(given, Sequence) else given
    found: dict[str, Amount | None] = {}
    for word in words:
        name, equals, text = word.partition("=") if isinstance(word, str) else ("", "", "")
        if not equals:
            raise SettingError(what, repr(word), allowed)
        found[name.strip()] = text.strip()
    return found


def limits_of(account_id: str, limits: Mapping[str, Amount | None]) -> RiskLimitsChanged | None:
    """Risk limits by name as risk obeys them; None for none. Raises SettingError for one that is no limit."""
    changes: dict[str, Any] = {name: _limit(name, value) for name, value in limits.items()}
    if not changes:
        return None
    told = RiskLimitsChanged(account_id=account_id, version=1, author="backtest", changed_at_us=0, **changes)
    if (fault := fault_of(told)) is not None:
        name, _, rest = fault.partition(": found ")
        found, _, allowed = rest.partition("; allowed: ")
        raise SettingError(f"limits: {name}", found, allowed)
    return told


def _limit(name: str, value: Amount | None) -> Decimal | int | None:
    if name not in LIMITS:
        near = nearest_word(name, LIMITS)
        hint = f"; did you mean {near}?" if near else ""
        raise SettingError("limits", repr(name), f"names of {', '.join(LIMITS)}{hint}")
    if value is None or value == NO_LIMIT:
        return None
    found = decimal_of(f"limits: {name}", value)
    if int not in get_args(RiskLimitsChanged.model_fields[name].annotation):
        return found
    if found != found.to_integral_value():
        raise SettingError(f"limits: {name}", value, "a whole number")
    return int(found)
