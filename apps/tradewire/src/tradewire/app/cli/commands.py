"""All commands, by the name that is typed."""

from __future__ import annotations

import typer

from tradewire.app.cli import (
    backtest,
    compare,
    contracts,
    data,
    dlq,
    explain,
    indicator,
    init,
    lag,
    on_duty,
    run,
    status,
    strategy,
    sweep,
    topics,
    up,
)
from tradewire.app.cli.options import epilog

app = typer.Typer(
    name="tradewire",
    help="An event-driven quant trading platform: six services over Kafka.",
    epilog=epilog("tradewire run", "tradewire strategy validate strategies/ema-cross-btc.yaml"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("setup", epilog=epilog("tradewire setup"))(run.setup)
app.command("init", epilog=epilog("tradewire init", "tradewire init my-project"))(init.init)
app.command("run", epilog=epilog("tradewire run --scenario three-daily --partitions 12"))(run.run)
up.add_to(app)
status.add_to(app)
app.add_typer(strategy.app, name="strategy")
app.add_typer(data.app, name="data")
app.add_typer(indicator.app, name="indicator")
app.add_typer(topics.app, name="topics")
app.add_typer(contracts.app, name="contracts")
app.add_typer(dlq.app, name="dlq")
on_duty.add_to(app)
explain.add_to(app)
lag.add_to(app)
backtest.add_to(app)
compare.add_to(app)
sweep.add_to(app)
