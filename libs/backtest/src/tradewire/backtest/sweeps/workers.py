"""Who runs the tasks: this process, others on this machine, or a Ray cluster. The rows are the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tradewire.backtest.sweeps.tasks import Job, Task
from tradewire.ports.backtest import EarlierBars, MarketHistory, MarkHistory

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

PRICES = ("open", "high", "low", "close", "volume")
AHEAD = 2
"""Tasks handed out for each worker: one runs, one waits."""


class Workers(Protocol):
    """Runs tasks."""

    slots: int
    """Tasks that run at once."""

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, FloatArray]]:
        """Rows by task as they come, in any order; few tasks are taken ahead. Raises what a task raises."""


class Here:
    """This process."""

    slots = 1

    def __init__(self, job: Job) -> None:
        self._job = job

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, FloatArray]]:
        """As `Workers.done`."""
        return ((task, self._job.run(task)) for task in tasks)


class Pool:
    """Processes on this machine."""

    def __init__(self, executor: ProcessPoolExecutor, slots: int) -> None:
        self._executor, self.slots = executor, slots

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, FloatArray]]:
        """As `Workers.done`."""
        left = iter(tasks)
        running: dict[Future[FloatArray], Task] = {}
        while True:
            for task in islice(left, AHEAD * self.slots - len(running)):
                running[self._executor.submit(_run, task)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()


@contextmanager
def processes(job: Job, jobs: int) -> Iterator[Workers]:
    """Workers in ``jobs`` processes, which read the markets from one memory map; all have ended on leaving."""
    if jobs < 1:
        raise ValueError(f"--jobs: found {jobs}, allowed 1 or more")
    if jobs == 1:
        yield Here(job)
        return
    with tempfile.TemporaryDirectory(prefix="tradewire-sweep-") as folder:
        shared = tuple(_put(market, Path(folder), number) for number, market in enumerate(job.request.markets))
        shell = replace(job, request=replace(job.request, markets=()))
        executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin, (shell, shared))
        try:
            yield Pool(executor, jobs)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True, eq=False)
class _SharedMarket:
    """Where a market's arrays are; ``shell`` is the market without them."""

    shell: MarketHistory
    times: Path
    columns: Path
    earlier: Path | None
    marked: bool
    funded: bool


def _put(market: MarketHistory, folder: Path, number: int) -> _SharedMarket | MarketHistory:
    """Write a market's arrays where other processes map them; one without bars has nothing to map."""
    if not len(market):
        return replace(market, earlier=None)
    none, mark = np.zeros(0), market.mark
    columns = [getattr(market, name) for name in PRICES]
    if mark is not None:
        columns += [mark.open, mark.high, mark.low, mark.close]
    if market.funding_rate is not None:
        columns.append(market.funding_rate)
    shared = _SharedMarket(
        MarketHistory(market.instrument, market.interval, np.zeros(0, np.int64), none, none, none, none, none),
        folder / f"{number}.times.npy",
        folder / f"{number}.columns.npy",
        None if market.earlier is None else folder / f"{number}.earlier.npy",
        mark is not None,
        market.funding_rate is not None,
    )
    np.save(shared.times, market.open_time_us)
    np.save(shared.columns, np.stack(columns))
    if market.earlier is not None and shared.earlier is not None:
        np.save(shared.earlier.with_suffix(".times.npy"), market.earlier.open_time_us)
        np.save(shared.earlier, np.stack([getattr(market.earlier, name) for name in PRICES]))
    return shared


def _get(shared: _SharedMarket | MarketHistory) -> MarketHistory:
    if isinstance(shared, MarketHistory):
        return shared
    rows = np.load(shared.columns, mmap_mode="r")
    return replace(
        shared.shell,
        open_time_us=np.load(shared.times, mmap_mode="r"),
        **dict(zip(PRICES, rows[: len(PRICES)], strict=True)),
        mark=MarkHistory(*rows[5:9]) if shared.marked else None,
        funding_rate=rows[-1] if shared.funded else None,
        earlier=None if shared.earlier is None else _earlier(shared.earlier),
    )


def _earlier(path: Path) -> EarlierBars:
    return EarlierBars(np.load(path.with_suffix(".times.npy"), mmap_mode="r"), *np.load(path, mmap_mode="r"))


_jobs: list[Job] = []
"""The worker process's job: set once, when it begins."""


def _begin(shell: Job, shared: tuple[_SharedMarket | MarketHistory, ...]) -> None:
    """Make ready a worker process; it leaves Ctrl-C to its parent, and ends when the parent has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    markets = tuple(_get(market) for market in shared)
    _jobs.append(replace(shell, request=replace(shell.request, markets=markets)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


def _run(task: Task) -> FloatArray:
    return _jobs[0].run(task)
