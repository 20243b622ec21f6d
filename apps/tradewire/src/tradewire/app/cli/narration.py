"""What a person sees while a command works: live lines on a terminal, plain lines in a log."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tradewire.app.stack import Phase, Step

LOG_EVERY_RATIO = 0.1
"""Without a terminal the bar is a line each time the work got this much further."""


class Narrator:
    """Shows steps and one bar on ``console``. Usable from any thread; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[detail]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
            transient=False,
            expand=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said = ""
        self._logged_ratio = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._close_said()
        self._live.stop()

    @property
    def live(self) -> bool:
        """Is there a terminal that can be redrawn?"""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """A new piece of work; the one before is done."""
        if not self.live:
            self._console.print(text, markup=False, soft_wrap=True)
            return
        self._close_said()
        self._said = text
        self._task(text)

    def step(self, step: Step) -> None:
        """News of a server."""
        took = "" if step.elapsed_s is None else f"{step.elapsed_s:.1f} s"
        detail = " ".join(filter(None, (step.phase.value, step.detail, took)))
        if not self.live:
            if step.phase in (Phase.READY, Phase.STOPPED, Phase.FETCH):
                share = "" if step.done_ratio is None else f" {step.done_ratio:.0%}"
                self._console.print(f"{step.part}: {detail}{share}", markup=False, soft_wrap=True)
            return
        done = step.phase in (Phase.READY, Phase.STOPPED) or step.done_ratio == 1.0
        self._show(step.part, 1.0 if done else step.done_ratio, detail)

    def bar(self, name: str, done_ratio: float, detail: str) -> None:
        """How far a long piece of work has come; 1 is all."""
        if self.live:
            if self._said:
                self._close_said()
            self._show(name, done_ratio, detail)
        elif done_ratio >= self._logged_ratio + LOG_EVERY_RATIO or (done_ratio >= 1 > self._logged_ratio):
            self._logged_ratio = done_ratio
            self._console.print(f"{name}: {done_ratio:.0%} {detail}", markup=False, soft_wrap=True)

    def _close_said(self) -> None:
        if self._said:
            self._show(self._said, 1.0, "")
            self._said = ""

    def _task(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._live.add_task(name, total=None, detail="")
        return self._tasks[name]

    def _show(self, name: str, done_ratio: float | None, detail: str) -> None:
        total = None if done_ratio is None else 1.0
        self._live.update(self._task(name), total=total, completed=done_ratio or 0.0, detail=detail)
