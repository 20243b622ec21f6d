"""``tradewire strategy``: language, validate, publish, list, show, retire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tradewire.app.cli.each_file import FileAnswers, answer_each
from tradewire.app.cli.language import language
from tradewire.app.cli.moments import iso, moment
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog, finite
from tradewire.app.cli.output import CommandError, Exit, fail, out, print_json, run_async, say, say_warnings, tell
from tradewire.app.cli.reach import Reached, Where, reached
from tradewire.app.operating.validate import StrategyReport, validate
from tradewire.runtime.access.roles import Role
from tradewire.trading.language import parse_strategy

if TYPE_CHECKING:
    from tradewire.ports.events import ActiveVersion, StrategyConfigPublished, StrategyStatusChanged

ANSWER_SECONDS = 60.0
STYLES = {"ACCEPTED": "green", "REFUSED": "red", "RETIRED": "yellow"}
"""By status of the answer; messages are loaded once a platform is asked."""
app = typer.Typer(
    help="Explain the language; check, publish, list, show and retire strategies.",
    no_args_is_help=True,
    epilog=epilog("tradewire strategy validate strategies/ema-cross-btc.yaml"),
)
FileArgument = Annotated[Path, typer.Argument(help="A strategy file (YAML).")]
FilesArgument = Annotated[list[Path], typer.Argument(help="Strategy files (YAML), one or several.")]
IdArgument = Annotated[str, typer.Argument(metavar="STRATEGY", help="Strategy id.")]
WaitOption = Annotated[
    float, typer.Option("--wait-s", min=0.1, callback=finite, help="Longest wait for the platform's answer, s.")
]


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="strategy")


app.command("language", epilog=epilog("tradewire strategy language stop_loss"))(language)


@app.command(
    "validate",
    epilog=epilog(
        "tradewire strategy validate strategies/ema-cross-btc.yaml", "tradewire strategy validate strategies/*.yaml"
    ),
)
def validate_command(files: FilesArgument, as_json: JsonOption = False) -> None:
    """Check files without a platform: syntax, types, look-ahead. Faults come with line, column and suggestion."""
    answers = FileAnswers(
        lambda file: validate(_text(file)), lambda found: found.valid, lambda found: found, _show_report
    )
    answer_each(files, answers, as_json=as_json)


@app.command(epilog=epilog("tradewire strategy publish strategies/ema-cross-btc.yaml"))
def publish(
    file: FileArgument,
    effective_from: Annotated[
        str | None,
        typer.Option(help="First time at which it may decide: ISO 8601, s or ms; default: the next bar."),
    ] = None,
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help="Why, as NAME=TEXT, e.g. review=JIRA-12; kept with it.")
    ] = None,
    wait_s: WaitOption = ANSWER_SECONDS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a file as its strategy's next version, wait for the platform's answer and print it."""
    from_us = moment(effective_from) if effective_from is not None else 0
    where, document = Where(root, bus, registry_url), _text(file)
    say_warnings(file, parse_strategy(document).warnings)
    answer = publish_document(document, where, wait_s, effective_from_us=from_us, evidence=_named(evidence or ()))
    report_answer(answer, as_json=as_json)


def publish_document(
    document: str, where: Where, wait_s: float, *, effective_from_us: int = 0, evidence: Mapping[str, str]
) -> StrategyStatusChanged:
    """Publish and wait for the platform's answer. Raises CommandError, StrategyErrors, RetryableError."""

    async def work() -> StrategyStatusChanged:
        async with reached(where, Role.TRADER) as platform:
            config = await platform.operator.publish_strategy(
                document, effective_from_us=effective_from_us, evidence=evidence
            )
            say(f"published {config.strategy_id} version {config.version}; waiting for the answer")
            answers = await platform.operator.answers({config.strategy_id: config.version}, wait_s)
            return answers[config.strategy_id]

    return run_async(work)


def _named(words: Sequence[str]) -> dict[str, str]:
    """NAME=TEXT as typed. Raises CommandError."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.strip():
            fail(f"--evidence: found {word!r}, allowed NAME=TEXT", Exit.USAGE)
        found[name.strip()] = text
    return found


@app.command("list", epilog=epilog("tradewire strategy list"))
def list_command(
    root: RootOption = None, bus: BusOption = None, registry_url: RegistryOption = None, as_json: JsonOption = False
) -> None:
    """List every strategy that was published, with the platform's answer and what is in force."""

    async def work() -> list[StrategyStatusChanged]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            return await _statuses(platform)

    statuses = run_async(work)
    if as_json:
        print_json({"strategies": statuses})
        return
    if not statuses:
        tell("no strategies yet; publish one: tradewire strategy publish strategies/ema-cross-btc.yaml")
        return
    table = Table("strategy", "version", "answer", "in force", "account", "market", box=None, pad_edge=False)
    for status in statuses:
        newest = status.active[-1] if status.active else None
        table.add_row(
            status.strategy_id,
            str(status.version),
            f"[{STYLES[status.status]}]{status.status.value}[/]",
            ", ".join(str(version.version) for version in status.active) or "-",
            newest.account_id if newest else "-",
            f"{newest.venue} {' '.join(newest.symbols)} {newest.interval}" if newest else "-",
        )
    out.print(table)


@app.command(epilog=epilog("tradewire strategy show ema-cross-btc"))
def show(
    strategy: IdArgument,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a strategy: the platform's answer, the versions in force, the newest document and the evidence for it."""

    async def work() -> tuple[StrategyStatusChanged, StrategyConfigPublished | None]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            status = await _status_of(platform, strategy)
            from tradewire.ports.events import StrategyConfigPublished

            config = (await platform.operator.latest(StrategyConfigPublished)).get(strategy)
            assert config is None or isinstance(config, StrategyConfigPublished), "the topic carries configurations"
            return status, config

    status, config = run_async(work)
    if as_json:
        print_json({"status": status, "published": config})
        return
    _show_answer(status)
    if config is not None and config.evidence:
        _show_evidence(config.evidence)
    document = config.document if config is not None else status.active[-1].document if status.active else ""
    tell()
    tell(document.rstrip())


@app.command(
    epilog=epilog("tradewire strategy retire ema-cross-btc", "tradewire strategy retire ema-cross-btc --flatten")
)
def retire(
    strategy: IdArgument,
    flatten: Annotated[
        bool,
        typer.Option(
            "--flatten", help="First withdraw its orders and close its positions at the market, then retire it."
        ),
    ] = False,
    wait_s: WaitOption = ANSWER_SECONDS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retire a strategy: it decides nothing from the next bar on.

    Without --flatten its positions stay open and nobody closes them but their stops and take-profits; on a paper
    account these are at work only while another strategy of the account trades the symbol.

    With --flatten a market order fills with the next bar: give --wait-s more than the interval. The strategy stays at
    FLATTEN; lift that (`tradewire resume --strategy ID`) before it is published again.
    """

    async def work() -> StrategyStatusChanged:
        async with reached(Where(root, bus, registry_url), Role.TRADER) as platform:
            known = await _status_of(platform, strategy)
            if known.status == "RETIRED":
                fail(f"{strategy} is retired already (version {known.version})")
            if flatten:
                from tradewire.app.operating.retirement import retire_flat

                return await retire_flat(platform.operator, known, wait_s)
            return await platform.operator.retire_strategy(strategy, wait_s)

    report_answer(run_async(work), as_json=as_json)


async def _statuses(platform: Reached) -> list[StrategyStatusChanged]:
    from tradewire.ports.events import StrategyStatusChanged

    found = await platform.operator.latest(StrategyStatusChanged)
    return [status for _, status in sorted(found.items()) if isinstance(status, StrategyStatusChanged)]


async def _status_of(platform: Reached, strategy: str) -> StrategyStatusChanged:
    statuses = await _statuses(platform)
    for status in statuses:
        if status.strategy_id == strategy:
            return status
    known = ", ".join(status.strategy_id for status in statuses) or "none"
    raise CommandError(f"no strategy {strategy!r} was answered by this platform; known: {known}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        fail(f"can't read {path}: {reason}; give the path of a strategy file", Exit.USAGE)


def _show_report(file: Path, report: StrategyReport) -> None:
    for fault in report.faults:
        place = f"{file}:{fault.line}:{fault.column}" if fault.line else str(file)
        tell(f"{place}: {_hinted(fault.message, fault.suggestion)}", style="red")
    for warning in report.warnings:
        tell(f"{file}: warning: {warning}", style="yellow")
    if report.valid:
        tell(f"{file}: {report.strategy_id} is valid", style="green")
        tell(f"  trades   {report.venue} {' '.join(report.symbols)}, {report.interval} bars, account {report.account}")
        tell(f"  needs    {', '.join(report.demands)}")
        tell(f"  ready    after {report.warmup_bars} bars at the latest{_settling(report)}")
        tell(f"  digest   {report.digest}")


def _settling(report: StrategyReport) -> str:
    """How long values remember their beginning after that, and how to wait for it."""
    settled = report.settled_bars
    if settled is None or settled <= report.warmup_bars:
        return ""
    return f"; its values settle within 1 % after {settled}: `warmup: {settled}` waits for that"


def report_answer(answer: StrategyStatusChanged, *, as_json: bool) -> None:
    """Print the platform's answer; exit code 1 when it refused."""
    if as_json:
        print_json(answer)
    else:
        _show_answer(answer)
    if answer.status == "REFUSED":
        raise typer.Exit(Exit.REFUSED)


def _show_answer(answer: StrategyStatusChanged) -> None:
    tell(f"{answer.strategy_id} version {answer.version}: {answer.status.value}", style=STYLES[answer.status])
    for reason in answer.reasons:
        place = f"line {reason.line}, column {reason.column}: " if reason.line else ""
        tell(f"  {place}{_hinted(reason.message, reason.suggestion)}")
    for version in answer.active:
        tell(f"  version {version.version} {_in_force(version)}")
    if answer.start_reason:
        tell(f"  version {answer.version} {answer.start_reason}", style="yellow")


def _show_evidence(evidence: Mapping[str, str]) -> None:
    tell()
    tell("evidence:")
    width = max(map(len, evidence))
    for name, text in evidence.items():
        tell(f"  {name:{width}}  {text}")


def _in_force(version: ActiveVersion) -> str:
    since = f"from {iso(version.effective_from_us)}" if version.effective_from_us > 0 else "from the first bar"
    market = f"{version.venue} {' '.join(version.symbols)} {version.interval}"
    return f"decides {since} on {market}, account {version.account_id}"


def _hinted(message: str, suggestion: str | None) -> str:
    return f"{message} ({suggestion})" if suggestion else message
