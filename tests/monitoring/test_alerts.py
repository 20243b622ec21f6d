"""Every alert fires when it should and not when it should not, by Prometheus' own rule tester."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.k8s import topic_map
from deploy.k8s.monitoring import rule_groups
from deploy.monitoring.scope import Scope
from tests.monitoring.cases import CASES, Case

SCOPES = [Scope(), Scope("tradewire-paper")]


def groups(scope: Scope) -> list[Any]:
    return rule_groups(topic_map.load(), scope)


def rules(scope: Scope) -> list[dict[str, Any]]:
    return [rule for group in groups(scope) for rule in group["rules"] if "alert" in rule]


def promtool(*arguments: str | Path) -> str:
    """What it says. It must be there: nothing is skipped."""
    found = shutil.which("promtool")
    assert found, "promtool is needed: `apt-get install prometheus`"
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def meant(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """The rules that a case is about."""
    chosen = {k: v for k, v in case.labels.items() if k in ("severity",) or case.alert == "TradewireServiceAbsent"}
    return [r for r in rules(scope) if r["alert"] == case.alert and chosen.items() <= r["labels"].items()]


def labelled(selector: str, scope: Scope) -> str:
    """The series as the platform's Prometheus has it."""
    if not scope.namespace:
        return selector
    name, _, rest = selector.partition("{")
    return f'{name}{{namespace="{scope.namespace}"' + (f", {rest}" if rest else "}")


def unit_test(case: Case, series: dict[str, str], scope: Scope, *, fires: bool) -> dict[str, Any]:
    """One test of promtool: the alert's rule alone is looked at."""
    return {
        "interval": "1m",
        "input_series": [{"series": labelled(s, scope), "values": values} for s, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"count({expected(case, scope)}) or vector(0)",
                "eval_time": f"{case.at}m",
                "exp_samples": [{"labels": "{}", "value": 1 if fires else 0}],
            }
        ],
    }


def expected(case: Case, scope: Scope) -> str:
    """Selector of the firing alert: of its name and labels, in its own namespace."""
    return Scope(scope.namespace).of("ALERTS", alertname=case.alert, alertstate="firing", **case.labels)


def relevant(case: Case, scope: Scope) -> list[dict[str, Any]]:
    """The case's rules with what they are recorded from: evaluating all rules for each case takes minutes."""
    wanted = meant(case, scope)
    every = [rule for group in groups(scope) for rule in group["rules"] if "record" in rule]
    for rule in reversed(every):
        if any(rule["record"] in user["expr"] for user in wanted):
            wanted.insert(0, rule)
    return wanted


@pytest.mark.parametrize("scope", SCOPES, ids=["alone", "namespace"])
def test_alerts_fire_and_stay_quiet_as_each_case_says(scope: Scope, tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        chosen = {"groups": [{"name": "relevant", "rules": relevant(case, scope)}]}
        (tmp_path / f"rules-{number}.yml").write_text(yaml.safe_dump(chosen))
        tests = [unit_test(case, case.fires, scope, fires=True), unit_test(case, case.quiet, scope, fires=False)]
        document = {"rule_files": [f"rules-{number}.yml"], "evaluation_interval": "1m", "tests": tests}
        (tmp_path / f"case-{number}.yml").write_text(yaml.safe_dump(document))
    assert promtool("test", "rules", *sorted(tmp_path.glob("case-*.yml"))).count("SUCCESS") == len(CASES)


@pytest.mark.parametrize("scope", SCOPES, ids=["alone", "namespace"])
def test_every_rule_has_a_case_and_every_case_a_rule(scope: Scope) -> None:
    covered = [rule for case in CASES for rule in meant(case, scope)]
    assert all(meant(case, scope) for case in CASES)
    assert [rule["alert"] for rule in rules(scope) if rule not in covered] == []


def test_rules_when_they_count_one_namespace_then_no_series_of_another() -> None:
    scope = SCOPES[1]
    for group in groups(scope):
        for rule in group["rules"]:
            selectors = re.findall(r"\btradewire[_:]\w[\w:]*(\{[^}]*\})?", rule["expr"])
            assert selectors
            assert all(f'namespace="{scope.namespace}"' in selector for selector in selectors), rule
