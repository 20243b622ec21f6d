"""Generate what Kubernetes needs to know of the topic map, and what the overlays come to.

Run it after a change of contracts/topics.yaml, of a service's settings or of anything under deploy/k8s::

    python -m deploy.k8s.generate            # writes generated.yaml of components, rules, dashboards, rendered/
    python -m deploy.k8s.generate --check    # exit 1 when the committed files are stale
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.k8s import dashboards, kafka, manifests, monitoring, network, scaling, secrets, topic_map
from deploy.k8s.rendering import render
from deploy.monitoring.dashboards import boards
from deploy.monitoring.panels import document
from deploy.monitoring.scope import Scope

HERE = Path(__file__).parent
DASHBOARDS = HERE.parent / "grafana/dashboards"
ENVIRONMENTS = ("testnet", "paper", "mainnet")


def generated() -> dict[Path, str]:
    """Every file that follows from the topic map, with its text."""
    found = topic_map.load()
    users = kafka.users(found, scaling.scaled(found))
    components = {
        "strimzi": [*kafka.topics(), *users],
        "keda": scaling.objects(found),
        "monitoring": monitoring.pod_monitors(found),
        "network-policies": network.policies(found),
        "external-secrets": secrets.external_secrets(found),
    }
    files = {HERE / "components" / name / "generated.yaml": manifests.text(o) for name, o in components.items()}
    for environment in ENVIRONMENTS:
        rules = monitoring.rules(found, Scope(f"tradewire-{environment}"))
        files[HERE / "overlays" / environment / "alerts.yaml"] = manifests.text(rules)
    files[HERE.parent / "prometheus/rules.yml"] = manifests.text([{"groups": monitoring.rule_groups(found, Scope())}])
    boards_found = tuple(boards([service.name for service in found.services]))
    for board in boards_found:
        files[DASHBOARDS / f"{board.uid}.json"] = document(board)
    files[DASHBOARDS / "kustomization.yaml"] = dashboards.text(board.uid for board in boards_found)
    return files


def rendered() -> dict[Path, str]:
    """Every overlay as kustomize makes it of the files as they are now."""
    return {HERE / "rendered" / f"{name}.yaml": render(HERE / "overlays" / name) for name in ENVIRONMENTS}


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """Files that are not there or differ."""
    return [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def _bring(wanted: Mapping[Path, str], *, check: bool) -> bool:
    """Write what is stale, or only name it; whether nothing was."""
    found = stale(wanted)
    for path in found:
        print(f"{'stale' if check else 'written'}: {path.relative_to(HERE.parents[1])}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
    return not found


def main() -> int:
    """Exit code 1 when --check finds a stale file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    check = parser.parse_args().check
    fresh = [_bring(generated(), check=check), _bring(rendered(), check=check)]
    return 1 if check and not all(fresh) else 0


if __name__ == "__main__":
    sys.exit(main())
