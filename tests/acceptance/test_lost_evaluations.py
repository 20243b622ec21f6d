"""Bars whose snapshots strategy passed over: each is refused with words, and a replay goes on behind it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.bus import Place
from tradewire.ports.events import AccountStateChanged, IndicatorsUpdated, RiskAssessed, RiskDecision
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
        self.lost, self.rng, self.letters, self.skips = lost, rng, list[Message](), False
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
            if isinstance(member, RiskMember) and self.skips and isinstance(message.event, AccountStateChanged):
                self._skip(member, place, message)
            else:
                member.deliver(place)
            if self.rng.random() < 0.05:
                member.checkpoint(commit=self.rng.random() < 0.7)
            if isinstance(member, RiskMember) and self.rng.random() < 0.02:
                member.start()

    def skip_what_waits(self) -> None:
        """An operator has risk pass over the account states that it reads from now on, and those that it holds."""
        self.skips = True
        next(member for member in self.members if isinstance(member, RiskMember)).start()
        self.settle()

    def _skip(self, member: RiskMember, place: Place, message: Message) -> None:
        handler = member.table[place.topic].skipped
        assert handler is not None, "risk answers what it passes over"
        member.positions[place] += 1
        member.say(handler(message.event, message.envelope))

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


SEEDS = st.integers(0, 2**32)
SOME = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lossy_prices(rng: random.Random, first: int, lost: int, behind: int) -> list[int]:
    """Closes, of which those of the ``lost`` bars ask for no trade."""
    return [*rng.choices(PRICES, k=first), *([HOLD] * lost), *rng.choices(PRICES, k=behind)]


@SOME
@given(seed=SEEDS, first=st.integers(1, 6), count=st.integers(1, 4), behind=st.integers(0, 5))
def test_replay_when_bars_in_a_row_are_lost_then_they_are_refused_and_it_is_as_if_they_had_asked_for_no_trade(
    seed: int, first: int, count: int, behind: int
) -> None:
    """As many bars behind as were lost set it free, one less at the end of the stream."""
    rng = random.Random(seed)
    closes = lossy_prices(rng, first, count, max(count - 1, 1) + behind)
    lost = range(first, first + count)
    loop, whole = LossyLoop(closes, lost, rng), calm(closes, rng)
    assert loop.waiting() == []
    assert loop.decisions() == whole.decisions() | dict.fromkeys(lost, RiskDecision.REFUSED)
    assert loop.fingerprint() == whole.fingerprint()
    loop.replay_letters()
    loop.settle()
    assert loop.waiting() == []
    assert loop.decisions() == whole.decisions() | dict.fromkeys(lost, RiskDecision.REFUSED), "they stand"
    assert loop.fingerprint() == whole.fingerprint()


@SOME
@given(seed=SEEDS, first=st.integers(1, 6), count=st.integers(3, 5), behind=st.integers(0, 3))
def test_replay_when_too_few_bars_behind_lost_ones_agree_then_a_skip_or_the_lost_bars_let_it_go_on(
    seed: int, first: int, count: int, behind: int
) -> None:
    rng, behind = random.Random(seed), min(behind, count - 2)
    closes = lossy_prices(rng, first, count, behind)
    loop, whole = LossyLoop(closes, range(first, first + count), rng), calm(closes, rng)
    assert loop.waiting()
    expected = whole.decisions()
    if rng.random() < 0.5:
        loop.replay_letters()
        loop.settle()
    else:
        loop.skip_what_waits()
        expected |= dict.fromkeys(range(first, first + count), RiskDecision.REFUSED)
    assert loop.waiting() == []
    assert loop.decisions() == expected
    assert loop.fingerprint() == whole.fingerprint()
