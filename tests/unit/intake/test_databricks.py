"""Databricks' notifications: ids and a name, in every shape they come in."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Alert, Condition, Platform
from shared.domain.errors import InvalidInput
from shared.intake.registry import IntakeDefaults, normalise

NOW = datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)
DEFAULTS = IntakeDefaults(databricks_host="https://adb-1.1.azuredatabricks.net")
JOB: dict[str, Any] = {
    "event_type": "jobs.on_failure",
    "workspace_id": "4400000000000001",
    "run": {"run_id": "880000000000017"},
    "job": {"job_id": "5500000000000021", "name": "orders_bronze"},
}
TASK: dict[str, Any] = {
    **JOB,
    "run": {"run_id": "880000000000018", "parent_run_id": "880000000000017"},
    "task": {"task_key": "load"},
}


def read(body: object, defaults: IntakeDefaults = DEFAULTS) -> Alert:
    """Return the only alert of ``body``."""
    (alert,) = normalise("databricks", json.dumps(body).encode(), defaults, NOW).alerts
    return alert


def test_a_failed_job() -> None:
    """The job run is what is to be healed; the workspace is the one of the settings."""
    alert = read(JOB)

    assert alert.condition is Condition.FIRING
    assert (alert.resource.platform, alert.resource.kind) == (Platform.DATABRICKS, "job")
    assert alert.resource.scope == "adb-1.1.azuredatabricks.net"
    assert (alert.resource.name, alert.resource.run_id) == ("orders_bronze", "880000000000017")
    assert alert.title == "Job orders_bronze failed"


def test_a_failed_task_is_about_the_job_run_above_it() -> None:
    """A task and its job name the same run, so they are one ticket."""
    alert = read(TASK)

    assert alert.resource == read(JOB).resource
    assert alert.error_activity == "load"
    assert "880000000000018" in alert.notes[0]


@pytest.mark.parametrize(
    "body",
    [
        {
            **JOB,
            "run": {"run_id": 880000000000017},
            "job": {"job_id": 5500000000000021, "name": "orders_bronze"},
        },
        {"run_id": "880000000000017", "job_id": "1", "job_name": "orders_bronze"},
        {"runId": 880000000000017, "jobName": "orders_bronze", "event": "on_failure"},
        {**JOB, "run": {"run_id": "880000000000017", "parent_run_id": 0}},
        {**JOB, "unknown": {"deep": [1, {"x": None}]}},
    ],
    ids=["numbers", "flat", "flat camel", "no parent", "unknown fields"],
)
def test_every_shape_is_the_same_alert(body: dict[str, Any]) -> None:
    """Text or number, nested or flat."""
    assert read(body).resource == read(JOB).resource


def test_ids_keep_every_digit() -> None:
    """Beyond 2**53 a float would not."""
    assert read({**JOB, "run": {"run_id": 9_223_372_036_854_775_807}}).resource.run_id == str(
        2**63 - 1
    )


def test_a_job_without_a_name_is_called_by_its_id() -> None:
    """Better than nothing."""
    assert read({**JOB, "job": {"job_id": 7}}).resource.name == "7"


def test_the_body_may_name_its_workspace() -> None:
    """For installations with several of them."""
    alert = read({**JOB, "workspace_url": "https://ADB-2.azuredatabricks.net/"})

    assert alert.resource.scope == "adb-2.azuredatabricks.net"


@pytest.mark.parametrize(
    ("event", "condition"),
    [
        ("jobs.on_success", Condition.RESOLVED),
        ("jobs.on_start", Condition.NOTICE),
        ("jobs.on_duration_warning_threshold_exceeded", Condition.NOTICE),
        ("jobs.on_streaming_backlog_exceeded", Condition.NOTICE),
    ],
)
def test_what_is_no_failure_opens_nothing(event: str, condition: Condition) -> None:
    """It is understood, and it is not an alert that fires."""
    assert read({**JOB, "event_type": event}).condition is condition


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "run_id"),
        ({"run": {"run_id": "8"}}, "job"),
        ({**JOB, "run": {"run_id": "r8"}}, "run.run_id"),
        ({**JOB, "run": {"run_id": "../8"}}, "run.run_id"),
        ({**JOB, "run": {"run_id": 8.5}}, "run.run_id"),
        ({**JOB, "run": []}, "run"),
        ({**JOB, "event_type": "jobs.on_fire"}, "event_type"),
        ({**JOB, "event_type": 7}, "event_type"),
        ({"event": "alert_state_change", "alert": {"title": "late"}}, "alert"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_bad_bodies_are_refused_by_field(body: object, field: str) -> None:
    """The sender learns where the trouble is."""
    with pytest.raises(InvalidInput) as caught:
        read(body)

    assert caught.value.field == field


def test_without_any_workspace_the_setting_is_named() -> None:
    """A run id alone cannot be read anywhere."""
    with pytest.raises(InvalidInput, match="MEND_DATABRICKS_HOST"):
        read(JOB, IntakeDefaults())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["run", "job", "task", "run_id", "job_id", "name", "event_type", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_body_is_ever_more_than_refused(body: object) -> None:
    """Whatever strangers send: an alert about a numbered run, or a clear no."""
    try:
        alert = read(body)
    except InvalidInput:
        return
    assert (alert.resource.run_id or "").isdigit()
