"""Compile the loops of research before the first backtest waits for them: ``python -m tradewire.backtest.ahead``.

What it makes lies in the package's folder ``shipped`` and goes into the wheel; `tradewire.backtest.shipped_code` says
how it is used. A minute or two of CPU, and nothing where the folder holds the code of these sources already.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from numba.core.registry import cpu_target

from tradewire.backtest import ahead_runs
from tradewire.backtest.compiled import FOLDERS
from tradewire.backtest.shipped_code import SHIPPED, gather, machine, sources_of, withdraw
from tradewire.trading import indicators

X86_64 = (
    "x86-64-v3",
    "+avx,+avx2,+bmi,+bmi2,+cmov,+cx16,+cx8,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt,+sahf,+sse,+sse2,+sse3,+sse4.1,"
    "+sse4.2,+ssse3,+xsave",
)
"""Name and features, as LLVM has them, of what Intel's and AMD's processors have had since 2013 and 2015."""
ANY = ("generic", "")
"""What every processor of another architecture has."""


def main() -> None:
    """Make the code of each part in a process of its own, all at once."""
    if len(sys.argv) > 1:
        ahead_runs.RUNS[sys.argv[1]]()
        return
    sources = _sources()
    if sources_of(SHIPPED) == sources:
        return
    withdraw(SHIPPED)
    with TemporaryDirectory() as scratch:
        caches = {part: Path(scratch, part) for part in ahead_runs.RUNS}
        running = [_started(part, cache) for part, cache in caches.items()]
        if any(code != 0 for code in [process.wait() for process in running]):
            raise SystemExit("compiling ahead failed; what was printed above says why")
        gather(list(caches.values()), SHIPPED, sources)


def _started(part: str, cache: Path) -> subprocess.Popen[bytes]:
    """A process that compiles for more machines than this one."""
    name, features = X86_64 if platform.machine() in ("x86_64", "AMD64") else ANY
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    chosen = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(cache)}
    environment = kept | chosen | {"NUMBA_DISABLE_INTEL_SVML": "1"}
    return subprocess.Popen([sys.executable, "-m", "tradewire.backtest.ahead", part], env=environment)  # noqa: S603  words of this module


def _sources() -> str:
    """Digest of what is compiled ahead, of the runs that ask for it, and of what this machine makes of it."""
    here, theirs = Path(__file__).parent, Path(str(indicators.__file__)).parent
    files = [*here.glob("ahead*.py"), here / "compiled.py", *theirs.glob("*.py")]
    files += [path for folder in FOLDERS for path in (here / folder).glob("*.py")]
    made = hashlib.sha256(repr(machine(cpu_target.target_context.codegen().magic_tuple())).encode())
    for path in sorted(files):
        made.update(path.name.encode() + path.read_bytes())
    return made.hexdigest()


if __name__ == "__main__":
    main()
