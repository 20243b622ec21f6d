"""Promotion by gates on a real Prometheus and a real Postgres: passed, failed, without data, taken back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deploy.monitoring.objectives import OBJECTIVES
from tests.architecture.layout import ROOT
from tests.monitoring.servers import program, serving

from tradewire.app.operating.monolith import memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.app.promoting.deciding import Promoting, PromotionError
from tradewire.app.promoting.gates import GATES, STANDING, GateResult, PromotionStage
from tradewire.app.promoting.overlays import OverlayError, images_moved, images_of
from tradewire.app.promoting.prometheus import measured
from tradewire.app.promoting.record import PromotionRecord, PromotionVerdict, standing
from tradewire.app.promoting.watching import LOOKS_MAX, StageWatch
from tradewire.embedded.ports import choose_ports
from tradewire.execution.adapters.promotion import check_promotion, read_promotion
from tradewire.ports.events import AuditRecorded, ControlLevel
from tradewire.ports.topics import BY_EVENT, SERVICES
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]
pytestmark = pytest.mark.timeout(180)
REVISION, CLEAN, DIFFERS = "1a2b3c4", '{"clean": true}', '{"strategies": [{"clean": true}, {"clean": false}]}'
GOOD, BAD = PromotionStage.TESTNET, PromotionStage.PAPER
"""Stages whose metrics are as they should be, and broken. Of the third there is only what is no number."""
STEP_S, AHEAD_S = 60, 1_800


@dataclass(frozen=True)
class Series:
    """A metric in a stage over the last ``minutes``, which has one value; ``end`` is that of the last ten minutes."""

    name: str
    stage: PromotionStage
    value: float
    minutes: int = 90
    labels: str = ""
    end: float | None = None


def world() -> Iterator[Series]:
    for service in SERVICES:
        labels = f',service="{service}",git_sha="{REVISION}"'
        yield Series("tradewire_build_info", GOOD, 1, 25 * 60, labels)
        yield Series("tradewire_build_info", BAD, 1, 60, labels)
    yield Series("tradewire_build_info", BAD, 1, 60, ',service="risk",git_sha="other"')
    for window in ("3d", "1h"):
        for name in ("event_age", "heartbeat"):
            metric = f"tradewire:{name}_errors:ratio_rate{window}"
            yield Series(metric, GOOD, 0.001)
            yield Series(metric, BAD, 0.5)
            yield Series(metric, PromotionStage.MAINNET, float("nan"))
    yield Series("tradewire_dead_letters_total", GOOD, 3)
    yield Series("tradewire_dead_letters_total", BAD, 3, end=7)
    yield Series("tradewire_ledger_mismatch_orders", GOOD, 0)
    yield Series("tradewire_ledger_mismatch_orders", BAD, 2)


def openmetrics(now_s: int) -> Iterator[str]:
    for name in sorted({series.name for series in world()}):
        yield f"# TYPE {name} gauge"
        for series in (series for series in world() if series.name == name):
            for at in range(now_s - series.minutes * 60, now_s + AHEAD_S, STEP_S):
                value = series.value if series.end is None or at < now_s - 600 else series.end
                yield f'{name}{{namespace="{series.stage.namespace}"{series.labels}}} {value} {at}'.replace(
                    " nan ", " NaN "
                )
    yield "# EOF\n"


@pytest.fixture(scope="module")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has scraped such a world for a day."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "world").write_text("\n".join(openmetrics(SystemClock().now_us() // 60_000_000 * 60)))
    made = [program("promtool", "prometheus"), "tsdb", "create-blocks-from", "openmetrics", "world", "data"]
    done = subprocess.run(made, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "prometheus.yml").write_text("{}")
    port = choose_ports(["prometheus"], asked={}, root=folder)["prometheus"]
    command = [program("prometheus", "prometheus"), f"--config.file={folder}/prometheus.yml"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with serving(command, f"http://127.0.0.1:{port}/-/ready", folder):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def promoting(postgres: PostgresServer, prometheus_url: str, tmp_path: Path) -> AsyncIterator[Promoting]:
    """With the tree's overlays, in which testnet names its images by digest."""
    for stage in PromotionStage:
        shutil.copytree(ROOT / "deploy/k8s/overlays" / stage.value, tmp_path / "overlays" / stage.value)
    images = images_of(tmp_path / "overlays", PromotionStage.TESTNET)
    digests = {n: {"newName": f"registry/{n}", "digest": f"sha256:{i:064x}"} for i, n in enumerate(images)}
    images_moved(tmp_path / "overlays", PromotionStage.TESTNET, digests).write()
    bus, codec, clock = MemoryBus(memory_topics()), Codec(SchemaIds.static()), SystemClock()
    await bus.start()
    record = PromotionRecord(postgres.new_database())
    operator = Operator(bus, codec, clock, author="ada")
    yield Promoting(prometheus_url, record, operator, clock, tmp_path / "overlays", tmp_path / "permit.json", ("main",))
    await record.close()
    await bus.close()


@pytest.fixture
def parity(tmp_path: Path) -> Path:
    (tmp_path / "parity.json").write_text(CLEAN)
    return tmp_path / "parity.json"


async def told(promoting: Promoting) -> list[AuditRecorded]:
    """Audit events, as a reader of the topic has them."""
    operator = promoting.operator
    found = [await operator.decoded(r) async for r in read_to_end(operator.bus, BY_EVENT[AuditRecorded].name)]
    return [event for event in found if isinstance(event, AuditRecorded)]


async def test_every_gate_of_prometheus_passes_fails_and_fails_without_data(prometheus_url: str) -> None:
    for gates in (GATES[PromotionStage.PAPER], STANDING):
        asked = [gate.name for gate in gates if gate.query]
        good = await measured(prometheus_url, gates, GOOD, REVISION)
        assert [(result.gate, result.passed, result.missing) for result in good] == [(name, True, "") for name in asked]
        bad = await measured(prometheus_url, gates, BAD, REVISION)
        assert [(result.gate, result.passed) for result in bad] == [(name, False) for name in asked]
        assert all(result.value is not None for result in bad), bad
        for url, stage in ((prometheus_url, PromotionStage.MAINNET), ("http://127.0.0.1:1", GOOD)):
            gone = await measured(url, gates, stage, REVISION)
            assert [(result.value, result.passed) for result in gone] == [(None, False) for _ in asked]
            assert all(result.missing for result in gone)


async def test_a_revision_that_never_ran_has_no_soak(prometheus_url: str) -> None:
    (soak, *_) = await measured(prometheus_url, GATES[PromotionStage.PAPER], GOOD, "never")
    assert (soak.gate, soak.passed, soak.missing) == ("soak_hours", False, "Prometheus has no data")


@pytest.mark.parametrize(
    ("certificate", "value"),
    [(CLEAN, 0.0), (DIFFERS, 1.0), ("{}", None), ('{"strategies": []}', None), ("x", None), (None, None)],
)
async def test_gates_of_the_platform_itself(
    certificate: str | None, value: float | None, promoting: Promoting, tmp_path: Path
) -> None:
    path = tmp_path / "certificate.json"
    if certificate is not None:
        path.write_text(certificate)
    await promoting.record.approve(PromotionStage.PAPER, REVISION, "bob", "looked", 1)
    found = {r.gate: r for r in await promoting.gates(PromotionStage.PAPER, REVISION, path)}
    assert (found["parity_differences"].value, found["parity_differences"].passed) == (value, value == 0)
    assert found["approvals"].passed
    assert found["images_without_digest"].passed
    mainnet = {r.gate: r for r in await promoting.gates(PromotionStage.MAINNET, REVISION, path)}
    assert (mainnet["approvals"].value, mainnet["approvals"].passed) == (0, False)
    assert (mainnet["images_without_digest"].value, mainnet["images_without_digest"].passed) == (6, False)


async def test_a_promotion_when_a_gate_fails_then_it_is_recorded_and_nothing_moves(
    promoting: Promoting, parity: Path
) -> None:
    before = images_of(promoting.overlays, PromotionStage.PAPER)
    decision = await promoting.promote(PromotionStage.PAPER, REVISION, "soaked", parity)
    assert [result.gate for result in decision.gates if not result.passed] == ["approvals"]
    (kept,) = await promoting.record.decisions(PromotionStage.PAPER)
    assert (kept.verdict, kept.who, kept.why, list(kept.gates)) == (
        PromotionVerdict.REFUSED,
        "ada",
        "soaked",
        list(decision.gates),
    )
    assert standing([kept]) is None
    assert images_of(promoting.overlays, PromotionStage.PAPER) == before
    (event,) = await told(promoting)
    assert (event.name, event.attributes["failed_gates"], event.attributes["who"]) == (
        "stage_refused",
        "approvals",
        "ada",
    )


async def test_a_promotion_when_all_gates_are_passed_then_images_move_and_it_is_on_record_until_it_breaks(
    promoting: Promoting, parity: Path
) -> None:
    await promoting.record.approve(PromotionStage.PAPER, REVISION, "bob", "looked", 1)
    text = (promoting.overlays / "paper/kustomization.yaml").read_text()
    decision = await promoting.promote(PromotionStage.PAPER, REVISION, "soaked", parity)
    assert decision.verdict is PromotionVerdict.PROMOTED, decision.gates
    assert images_of(promoting.overlays, PromotionStage.PAPER) == images_of(promoting.overlays, PromotionStage.TESTNET)
    changed = set((promoting.overlays / "paper/kustomization.yaml").read_text().splitlines()) - set(text.splitlines())
    assert len(changed) == 6
    assert all(line.startswith("  - {name: tradewire/") for line in changed)

    watching = StageWatch(promoting, PromotionStage.PAPER)
    for _ in range(LOOKS_MAX - 1):
        assert (await watching.look())[1] is None
    _, demoted = await watching.look()
    assert demoted is not None
    assert (demoted.verdict, demoted.who) == (PromotionVerdict.DEMOTED, "promote watch")
    assert "heartbeat_errors: 0.5, allowed at most" in demoted.why
    assert standing(await promoting.record.decisions(PromotionStage.PAPER)) is None
    assert (await promoting.operator.controls())["global"].level is ControlLevel.NO_NEW
    assert [event.name for event in await told(promoting)] == ["stage_promoted", "control_asked", "stage_demoted"]
    assert await promoting.record.approvers(PromotionStage.PAPER, REVISION) == []
    assert await watching.look() == ([], None)
    with pytest.raises(PromotionError, match="paper: promoted is none, not 1a2b3c4"):
        await promoting.promote(PromotionStage.MAINNET, REVISION, "next", parity)


async def test_a_stage_without_data_is_demoted_too_and_one_that_keeps_its_gates_is_not(
    promoting: Promoting, parity: Path
) -> None:
    await promoting.record.approve(PromotionStage.PAPER, REVISION, "bob", "looked", 1)
    decision = await promoting.promote(PromotionStage.PAPER, REVISION, "soaked", parity)
    await promoting.record.add(replace(decision, stage=PromotionStage.TESTNET))  # whose metrics are good
    kept = StageWatch(promoting, PromotionStage.TESTNET)
    assert [(await kept.look())[1] for _ in range(2 * LOOKS_MAX)] == [None] * 2 * LOOKS_MAX
    blind = StageWatch(replace(promoting, prometheus="http://127.0.0.1:1"), PromotionStage.TESTNET)
    demoted = [(await blind.look())[1] for _ in range(LOOKS_MAX)][-1]
    assert demoted is not None
    assert "Prometheus does not answer" in demoted.why


async def test_a_promotion_to_the_mainnet_writes_what_execution_asks_for_and_a_demotion_takes_it_away(
    promoting: Promoting, monkeypatch: pytest.MonkeyPatch, parity: Path
) -> None:
    assert promoting.permit is not None
    await promoting.record.approve(PromotionStage.PAPER, REVISION, "bob", "looked", 1)
    decision = await promoting.promote(PromotionStage.PAPER, REVISION, "soaked", parity)
    for name in ("bob", "eve"):
        await promoting.record.approve(PromotionStage.MAINNET, REVISION, name, "looked", 1)

    async def all_passed(*_: object) -> list[GateResult]:
        return [replace(result, passed=True) for result in decision.gates]

    monkeypatch.setattr(Promoting, "gates", all_passed)  # a week of paper's metrics would be 100 MB
    await promoting.promote(PromotionStage.MAINNET, REVISION, "a week", parity)
    permit = read_promotion(promoting.permit)
    check_promotion(permit, "main", REVISION)
    assert permit.approved_by == "bob, eve"
    await promoting.demote(PromotionStage.MAINNET, "ada", "fills differ")
    assert not promoting.permit.exists()


async def test_a_promotion_when_its_effects_can_not_follow_then_it_is_not_recorded(
    promoting: Promoting, parity: Path
) -> None:
    await promoting.record.approve(PromotionStage.PAPER, REVISION, "bob", "looked", 1)
    path = promoting.overlays / "paper/kustomization.yaml"
    path.write_text(path.read_text().replace("  - {name: tradewire/risk, newTag: 0.1.0}\n", ""))
    with pytest.raises(OverlayError, match="to be moved are"):
        await promoting.promote(PromotionStage.PAPER, REVISION, "soaked", parity)
    assert await promoting.record.decisions(PromotionStage.PAPER) == []
    assert await told(promoting) == []


async def test_a_promotion_to_the_mainnet_when_nobody_may_trade_there_then_it_is_refused_before_any_gate(
    promoting: Promoting, parity: Path, tmp_path: Path
) -> None:
    await promoting.record.approve(PromotionStage.PAPER, REVISION, "bob", "looked", 1)
    await promoting.promote(PromotionStage.PAPER, REVISION, "soaked", parity)
    for lacks in ({"permit": None}, {"accounts": ()}, {"permit": tmp_path / "gone" / "permit.json"}):
        with pytest.raises(PromotionError, match=r"--account NAME for each account|can't be written"):
            await replace(promoting, **lacks).promote(PromotionStage.MAINNET, REVISION, "a week", parity)
    assert await promoting.record.decisions(PromotionStage.MAINNET) == []


def test_limits_of_the_gates_are_the_objectives() -> None:
    targets = {f"{objective.name}_errors": round(1 - objective.target, 6) for objective in OBJECTIVES}
    for gates in GATES.values():
        limits = {gate.name: gate.limit for gate in gates if gate.name.endswith("_errors")}
        assert limits == {name: targets[name] for name in limits}
        assert len(limits) == 2


def test_an_overlay_when_it_names_other_images_then_nothing_is_written(promoting: Promoting) -> None:
    path = promoting.overlays / "paper/kustomization.yaml"
    before = path.read_text()
    with pytest.raises(OverlayError, match="to be moved are tradewire/risk"):
        images_moved(promoting.overlays, PromotionStage.PAPER, {"tradewire/risk": {"newTag": "1"}})
    path.write_text(
        before.replace("  - {name: tradewire/risk, newTag: 0.1.0}", "  - name: tradewire/risk\n    newTag: 0.1.0")
    )
    written = path.read_text()
    with pytest.raises(OverlayError, match=r"not one `  - {name: …}` on each line"):
        images_moved(promoting.overlays, PromotionStage.PAPER, images_of(promoting.overlays, PromotionStage.TESTNET))
    assert path.read_text() == written
