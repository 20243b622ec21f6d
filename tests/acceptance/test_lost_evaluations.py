"""Bars whose snapshots strategy passed over, for good or until they are replayed: a replay goes on behind them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.events import IndicatorsUpdated, RiskAssessed, RiskDecision
from tradewire.testkit.builders import BTC, candle, instrument, limits
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.loop_members import ExecutionMember, RiskMember, StrategyMember
from tradewire.testkit.plain_log import Message
from tradewire.testkit.strategies import active, document, status

RULES = {"entry_long": "close > 100", "exit_long": "close < 90", "entry_short": "close < 0", "exit_short": "close < 0"}
TURNS = document("trend", "alpha", BTC, **RULES)
SETUP = [instrument(BTC), limits("alpha"), status(active(TURNS))]
HOLD, ENTER, EXIT = 95, 101, 85
PRICES = (HOLD, ENTER, EXIT)


class LossyLoop(ClosedLoop):
    """The trading loop, where strategy passes over the snapshots of some bars."""

    def __init__(self, closes: Sequence[int], lost: Sequence[int], rng: random.Random) -> None:
        self.lost, self.rng, self.letters = lost, rng, list[Message]()
        bars = [candle(n, close, last_of_stream=n == len(closes) - 1) for n, close in enumerate(closes)]
        super().__init__(SETUP, bars)
        self.settle()

    def settle(self) -> None:
        """Deliver what there is, in a random order, with crashes of risk."""
        while ready := self.ready():
            member, place = self.rng.choice(ready)
            message = self.log.records[place][member.positions[place]]
            if isinstance(member, StrategyMember) and self._is_lost(message):
                self.letters.append(message)
                member.positions[place] += 1
                continue
            member.deliver(place)
            if self.rng.random() < 0.05:
                member.checkpoint(commit=self.rng.random() < 0.7)
            if isinstance(member, RiskMember) and self.rng.random() < 0.02:
                member.start()

    def replay_letters(self) -> None:
        """What strategy passed over is handled after all."""
        (member,) = (member for member in self.members if isinstance(member, StrategyMember))
        for message in self.letters:
            member.say(member.table[message.envelope.topic].handler(message.event, message.envelope))

    def decisions(self) -> dict[int, RiskDecision]:
        """What risk answered, by bar."""
        found: dict[int, RiskDecision] = {}
        for answer in self.outputs().values():
            if isinstance(answer, RiskAssessed):
                assert found.setdefault(number(answer.event_time_us), answer.decision) is answer.decision
        return found

    def waiting(self) -> list[str]:
        """What risk and execution wait for."""
        return [
            wait.what for m in self.members if isinstance(m, RiskMember | ExecutionMember) for wait in m.desk.waits()
        ]

    def _is_lost(self, message: Message) -> bool:
        event = message.event
        return isinstance(event, IndicatorsUpdated) and number(event.event_time_us) in self.lost


def number(close_us: int) -> int:
    """Of the bar that closes then."""
    return close_us // candle(0).close_time_us - 1


def calm(closes: Sequence[int], rng: random.Random) -> LossyLoop:
    """Nothing is lost."""
    loop = LossyLoop(closes, (), rng)
    assert loop.waiting() == []
    assert len(loop.decisions()) == len(closes)
    return loop


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), first=st.integers(1, 6), count=st.integers(1, 4), behind=st.integers(0, 3))
def test_replay_when_bars_in_a_row_are_lost_then_goes_on_behind_them(
    seed: int, first: int, count: int, behind: int
) -> None:
    """As many bars without a signal as were lost set it free, one less at the end of the stream."""
    rng = random.Random(seed)
    trades = [rng.choice(PRICES) for _ in range(behind)]
    held = count + (count if trades else max(count - 1, 1))
    closes = [*(rng.choice(PRICES) for _ in range(first)), *([HOLD] * held), *trades]
    lost = range(first, first + count)
    loop = LossyLoop(closes, lost, rng)
    assert loop.waiting() == []
    whole = calm(closes, rng)
    assert loop.decisions() == {bar: answer for bar, answer in whole.decisions().items() if bar not in lost}
    assert loop.fingerprint() == whole.fingerprint()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), first=st.integers(1, 6), count=st.integers(1, 3), behind=st.integers(0, 5))
def test_replay_when_it_stands_at_lost_bars_and_they_are_replayed_then_all_is_as_if_nothing_had_been_lost(
    seed: int, first: int, count: int, behind: int
) -> None:
    rng = random.Random(seed)
    closes = [rng.choice(PRICES) for _ in range(first + count)]
    closes += [ENTER, *(rng.choice(PRICES) for _ in range(behind))]
    loop = LossyLoop(closes, range(first, first + count), rng)
    assert loop.waiting(), "the signal behind waits for its account state, and that for an answer about the lost bar"
    loop.replay_letters()
    loop.settle()
    assert loop.waiting() == []
    whole = calm(closes, rng)
    assert loop.decisions() == whole.decisions()
    assert loop.fingerprint() == whole.fingerprint()
