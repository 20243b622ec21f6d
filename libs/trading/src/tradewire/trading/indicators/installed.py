"""Indicators that installed packages offer through the entry point group `tradewire.indicators`.

Each is checked like the built-in ones before a strategy may name it. Nothing is loaded until a name is asked for that
is not built in, or all names are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

import numpy as np

from tradewire.trading.indicators.model import FloatArray, Indicator, Param

GROUP = "tradewire.indicators"
CHECK_BARS = 300
CHECK_SEED = 20_260_102
HOLES = (0, 150)
"""Bars without a value in the second of the two histories that an indicator is checked on."""
_FIELDS = ("open", "high", "low", "close", "volume")


class Catalogue(Mapping[str, Indicator]):
    """The built-in indicators, and the installed ones that passed their check.

    `refused` tells of the others, by name, why they may not be used.
    """

    def __init__(self, built_in: Mapping[str, Indicator]) -> None:
        self._built_in = built_in
        self._installed: dict[str, Indicator] | None = None
        self._refused: dict[str, str] = {}

    def __getitem__(self, name: str) -> Indicator:
        found = self._built_in.get(name)
        return self._load()[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter((*self._built_in, *self._load()))

    def __len__(self) -> int:
        return len(self._built_in) + len(self._load())

    @property
    def refused(self) -> Mapping[str, str]:
        """Why an installed indicator may not be used, by the name of its entry point."""
        self._load()
        return self._refused

    def _load(self) -> dict[str, Indicator]:
        if self._installed is None:
            self._installed = {}
            for point in entry_points(group=GROUP):
                fault = self._take(point, self._installed)
                if fault:
                    self._refused[point.name] = f"`{point.value}` is installed, but may not be used: {fault}"
        return self._installed

    def _take(self, point: EntryPoint, taken: dict[str, Indicator]) -> str | None:
        """Add what the entry point offers; else say why not."""
        try:
            found = point.load()
            if not isinstance(found, Indicator):
                return f"it is a {type(found).__name__}, allowed is an Indicator"
            if found.name != point.name:
                return f"its name is {found.name}, that of its entry point {point.name}; both must be the same"
            if found.name in self._built_in or found.name in taken:
                return f"an indicator called {found.name} exists already"
            fault = fault_of(found)
        except (Exception, SystemExit) as error:  # whatever a stranger's code raises must not end a service
            return f"{type(error).__name__}: {error}"
        if fault is None:
            taken[found.name] = found
        return fault


def fault_of(indicator: Indicator) -> str | None:
    """What is wrong with an indicator: its description, a difference between its forms, or its warm-up."""
    unknown = [name for name in indicator.fields if name not in _FIELDS]
    if unknown or not indicator.outputs:
        return f"it reads {', '.join(unknown)}, allowed are {', '.join(_FIELDS)}" if unknown else "it has no output"
    for params in (tuple(param.default for param in indicator.params), tuple(map(_small, indicator.params))):
        for holes in ((), HOLES):
            inputs = _inputs(indicator, holes)
            fault = _difference(indicator, inputs, params)
            if fault:
                return fault
    return None


def _small(param: Param) -> float:
    return min(max(param.low, 2.0), param.high)


def _difference(indicator: Indicator, inputs: list[FloatArray], params: tuple[float, ...]) -> str | None:
    stream = indicator.stream(*params)
    fed = [stream.update(*bar) for bar in zip(*(column.tolist() for column in inputs), strict=True)]
    if not all(math.isfinite(number) for number in stream.state):
        return "its state holds a number that is not finite"
    whole, warmup = indicator.array(inputs, params), indicator.warmup(*params)
    streamed = np.array(fed, dtype=np.float64)
    gapless = all(bool(np.isfinite(column).all()) for column in inputs)
    for place, name in enumerate(indicator.outputs):
        one, other = streamed[:, place], whole[place]
        differ = np.flatnonzero(~((one == other) | (np.isnan(one) & np.isnan(other))))
        if differ.size:
            bar = int(differ[0])
            found = f"{float(one[bar])!r} bar by bar and {float(other[bar])!r} in an array"
            return f"its two forms differ: {name} of bar {bar} is {found}"
        known = np.flatnonzero(np.isfinite(one))
        if gapless and warmup < CHECK_BARS and (not known.size or int(known[0]) > warmup):
            first = f"its first value at bar {int(known[0])}" if known.size else "no value"
            return f"its warm-up is {warmup} bars, but {name} has {first}"
    return None


def _inputs(indicator: Indicator, holes: tuple[int, ...]) -> list[FloatArray]:
    """A seeded market with ties and halts; free series are its closes."""
    rng = random.Random(CHECK_SEED)  # noqa: S311 (a market to check against, no secret)
    close, rows = 10_000, []
    for _ in range(CHECK_BARS):
        opened, close = close, max(100, close + rng.choice((-150, -50, -1, 0, 0, 1, 50, 150)))
        high, low = max(opened, close) + rng.choice((0, 0, 25)), min(opened, close) - rng.choice((0, 0, 25))
        rows.append([opened / 100, high / 100, low / 100, close / 100, float(rng.choice((0, 1, 7, 250)))])
    bars = np.array(rows)
    bars[list(holes)] = math.nan
    columns = [bars[:, _FIELDS.index(name)] for name in ("close",) * len(indicator.series) + indicator.fields]
    return [np.ascontiguousarray(column) for column in columns]
