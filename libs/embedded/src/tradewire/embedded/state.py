"""What other processes may know of a stack: stack.json, and ending a stack from outside."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Event
from typing import Any

from tradewire.embedded.errors import StackError
from tradewire.embedded.lock import FolderLock
from tradewire.embedded.paths import StackPaths
from tradewire.embedded.patience import Patience, cpu_seconds
from tradewire.embedded.process_mark import ProcessMark, end
from tradewire.embedded.progress import Phase, Progress, Step, quiet
from tradewire.runtime.clock import SystemClock

_LEFTOVER_GRACE_S = 35.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses for clients; None for a part that the stack does not run.

    `postgres_dsn` names the database `postgres`; the others are made by `Stack.postgres_dsn`. `bus_url` is the user's
    own bus, in place of the stack's broker; a registry of the user's own stands in `registry_url`.
    """

    bootstrap_servers: str | None = None
    postgres_dsn: str | None = None
    registry_url: str | None = None
    redis_url: str | None = None
    bus_url: str | None = None

    @property
    def bus(self) -> str:
        """Address of the bus. Raises: StackError when there is none."""
        if self.bus_url is None and self.bootstrap_servers is None:
            raise StackError("this stack runs no broker, and no bus was named")
        return self.bus_url or f"kafka://{self.bootstrap_servers}"


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack as written in stack.json. `servers` has for each part its server's and its keeper's process."""

    owner: ProcessMark
    ready: bool
    endpoints: Endpoints
    servers: Mapping[str, tuple[ProcessMark, ...]]


def write_state(paths: StackPaths, state: StackState) -> None:
    """Write stack.json as a whole or not at all."""
    fields = {
        "owner": state.owner.as_json(),
        "ready": state.ready,
        "endpoints": asdict(state.endpoints),
        "servers": {part: [mark.as_json() for mark in marks] for part, marks in state.servers.items()},
    }
    draft = paths.state_file.with_suffix(".json.new")
    draft.unlink(missing_ok=True)
    # The database's address has its password in it.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(fields, indent=2) + "\n")
    draft.replace(paths.state_file)


def read_state(paths: StackPaths) -> StackState | None:
    """The stack that runs on the folder, or ran and was not stopped; None when there is none."""
    try:
        fields: dict[str, Any] = json.loads(paths.state_file.read_text(encoding="utf-8"))
        return StackState(
            owner=ProcessMark.from_json(fields["owner"]),
            ready=bool(fields["ready"]),
            endpoints=Endpoints(**fields["endpoints"]),
            servers={
                part: tuple(ProcessMark.from_json(mark) for mark in marks) for part, marks in fields["servers"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_running(paths: StackPaths) -> bool:
    """Whether a stack is starting, running or stopping on the folder."""
    return FolderLock(paths.lock_file, root=paths.root).is_held()


def end_leftovers(paths: StackPaths, progress: Progress = quiet) -> tuple[int, ...]:
    """End servers whose stack is gone; returns their process ids. The caller holds the folder's lock, or nobody does.

    A keeper that still stops its server is waited for. A process is touched only if id, start time and command line are
    those of the stack's own.
    """
    state = read_state(paths)
    ended: list[int] = []
    for part, marks in state.servers.items() if state else ():
        for mark in reversed(marks):
            process = mark.process(of_root=paths.root)
            if process is None:
                continue
            progress(Step(part, Phase.STOP, f"left over from an earlier stack, pid {mark.pid}"))
            end(process, grace_s=_LEFTOVER_GRACE_S)
            ended.append(mark.pid)
    paths.state_file.unlink(missing_ok=True)
    return tuple(ended)


def shut_down(paths: StackPaths, *, quiet_s: float = 60.0, progress: Progress = quiet) -> bool:
    """End the stack that another process runs on the folder, and whatever a dead one left there.

    Parameters: quiet_s: longest time for which the other process may do nothing about it.
    Returns: False when there was nothing to end.
    Raises: StackError when the other process does not stop, or when this process is the owner.
    """
    state = read_state(paths)
    running = is_running(paths)
    if running:
        if state is None or state.owner.pid == os.getpid():
            raise StackError(f"the stack on {paths.root} can't be stopped from here; ask its owner")
        owner = state.owner.process()
        if owner is not None:
            progress(Step("stack", Phase.STOP, f"asking pid {owner.pid}"))
            owner.terminate()
        _wait_released(paths, state.owner.pid, quiet_s)
    return bool(end_leftovers(paths, progress)) or running


def _wait_released(paths: StackPaths, owner_pid: int, quiet_s: float) -> None:
    pause, patience = Event(), Patience(quiet_s, SystemClock())
    while is_running(paths):
        if patience.is_over(cpu_seconds(owner_pid)):
            raise StackError(f"the stack on {paths.root} was asked to stop, runs still and {patience.why}")
        pause.wait(_POLL_S)
