"""``tradewire sweep``: many parameter sets, ranked with the evidence for and against the best."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tradewire.app.cli.grouped import grouped
from tradewire.app.cli.optional_value import STDOUT, OptionalJson, json_target
from tradewire.app.cli.options import BusOption, RegistryOption, RootOption, epilog, finite, refuse_idle
from tradewire.app.cli.output import Exit, err, fail, plain, say
from tradewire.app.cli.reach import Where
from tradewire.app.cli.research import ResearchOptions, StrategyArgument, data_lines, request_of
from tradewire.app.cli.sweep_text import show
from tradewire.backtest.freed_memory import keep_freed_memory
from tradewire.backtest.sweeps import (
    Search,
    SweepPlan,
    SweepReport,
    SweepStore,
    Workers,
    parse_space,
    parse_walk_forward,
    processes,
    run_sweep,
)
from tradewire.backtest.sweeps.evidence import evidence_line, evidence_of
from tradewire.backtest.sweeps.files import write_results
from tradewire.backtest.sweeps.heat_map import HeatMap, heat_map, write_heat_map
from tradewire.backtest.whole_file import write_whole
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.language import INTERVALS_US, parse_strategy, with_defaults

LISTS = ("--params", "--where")
"""Options that take several words."""
SpaceOption = Annotated[
    list[str] | None,
    typer.Option("--params", help="NAME=LOW:HIGH:STEP, NAME=A,B,C or NAME; default: all, over the file's ranges."),
]
SearchOption = Annotated[str, typer.Option("--search", help="grid, random or tpe.")]
TrialsOption = Annotated[int, typer.Option("--trials", help="Sets that random and tpe try.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of random and tpe.")]
ObjectiveOption = Annotated[str, typer.Option("--objective", help="What is best: sharpe, return, calmar or drawdown.")]
HoldoutOption = Annotated[
    float, typer.Option("--holdout", callback=finite, help="Last share of the bars that is kept unseen; 0: none.")
]
WalkOption = Annotated[
    str | None,
    typer.Option(
        "--walk-forward",
        help="TRAIN:TEST[:STEP], in bars or as 180d:30d; windows stay out of what --holdout keeps unseen.",
    ),
]
AnchoredOption = Annotated[bool, typer.Option("--anchored", help="Train from the first bar on in every window.")]
EmbargoOption = Annotated[
    int | None, typer.Option("--embargo", min=0, help="Bars between search and judgement; default: the warm-up.")
]
EngineOption = Annotated[str, typer.Option("--engine", help="vectorized or futures.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Processes on this machine.")]
RayOption = Annotated[str | None, typer.Option("--ray", help="Run on the Ray cluster at this address instead.")]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Sets to rank.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Folder to write to, where a stopped sweep goes on; default: no files."),
]
PublishOption = Annotated[bool, typer.Option("--publish", help="Publish the strategy with the best parameters.")]
JsonOutOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="[OUT]", callback=json_target, help="JSON to this .json file; to stdout without a name."
    ),
]
ConditionOption = Annotated[
    list[str] | None, typer.Option("--where", help="Condition between parameters, e.g. 'fast < slow'.")
]


class SweepWords(OptionalJson):
    """A command whose ``--params a=1:5:1 b=2,3`` may name several parameters at once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its words."""
        words: list[str] = []
        current = None
        taken = 0
        for word in args:
            if word.startswith("--"):
                current, taken = (word if word in LISTS else None), 0
            elif current is not None:
                if taken:
                    words.append(current)
                taken += 1
            words.append(word)
        return super().parse_args(ctx, words)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    example = "tradewire sweep strategies/ema-cross-btc.yaml --data data/sample/coinbase-BTCUSD-1h.csv"
    more = f"{example} --params fast_len=5:60:5 slow_len=20:200:20 --where 'fast_len < slow_len' --out sweep"
    app.command("sweep", cls=SweepWords, epilog=epilog(more, f"{example} --search tpe --walk-forward 180d:60d"))(sweep)


@grouped
def sweep(
    context: typer.Context,
    file: StrategyArgument,
    asked: ResearchOptions,
    space: SpaceOption = None,
    where: ConditionOption = None,
    search: SearchOption = "grid",
    trials: TrialsOption = 500,
    seed: SeedOption = 0,
    objective: ObjectiveOption = "sharpe",
    holdout: HoldoutOption = 0.25,
    walk_forward: WalkOption = None,
    anchored: AnchoredOption = False,
    embargo: EmbargoOption = None,
    engine: EngineOption = "vectorized",
    jobs: JobsOption = 1,
    ray: RayOption = None,
    top: TopOption = 10,
    out_folder: OutOption = None,
    publish: PublishOption = False,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOutOption = None,
) -> None:
    """Try many parameter sets; rank them in and out of sample, with deflated Sharpe ratio and overfitting risk."""
    _refuse_idle(context, search, walk_forward, ray=ray, publish=publish)
    keep_freed_memory()
    request = request_of(file, asked)
    wanted = _Wanted(space, where, (search, trials, seed), (walk_forward, anchored), holdout, embargo)
    target = Where(root, bus, registry_url) if publish else None
    run = _Sweep(out_folder, jobs, ray, as_json, target)
    run(lambda: wanted.plan(request, engine=engine, objective=objective, top=top))


def _refuse_idle(
    context: typer.Context, search: str, walk_forward: str | None, *, ray: str | None, publish: bool
) -> None:
    """Raise CommandError for options that were typed and have no effect on this sweep."""
    if search == "grid":
        refuse_idle(context, ["trials", "seed"], "--search grid tries every set; random and tpe draw")
    if walk_forward is None:
        refuse_idle(context, ["anchored"], "it is about the windows of --walk-forward")
    if ray is not None:
        refuse_idle(context, ["jobs"], "--ray runs on the cluster's processes")
    if not publish:
        refuse_idle(context, ["root", "bus", "registry_url"], "they say where --publish publishes")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The search as typed."""

    space: Sequence[str] | None
    where: Sequence[str] | None
    search: tuple[str, int, int]
    walk: tuple[str | None, bool]
    holdout: float
    embargo: int | None

    def plan(self, request: BacktestRequest, **more: Any) -> SweepPlan:
        """Raises: ValueError."""
        document = parse_strategy(request.strategy)
        text, anchored = self.walk
        bar_us = INTERVALS_US[document.interval]
        walk = None if text is None else parse_walk_forward(text, bar_us, anchored=anchored)
        space = parse_space(document, self.space or (), self.where or ())
        search = Search(*self.search)
        return SweepPlan(request, space, search, holdout=self.holdout, walk_forward=walk, embargo=self.embargo, **more)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Runs a plan into a folder, where one was named, and shows what came of it."""

    out: Path | None
    jobs: int
    ray: str | None
    as_json: str | None
    publish: Where | None

    def __call__(self, planned: Callable[[], SweepPlan]) -> None:
        """Raises CommandError."""
        if self.publish is not None and self.as_json == STDOUT:
            fail("--publish: found --json to stdout, allowed --json FILE, since the platform answers there", Exit.USAGE)
        if self.out is not None:
            self._into(self.out, planned)
            return
        with tempfile.TemporaryDirectory(prefix="tradewire-") as folder:
            self._into(Path(folder), planned)

    def _into(self, folder: Path, planned: Callable[[], SweepPlan]) -> None:
        try:
            plan = planned()
            with SweepStore(folder, plan.manifest()) as store:
                report = self._run(plan, store)
                found = heat_map(plan, store)
                write_results(folder, plan, store, report)
        except ValueError as error:
            fail(str(error), Exit.USAGE if str(error).startswith("--") else Exit.REFUSED)
        if found is not None:
            write_heat_map(folder / "heat-map.html", found)
        self._show(plan, report, found)
        if self.publish is not None:
            _publish(folder, plan, report, self.publish)

    def _show(self, plan: SweepPlan, report: SweepReport, found: HeatMap | None) -> None:
        document = json.dumps(plain(report), ensure_ascii=False, allow_nan=False)
        if self.as_json not in (None, STDOUT):
            write_whole(Path(str(self.as_json)), document + "\n")
        if self.as_json == STDOUT:
            typer.echo(document)
        else:
            show(report, found, data_lines(plan.request))
            files = "results.parquet, evidence.json, heat-map.html; sweep.sqlite to go on from"
            say("no files written: --out FOLDER keeps them" if self.out is None else f"written: {self.out}/ ({files})")

    def _run(self, plan: SweepPlan, store: SweepStore) -> SweepReport:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        whole = plan.search.planned(plan.space) * (1 + len(plan.windows()))
        with (
            self._workers(plan) as workers,
            Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress,
        ):
            task = progress.add_task("sweep", total=whole, rate="")

            def tick(done: int, stored: bool) -> None:
                speed = progress.tasks[0].speed
                rate = "from the store" if stored else f"{speed:,.0f} sets/s" if speed else ""
                progress.update(task, advance=done, rate=rate)

            return run_sweep(plan, workers, store, tick)

    def _workers(self, plan: SweepPlan) -> AbstractContextManager[Workers]:
        if self.ray is None:
            return processes(plan.job, self.jobs)
        from tradewire.backtest.sweeps.cluster import ray_workers

        return ray_workers(plan.job, self.ray)


def _publish(folder: Path, plan: SweepPlan, report: SweepReport, where: Where) -> None:
    """Publish the file with the best set as its defaults, and the evidence for it."""
    from tradewire.app.cli import strategy  # what speaks with a platform, for those who publish

    evidence = evidence_of(folder, plan, report)
    document = f"# {evidence_line(evidence)}\n{with_defaults(plan.request.strategy, report.best.params)}"
    write_whole(folder / "best.yaml", document)
    answer = strategy.publish_document(document, where, strategy.ANSWER_SECONDS, evidence=evidence)
    strategy.report_answer(answer, as_json=False)
