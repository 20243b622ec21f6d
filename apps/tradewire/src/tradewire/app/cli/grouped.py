"""Options that several commands share, as a dataclass: one parameter of a command stands for all of its fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of a parameter that is a dataclass, in place of that parameter."""
    own = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {name: p.annotation for name, p in own.parameters.items() if is_dataclass(p.annotation)}
    parameters: list[Parameter] = []
    for name, parameter in own.parameters.items():
        group = groups.get(name)
        parameters += [parameter.replace(kind=Parameter.KEYWORD_ONLY)] if group is None else _options(group)

    def typed(**words: Any) -> None:
        made = {
            name: group(**{field.name: words.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **words)

    typed.__name__, typed.__doc__ = command.__name__, command.__doc__
    typed.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # typer reads it
    return typed


def _options(group: Any) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = Parameter.empty if field.default is MISSING else field.default
        yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])
