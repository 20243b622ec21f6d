"""How long each stage of an order took, from the times at which its messages were sent."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from tradewire.ports.events import CandleClosed, OrderChanged, OrderStatus, RiskAssessed, StrategyEvaluated
from tradewire.ports.message import Envelope, Event

KEPT_MAX = 50_000
"""Beginnings that are remembered, and ends that wait for theirs; the oldest make room."""


class Stage(StrEnum):
    """From one message to the next: candle, evaluation, assessment, order submitted, acknowledged, all filled."""

    TICK_TO_SIGNAL = "tick_to_signal"
    SIGNAL_TO_DECISION = "signal_to_decision"
    DECISION_TO_SEND = "decision_to_send"
    SEND_TO_ACK = "send_to_ack"
    ACK_TO_FILL = "ack_to_fill"


class Took(NamedTuple):
    """A stage and its time, s."""

    stage: Stage
    seconds: float


_End = tuple[Stage, str]


class Latencies:
    """Pairs the two ends of each stage, whichever is read first: topics are read side by side."""

    def __init__(self, *, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._begun: dict[_End, int] = {}
        self._waiting: dict[_End, list[int]] = {}

    def take(self, event: Event, envelope: Envelope) -> list[Took]:
        """Stages that this message completes; none for one whose time of sending is unknown.

        A message may be taken twice only if its beginnings are: an end that is taken twice tells its time twice.
        """
        if not envelope.sent_at_us:
            return []
        took = [each for end in _ends(event, envelope) for each in self._end(end, envelope.sent_at_us)]
        return took + [each for end in _begins(event, envelope) for each in self._begin(end, envelope.sent_at_us)]

    def _begin(self, end: _End, at_us: int) -> list[Took]:
        self._begun[end] = at_us
        if len(self._begun) > self._kept_max:
            del self._begun[next(iter(self._begun))]
        return [_took(end, at_us, ended_us) for ended_us in self._waiting.pop(end, ())]

    def _end(self, end: _End, at_us: int) -> list[Took]:
        begun_us = self._begun.get(end)
        if begun_us is not None:
            return [_took(end, begun_us, at_us)]
        self._waiting.setdefault(end, []).append(at_us)
        if len(self._waiting) > self._kept_max:
            del self._waiting[next(iter(self._waiting))]
        return []


def _took(end: _End, from_us: int, to_us: int) -> Took:
    """Clocks of two hosts differ a little: no time is below zero."""
    return Took(end[0], max(0, to_us - from_us) / 1e6)


def _begins(event: Event, envelope: Envelope) -> Iterator[_End]:
    match event:
        case CandleClosed():
            yield Stage.TICK_TO_SIGNAL, envelope.correlation_id
        case StrategyEvaluated():
            yield Stage.SIGNAL_TO_DECISION, envelope.event_id
        case RiskAssessed():
            for intent in event.intents:
                yield Stage.DECISION_TO_SEND, intent.client_order_id
        case OrderChanged(status=OrderStatus.SUBMITTED):
            yield Stage.SEND_TO_ACK, event.client_order_id
        case OrderChanged(status=OrderStatus.ACCEPTED):
            yield Stage.ACK_TO_FILL, event.client_order_id


def _ends(event: Event, envelope: Envelope) -> Iterator[_End]:
    match event:
        case StrategyEvaluated():
            yield Stage.TICK_TO_SIGNAL, envelope.correlation_id
        case RiskAssessed():
            yield Stage.SIGNAL_TO_DECISION, event.evaluation_id
        case OrderChanged(status=OrderStatus.SUBMITTED):
            yield Stage.DECISION_TO_SEND, event.client_order_id
        case OrderChanged(status=OrderStatus.ACCEPTED):
            yield Stage.SEND_TO_ACK, event.client_order_id
        case OrderChanged(status=OrderStatus.FILLED):
            yield Stage.ACK_TO_FILL, event.client_order_id
