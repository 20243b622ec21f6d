"""Finding the sample data and strategies from wherever the command is typed."""

from __future__ import annotations

from pathlib import Path

from tradewire.app.cli.outcome import UsageError
from tradewire.app.monolith import Scenario, sample_scenarios

MARKS = ("data/sample", "strategies")


def project_folder(given: Path | None) -> Path:
    """The folder that holds data/sample and strategies/. Raises UsageError."""
    here = Path.cwd()
    for folder in [given] if given is not None else [here, *here.parents]:
        if all((folder / mark).is_dir() for mark in MARKS):
            return folder
    raise UsageError(
        f"no {' and '.join(MARKS)} in {given or f'{here} or above it'}; go into the project's folder or name it by --project"
    )


def scenario_named(name: str, project: Path) -> Scenario:
    """One of the sample scenarios. Raises UsageError naming the others."""
    found = sample_scenarios(project)
    if name not in found:
        raise UsageError(f"no scenario {name!r}; there are {', '.join(found)}")
    return found[name]
