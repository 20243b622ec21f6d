"""The strategy language: YAML text to indicators demanded, and to rules in an incremental and an array
form.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewire.trading.language.acceptance import compile_accepted, findings_of, memory_of
    from tradewire.trading.language.bars import Bars, IndicatorBar
    from tradewire.trading.language.compiled import CompiledStrategy
    from tradewire.trading.language.compiler import compile_strategy, parse_strategy
    from tradewire.trading.language.defaults import with_defaults, with_names, with_symbols
    from tradewire.trading.language.document import ParamRange, StrategyDocument
    from tradewire.trading.language.engine import IndicatorEngine, parse_series
    from tradewire.trading.language.errors import StrategyError, StrategyErrors
    from tradewire.trading.language.evaluation import (
        SIGNALS,
        Evaluation,
        EvaluationArrays,
        RuleReason,
        Signal,
    )
    from tradewire.trading.language.findings import Check, Finding
    from tradewire.trading.language.intervals import INTERVALS_US, interval_name
    from tradewire.trading.language.plugins import PythonRules, installed_rules
    from tradewire.trading.language.reference import language_document
    from tradewire.trading.language.sizing import Sizing, SizingMethod
    from tradewire.trading.language.truth import check_strategy

__all__ = [
    "INTERVALS_US",
    "SIGNALS",
    "Bars",
    "Check",
    "CompiledStrategy",
    "Evaluation",
    "EvaluationArrays",
    "Finding",
    "IndicatorBar",
    "IndicatorEngine",
    "ParamRange",
    "PythonRules",
    "RuleReason",
    "Signal",
    "Sizing",
    "SizingMethod",
    "StrategyDocument",
    "StrategyError",
    "StrategyErrors",
    "check_strategy",
    "compile_accepted",
    "compile_strategy",
    "findings_of",
    "installed_rules",
    "interval_name",
    "language_document",
    "memory_of",
    "parse_series",
    "parse_strategy",
    "with_defaults",
    "with_names",
    "with_symbols",
]
_MODULES = {
    "IndicatorBar": "bars",
    "Bars": "bars",
    "Check": "findings",
    "CompiledStrategy": "compiled",
    "Evaluation": "evaluation",
    "EvaluationArrays": "evaluation",
    "Finding": "findings",
    "INTERVALS_US": "intervals",
    "IndicatorEngine": "engine",
    "ParamRange": "document",
    "PythonRules": "plugins",
    "RuleReason": "evaluation",
    "SIGNALS": "evaluation",
    "Signal": "evaluation",
    "Sizing": "sizing",
    "SizingMethod": "sizing",
    "StrategyDocument": "document",
    "StrategyError": "errors",
    "StrategyErrors": "errors",
    "check_strategy": "truth",
    "compile_accepted": "acceptance",
    "compile_strategy": "compiler",
    "findings_of": "acceptance",
    "installed_rules": "plugins",
    "interval_name": "intervals",
    "language_document": "reference",
    "memory_of": "acceptance",
    "parse_series": "engine",
    "parse_strategy": "compiler",
    "with_defaults": "defaults",
    "with_names": "defaults",
    "with_symbols": "defaults",
}


def __getattr__(name: str) -> Any:
    """Import a part when it is asked for: who needs the intervals alone does without the compiler."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
