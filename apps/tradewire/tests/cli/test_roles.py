"""Commands ask for a role where tokens are configured, before they ask anything of a platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradewire.app.cli.entry import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.permission import ForbiddenError, permitted
from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import line_of

STRATEGY = str(Path(__file__).parents[4] / "strategies/ema-cross-btc.yaml")
NOWHERE = ("--bus", "kafka://127.0.0.1:1")
NEEDS = [
    (("halt", *NOWHERE), Role.OPERATOR),
    (("reduce-only", *NOWHERE), Role.OPERATOR),
    (("flatten", *NOWHERE), Role.OPERATOR),
    (("pause", *NOWHERE), Role.OPERATOR),
    (("resume", *NOWHERE), Role.OPERATOR),
    (("limits", "set", "main", "max_leverage=2", *NOWHERE), Role.OPERATOR),
    (("dlq", "replay", "--service", "risk", "--key", "main", *NOWHERE), Role.OPERATOR),
    (("topics", "apply", *NOWHERE), Role.OPERATOR),
    (("contracts", "register", "--registry-url", "http://127.0.0.1:1"), Role.OPERATOR),
    (("replay", "prepare", *NOWHERE), Role.OPERATOR),
    (("replay", "register", *NOWHERE), Role.OPERATOR),
    (("strategy", "publish", STRATEGY, *NOWHERE), Role.TRADER),
    (("strategy", "retire", "ema-cross-btc", *NOWHERE), Role.TRADER),
    (("controls", *NOWHERE), Role.VIEWER),
    (("status", *NOWHERE), Role.VIEWER),
]


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of tokens and one for each role; returns their folder."""
    for role in Role:
        (tmp_path / role.value).write_text(f"the {role.value}'s\n")
    lines = [line_of(Identity(f"a-{role.value}", role), f"the {role.value}'s") for role in Role]
    (tmp_path / "tokens").write_text("\n".join(lines))
    monkeypatch.setenv("TRADEWIRE_TOKENS_FILE", str(tmp_path / "tokens"))
    return tmp_path


@pytest.mark.parametrize(("words", "wanted"), NEEDS, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_a_command_when_the_role_is_missing_then_refused_with_both_roles(
    words: tuple[str, ...],
    wanted: Role,
    tokens: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("TRADEWIRE_TOKEN_FILE", raising=False)
    assert main([*words, "--json"]) == Exit.REFUSED
    assert f"this needs the token of a {wanted.value}" in json.loads(capsys.readouterr().out)["error"]
    for role in (role for role in Role if not role.includes(wanted)):
        monkeypatch.setenv("TRADEWIRE_TOKEN_FILE", str(tokens / role.value))
        assert main([*words, "--json"]) == Exit.REFUSED
        says = f"a-{role.value} has the role {role.value}; this needs {wanted.value}"
        assert json.loads(capsys.readouterr().out)["error"] == says


def test_who_has_the_role_is_known_by_name_and_a_stranger_is_not(tokens: Path) -> None:
    tokens_file = {"TRADEWIRE_TOKENS_FILE": str(tokens / "tokens")}
    held = permitted(Role.TRADER, tokens_file | {"TRADEWIRE_TOKEN_FILE": str(tokens / "operator")})
    assert held == Identity("a-operator", Role.OPERATOR)
    assert permitted(Role.OPERATOR, {}) is None
    (tokens / "stranger").write_text("canary")
    for name, says in (("stranger", "nobody holds the token of"), ("nowhere", "can't be read: No such file")):
        with pytest.raises(ForbiddenError, match=says) as refused:
            permitted(Role.VIEWER, tokens_file | {"TRADEWIRE_TOKEN_FILE": str(tokens / name)})
        assert "canary" not in str(refused.value)
