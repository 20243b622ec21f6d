"""``--json`` that may have a value or not: ``--json`` is stdout, ``--json FILE`` a file."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

STDOUT = "-"


class OptionalJson(TyperCommand):
    """A command whose ``--json`` option takes a file name where one follows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare ``--json`` the value that stands for stdout."""
        words: list[str] = []
        for place, word in enumerate(args):
            follows = args[place + 1] if place + 1 < len(args) else "--"
            words.append(f"--json={STDOUT}" if word == "--json" and follows.startswith("--") else word)
        return super().parse_args(ctx, words)
