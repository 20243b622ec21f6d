"""Failures of what only tells about the work: logged, and the next round is done all the same."""

from __future__ import annotations

import logging
from types import TracebackType

log = logging.getLogger(__name__)
TEXTS_MAX = 100
"""Most different errors that are logged: some texts hold a number."""


def why(error: BaseException) -> str:
    """The exceptions behind one, by their types and texts."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(why, error.exceptions))
    return f"{type(error).__name__}: {error}"


class FailuresLogged:
    """``with`` it, a round may fail: the error goes no further, and each text is logged once.

    A task that died instead would leave its last word standing, and liveness, metrics and reports would lie.
    ``what`` fails, for people; ``last``: the newest error.
    """

    def __init__(self, what: str) -> None:
        self._what, self.last = what, ""
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
        if self.last not in self._logged and len(self._logged) < TEXTS_MAX:
            self._logged.add(self.last)
            log.error("%s failed: %s", self._what, self.last, exc_info=error, extra={"event": "observing_failed"})
        return True
