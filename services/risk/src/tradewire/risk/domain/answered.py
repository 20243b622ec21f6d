"""Which evaluations an account has answered: one that is read again says nothing new, any other is answered."""

from __future__ import annotations

REMEMBERED_MAX = 1024
"""Answers of an account that are told from evaluations which nobody answered."""


class AnsweredEvaluations:
    """The newest, by id. ``since_us``: of bars that closed up to then not all are remembered; -1: all are."""

    def __init__(self, since_us: int = -1) -> None:
        self.since_us = since_us
        self._times_us: dict[str, int] = {}

    def add(self, evaluation_id: str, time_us: int) -> None:
        """One was answered."""
        self._times_us[evaluation_id] = time_us
        if len(self._times_us) > REMEMBERED_MAX:
            self.since_us = max(self.since_us, self._times_us.pop(next(iter(self._times_us))))

    def has(self, evaluation_id: str) -> bool:
        """Is it known that this one was answered?"""
        return evaluation_id in self._times_us

    def time_us(self, evaluation_id: str) -> int:
        """Close of the bar that one which is known was answered for."""
        return self._times_us[evaluation_id]
