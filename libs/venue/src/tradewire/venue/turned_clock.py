"""The venue's clock: time can run faster than the machine's, and be turned forward."""

from __future__ import annotations

from tradewire.ports.clock import ClockPort


class TurnedClock:
    """Starts ``behind_s`` before the machine's time and runs ``speed`` times as fast.

    ``ahead_us``: what `turn` has added.
    """

    def __init__(self, clock: ClockPort, *, speed: float = 1.0, behind_s: float = 0.0) -> None:
        self._clock, self.speed, self._behind_us = clock, speed, round(behind_s * 1e6)
        self._origin_us, self._origin_s = clock.now_us() - self._behind_us, clock.monotonic_s()
        self.ahead_us = 0
        self._held_us: int | None = None

    def now_us(self) -> int:
        """The venue's time: UTC, µs since the epoch."""
        if self._held_us is not None:
            return self._held_us
        elapsed_s = self._clock.monotonic_s() - self._origin_s
        return self._origin_us + round(elapsed_s * self.speed * 1e6) + self.ahead_us

    @property
    def is_turned(self) -> bool:
        """Whether it may differ from the machine's clock."""
        return self.speed != 1.0 or self.ahead_us != 0 or self._behind_us != 0

    def machine_us(self) -> int:
        """The machine's time, which clients have too."""
        return self._clock.now_us()

    def turn(self, seconds: float) -> None:
        """Move the venue's time forward."""
        self.ahead_us += round(seconds * 1e6)

    def hold(self) -> None:
        """Let the venue's time stand still from now on."""
        self._held_us = self.now_us()
