"""Machine code that comes with the distribution, in the folder ``shipped``: numba asks for it before it compiles.

`tradewire.backtest.ahead` makes it. A file of it is used where interpreter, numba, operating system and processor are
as it was made for, the sources are the same and its digest is right; otherwise the function is compiled, as without the
folder. See ADR 31.
"""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, compiler, dispatcher

SHIPPED = Path(__file__).parent / "shipped"
"""Where machine code lies that came with the distribution."""
MANIFEST = "manifest.json"
_PACKAGE = __name__.partition(".")[0] + "."
_LOG = logging.getLogger(__name__)
_Cache: Any = caching._Cache
_NUMBAS_OWN: Any = caching.FunctionCache
_REBUILD: Any = compiler.CompileResult._rebuild


class ShippedCode:
    """A folder of machine code, one file for each function and types of its arguments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[str, str] | None = None

    def load(self, name: str, codegen: Any) -> Any:
        """What was kept under ``name``, or None. The log has one line about a folder that does not fit this machine."""
        if self._digests is None:
            self._digests = self._fitting(codegen)
        if name not in self._digests:
            return None
        try:
            kept = (self._folder / name).read_bytes()
        except OSError as error:
            return self._refuse(str(error))
        if hashlib.sha256(kept).hexdigest() != self._digests[name]:
            return self._refuse(f"{name} is not as it was made")
        return pickle.loads(kept)  # noqa: S301 - of this distribution, like its sources

    def _fitting(self, codegen: Any) -> dict[str, str]:
        """Digest of each file; none of a folder that does not fit."""
        try:
            manifest = json.loads((self._folder / MANIFEST).read_bytes())
            why = next(_differences(manifest["made_for"], machine(codegen.magic_tuple())), None)
            digests: dict[str, str] = manifest["files"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"{MANIFEST} can't be read ({error!r})"
        if why is None:
            return digests
        self._refuse(why)
        return {}

    def _refuse(self, why: str) -> None:
        """Use no more of the folder."""
        self._digests = {}
        _LOG.warning("machine code in %s is not used: %s; loops are compiled at their first use", self._folder, why)


class KeptCode(_Cache):  # type: ignore[misc]
    """Where numba looks for a function's machine code: what was shipped, then numba's own files if there may be any."""

    def __init__(self, function: Any, shipped: ShippedCode) -> None:
        """``function``: as it is in the interpreter."""
        try:
            self._own: Any = _NUMBAS_OWN(function)
        except RuntimeError:  # nowhere to write, as in a read-only container
            self._own = caching.NullCache()
        self._function, self._shipped = function, shipped

    @property
    def cache_path(self) -> Any:
        """Folder of numba's own files."""
        return self._own.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Machine code for arguments of these types, or None."""
        target_context.refresh()
        name = _name_of(_base_of(self._function), sig, _code_of(self._function))
        made = self._shipped.load(name, target_context.codegen())
        if made is None:
            return self._own.load_overload(sig, target_context)
        return _REBUILD(target_context, *made)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, if there is a place for it."""
        self._own.save_overload(sig, data)

    def enable(self) -> None:
        """As numba's own."""
        self._own.enable()

    def disable(self) -> None:
        """As numba's own."""
        self._own.disable()

    def flush(self) -> None:
        """As numba's own."""
        self._own.flush()


def use_shipped_code() -> None:
    """Let functions of ours that numba keeps on disk (``cache=True``) use what was shipped; others are as before."""
    shipped = ShippedCode(SHIPPED)

    def cache_of(function: Any) -> Any:
        ours = function.__module__.startswith(_PACKAGE)
        return KeptCode(function, shipped) if ours else _NUMBAS_OWN(function)

    dispatcher.FunctionCache = cache_of  # type: ignore[attr-defined]  # what `cache=True` makes


def sources_of(folder: Path) -> str | None:
    """Digest of the sources that a folder's code was made from; None without any."""
    try:
        found: str = json.loads((folder / MANIFEST).read_bytes())["sources"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def withdraw(folder: Path) -> None:
    """Take a folder's code out of use."""
    (folder / MANIFEST).unlink(missing_ok=True)


def gather(caches: list[Path], folder: Path, sources: str) -> None:
    """Fill ``folder`` with what numba left in ``caches``: an index a function, and a file for each of its types."""
    folder.mkdir(exist_ok=True)
    files: dict[str, bytes] = {}
    made_for: dict[str, Any] = {}
    for index in sorted(index for cache in caches for index in cache.rglob("*.nbi")):
        with index.open("rb") as file:
            pickle.load(file)  # noqa: S301 - made by this process's children
            _, overloads = pickle.load(file)  # noqa: S301
        for (sig, target, (code, _)), data in overloads.items():
            files[_name_of(index.stem, sig, code)] = (index.parent / data).read_bytes()
            made_for = machine(target)
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    manifest = {"made_for": made_for, "sources": sources, "files": digests}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def machine(target: tuple[str, str, str]) -> dict[str, Any]:
    """What code is made for in this process; ``target``: system, processor and its features, as numba tells them."""
    triple, _, features = target
    has = sorted(feature for feature in features.split(",") if feature.startswith("+"))
    return {"python": sys.implementation.cache_tag, "numba": numba.__version__, "system": triple, "processor": has}


def _differences(made_for: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """In what a machine is not what code was made for."""
    for what in ("python", "numba", "system"):
        if made_for[what] != found[what]:
            yield f"it was made for {what} {made_for[what]}, this is {found[what]}"
    if lacking := sorted(set(made_for["processor"]) - set(found["processor"])):
        yield f"this processor lacks {', '.join(lacking)}"


def _name_of(base: str, sig: Any, code: str) -> str:
    """Name of the file of a function and types of arguments; ``base`` is numba's name for the function's files."""
    return hashlib.sha256(f"{base} {sig} {code}".encode()).hexdigest()[:32]


def _base_of(function: Any) -> str:
    code, version = function.__code__, sys.version_info
    stem = Path(code.co_filename).stem
    return f"{stem}.{function.__qualname__}-{code.co_firstlineno}.py{version[0]}{version[1]}{sys.abiflags}"


def _code_of(function: Any) -> str:
    return hashlib.sha256(function.__code__.co_code).hexdigest()
