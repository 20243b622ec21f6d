"""Generated files are never stale, each service applies alone, and a machine without a renderer is told what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from deploy.k8s import rendering
from deploy.k8s.generate import HERE, generated, rendered, stale
from tests.architecture.layout import SERVICES
from tests.deploy.overlays import objects

AGAIN = "run `python -m deploy.k8s.generate` and commit what it writes"
BASES = sorted(path.name for path in (HERE / "base").iterdir())


def test_files_when_generated_again_from_the_topic_map_then_they_are_equal() -> None:
    assert stale(generated()) == [], AGAIN


def test_overlays_when_rendered_again_then_they_equal_the_golden_files() -> None:
    assert stale(rendered()) == [], AGAIN


def test_golden_files_are_those_of_the_overlays() -> None:
    golden = {path.stem for path in (HERE / "rendered").iterdir()}
    assert golden == {path.name for path in (HERE / "overlays").iterdir()}


def test_every_service_has_a_folder() -> None:
    assert set(SERVICES) | {"telemetry-views"} == set(BASES)


@pytest.mark.parametrize("name", BASES)
def test_service_when_applied_alone_then_it_has_all_it_names(name: str) -> None:
    found = list(objects(rendering.render(HERE / "base" / name)))
    kinds = {entry["kind"]: entry for entry in found}
    workload = kinds.get("StatefulSet") or kinds["Deployment"]
    pod = workload["spec"]["template"]["spec"]
    settings, environment = (source["configMapRef"] for source in pod["containers"][0]["envFrom"])

    assert settings["name"] == kinds["ConfigMap"]["metadata"]["name"]
    assert environment["optional"], "the overlay's settings are not there"
    assert pod["serviceAccountName"] == kinds["ServiceAccount"]["metadata"]["name"]
    assert pod["priorityClassName"] == kinds["PriorityClass"]["metadata"]["name"]
    assert workload["spec"].get("serviceName", name) == kinds["Service"]["metadata"]["name"]
    for kind in ("PodDisruptionBudget", "Service"):
        selector = kinds[kind]["spec"]["selector"]
        labels = selector.get("matchLabels", selector)
        assert labels.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


def test_renderer_when_the_machine_has_none_then_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rendering.renderer.cache_clear()
    try:
        with pytest.raises(rendering.RenderError, match="go install"):
            rendering.render(HERE / "overlays/paper")
    finally:
        rendering.renderer.cache_clear()


def test_folder_when_it_is_not_there_then_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(rendering.RenderError, match="nowhere"):
        rendering.render(tmp_path / "nowhere")
