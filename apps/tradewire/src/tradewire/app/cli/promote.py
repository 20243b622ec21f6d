"""``tradewire promote`` and ``demote``: a revision from stage to stage, by gates that anybody can read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tradewire.app.cli.grouped import grouped
from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog, of_setting
from tradewire.app.cli.output import Exit, fail, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.promoting.deciding import Promoting
from tradewire.app.promoting.gates import GateResult, PromotionStage
from tradewire.app.promoting.record import PromotionDecision, PromotionRecord, PromotionVerdict, standing
from tradewire.app.promoting.watching import StageWatch
from tradewire.runtime.access.roles import Role
from tradewire.runtime.clock import SystemClock

OVERLAYS = Path("deploy/k8s/overlays")
PROMETHEUS = "http://127.0.0.1:9090"
group = typer.Typer(help="Promote a revision from stage to stage by gates; approve, watch, show.")
DsnOption = Annotated[
    str | None,
    of_setting(*("--dsn", "TRADEWIRE_STRATEGY_DSN"), "Database of the strategy registry, which keeps the decisions."),
]
PrometheusOption = Annotated[
    str, typer.Option("--prometheus", help="Base URL of the Prometheus that scrapes the stages.")
]
StageOption = Annotated[PromotionStage, typer.Option("--stage", help="The stage.")]
RevisionOption = Annotated[str, typer.Option("--revision", help="The TRADEWIRE_REVISION that it is about.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why, for the record.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    example = "tradewire promote --from testnet --to paper --revision 1a2b3c4 --why 'soaked a day' --parity parity.json"
    group.callback(invoke_without_command=True, epilog=epilog(example))(promote)
    group.command("status", epilog=epilog("tradewire promote status"))(status)
    group.command("approve", epilog=epilog("tradewire promote approve --stage paper --revision 1a2b3c4"))(approve)
    group.command("watch", epilog=epilog("tradewire promote watch --stage mainnet --every-s 60"))(watch)
    app.add_typer(group, name="promote")
    app.command("demote", epilog=epilog("tradewire demote --stage paper --why 'fills differ'"))(demote)


@dataclass(frozen=True, slots=True)
class PlatformOptions:
    """Where decisions are kept, and the platform that is decided about."""

    dsn: DsnOption = None
    root: RootOption = None
    bus: BusOption = None
    registry_url: RegistryOption = None
    as_json: JsonOption = False


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """What a decision changes."""

    overlays: Annotated[Path, typer.Option(help="Folder of the stages' kustomize overlays.")] = OVERLAYS
    permit: Annotated[
        Path | None,
        of_setting(
            *("--permit", "TRADEWIRE_BINANCE_PROMOTION"),
            "File that lets accounts trade: written for the mainnet, removed by a demotion.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class CandidateOptions:
    """What is to be promoted, and what speaks for it."""

    source: Annotated[PromotionStage | None, typer.Option("--from", help="Where it proved itself.")] = None
    target: Annotated[PromotionStage | None, typer.Option("--to", help="Where it goes.")] = None
    revision: Annotated[str | None, typer.Option(help="The TRADEWIRE_REVISION that is promoted.")] = None
    why: WhyOption = "by hand"
    parity: Annotated[Path | None, typer.Option(help="What `tradewire compare --json` said of the soak's range.")] = (
        None
    )
    account: Annotated[
        list[str] | None, typer.Option(help="May trade on the mainnet, where one is needed; repeat.")
    ] = None


def _record(dsn: str | None) -> PromotionRecord:
    if dsn is None:
        fail("--dsn is needed, the database of the strategy registry; or TRADEWIRE_STRATEGY_DSN", Exit.USAGE)
    return PromotionRecord(dsn)


@asynccontextmanager
async def _promoting(
    platform: PlatformOptions,
    changes: ChangeOptions | None = None,
    prometheus: str = PROMETHEUS,
    accounts: Sequence[str] = (),
) -> AsyncIterator[Promoting]:
    record, changed = _record(platform.dsn), changes or ChangeOptions()
    async with reached(Where(platform.root, platform.bus, platform.registry_url), Role.OPERATOR) as there:
        try:
            await record.open()
            yield Promoting(
                *(prometheus, record, there.operator, SystemClock(), changed.overlays),
                *(changed.permit, accounts),
            )
        finally:
            await record.close()


@grouped
def promote(
    context: typer.Context,
    candidate: CandidateOptions,
    changes: ChangeOptions,
    platform: PlatformOptions,
    prometheus: PrometheusOption = PROMETHEUS,
) -> None:
    """Run the gates of a stage; when all are passed, record it and move the images. Exit code 1 when one is not."""
    if context.invoked_subcommand is not None:
        return
    target, revision, source = candidate.target, candidate.revision, candidate.source
    if target is None or revision is None:
        fail("--to and --revision are needed; `tradewire promote --help` has an example", Exit.USAGE)
    if target.before is None or source not in (None, target.before):
        came = "nothing" if target.before is None else target.before.value
        fail(f"--to {target.value}: found --from {source and source.value}; allowed: {came}", Exit.USAGE)

    async def work() -> PromotionDecision:
        async with _promoting(platform, changes, prometheus, tuple(candidate.account or ())) as promoting:
            return await promoting.promote(target, revision, candidate.why, candidate.parity)

    _show(run_async(work), as_json=platform.as_json)


@grouped
def demote(stage: StageOption, why: WhyOption, platform: PlatformOptions, changes: ChangeOptions) -> None:
    """Take a stage's promotion back: the record says so, and the images of the promotion before it return."""

    async def work() -> PromotionDecision:
        async with _promoting(platform, changes) as promoting:
            return await promoting.demote(stage, promoting.operator.author, why)

    _show(run_async(work), as_json=platform.as_json)


@grouped
def approve(
    stage: StageOption, revision: RevisionOption, platform: PlatformOptions, why: WhyOption = "by hand"
) -> None:
    """Say, in your own name, that a revision may go to a stage. A demotion from there takes approvals back."""

    async def work() -> list[str]:
        async with _promoting(platform) as it:
            await it.record.approve(stage, revision, it.operator.author, why, it.clock.now_us())
            return await it.record.approvers(stage, revision)

    names = run_async(work)
    if platform.as_json:
        print_json({"stage": stage, "revision": revision, "approved_by": names})
    else:
        tell(f"{stage.value}: {revision} is approved by {', '.join(names)}")


@grouped
def watch(
    stage: StageOption,
    platform: PlatformOptions,
    changes: ChangeOptions,
    prometheus: PrometheusOption = PROMETHEUS,
    every_s: Annotated[float, typer.Option("--every-s", min=1, max=3600, help="Time between looks, s.")] = 60.0,
    looks: Annotated[int, typer.Option("--looks", min=0, help="End after so many; 0: never.")] = 0,
) -> None:
    """Look at a promoted stage's gates; three broken looks in a row demote it, halt new positions and end the watch."""

    async def work() -> tuple[list[GateResult], PromotionDecision | None]:
        async with _promoting(platform, changes, prometheus) as promoting:
            watching, done = StageWatch(promoting, stage), 0
            while True:
                results, decision = await watching.look()
                done += 1
                if not platform.as_json:
                    broken = [result.gate for result in results if not result.passed]
                    kept = "kept" if results else "not promoted"
                    tell(f"{stage.value}: {'broken: ' + ', '.join(broken) if broken else kept}")
                if decision is not None or done == looks:
                    return results, decision
                await asyncio.sleep(every_s)

    results, decision = run_async(work)
    if platform.as_json:
        print_json({"stage": stage, "gates": results, "demoted": decision})
    elif decision is not None:
        _show(decision, as_json=False)
    if decision is not None:
        raise typer.Exit(Exit.REFUSED)


def status(dsn: DsnOption = None, as_json: JsonOption = False) -> None:
    """Show which revision each stage was promoted to, by whom and why, and what its gates came to."""

    async def work() -> dict[PromotionStage, list[PromotionDecision]]:
        record = _record(dsn)
        try:
            await record.open()
            return {stage: await record.decisions(stage) for stage in PromotionStage if stage.before is not None}
        finally:
            await record.close()

    found = run_async(work)
    if as_json:
        stages = {
            s.value: {"promoted": standing(made), "last": made[-1] if made else None} for s, made in found.items()
        }
        print_json({"stages": stages})
        return
    for stage, decisions in found.items():
        held = standing(decisions)
        tell(f"{stage.value}: {'nothing is promoted' if held is None else held.revision}")
        if decisions:
            _show(decisions[-1], as_json=False, ends=False)


def _show(decision: PromotionDecision, *, as_json: bool, ends: bool = True) -> None:
    if as_json:
        print_json(decision)
    else:
        verdict, at = decision.verdict.value, iso(decision.decided_at_us)
        tell(f"{decision.stage.value}: {decision.revision} {verdict} at {at} by {decision.who}: {decision.why}")
        if decision.gates:
            out.print(_table(decision.gates))
    if ends and decision.verdict is PromotionVerdict.REFUSED:
        raise typer.Exit(Exit.REFUSED)


def _table(gates: Sequence[GateResult]) -> Table:
    table = Table("gate", "value", "allowed", "", "says", box=None, pad_edge=False, header_style="bold")
    for gate in gates:
        value = gate.missing if gate.value is None else f"{gate.value:g}"
        mark = "[green]passed[/]" if gate.passed else "[red]failed[/]"
        table.add_row(gate.gate, value, gate.allowed, mark, gate.promise)
    return table
