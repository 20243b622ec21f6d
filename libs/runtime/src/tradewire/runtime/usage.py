"""``python -m tradewire.<service> --help``: every setting of a process with unit and default, from the code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from tradewire.runtime.secret_files import FILE_END, PREFIX, SECRET_ENDS
from tradewire.runtime.settings import RuntimeSettings

UNITS = {
    "_seconds": "s",
    "_seconds_max": "s",
    "_us": "µs",
    "_days": "days",
    "_bps": "bps",
    "_ratio": "ratio",
    "_share": "ratio",
    "_records": "records",
    "_records_max": "records",
    "_per_second": "1/s",
    "_kept": "windows",
}
"""Unit of a setting by the end of its name."""
HEAD = ("setting", "unit", "default", "what it says")
USAGE = 2
"""Exit code of a process whose settings are wrong."""


def answer_help(*kinds: type[RuntimeSettings]) -> None:
    """End the process with its settings for ``--help``, and with a sentence for any other argument."""
    arguments = sys.argv[1:]
    if not arguments:
        return
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(usage(kinds))
        sys.exit(0)
    sys.stderr.write(f"found {' '.join(arguments)}; allowed: --help. Settings come from the environment\n")
    sys.exit(USAGE)


def usage(kinds: Sequence[type[RuntimeSettings]]) -> str:
    """The text of ``--help`` for a process with settings of these kinds."""
    fields = {name: field for kind in kinds for name, field in kind.model_fields.items()}
    own = sorted(fields.keys() - RuntimeSettings.model_fields.keys())
    rows = [HEAD, *(_row(name, fields[name]) for name in (*own, *RuntimeSettings.model_fields))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    program = _program()
    ends = " or ".join(f"…{end}" for end in SECRET_ENDS)
    lines = [
        f"usage: {program} [--help]",
        "",
        f"Settings come from the environment. A setting that ends in {ends} may come from a file instead, which the",
        f"variable of the same name with {FILE_END} at its end names. Times in records and settings are UTC.",
        "",
        *("  " + "  ".join((*map(str.ljust, row, widths), row[-1])) for row in rows),
        "",
        f"Example: {PREFIX}BUS_URL=kafka://localhost:9092 {program}",
        "Exit codes: 0 stopped by a signal, 1 failed, 2 wrong settings.",
    ]
    return "\n".join(lines) + "\n"


def _program() -> str:
    """How the process was called."""
    path = Path(sys.argv[0])
    if path.suffix != ".py":
        return path.name
    spec: Any = getattr(sys.modules["__main__"], "__spec__", None)
    name = spec.name.removesuffix(".__main__") if spec is not None else path.stem
    return f"python -m {name}"


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    return f"{PREFIX}{name.upper()}", unit_of(name), _shown(field), field.description or ""


def unit_of(name: str) -> str:
    """Unit of a setting; empty for one without."""
    return next(_units(name), "")


def _units(name: str) -> Iterator[str]:
    return (unit for end, unit in UNITS.items() if name.endswith(end))


def _shown(field: FieldInfo) -> str:
    default = field.default
    if field.is_required() or default is None or default == ():
        return "none"
    value = default.value if isinstance(default, Enum) else default
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
