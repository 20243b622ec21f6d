"""Documents hold: links resolve, the metrics they name are the code's, and nothing names a machine or a mirror."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.layout import ROOT, SERVICES, relative, sources, tracked, tree

from tradewire.runtime.observe.logs import FIELDS

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

MADE_LATER = {"docs/benchmarks.md"}
"""Written by a command, so not there on a fresh clone."""

MACHINE_PATHS = re.compile("|".join((r"(?<![\w./{}-])/" + r"(work|home/\w+|root|Users/\w+|mnt)/", "C:" + r"\\\\Users")))
MIRRORS = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", r"npm" + r"js\.(org|com)", "maven" + r"\.org")))
"""Registries of packages: which one serves a clone is its owner's configuration, not ours."""


def _documents() -> list[str]:
    return [name for name in tracked() if name.endswith(".md")]


def _anchors(path: Path) -> set[str]:
    """GitHub's anchors of a document's headings."""
    text = FENCE.sub("", path.read_text())
    slugs = (re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in HEADING.findall(text))
    return {slug.replace(" ", "-") for slug in slugs}


@pytest.mark.parametrize("name", _documents())
def test_every_link_of_a_document_resolves(name: str) -> None:
    broken = []
    for groups in LINK.findall(FENCE.sub("", (ROOT / name).read_text())):
        target = groups[0] or groups[1]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", _documents())
def test_every_path_in_backticks_of_a_document_exists(name: str) -> None:
    text = FENCE.sub("", (ROOT / name).read_text())
    paths = re.findall(r"`((?:libs|services|apps|contracts|docs|tests|strategies)/[\w./-]+)`", text)
    assert [path for path in paths if not (ROOT / path).exists() and path not in MADE_LATER] == []


@pytest.mark.parametrize("text", ["see /" + "work/main", "(/" + "home/ann/x)", "https://files.python" + "hosted.org/x"])
def test_a_planted_machine_or_mirror_is_found(text: str) -> None:
    assert MACHINE_PATHS.search(text) or MIRRORS.search(text)


def test_no_tracked_file_names_a_machine_or_a_mirror() -> None:
    found = []
    for name in tracked():
        text = (ROOT / name).read_bytes().decode(errors="ignore")
        found += [f"{name}: {match.group()}" for match in MACHINE_PATHS.finditer(text)]
        found += [f"{name}: {match.group()}" for match in MIRRORS.finditer(text)]
    assert found == []


def _exported() -> dict[str, tuple[str, str]]:
    """Metric → (type, labels) of every Prometheus metric that the sources define, by the name that is scraped."""
    found: dict[str, tuple[str, str]] = {}
    for path in sources():
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in ("Counter", "Gauge", "Histogram") or len(node.args) < 2:
                continue
            assert isinstance(node.args[0], ast.Constant), f"{relative(path)}:{node.lineno}: name is no literal"
            labels = ast.literal_eval(node.args[2]) if len(node.args) > 2 else []
            kind = node.func.id.lower()
            found[f"{node.args[0].value!s}{'_total' if kind == 'counter' else ''}"] = (kind, ", ".join(labels))
    return found


def test_the_metrics_documented_are_those_of_the_code() -> None:
    script = ROOT / "docs/generate_metrics.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_metric_that_nothing_fills_says_so() -> None:
    """A series that stays empty is worse than none: an alert on it never fires."""
    text = (ROOT / "docs/metrics.md").read_text()
    empty = set(re.findall(r"^\| `(\w+)` .*not filled yet \|$", text, re.MULTILINE))
    assert empty == _exported().keys() - _filled()


def _filled() -> set[str]:
    """Metrics of the runtime whose attribute is used outside the class that makes them, and all others."""
    attributes: dict[str, str] = {}
    used: set[str] = set()
    for path in sources():
        for node in ast.walk(tree(path)):
            match node:
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id="self"), attr=attribute)],
                    value=ast.Call(func=ast.Name(id="Counter" | "Gauge" | "Histogram" as kind), args=[name, *_]),
                ):
                    assert isinstance(name, ast.Constant)
                    attributes[f"{name.value!s}{'_total' if kind == 'Counter' else ''}"] = attribute
                case ast.Attribute(value=ast.Attribute(attr=attribute), attr="labels" | "inc" | "set" | "observe"):
                    used.add(attribute)
                case ast.Attribute(value=ast.Name(id="metrics"), attr=attribute):
                    used.add(attribute)
    return {name for name in _exported() if name not in attributes or attributes[name] in used}


SETTINGS = {
    "libs/runtime": ("libs/runtime/src/tradewire/runtime/settings.py", "RuntimeSettings"),
    **{f"services/{name}": (f"services/{name}/src/tradewire/{name}/settings.py", "Settings") for name in SERVICES},
}
"""Folder → its module and class of settings."""


@pytest.mark.parametrize("folder", SETTINGS)
def test_the_settings_documented_are_those_of_the_code(folder: str) -> None:
    path, name = SETTINGS[folder]
    (settings,) = (n for n in tree(ROOT / path).body if isinstance(n, ast.ClassDef) and n.name == name)
    assigned = (n.target for n in settings.body if isinstance(n, ast.AnnAssign))
    knobs = {target.id for target in assigned if isinstance(target, ast.Name)}
    text = (ROOT / folder / "README.md").read_text()
    assert set(re.findall(r"^\| `TRADEWIRE_(\w+)`", text, re.MULTILINE)) == {knob.upper() for knob in knobs}


def test_the_fields_of_log_lines_are_those_that_the_code_writes() -> None:
    """The allow-list of log fields is derived from every ``extra`` in the sources: no name is masked by accident."""
    used = set[str]()
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
                used |= {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    assert used - {"event"} <= FIELDS
