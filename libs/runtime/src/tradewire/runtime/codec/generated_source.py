"""Source text that is made at start, line by line, with the names that it refers to."""

from __future__ import annotations

from typing import Any


class GeneratedSource:
    """Lines of functions to compile together, and what they know by name."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._lines: list[str] = []
        self._known = known

    def line(self, depth: int, text: str) -> None:
        """Add a line, indented ``depth`` times."""
        self._lines.append("    " * depth + text)

    def function(self, name: str, title: str) -> Any:
        """Compile what was added and return one of its functions; ``title`` stands for the file in tracebacks."""
        exec(compile("\n".join(self._lines), title, "exec"), self._known)  # noqa: S102 (our own text, of our own schemas)
        return self._known[name]

    def name(self, thing: Any) -> str:
        """A name for a constant."""
        name = f"known_{len(self._known)}"
        self._known[name] = thing
        return name
