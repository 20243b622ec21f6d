"""What is done to a run, and when: a few kinds of fault, drawn from a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

TRADING = ("ingest", "indicator", "strategy", "risk", "execution")
SEVERAL = ("indicator", "strategy", "risk", "execution", "telemetry")
"""Services that may have more than one instance."""
FORGETFUL = ("indicator", "strategy", "risk", "execution")
"""Services with a consumer group whose committed offsets decide where they go on."""
EVERYTHING = "everything"
BEYOND_SESSION_SECONDS = (2.0, 6.0)
"""How much longer than its session a member is frozen or away."""


class FaultKind(StrEnum):
    """Kinds of fault."""

    KILL = "kill"
    """SIGKILL; started again at once."""
    RESTART = "restart"
    """Ended in order, and started again at once."""
    FREEZE = "freeze"
    """SIGSTOP for some seconds, then SIGCONT."""
    HAND_OVER = "hand over"
    """An instance leaves its group in order and joins again after some seconds."""
    FORGET = "forget"
    """All instances of a service are killed and the committed offsets of its group deleted."""


class Moment(StrEnum):
    """When a fault comes, in a run with a pace; without one there is no quiet."""

    QUIET = "quiet"
    """Between two bars, when all that follows from the last one has happened."""
    BUSY = "busy"
    """Just after a bar came."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``after_bars``: how many bars have come by then; ``seconds``: how long it lasts, where it does."""

    after_bars: int
    kind: FaultKind
    target: str
    moment: Moment = Moment.BUSY
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.0f} s" if self.seconds else ""
        return f"{self.kind} {self.target}{lasting}"


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many faults of each kind. ``broker_frozen_s``: one freeze of Kafka for each number, in seconds."""

    kills: int = 30
    restarts: int = 2
    freezes: int = 0
    hand_overs: int = 0
    forgets: int = 0
    blackouts: int = 0
    broker_restarts: int = 2
    database_kills: int = 1
    broker_frozen_s: tuple[float, ...] = ()

    @property
    def total(self) -> int:
        """Faults in all."""
        counted = (self.kills, self.restarts, self.freezes, self.hand_overs, self.forgets, self.blackouts)
        return sum(counted) + self.broker_restarts + self.database_kills + len(self.broker_frozen_s)


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """The faults of a run, in order: the same for the same seed and question."""

    seed: int
    faults: tuple[Fault, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How often each kind comes to each target."""
        return dict(sorted(Counter(f"{fault.kind} {fault.target}" for fault in self.faults).items()))

    @classmethod
    def drawn(
        cls, *, seed: int, bars: int, amounts: Amounts, instances: Mapping[str, int], session_s: float
    ) -> ChaosPlan:
        """Faults spread over a run of ``bars`` bars, over services and their instances in turn."""
        dice = random.Random(seed)
        lasting = ((kind, target, seconds) for kind, target, seconds in _faults(dice, amounts, instances, session_s))
        faults = [
            Fault(dice.randrange(1, max(2, bars)), kind, target, dice.choice(list(Moment)), round(seconds, 1))
            for kind, target, seconds in lasting
        ]
        return cls(seed, tuple(sorted(faults, key=lambda fault: (fault.after_bars, fault.target, fault.kind))))


def _faults(
    dice: random.Random, amounts: Amounts, instances: Mapping[str, int], session_s: float
) -> Iterator[tuple[FaultKind, str, float]]:
    """Kind, target and length of every fault."""

    def beyond() -> float:
        return session_s + dice.uniform(*BEYOND_SESSION_SECONDS)

    everyone = _instances([*TRADING, *(("telemetry",) if "telemetry" in instances else ())], instances)
    members = _instances([name for name in SEVERAL if name in instances], instances)
    last = [max(name for name in members if name.startswith(service)) for service in SEVERAL if service in instances]
    yield from ((FaultKind.KILL, target, 0.0) for target in _in_turn(dice, everyone, amounts.kills))
    yield from ((FaultKind.RESTART, target, 0.0) for target in _in_turn(dice, everyone, amounts.restarts))
    yield from ((FaultKind.FREEZE, target, beyond()) for target in _in_turn(dice, members, amounts.freezes))
    yield from ((FaultKind.HAND_OVER, target, beyond()) for target in _in_turn(dice, last, amounts.hand_overs))
    yield from ((FaultKind.FORGET, target, 0.0) for target in _in_turn(dice, FORGETFUL, amounts.forgets))
    yield from ((FaultKind.KILL, EVERYTHING, 0.0) for _ in range(amounts.blackouts))
    yield from ((FaultKind.RESTART, "kafka", 0.0) for _ in range(amounts.broker_restarts))
    yield from ((FaultKind.KILL, "postgres", 0.0) for _ in range(amounts.database_kills))
    yield from ((FaultKind.FREEZE, "kafka", seconds) for seconds in amounts.broker_frozen_s)


def _in_turn(dice: random.Random, targets: Sequence[str], count: int) -> list[str]:
    """So many of the targets, each as often as the others, in a drawn order."""
    order = [targets[number % len(targets)] for number in range(count)]
    dice.shuffle(order)
    return order


def _instances(services: Sequence[str], instances: Mapping[str, int]) -> list[str]:
    """Names of the instances: the first is called as its service."""
    return [
        f"{service}-{number}" if number else service
        for number in range(max(instances.values(), default=1))
        for service in services
        if number < instances.get(service, 1)
    ]
