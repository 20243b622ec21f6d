"""Failures of what only tells about the work: logged, and the next round is done all the same."""

from __future__ import annotations

import logging
from types import TracebackType

log = logging.getLogger(__name__)
TEXTS_MAX = 100
"""Most different errors that are logged at once: some texts hold a number."""
AGAIN_EVERY = 1_000
"""Failed rounds between two lines about what goes on failing: a quarter of an hour of heartbeats."""


def why(error: BaseException) -> str:
    """The exceptions behind one, by their types and texts."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(why, error.exceptions))
    return f"{type(error).__name__}: {error}"


class FailuresLogged:
    """``with`` it, a round may fail: the error goes no further. Each new text is logged, and what goes on failing at
    its 2nd, 4th, 8th, ... failure, then every 1,000.

    A task that died instead would leave its last word standing, and liveness, metrics and reports would lie.
    ``what`` fails, for people; ``last``: the newest error.
    """

    def __init__(self, what: str) -> None:
        self._what, self.last, self._count = what, "", 0
        self._logged: set[str] = set()

    def __enter__(self) -> None:
        """Begin a round."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Log an error; a cancellation is none."""
        if not isinstance(error, Exception):
            return False
        self.last = why(error)
        self._count += 1
        is_new = self.last not in self._logged and len(self._logged) < TEXTS_MAX
        if is_new:
            self._logged.add(self.last)
        if is_new or self._is_due():
            extra = {"event": "observing_failed", "failures": self._count}
            log.error("%s failed: %s", self._what, self.last, exc_info=error, extra=extra)
        return True

    def _is_due(self) -> bool:
        """Whether this failure is logged although its text was: by its number, so that the lines become rare."""
        return self._count % AGAIN_EVERY == 0 or (self._count < AGAIN_EVERY and self._count.bit_count() == 1)
