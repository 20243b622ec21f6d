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

from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog
from tradewire.app.cli.output import Exit, fail, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.promoting.deciding import Promoting
from tradewire.app.promoting.gates import GateResult, PromotionStage
from tradewire.app.promoting.record import PromotionDecision, PromotionRecord, PromotionVerdict, standing
from tradewire.app.promoting.watching import StageWatch
from tradewire.runtime.access.roles import Role
from tradewire.runtime.clock import SystemClock

OVERLAYS = Path("deploy/k8s/overlays")
group = typer.Typer(help="Promote a revision from stage to stage by gates; approve, watch, show.")
DsnOption = Annotated[
    str,
    typer.Option(
        "--dsn", envvar="TRADEWIRE_STRATEGY_DSN", help="Database of the strategy registry, which keeps the decisions."
    ),
]
PrometheusOption = Annotated[
    str, typer.Option("--prometheus", help="Base URL of the Prometheus that scrapes the stages.")
]
OverlaysOption = Annotated[Path, typer.Option("--overlays", help="Folder of the stages' kustomize overlays.")]
PermitOption = Annotated[
    Path | None,
    typer.Option(
        "--permit", help="File of TRADEWIRE_BINANCE_PROMOTION: written for the mainnet, removed by a demotion."
    ),
]
StageOption = Annotated[PromotionStage, typer.Option("--stage", help="The stage.")]
RevisionOption = Annotated[str, typer.Option("--revision", help="The TRADEWIRE_REVISION that it is about.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why, for the record.")]
PROMETHEUS = "http://127.0.0.1:9090"


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
class Sides:
    """What every deciding command is told."""

    where: Where
    dsn: str
    prometheus: str = PROMETHEUS
    overlays: Path = OVERLAYS
    permit: Path | None = None
    accounts: Sequence[str] = ()


@asynccontextmanager
async def _promoting(sides: Sides) -> AsyncIterator[Promoting]:
    record = PromotionRecord(sides.dsn)
    async with reached(sides.where, Role.OPERATOR) as platform:
        try:
            await record.open()
            yield Promoting(
                *(sides.prometheus, record, platform.operator, SystemClock(), sides.overlays),
                *(sides.permit, sides.accounts),
            )
        finally:
            await record.close()


def promote(
    context: typer.Context,
    source: Annotated[PromotionStage | None, typer.Option("--from", help="Where it proved itself.")] = None,
    target: Annotated[PromotionStage | None, typer.Option("--to", help="Where it goes.")] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="The TRADEWIRE_REVISION that is promoted.")] = None,
    why: WhyOption = "by hand",
    parity: Annotated[
        Path | None, typer.Option("--parity", help="What `tradewire compare --json` said of the soak's range.")
    ] = None,
    account: Annotated[list[str] | None, typer.Option("--account", help="May trade on the mainnet; repeat.")] = None,
    permit: PermitOption = None,
    dsn: Annotated[str | None, typer.Option("--dsn", envvar="TRADEWIRE_STRATEGY_DSN", help="As in status.")] = None,
    prometheus: PrometheusOption = PROMETHEUS,
    overlays: OverlaysOption = OVERLAYS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the gates of a stage; when all are passed, record it and move the images. Exit code 1 when one is not."""
    if context.invoked_subcommand is not None:
        return
    if target is None or revision is None or dsn is None:
        fail("--to, --revision and --dsn are needed; `tradewire promote --help` has an example", Exit.USAGE)
    if target.before is None or source not in (None, target.before):
        came = "nothing" if target.before is None else target.before.value
        fail(f"--to {target.value}: found --from {source and source.value}; allowed: {came}", Exit.USAGE)
    sides = Sides(Where(root, bus, registry_url), dsn, prometheus, overlays, permit, tuple(account or ()))

    async def work() -> PromotionDecision:
        async with _promoting(sides) as promoting:
            return await promoting.promote(target, revision, why, parity)

    _show(run_async(work), as_json=as_json)


def demote(
    stage: StageOption,
    why: WhyOption,
    dsn: DsnOption,
    permit: PermitOption = None,
    overlays: OverlaysOption = OVERLAYS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a stage's promotion back: the record says so, and the images of the promotion before it return."""
    sides = Sides(Where(root, bus, registry_url), dsn, overlays=overlays, permit=permit)

    async def work() -> PromotionDecision:
        async with _promoting(sides) as promoting:
            return await promoting.demote(stage, promoting.operator.author, why)

    _show(run_async(work), as_json=as_json)


def approve(
    stage: StageOption,
    revision: RevisionOption,
    dsn: DsnOption,
    why: WhyOption = "by hand",
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say, in your own name, that a revision may go to a stage. A demotion from there takes approvals back."""

    async def work() -> list[str]:
        async with _promoting(Sides(Where(root, bus, registry_url), dsn)) as it:
            await it.record.approve(stage, revision, it.operator.author, why, it.clock.now_us())
            return await it.record.approvers(stage, revision)

    names = run_async(work)
    if as_json:
        print_json({"stage": stage, "revision": revision, "approved_by": names})
    else:
        tell(f"{stage.value}: {revision} is approved by {', '.join(names)}")


def watch(
    stage: StageOption,
    dsn: DsnOption,
    every_s: Annotated[float, typer.Option("--every-s", min=1, max=3600, help="Time between looks, s.")] = 60.0,
    looks: Annotated[int, typer.Option("--looks", min=0, help="End after so many; 0: never.")] = 0,
    permit: PermitOption = None,
    prometheus: PrometheusOption = PROMETHEUS,
    overlays: OverlaysOption = OVERLAYS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a promoted stage's gates; three broken looks in a row demote it, halt new positions and end the watch."""
    sides = Sides(Where(root, bus, registry_url), dsn, prometheus, overlays, permit)

    async def work() -> tuple[list[GateResult], PromotionDecision | None]:
        async with _promoting(sides) as promoting:
            watching, done = StageWatch(promoting, stage), 0
            while True:
                results, decision = await watching.look()
                done += 1
                if not as_json:
                    broken = [result.gate for result in results if not result.passed]
                    kept = "kept" if results else "not promoted"
                    tell(f"{stage.value}: {'broken: ' + ', '.join(broken) if broken else kept}")
                if decision is not None or done == looks:
                    return results, decision
                await asyncio.sleep(every_s)

    results, decision = run_async(work)
    if as_json:
        print_json({"stage": stage, "gates": results, "demoted": decision})
    elif decision is not None:
        _show(decision, as_json=False)
    if decision is not None:
        raise typer.Exit(Exit.REFUSED)


def status(dsn: DsnOption, as_json: JsonOption = False) -> None:
    """Show which revision each stage was promoted to, by whom and why, and what its gates came to."""

    async def work() -> dict[PromotionStage, list[PromotionDecision]]:
        record = PromotionRecord(dsn)
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
