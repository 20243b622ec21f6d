"""What other processes may know of a kept platform: platform.json beside the stack's stack.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tradewire.embedded import StackPaths
from tradewire.embedded.process_mark import ProcessMark

FILE = "platform.json"


class PlatformPhase(StrEnum):
    """How far a kept platform is."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service process; ``mark`` is None while it does not run, ``starts`` counts restarts too.

    ``crash_loop``: it ended by itself again and again in short order; ``ended``: how and why it did last.
    """

    mark: ProcessMark | None
    url: str | None
    starts: int
    log: str
    crash_loop: bool = False
    ended: str = ""


@dataclass(frozen=True, slots=True)
class PlatformState:
    """A kept platform as written."""

    owner: ProcessMark
    phase: PlatformPhase
    market: str = ""
    services: dict[str, ServiceState] = field(default_factory=dict)


def state_file(root: Path) -> Path:
    """Where the platform kept in ``root`` tells about itself."""
    return StackPaths.under(root).root / FILE


def write_platform(root: Path, state: PlatformState) -> None:
    """Write the file as a whole or not at all."""
    path = state_file(root)
    draft = path.with_suffix(".json.new")
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def read_platform(root: Path) -> PlatformState | None:
    """The platform kept in ``root``, or the one that was and did not end in order; None when there is none."""
    try:
        fields: dict[str, Any] = json.loads(state_file(root).read_text(encoding="utf-8"))
        return PlatformState(
            owner=ProcessMark.from_json(fields["owner"]),
            phase=PlatformPhase(fields["phase"]),
            market=str(fields["market"]),
            services={name: _service(found) for name, found in fields["services"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _service(fields: dict[str, Any]) -> ServiceState:
    mark = None if fields["mark"] is None else ProcessMark.from_json(fields["mark"])
    loop, ended = bool(fields.get("crash_loop")), str(fields.get("ended", ""))
    return ServiceState(mark, fields["url"], int(fields["starts"]), str(fields["log"]), loop, ended)
