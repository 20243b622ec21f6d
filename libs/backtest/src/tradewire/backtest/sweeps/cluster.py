"""Workers on a Ray cluster (optional extra ``ray``)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from tradewire.backtest.sweeps.tasks import Job, Task
from tradewire.backtest.sweeps.workers import AHEAD, Workers

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray


class RayWorkers:
    """One task on each CPU of the cluster; the job is put into its object store once, and mapped by each node."""

    def __init__(self, ray: Any, job: Job) -> None:
        self._ray = ray
        self.slots = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._job = ray.put(job)
        self._run = ray.remote(num_cpus=1)(_run)

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, FloatArray]]:
        """As `Workers.done`; a task whose node is lost runs again elsewhere."""
        left = iter(tasks)
        running: dict[Any, Task] = {}
        try:
            while True:
                for task in islice(left, AHEAD * self.slots - len(running)):
                    running[self._run.remote(self._job, task)] = task
                if not running:
                    return
                for found in self._ray.wait(list(running))[0]:
                    yield running[found], self._ray.get(found)
                    del running[found]
        finally:
            for rest in running:
                self._ray.cancel(rest, force=False)


def _run(job: Job, task: Task) -> FloatArray:
    return job.run(task)


@contextmanager
def ray_workers(job: Job, address: str) -> Iterator[Workers]:
    """Workers on the cluster at an address (``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``); disconnects on leaving.

    Every node needs the same versions of these packages installed.
    Raises: ValueError when Ray isn't installed or the cluster can't be reached.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ValueError("--ray needs the extra: install tradewire-backtest[ray]") from None
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ValueError(f"--ray: no cluster at {address}: {error}") from None
    try:
        yield RayWorkers(ray, job)
    finally:
        if ours:
            ray.shutdown()
