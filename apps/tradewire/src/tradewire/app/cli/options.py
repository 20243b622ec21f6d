"""Options that several commands share, and the text under every command's help."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewire.app.cli.output import EXIT_CODES, Exit, fail


def of_setting(option: str, setting: str, text: str) -> Any:
    """An option that says what a setting says: unsaid, the setting is in force; one that says other is refused."""

    def agreed(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        source = context.get_parameter_source(parameter.name or "")
        if setting in os.environ and source is not None and source.name == "COMMANDLINE":
            from tradewire.embedded.user_settings import ADDRESSES, refuse_contradictions  # where both are said

            typed, own = option if setting.endswith(ADDRESSES) else f"{option} {value}", os.environ[setting]
            same = isinstance(value, Path) and value.absolute() == Path(own).absolute()
            refuse_contradictions({setting: (typed, own if same else str(value))}, os.environ)
        return value

    return typer.Option(option, envvar=setting, callback=agreed, help=text)


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the platform to talk to; default: the one running under .tradewire/."),
]
BusOption = Annotated[
    str | None,
    of_setting("--bus", "TRADEWIRE_BUS_URL", "Talk to this bus instead, e.g. kafka://broker:9092."),
]
RegistryOption = Annotated[
    str | None,
    of_setting(
        *("--registry-url", "TRADEWIRE_REGISTRY_URL"),
        "Schema registry of that bus; none: the ids of contracts/ids.json.",
    ),
]
ReplayBusOption = Annotated[
    str | None,
    of_setting(
        *("--bus", "TRADEWIRE_BUS_URL"),
        "Replay over this bus, empty so far, instead of an embedded Kafka: kafka://… or redis://HOST:PORT/0.",
    ),
]
OtlpOption = Annotated[
    str | None, of_setting("--otlp", "TRADEWIRE_OTLP_URL", "OTLP/HTTP traces endpoint of a collector.")
]


def finite(value: float | None) -> float | None:
    """The callback of every option with decimals: infinity and NaN pass all of typer's own bounds, NaN even both."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"found {value}; allowed: a finite number")
    return value


ANSWER_SECONDS = 10.0
"""How long a command waits for the services by default."""
WithinOption = Annotated[
    float,
    typer.Option(
        "--within-s", min=0.1, max=600, callback=finite, help="Longest wait for the services' answers, seconds."
    ),
]


def refuse_idle(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Raise CommandError for options that were typed and would have no effect. ``names``: of the command's parameters;
    ``why``: what the command does without them."""
    wanted, idle = set(names), []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in wanted and source is not None and source.name == "COMMANDLINE":
            idle.append("/".join((*parameter.opts, *parameter.secondary_opts)))
    if idle:
        fail(f"found {', '.join(idle)}, which has no effect here: {why}", Exit.USAGE)


def epilog(*examples: str) -> str:
    """Examples and exit codes: how every command's help ends."""
    return "\n\n".join([*(f"Example: [cyan]{example}[/cyan]" for example in examples), EXIT_CODES])
