"""A client that nobody answers is told why."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tradewire.app.operating.platform import Platform, told_why
from tradewire.embedded import Stack, StackPaths
from tradewire.embedded.service_processes import ServiceDiedError
from tradewire.ports.errors import RetryableError


class EndedParts:
    """A stack some of whose servers ended: a real one ends too soon or too late for what is tested here."""

    def __init__(self, root: Path, parts: Iterable[str]) -> None:
        self.paths, self._parts = StackPaths.under(root), tuple(parts)
        self.paths.logs.mkdir(parents=True)

    def dead(self) -> tuple[str, ...]:
        """What ended."""
        return self._parts


def nobody_answers(root: Path, *ended: str) -> None:
    nothing = cast("Any", None)
    running = Platform(cast("Stack", EndedParts(root, ended)), nothing, nothing, nothing, services={})
    with told_why(running):
        raise RetryableError("Kafka: asking for begin offsets: TimeoutError()")


def test_when_a_server_ended_then_the_error_names_it_and_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServiceDiedError, match=r"kafka ended by itself; its log is in .*logs"):
        nobody_answers(tmp_path, "kafka")


def test_when_the_disk_is_full_and_no_server_has_ended_yet_then_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**24))

    with pytest.raises(ServiceDiedError, match=r"the disk of .*logs is full: make room .*\n.*begin offsets"):
        nobody_answers(tmp_path)


def test_when_all_is_well_but_nobody_answers_then_the_error_stays(tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match="begin offsets"):
        nobody_answers(tmp_path)
