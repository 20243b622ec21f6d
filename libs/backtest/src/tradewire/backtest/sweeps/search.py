"""Ways through a space: batches of parameter sets, each chosen from the scores of those before it.

A search is a function of its settings and of the scores alone, so that a sweep that was stopped asks for the same sets
again and finds their scores in its store, and the number of workers changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.sweeps.space import ParamSet, Space

if TYPE_CHECKING:
    import optuna

    from tradewire.ports.backtest import FloatArray

    Batches = Generator[list[ParamSet], FloatArray, None]

SEARCHES = ("grid", "random", "tpe")
BATCH = 4096
"""Sets asked for at once by a search that doesn't look at scores."""
TPE_BATCH = 16
"""Sets that TPE asks for before it learns; fixed, so that results don't depend on the number of workers."""
COUNTED_MAX = 1_000_000
"""Spaces up to this size are counted, and listed where most of their sets are wanted."""
WORST = -1e30
"""Score that TPE is told for sets that never traded or are not allowed."""
MISSES_MAX = 50
"""Draws for each set wanted before a constrained space counts as used up."""


@dataclass(frozen=True, slots=True)
class Search:
    """``kind``: one of SEARCHES; ``trials``: sets to try, all for a grid; ``seed`` of random and tpe."""

    kind: str = "grid"
    trials: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises: ValueError."""
        if self.kind not in SEARCHES:
            raise ValueError(f"--search: found {self.kind!r}, allowed {', '.join(SEARCHES)}")
        if self.trials < 1:
            raise ValueError(f"--trials: found {self.trials}, allowed 1 or more")

    def planned(self, space: Space) -> int:
        """Sets that it will try at most."""
        if self.kind == "grid":
            return space.count()
        return min(self.trials, space.count() if space.size <= COUNTED_MAX else space.size)

    def batches(self, space: Space) -> Batches:
        """Sets to try, no set twice; send the scores (higher is better, NaN is worst) of each batch, in its order."""
        if self.kind == "tpe":
            yield from _tpe(space, self)
            return
        sets = space.sets() if self.kind == "grid" else _drawn(space, self)
        while batch := list(islice(sets, BATCH)):
            yield batch


def _drawn(space: Space, search: Search) -> Iterator[ParamSet]:
    """Sets drawn without replacement; every one in a random order when that many are wanted."""
    dice = random.Random(search.seed)  # noqa: S311 - a seeded search
    wanted = search.planned(space)
    if space.size <= COUNTED_MAX and wanted * 4 >= space.count():
        everything = list(space.sets())
        dice.shuffle(everything)
        yield from everything[:wanted]
        return
    seen: set[int] = set()
    for number in (dice.randrange(space.size) for _ in range(wanted * MISSES_MAX * TPE_BATCH)):
        if not wanted:
            return
        if number not in seen and space.allows(space.at(number)):
            seen.add(number)
            wanted -= 1
            yield space.at(number)


def _tpe(space: Space, search: Search) -> Batches:
    """Tree-structured Parzen estimator (Bergstra et al. 2011, by optuna) over the levels' places."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=search.seed, multivariate=False, n_startup_trials=2 * TPE_BATCH)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    known: dict[ParamSet, float] = {}
    wanted = search.planned(space)
    dice = random.Random(search.seed)  # noqa: S311 - a seeded search
    while len(known) < wanted:
        asked = _asked(study, space, known, min(TPE_BATCH, wanted - len(known)), dice)
        if not asked:
            return
        found = yield list(asked)
        for (values, trial), score in zip(asked.items(), found, strict=True):
            known[values] = float(score) if np.isfinite(score) else WORST
            study.tell(trial, known[values])


def _asked(
    study: optuna.Study, space: Space, known: dict[ParamSet, float], wanted: int, dice: random.Random
) -> dict[ParamSet, optuna.Trial]:
    """New sets and their trials; where the sampler only repeats itself, sets drawn at random."""
    asked: dict[ParamSet, optuna.Trial] = {}
    for attempt in range(wanted * MISSES_MAX):
        if len(asked) == wanted:
            break
        if attempt >= 2 * wanted:
            places = {name: dice.randrange(len(levels)) for name, levels in space.levels.items()}
            values = _of_places(space, places)
            if values in asked or values in known or not space.allows(values):
                continue
            study.enqueue_trial(places)
        trial = study.ask()
        values = _of_places(space, {name: trial.suggest_int(name, 0, len(v) - 1) for name, v in space.levels.items()})
        if values not in asked and values not in known and space.allows(values):
            asked[values] = trial
        elif values in known:
            study.tell(trial, known[values])
        else:
            study.tell(trial, WORST)
    return asked


def _of_places(space: Space, places: Mapping[str, int]) -> ParamSet:
    return tuple(levels[places[name]] for name, levels in space.levels.items())
