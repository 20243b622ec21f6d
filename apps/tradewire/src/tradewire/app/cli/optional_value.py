"""``--json`` that may have a value or not: ``--json`` is stdout, ``--json FILE`` a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from tradewire.backtest.whole_file import replaceable

STDOUT = "-"
SUFFIX = ".json"


def json_target(target: str | None) -> str | None:
    """The value of ``--json``, checked: a word that follows a bare ``--json`` by mistake is never written over.

    A pipe or a descriptor, as ``/dev/stdout`` or a shell's ``>(command)``, may have any name.
    """
    if target is None or target == STDOUT or Path(target).suffix == SUFFIX:
        return target
    if not replaceable(Path(target)) and not Path(target).is_dir():
        return target
    raise typer.BadParameter(
        f"found {target!r}; allowed: a file that ends in {SUFFIX}, a pipe, or nothing behind --json for stdout"
    )


class OptionalJson(TyperCommand):
    """A command whose ``--json`` option takes a file name where one follows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare ``--json`` the value that stands for stdout."""
        words: list[str] = []
        for place, word in enumerate(args):
            follows = args[place + 1] if place + 1 < len(args) else "--"
            words.append(f"--json={STDOUT}" if word == "--json" and follows.startswith("--") else word)
        return super().parse_args(ctx, words)
