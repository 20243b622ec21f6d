"""Messages as the platform sends them; a test gives only what matters to it."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    GapDetected,
    IndicatorsUpdated,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    RiskLimitsAnswered,
    RiskLimitsChanged,
    StrategyEvaluated,
)
from tradewire.ports.message import Envelope, Event
from tradewire.ports.topics import BY_EVENT
from tradewire.telemetry.adapters.api.examples import EXAMPLES

TRACE = "00-5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7-8a5f3c2e1d0b9a78-01"


class Messages:
    """Makes events, and envelopes that number themselves."""

    def __init__(self) -> None:
        self._offsets = count()

    def order(self, **other: Any) -> OrderChanged:
        return OrderChanged(**EXAMPLES["orders"]["items"][0]["event"] | other)

    def fill(self, **other: Any) -> OrderFilled:
        return OrderFilled(**EXAMPLES["fills"]["items"][0]["event"] | other)

    def evaluation(self, **other: Any) -> StrategyEvaluated:
        return StrategyEvaluated(**EXAMPLES["evaluations"]["items"][0]["event"] | other)

    def assessment(self, **other: Any) -> RiskAssessed:
        return RiskAssessed(**EXAMPLES["assessments"]["items"][0]["event"] | other)

    def state(self, **other: Any) -> AccountStateChanged:
        shown, held = EXAMPLES["account"], EXAMPLES["positions"][0]
        names = set(AccountStateChanged.model_fields)
        position = {name: held[name] for name in held if name not in ("account_id", "as_of_us", "shares")}
        share = {"strategy_id": "ema-cross-btc", "venue": "binance", "symbol": "BTCUSDT", "qty": "1"}
        fields = {name: value for name, value in shown.items() if name in names} | {
            "event_time_us": shown["as_of_us"],
            "positions": (position,),
            "strategy_positions": (share,),
            "open_orders": (),
        }
        return AccountStateChanged(**fields | other)

    def limits(self, **other: Any) -> RiskLimitsAnswered:
        fields = {"account_id": "paper-1", "version": 1, "author": "a", "changed_at_us": 1, **other}
        limits = RiskLimitsChanged(**fields)
        return RiskLimitsAnswered(
            account_id=limits.account_id,
            request_id="e1",
            request_offset=0,
            accepted=True,
            reason="",
            version=limits.version,
            in_force=limits.model_dump_json(),
            event_time_us=1,
        )

    def candle(self, **other: Any) -> CandleClosed:
        prices = dict.fromkeys(("open", "high", "low", "close", "volume"), "100")
        fields = {"venue": "binance", "symbol": "BTCUSDT", "interval": "1h", "open_time_us": 0, "close_time_us": 1}
        return CandleClosed(**fields | prices | other)

    def indicators(self, time_us: int, values: dict[str, float | None], **other: Any) -> IndicatorsUpdated:
        fields: dict[str, Any] = {"venue": "binance", "symbol": "BTCUSDT", "interval": "1h", "close": "100"}
        times = {"open_time_us": 0, "event_time_us": time_us}
        rest = {"values": values, "previous": {}, "input_partition": 0, "input_offset": 0}
        return IndicatorsUpdated(**fields | times | rest | other)

    def gap(self, **other: Any) -> GapDetected:
        fields = {"venue": "binance", "symbol": "BTCUSDT", "interval": "1h", "kind": "MISSING", "event_time_us": 1}
        return GapDetected(**fields | {"missing": 2} | other)

    def envelope(self, event: Event, **other: Any) -> Envelope:
        """As the bus would deliver it next; the event id says what the event is."""
        offset = next(self._offsets)
        fields: dict[str, Any] = {
            "event_id": f"id-{offset:06d}",
            "event_time_us": getattr(event, "event_time_us", 0),
            "topic": BY_EVENT[type(event)].name,
            "partition": 0,
            "offset": offset,
            "traceparent": TRACE,
        }
        return Envelope(**fields | other)


@pytest.fixture
def messages() -> Messages:
    """The maker, numbering from 0."""
    return Messages()
