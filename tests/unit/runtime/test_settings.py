"""The environment of each function: all of it is needed, and nothing has a default."""

import dataclasses

import pytest

from points_ledger.runtime.settings import (
    FUNCTION_SETTINGS,
    LedgerSettings,
    ScheduleSettings,
    Settings,
    SettingsError,
    load,
    read,
    variables,
)

POWERTOOLS = {
    "POWERTOOLS_SERVICE_NAME": "hold_release",
    "POWERTOOLS_METRICS_NAMESPACE": "PointsLedger",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
SWEEP = {**POWERTOOLS, "TABLE_NAME": "ledger", "ALLOW_FUTURE_SCHEDULES": "false"}


def complete(settings_class: type[Settings]) -> dict[str, str]:
    values = {name: name.lower() for name in variables(settings_class)}
    return {name: "true" if "ALLOW_" in name else value for name, value in values.items()}


@pytest.mark.parametrize("function", FUNCTION_SETTINGS)
def test_a_complete_environment_is_read(function: str) -> None:
    settings_class = FUNCTION_SETTINGS[function]
    settings = read(settings_class, complete(settings_class) | {"UNRELATED": "1"})
    assert settings.powertools_service_name == "powertools_service_name"
    assert len(dataclasses.fields(settings)) == len(variables(settings_class))


@pytest.mark.parametrize("function", FUNCTION_SETTINGS)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_variable_has_a_default(function: str, value: str | None) -> None:
    settings_class = FUNCTION_SETTINGS[function]
    for variable in variables(settings_class):
        environment = complete(settings_class)
        del environment[variable]
        if value is not None:
            environment[variable] = value
        with pytest.raises(SettingsError) as refused:
            read(settings_class, environment)
        assert refused.value.variables == (variable,)


def test_all_missing_variables_are_named_at_once_and_no_value_is() -> None:
    with pytest.raises(SettingsError) as refused:
        read(ScheduleSettings, {"TABLE_NAME": "secret-value", "ALLOW_FUTURE_SCHEDULES": "maybe"})
    assert set(refused.value.variables) == {*POWERTOOLS, "ALLOW_FUTURE_SCHEDULES"}
    assert "ALLOW_FUTURE_SCHEDULES" in str(refused.value)
    assert "maybe" not in str(refused.value)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_flag_is_true_or_false(text: str, *, value: bool) -> None:
    settings = read(ScheduleSettings, SWEEP | {"ALLOW_FUTURE_SCHEDULES": text})
    assert settings.allow_future_schedules is value


@pytest.mark.parametrize("text", ["True", "1", "yes", "FALSE"])
def test_a_flag_is_nothing_else(text: str) -> None:
    with pytest.raises(SettingsError):
        read(ScheduleSettings, SWEEP | {"ALLOW_FUTURE_SCHEDULES": text})


def test_settings_cannot_be_changed() -> None:
    settings = read(ScheduleSettings, SWEEP)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.table_name = "other"  # type: ignore[misc]  # that it fails is the point


def test_load_reads_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "another")
    assert load(LedgerSettings).table_name == "another"
