"""Settings that are wrong or misspelt are refused in one sentence that names the variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import field_validator, model_validator

from tradewire.runtime.environment import SettingsRefusedError, load, refuse_unknown
from tradewire.runtime.process import bus_of
from tradewire.runtime.secret_files import PREFIX, SecretFileError, take_files
from tradewire.runtime.settings import RuntimeSettings


def refusal(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    """What is said of an environment."""
    for name, value in values.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    with pytest.raises(SettingsRefusedError) as refused:
        bus_of(load(RuntimeSettings), "risk")
    text = str(refused.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("HTTP_PORT", "eighty", "a valid integer"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("POLL_RECORDS_MAX", "0", "greater than or equal to 1"),
        ("DRAIN_SECONDS", "-1", "greater than 0"),
        ("TRACE_RATIO", "1.5", "less than or equal to 1"),
    ],
)
def test_wrong_value_is_one_sentence_with_variable_found_and_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(monkeypatch, **{name: value}) == f"TRADEWIRE_{name}: found {value!r}; allowed: {allowed}"


class JudgedSettings(RuntimeSettings):
    """Settings that judge a value, and two together, in words of their own."""

    @field_validator("log_level")
    @classmethod
    def _quiet(cls, level: str) -> str:
        if level == "DEBUG":
            raise ValueError("INFO and above, where a test looks on")
        return level

    @model_validator(mode="after")
    def _fits(self) -> JudgedSettings:
        if self.drain_seconds > 1000:
            raise ValueError("TRADEWIRE_DRAIN_SECONDS: found more than a supervisor waits; allowed: 1000")
        return self


def test_value_that_a_rule_of_ours_refuses_is_told_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}LOG_LEVEL", "DEBUG")
    with pytest.raises(SettingsRefusedError) as refused:
        load(JudgedSettings)
    assert str(refused.value) == "TRADEWIRE_LOG_LEVEL: found 'DEBUG'; allowed: INFO and above, where a test looks on"


def test_values_that_do_not_fit_together_are_told_in_the_rule_s_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}DRAIN_SECONDS", "2000")
    with pytest.raises(SettingsRefusedError) as refused:
        load(JudgedSettings)
    assert str(refused.value) == "TRADEWIRE_DRAIN_SECONDS: found more than a supervisor waits; allowed: 1000"


def test_bus_address_without_sense_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, BUS_URL="amqp://localhost").startswith("TRADEWIRE_BUS_URL: ")


@pytest.mark.parametrize(
    ("name", "near"),
    [("HTPP_PORT", "HTTP_PORT"), ("JOIN_GRACE_SECOND", "JOIN_GRACE_SECONDS"), ("RISK_DNS", "RISK_DSN")],
)
def test_misspelt_name_is_refused_with_the_nearest(name: str, near: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, **{name: "1"}) == f"TRADEWIRE_{name} is not a setting; did you mean TRADEWIRE_{near}?"


def test_value_that_may_hold_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIRE_OTLP_URL", "http://u:hunter2@collector")
    with pytest.raises(SettingsRefusedError) as refused:
        load(_Narrow)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).startswith("TRADEWIRE_OTLP_URL: found a value")


class _Narrow(RuntimeSettings):
    """Settings that take no collector."""

    otlp_url: None = None


def test_what_kubernetes_adds_for_a_service_of_the_platform_is_no_setting() -> None:
    added = {
        "TRADEWIRE_RISK_SERVICE_HOST": "10.0.0.7",
        "TRADEWIRE_RISK_SERVICE_PORT_HTTP": "8080",
        "TRADEWIRE_RISK_PORT": "tcp://10.0.0.7:8080",
        "TRADEWIRE_RISK_PORT_8080_TCP_ADDR": "10.0.0.7",
    }
    refuse_unknown(added, ())
    with pytest.raises(SettingsRefusedError):
        refuse_unknown({"TRADEWIRE_RISK_PORT": "8080"}, ())


def test_address_of_a_mounted_file_is_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounted = tmp_path / "bus"
    mounted.write_text("kafka://broker:9092?session_s=10\n")
    monkeypatch.setenv("TRADEWIRE_BUS_URL_FILE", str(mounted))
    assert load(RuntimeSettings).bus_url == "kafka://broker:9092?session_s=10"


def test_secret_of_another_services_file_is_not_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Services share one environment."""
    mounted = tmp_path / "dsn"
    mounted.write_text("postgresql://risk:hunter2@db/risk")
    monkeypatch.setenv("TRADEWIRE_RISK_DSN_FILE", str(mounted))
    load(RuntimeSettings)


@pytest.mark.parametrize("content", ["", "\n", "kafka://one:9092\nkafka://two:9092\n", b"\xff"])
def test_file_that_holds_no_address_is_named_and_not_shown(
    content: str | bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "bus"
    mounted.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = refusal(monkeypatch, BUS_URL_FILE=str(mounted))
    assert text.startswith("TRADEWIRE_BUS_URL_FILE: ")
    assert str(mounted) in text
    assert "one:9092" not in text


def test_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert refusal(monkeypatch, BUS_URL_FILE=str(missing)) == (
        f"TRADEWIRE_BUS_URL_FILE: {missing} can't be read: No such file or directory"
    )


def test_setting_and_its_file_contradict_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = refusal(monkeypatch, BUS_URL="kafka://one:9092", BUS_URL_FILE=str(tmp_path / "bus"))
    assert text == "found both TRADEWIRE_BUS_URL and TRADEWIRE_BUS_URL_FILE; allowed: one of them"


def test_processes_that_are_started_get_the_secret_in_place_of_its_file(tmp_path: Path) -> None:
    mounted = tmp_path / "dsn"
    mounted.write_text("postgresql://db/risk\n")
    environment = {"TRADEWIRE_RISK_DSN_FILE": str(mounted), "TRADEWIRE_HTTP_PORT_FILE": "/tmp/port", "HOME": "/"}
    take_files(environment)
    assert environment == {
        "TRADEWIRE_RISK_DSN": "postgresql://db/risk",
        "TRADEWIRE_HTTP_PORT_FILE": "/tmp/port",
        "HOME": "/",
    }
    with pytest.raises(SecretFileError):
        take_files({"TRADEWIRE_RISK_DSN": "x", "TRADEWIRE_RISK_DSN_FILE": str(mounted)})
