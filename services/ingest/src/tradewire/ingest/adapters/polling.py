"""How a venue's REST interface is asked: when, how often, and how long to wait after a failure. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """Bounds of polling, in seconds unless named otherwise.

    ``settle_s``: a bar is asked for this long after its close, when the venue has it final. ``poll_s``: between
    questions for a bar that is late. ``page_bars``: bars per request. ``history_bars``: how far back a first start
    reaches. ``attempts``: tries of one request before RetryableError. ``rate_limit_ms``: per unit of request weight;
    None = as ccxt has it for the venue, more where several processes share one address.
    """

    settle_s: float = 2.0
    poll_s: float = 5.0
    page_bars: int = 499  # Binance: weight 2 up to 499 bars, 5 from 500 on
    history_bars: int = 500
    attempts: int = 6
    backoff_first_s: float = 0.5
    backoff_most_s: float = 30.0
    retry_after_most_s: float = 3 * 86_400.0  # Binance bans (HTTP 418) last up to 3 days
    timeout_s: float = 10.0
    rate_limit_ms: int | None = None


@dataclass(slots=True)
class Backoff:
    """Waits between tries: doubling, bounded, jittered so that many clients don't come back together."""

    policy: PollPolicy
    rng: random.Random = field(default_factory=random.Random)

    def wait_s(self, failures: int, *, retry_after_s: float | None = None) -> float:
        """Seconds to wait after ``failures`` ≥ 1 in a row: half to all of the step, and never less than told."""
        step = min(self.policy.backoff_most_s, self.policy.backoff_first_s * 2.0 ** (failures - 1))
        told = min(retry_after_s or 0.0, self.policy.retry_after_most_s)
        return max(told, step * self.rng.uniform(0.5, 1.0))
