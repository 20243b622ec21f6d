"""The commands, each loaded when it is asked for: help and a check of a file must not wait for the platform's parts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

import typer

from tradewire.app.cli.options import epilog

COMPLETION = "_TRADEWIRE_COMPLETE"
"""Set by a shell that asks for completions: it needs every command's options."""


class Known(NamedTuple):
    """What is known of a command before it is loaded: the module that has it, and the first sentences of its help."""

    module: str
    help: str


COMMANDS = {
    "setup": Known(
        "run",
        "Fetch the embedded servers (Kafka, schema registry) once; what is there already is checked and kept.",
    ),
    "run": Known(
        "run",
        "Replay a sample scenario at full speed over real servers and six processes; ends with its fingerprint.",
    ),
    "init": Known(
        "init",
        "Write a sample project: recorded candles, their instruments, strategies. Never writes over a file.",
    ),
    "up": Known(
        "up",
        "Keep the embedded servers and the services running with paper trading; what dies is started again.",
    ),
    "down": Known("up", "Stop what `up` started, by process id and command line, and nothing else. Data stays."),
    "status": Known(
        "status",
        "Health, phase, lag and last success of every server, service and instance. Exit code 1 when one is not well.",
    ),
    "halt": Known(
        "on_duty",
        "Stop opening positions, at once: entries at work are withdrawn. Exits and protective orders go on.",
    ),
    "reduce-only": Known(
        "on_duty",
        "Only orders that make an account's position smaller, at once. Entries at work are withdrawn.",
    ),
    "flatten": Known(
        "on_duty",
        "Close every open position at the market, at once, and whatever else opens, until `resume`. Withdraws orders.",
    ),
    "pause": Known(
        "on_duty",
        "Send nothing more, at once: no entries and no exits. Stops and take-profits at the venue go on working.",
    ),
    "resume": Known("on_duty", "Lift the kill switch of a scope."),
    "controls": Known(
        "on_duty",
        "Tell which levels are in force, and which services obey them. Exit code 1 when one does not.",
    ),
    "web": Known(
        "web",
        "Serve the dashboard of a running platform on 127.0.0.1 until Ctrl-C; prints a link that opens it once.",
    ),
    "dashboard": Known(
        "web",
        "Find the dashboard of a running platform and print a link that opens it once, within ten minutes.",
    ),
    "venue": Known(
        "venue",
        "Serve REST and WebSocket of Binance USDⓈ-M futures on loopback until Ctrl-C: recorded candles, test keys.",
    ),
    "explain": Known("explain", "Tell why there was a trade, or none, from Kafka alone."),
    "trace": Known(
        "trace",
        "Show the trace of an order as Jaeger holds it, from the candle to its fill: a tree, and a link.",
    ),
    "lag": Known(
        "lag",
        "Tell how far each consumer group is behind its topics, in records and seconds, and for what its members wait.",
    ),
    "backtest": Known(
        "backtest",
        "Trade a strategy over history; prints statistics and the fingerprint, and writes files where asked to.",
    ),
    "compare": Known(
        "compare",
        "The parity certificate: do the engines agree on fills, fees, funding and equity? Exit code 1 if not.",
    ),
    "sweep": Known(
        "sweep",
        "Try many parameter sets; rank them in and out of sample, with deflated Sharpe ratio and overfitting risk.",
    ),
    "demote": Known(
        "promote",
        "Take a stage's promotion back: the record says so, and the images of the promotion before it return.",
    ),
    "limits": Known("on_duty", "Show and set the risk limits of accounts."),
    "promote": Known("promote", "Promote a revision from stage to stage by gates; approve, watch, show."),
    "replay": Known(
        "replay",
        "Replay a sample scenario through services that run elsewhere, e.g. in containers: prepare, register, watch.",
    ),
    "strategy": Known("strategy", "Explain the language; check, publish, list, show and retire strategies."),
    "data": Known("data", "Fetch, check, resample and describe candles."),
    "indicator": Known("indicator", "Compute, compare, list and show indicators."),
    "topics": Known("topics", "Compare topics with contracts/topics.yaml, and create or correct them."),
    "contracts": Known("contracts", "Compare the schemas of contracts/ with a registry, and register them."),
    "token": Known("token", "Make tokens for people and programs, each with a role."),
    "dlq": Known("dlq", "List, show and replay records that a service could not handle."),
}
"""In the order in which the help lists them; a test holds them equal to the commands themselves."""


def root() -> typer.Typer:
    """The application without a command."""
    return typer.Typer(
        name="tradewire",
        help="An event-driven quant trading platform: six services over Kafka.",
        epilog=epilog("tradewire run", "tradewire strategy validate strategies/ema-cross-btc.yaml"),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )


def app_for(words: Sequence[str]) -> typer.Typer:
    """The application for a command line: the command that it names is loaded, the others are names with help."""
    named = next((word for word in words if not word.startswith("-")), "")
    if COMPLETION in os.environ:
        return whole()
    module = COMMANDS[named].module if named in COMMANDS else ""
    app = root()
    if module:
        import_module(f"tradewire.app.cli.{module}").add_to(app)
    for name, known in COMMANDS.items():
        if known.module != module:
            app.command(name, help=known.help)(_unloaded)
    return app


def whole() -> typer.Typer:
    """The application with every command loaded."""
    app = root()
    for module in dict.fromkeys(known.module for known in COMMANDS.values()):
        import_module(f"tradewire.app.cli.{module}").add_to(app)
    return app


def _unloaded() -> None:
    raise AssertionError("a command that is asked for is loaded")
