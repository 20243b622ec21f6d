"""What an indicator is: its description, its incremental form and its array form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_PACKAGE = __name__.rpartition(".")[0]

# One bar's work: step(state, params, inputs, outputs). Plain arithmetic over flat sequences, so that the
# same source runs on lists in a service and, compiled, on arrays in a backtest.
Step = Callable[[list[float], tuple[float, ...], Sequence[float], list[float]], None]

# The same work for a stretch of bars from a fresh state: stretch(inputs, params, outputs). Says whether it could do it,
# for inputs without a hole and outputs of which rounding decides no sign; what it wrote counts only if so.
Stretch = Callable[[tuple[FloatArray, ...], tuple[float, ...], tuple[FloatArray, ...]], bool]

# One closed bar's inputs in, one number per output out.
Update = Callable[..., tuple[float, ...]]

# A step written out for an ordinary bar: straight(state, params, otherwise) gives an update of that state, which leaves
# every other bar to `otherwise`, the update that calls the step.
Straight = Callable[[list[float], tuple[float, ...], Update], Update]

# state[0] counts the valid bars since the start or since the last hole; the rest belongs to the step.
BARS_SEEN = 0


class IndicatorError(ValueError):
    """An indicator was asked for something that it cannot give; the message says what is allowed."""


class UnknownIndicator(IndicatorError):  # noqa: N818 - the word that the strategy language shows its users
    """No indicator has this name; `suggestion` is the closest name that exists, or None."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"no indicator is called {name!r}{hint}")
        self.name = name
        self.suggestion = suggestion


class InvalidParam(IndicatorError):  # noqa: N818 - names the refused thing, as UnknownIndicator does
    """A parameter is missing, superfluous, fractional where it must be whole, or out of its range."""


@dataclass(frozen=True, slots=True)
class Param:
    """One number that shapes an indicator; `low` and `high` are both allowed."""

    name: str
    default: float
    low: float
    high: float
    integer: bool

    def check(self, value: float, *, indicator: str) -> float:
        """Return `value` as a float; raises InvalidParam when it is not allowed."""
        number = float(value)
        fits = math.isfinite(number) and self.low <= number <= self.high
        if fits and (not self.integer or number.is_integer()):
            return number
        kind = "a whole number" if self.integer else "a number"
        found = repr(number).removesuffix(".0")
        raise InvalidParam(
            f"{indicator}: {self.name} = {found} is not allowed: it must be {kind} from {self.low:g} to {self.high:g}"
        )


@dataclass(frozen=True, slots=True)
class Kernel:
    """The one source of an indicator's arithmetic.

    `size(*params)` is the number of state slots (slot 0 included) and `warmup(*params)` the number of bars
    before all outputs are known. A fresh state is all zeros, and a step never stores NaN or infinity.
    `stretch` is the array form where driving the step would be too slow, `straight` the incremental form where its
    calls would be; both are bit for bit what the step gives.
    """

    step: Step
    size: Callable[..., float]
    warmup: Callable[..., float]
    stretch: Stretch | None = None
    straight: Straight | None = None


def is_foreign(function: Step | Stretch) -> bool:
    """Is it none of this package's?"""
    return not function.__module__.startswith(_PACKAGE)


class IndicatorStream:
    """One incremental instance: O(1) per bar (amortised), restorable at any bar.

    `update` takes one closed bar's inputs (series, then fields) and gives one number per output, NaNs while warming
    up; it raises IndicatorError when the number of inputs is wrong. A hole (any input NaN or infinite) gives NaN and
    restarts the warm-up, so the values after a hole are those of a fresh instance that starts behind it. Leading
    NaNs, as an inner indicator gives while it warms up, therefore only delay the start.
    """

    __slots__ = ("_indicator", "_params", "_state", "update")
    update: Update

    def __init__(self, indicator: Indicator, params: tuple[float, ...]) -> None:
        self._indicator = indicator
        self._params = params
        self._state = [0.0] * indicator.state_size(params)
        self.update = _stepped(indicator, params, self._state)
        if indicator.kernel.straight is not None:
            self.update = indicator.kernel.straight(self._state, params, self.update)

    @property
    def state(self) -> list[float]:
        """A copy of the complete state: finite floats only, so strict JSON carries it without loss."""
        return list(self._state)

    @state.setter
    def state(self, saved: Sequence[float]) -> None:
        if len(saved) != len(self._state) or not all(math.isfinite(number) for number in saved):
            raise IndicatorError(
                f"{self._indicator.name}{self._params}: a state of {len(saved)} numbers was offered, "
                f"allowed are exactly {len(self._state)} finite numbers"
            )
        self._state[:] = [float(number) for number in saved]


def _stepped(indicator: Indicator, params: tuple[float, ...], state: list[float]) -> Update:
    """Return the incremental form that calls the step; see `Stream`."""
    step, size, wanted = indicator.kernel.step, len(state), len(indicator.inputs)
    unknown = [math.nan] * len(indicator.outputs)
    nothing = tuple(unknown)

    def update(*inputs: float) -> tuple[float, ...]:
        if len(inputs) != wanted:
            raise IndicatorError(
                f"{indicator.name}: {len(inputs)} inputs were given, allowed are exactly "
                f"{wanted}: {', '.join(indicator.inputs)}"
            )
        bar = tuple(map(float, inputs))
        for number in bar:
            if number - number != 0.0:
                if state[BARS_SEEN] > 0.0:
                    state[:] = [0.0] * size
                return nothing
        state[BARS_SEEN] += 1.0
        outputs = unknown.copy()
        try:
            step(state, params, bar, outputs)
        except IndexError as error:
            raise indicator.left_its_state(params) from error
        return tuple(outputs)

    return update


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: what it is called, what it reads, and its two bit-equal forms.

    series: names of free series arguments in call order, as `('x',)` for `ema(close, 20)`;
    fields: bar fields read implicitly, as `('high', 'low', 'close')` for `atr(14)`.
    """

    name: str
    title: str
    formula: str
    source: str
    series: tuple[str, ...]
    fields: tuple[str, ...]
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    kernel: Kernel = field(repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all inputs in the order in which both forms take them: series, then fields."""
        return self.series + self.fields

    @property
    def is_foreign(self) -> bool:
        """Does an installed package bring its arithmetic?"""
        kernel = self.kernel
        return any(form is not None and is_foreign(form) for form in (kernel.step, kernel.stretch))

    def checked(self, params: Sequence[float]) -> tuple[float, ...]:
        """Return all parameters, defaults filled in from the right; raises InvalidParam."""
        if len(params) > len(self.params):
            allowed = ", ".join(param.name for param in self.params) or "none"
            raise InvalidParam(f"{self.name}: {len(params)} parameters were given, allowed: {allowed}")
        given = tuple(params) + tuple(param.default for param in self.params[len(params) :])
        return tuple(param.check(value, indicator=self.name) for param, value in zip(self.params, given, strict=True))

    def state_size(self, params: tuple[float, ...]) -> int:
        """Number of floats in the state for checked `params`."""
        return int(self.kernel.size(*params))

    def left_its_state(self, params: tuple[float, ...]) -> IndicatorError:
        """The error of a step that reads or writes where nothing of its own is."""
        return IndicatorError(
            f"{self.name}: its step used an index outside what it was given: a state of {self.state_size(params)} "
            f"numbers, a bar of {len(self.inputs)}, outputs of {len(self.outputs)}"
        )

    def warmup(self, *params: float) -> int:
        """Bars, counted from the first valid one, for which an output is NaN; raises InvalidParam."""
        return int(self.kernel.warmup(*self.checked(params)))

    def stream(self, *params: float) -> IndicatorStream:
        """Return a fresh incremental instance; raises InvalidParam."""
        return IndicatorStream(self, self.checked(params))

    def array(self, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
        """Whole series at once, bit-equal to feeding `stream(*params)` bar by bar.

        Parameters: inputs: series then fields, each shape (n,), float64; params: as for `stream`.
        Returns: one array of shape (n,) per output, NaN while warming up and at holes.
        Raises: InvalidParam; IndicatorError when the inputs' number or shapes are wrong.
        """
        from tradewire.trading.indicators.compiled import run  # numba is needed by this form only

        return run(self, inputs, self.checked(params))
