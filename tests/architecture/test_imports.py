"""The import contracts of .importlinter: the code keeps them, and each finds a violation that is planted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.layout import ROOT, distributions, relative

PLANTS = [
    ("layers", "tradewire.ports.errors", "tradewire.runtime.service"),
    ("layers", "tradewire.ports.clock", "tradewire.trading.roster"),
    ("layers", "tradewire.runtime.service", "tradewire.trading.roster"),
    ("layers", "tradewire.trading.roster", "tradewire.runtime.service"),
    ("layers", "tradewire.runtime.codec.events", "tradewire.risk.settings"),
    ("layers", "tradewire.risk.settings", "tradewire.app.operating.monolith"),
    ("layers", "tradewire.execution.settings", "tradewire.testkit.checker"),
    ("layers", "tradewire.app.operating.watch", "tradewire.testkit.checker"),
    ("services", "tradewire.strategy.handlers", "tradewire.risk.domain.account"),
    ("services", "tradewire.indicator.settings", "tradewire.ingest.settings"),
    ("adapters", "tradewire.risk.handlers", "tradewire.risk.adapters.memory_rules"),
    ("adapters", "tradewire.execution.domain.desk", "tradewire.execution.adapters.memory_ledger"),
    ("adapters", "tradewire.app.operating.operator", "tradewire.strategy.adapters.memory_registry"),
    ("domain", "tradewire.risk.domain.desk", "tradewire.runtime.clock"),
    ("domain", "tradewire.ingest.domain", "tradewire.ingest.settings"),
    ("domain", "tradewire.strategy.domain.desk", "tradewire.strategy.wiring"),
    ("services", "tradewire.venue.books", "tradewire.execution.settings"),
    ("layers", "tradewire.binance.filters", "tradewire.trading.bounds"),
    ("protocol", "tradewire.binance.errors", "tradewire.ports.errors"),
    ("pure", "tradewire.binance.streams", "asyncio"),
    ("pure", "tradewire.risk.domain.account", "time"),
    ("pure", "tradewire.indicator.domain.desk", "asyncio"),
    ("pure", "tradewire.trading.fingerprint", "logging"),
    ("pure", "tradewire.trading.exchange.margin", "os"),
    ("pure", "tradewire.ports.bus", "aiokafka"),
    ("pure", "tradewire.execution.domain.desk", "asyncpg"),
]
"""(contract, importing module, imported module)."""


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the sources below ``folder``, in front of the installed ones."""
    paths = [str(folder / relative(d.folder) / "src") for d in distributions()]
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
            "--no-logo",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=False,
    )


def _contract_names() -> dict[str, str]:
    text = (ROOT / ".importlinter").read_text()
    return dict(re.findall(r"\[importlinter:contract:(.+?)\]\nname = (.+)", text))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """import-linter's findings by contract over a copy of the sources with every violation in it."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / ".importlinter", folder)
    for distribution in distributions():
        source = distribution.folder / "src"
        target = folder / relative(distribution.folder) / "src"
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for _, importer, imported in PLANTS:
        (path,) = folder.glob(f"*/*/src/{importer.replace('.', '/')}.py")
        path.write_text(path.read_text() + f"\nimport {imported}\n")
    output = _lint(folder).stdout
    sections = re.split(r"\n(.+)\n-+\n", output)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


def test_the_code_keeps_every_contract() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(_contract_names())} kept, 0 broken" in result.stdout


@pytest.mark.parametrize(("contract", "importer", "imported"), PLANTS)
def test_a_planted_import_breaks_its_contract(
    contract: str, importer: str, imported: str, planted: dict[str, str]
) -> None:
    findings = planted.get(_contract_names()[contract], "")
    assert re.search(rf"{re.escape(importer)}\s+->\s+{re.escape(imported)}\b", findings), findings


def test_every_contract_has_a_violation_planted() -> None:
    assert {contract for contract, _, _ in PLANTS} == set(_contract_names())
