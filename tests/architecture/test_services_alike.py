"""Who knows one service knows all: the same files, the same main function, the same two names to build it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re

import pytest
import yaml
from pydantic import BaseModel
from tests.architecture.layout import ROOT, SERVICES, every_module, relative, tree

from tradewire.runtime.environment import OTHER_NAMES
from tradewire.runtime.secret_files import PREFIX
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

FILES = ("__init__.py", "__main__.py", "handlers.py", "py.typed", "settings.py", "wiring.py")
OPTIONAL_FILES = ("domain.py", "store.py")
"""A domain of one file; the service's Store, where it keeps state."""
FOLDERS = ("adapters", "domain", "migrations")
OWN = {
    "ingest": {"feed.py": "the loop from a source to batches: async, so not domain"},
    "execution": {
        "router.py": "live orders: async, so not domain",
        "routed_execution.py": "live orders behind the desk's port: async, so not domain",
        "routed_venue.py": "one of them for each account",
        "reconciler.py": "when an account is held against its venue: async, so not domain",
        "account_writer.py": "what the router needs of whoever writes its account",
        "fill_reader.py": "follows the venue's fills",
        "account_reader.py": "reads an account whole at the venue",
        "stored_messages.py": "waits for the ledger: async, so not domain",
    },
    "strategy": {"examiner.py": "checks and look-ups beside the loop: async, so not domain"},
}
"""Files that only one service has, with the reason."""


def test_the_services_are_those_of_the_topic_map() -> None:
    folders = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    built = yaml.safe_load((ROOT / ".github/workflows/images.yml").read_text())
    assert set(SERVICES) == folders
    assert {*SERVICES, "tradewire"} == set(built["jobs"]["image"]["strategy"]["matrix"]["service"])


def test_the_services_are_listed_once() -> None:
    listed = re.compile(r",\s*".join(rf"[\"']{name}[\"']" for name in SERVICES))
    found = {relative(path) for path in every_module() if listed.search(path.read_text())}
    assert found == set(), "import them: tradewire.ports.topics.SERVICES"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_same_files_as_all(service: str) -> None:
    folder = ROOT / f"services/{service}/src/tradewire/{service}"
    files = {path.name for path in folder.iterdir() if path.is_file()} - set(OWN.get(service, ()))
    assert files - set(OPTIONAL_FILES) == set(FILES)
    folders = {path.name for path in folder.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders <= set(FOLDERS)
    assert (folder / "domain.py").exists() != (folder / "domain").exists(), "domain.py or domain/, not both"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_a_readme_and_tests(service: str) -> None:
    assert (ROOT / f"services/{service}/README.md").is_file()
    assert list((ROOT / f"services/{service}/tests").rglob("test_*.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_main_is_the_same_as_all(service: str) -> None:
    def main(name: str) -> set[str]:
        module = tree(ROOT / f"services/{name}/src/tradewire/{name}/__main__.py")
        return {ast.unparse(statement).replace(name, "SERVICE") for statement in module.body}

    assert main(service) == main("risk")


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_settings_and_wiring_have_the_same_shape(service: str) -> None:
    settings = importlib.import_module(f"tradewire.{service}.settings").Settings
    build = importlib.import_module(f"tradewire.{service}.wiring").build
    assert issubclass(settings, RuntimeSettings)
    signature = inspect.signature(build, eval_str=True)
    assert [parameter.annotation for parameter in signature.parameters.values()] == [settings]
    assert signature.return_annotation is Service


@pytest.mark.parametrize("service", SERVICES)
def test_every_knob_says_what_it_is(service: str) -> None:
    settings: type[BaseModel] = importlib.import_module(f"tradewire.{service}.settings").Settings
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_the_environment_that_services_share_knows_the_settings_of_each() -> None:
    """A variable of one service is not refused by another; one that no service has is refused by all."""
    kinds = [importlib.import_module(f"tradewire.{service}.settings").Settings for service in SERVICES]
    own = {f"{PREFIX}{name.upper()}" for kind in kinds for name in kind.model_fields}
    common = {f"{PREFIX}{name.upper()}" for name in RuntimeSettings.model_fields}
    of_the_command = {"TRADEWIRE_JARS", "TRADEWIRE_SHARED_DATA", "TRADEWIRE_TOKEN_FILE"}
    assert (own - common) | of_the_command == OTHER_NAMES
