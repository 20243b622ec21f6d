"""The array form: an indicator's own step, compiled by numba and driven over whole arrays.

Compiled without fastmath: no reordering and no fused multiply-add, hence the same IEEE-754 results as the
interpreter gives for the same source. So short series are interpreted as long as nothing else has loaded numba, which
takes longer than they do: a strategy is checked at once, on a machine that has compiled nothing, too.

Indices are checked in what installed packages bring, and in what that calls: a step that leaves its state would write
over the memory of the process. The built-in ones are tested, and go without.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from tradewire.trading.indicators.kept_code import kept_if_possible
from tradewire.trading.indicators.model import FloatArray, Indicator, IndicatorError, Step, Stretch, is_foreign

INTERPRETED_BARS = 20_000
"""Series of at most so many bars are interpreted while numba is not loaded."""
Columns = tuple[FloatArray, ...]
_PACKAGE = __name__.rpartition(".")[0]


def run(indicator: Indicator, inputs: Sequence[FloatArray], params: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Apply `indicator` with checked `params` to whole arrays; see `Indicator.array`."""
    if len(inputs) != len(indicator.inputs):
        raise IndicatorError(
            f"{indicator.name}: {len(inputs)} inputs were given, allowed are exactly "
            f"{len(indicator.inputs)}: {', '.join(indicator.inputs)}"
        )
    columns = tuple(np.ascontiguousarray(column, dtype=np.float64) for column in inputs)
    shapes = {column.shape for column in columns}
    if len(shapes) != 1 or columns[0].ndim != 1:
        found = ", ".join(str(column.shape) for column in columns)
        raise IndicatorError(f"{indicator.name}: shapes {found} were given, allowed is one shape (n,) for all")
    form = interpreted if len(columns[0]) <= INTERPRETED_BARS and "numba" not in sys.modules else compiled
    try:
        return form(indicator, columns, params)
    except IndexError as error:
        raise indicator.left_its_state(params) from error


def compiled(
    indicator: Indicator, columns: tuple[FloatArray, ...], params: tuple[float, ...]
) -> tuple[FloatArray, ...]:
    """The series by machine code, of columns of one shape (n,), contiguous."""
    outputs = tuple(np.empty(columns[0].shape) for _ in indicator.outputs)
    size, step, stretch = indicator.state_size(params), indicator.kernel.step, indicator.kernel.stretch

    def drive(columns: Columns, outputs: Columns) -> None:
        _driver(step, is_foreign(step))(np.zeros(size), params, columns, outputs)

    if stretch is None:
        drive(columns, outputs)
    else:
        _stretch_by_stretch(_entry(stretch, is_foreign(stretch)), drive, columns, params, outputs)
    return outputs


def interpreted(
    indicator: Indicator, columns: tuple[FloatArray, ...], params: tuple[float, ...]
) -> tuple[FloatArray, ...]:
    """The same series by the interpreter."""
    outputs = tuple(np.empty(columns[0].shape) for _ in indicator.outputs)
    with np.errstate(all="ignore"):  # machine code divides by zero without a word
        over_bars: Any = _drive
        loop, size = _rebound(over_bars, {"_step": indicator.kernel.step}), indicator.state_size(params)

        def drive(columns: Columns, outputs: Columns) -> None:
            loop(np.zeros(size), params, columns, outputs)

        if indicator.kernel.stretch is None:
            drive(columns, outputs)
        else:
            _stretch_by_stretch(indicator.kernel.stretch, drive, columns, params, outputs)
    return outputs


def _stretch_by_stretch(
    work: Any,
    drive: Callable[[Columns, Columns], None],
    columns: Columns,
    params: tuple[float, ...],
    outputs: Columns,
) -> None:
    """Apply `work`, an array form, between the holes, of which most inputs have none; `drive` where it leaves bars."""
    if work(columns, params, outputs):
        return
    whole = np.logical_and.reduce([np.isfinite(column) for column in columns])
    if whole.all():
        drive(columns, outputs)
        return
    for output in outputs:
        output[~whole] = np.nan
    edges = np.flatnonzero(np.diff(whole, prepend=False, append=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        bars, results = tuple(c[start:end] for c in columns), tuple(o[start:end] for o in outputs)
        if not work(bars, params, results):
            drive(bars, results)


def _drive(state: Any, params: Any, columns: Any, outputs: Any) -> None:
    """Feed every bar to the step; the rule for holes is that of `Stream.update`."""
    bar = np.empty(len(columns))
    values = np.empty(len(outputs))
    for t in range(columns[0].shape[0]):
        hole = False
        for j in range(len(columns)):
            number = columns[j][t]
            bar[j] = number
            if number - number != 0.0:
                hole = True
        for j in range(len(outputs)):
            values[j] = np.nan
        if not hole:
            state[0] += 1.0
            _step(state, params, bar, values)
        elif state[0] > 0.0:
            state[:] = 0.0
        for j in range(len(outputs)):
            outputs[j][t] = values[j]


def _step(state: Any, params: Any, bar: Any, values: Any) -> None:
    """Stands for the indicator's step, which `_driver` puts in its place."""
    raise AssertionError("the driver is compiled with a step of its own")


@cache
def _driver(step: Step, checked: bool) -> Any:
    """Compile the loop over `step`, once per process; numba keeps the machine code on disk if it can."""
    drive: Any = _drive
    assert isinstance(step, FunctionType), "a step is a plain function"
    loop = _rebound(drive, {"_step": _jitted(step, checked)})
    # numba notices a change of the driver's file only; the digest in the name covers step and callees too.
    return _kept(loop, f"_drive_{step.__name__}_{_digest(step)}", boundscheck=checked)


@cache
def _entry(stretch: Stretch, checked: bool) -> Any:
    """Compile an array form, once per process."""
    assert isinstance(stretch, FunctionType), "an array form is a plain function"
    callees = {name: _jitted(callee, checked) for name, callee in _callees(stretch)}
    name = f"_{stretch.__name__}_{_digest(stretch)}"
    return _kept(_rebound(stretch, callees), name, boundscheck=checked, _nrt=False)


def _kept(function: Any, name: str, *, boundscheck: bool, **more: bool) -> Any:
    """Compile, with the machine code on disk under `name` if it can be kept there."""
    function.__qualname__ = f"{name}_checked" if boundscheck else name
    options = {**more, "boundscheck": boundscheck}
    try:
        return kept_if_possible(_njit(function, cache=True, **options))
    except RuntimeError:  # no writable cache directory, as in a read-only container
        return _njit(function, **options)


def _njit(function: Any, **options: bool) -> Any:
    """Compile; numba's types describe njit as a bare decorator only, not as called here with options."""
    import numba  # it takes longer to load than most series to compute

    njit: Any = numba.njit
    return njit(function, error_model="numpy", **options)


@cache
def _jitted(function: FunctionType, checked: bool) -> Any:
    """Compile a plain function together with those of its own module and of this package that it calls."""
    callees = {name: _jitted(callee, checked) for name, callee in _callees(function)}
    rebound = _rebound(function, callees)
    # No way in from the interpreter, which would take longer to compile than most functions. And no counting of
    # references, which costs as much as the work on a short slice: these functions make no arrays of their own.
    return _njit(rebound, boundscheck=checked, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _rebound(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    """Return a twin of `function` that sees `names` among its globals."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


def _callees(function: FunctionType) -> Iterator[tuple[str, FunctionType]]:
    for name in function.__code__.co_names:
        callee = function.__globals__.get(name)
        if isinstance(callee, FunctionType) and _compiles_along(function, callee):
            yield name, callee


def _compiles_along(caller: FunctionType, callee: FunctionType) -> bool:
    return callee.__module__ == caller.__module__ or callee.__module__.startswith(_PACKAGE)


def _digest(function: FunctionType) -> str:
    """Digest of the byte code of `function`, the constants that it reads and all that it calls."""
    code = function.__code__
    known = {name: function.__globals__.get(name) for name in code.co_names}
    constants = {name: value for name, value in known.items() if isinstance(value, int | float | tuple)}
    parts = [code.co_code.hex(), repr(code.co_consts), repr(code.co_names), repr(constants)]
    parts += [_digest(callee) for _, callee in _callees(function)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
