"""A way from the interpreter into functions that only compiled code can call."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numba


def entrance(module: ModuleType) -> Any:
    """The module's compiled functions, to be called from tests."""
    found = {name: item for name, item in vars(module).items() if isinstance(item, numba.core.dispatcher.Dispatcher)}
    return SimpleNamespace(**{name: _entered(function) for name, function in found.items()})


def _entered(function: Any) -> Any:
    def call(*values: Any) -> Any:
        return function(*values)

    return numba.njit(error_model="numpy")(call)
