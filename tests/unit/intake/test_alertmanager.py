"""Alertmanager's and Grafana's webhook: a group of alerts, each for itself."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.alert import Condition, Platform, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import (
    ALERTMANAGER,
    DEFAULTS,
    GRAFANA,
    NO_DEFAULTS,
    RECEIVED,
    SALES,
    WITH_WORKSPACE,
    changed,
    send,
    the_alert,
)

FIRST = "alerts.0"
ENTRY: dict[str, Any] = ALERTMANAGER["alerts"][0]


def _labelled(**labels: object) -> dict[str, Any]:
    return changed(ALERTMANAGER, f"{FIRST}.labels", {"alertname": "X", **labels})


def test_a_usual_alert() -> None:
    """Its own labels win over those of the group."""
    alert = the_alert("alertmanager", ALERTMANAGER)

    assert alert.source == "alertmanager"
    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.OTHER
    assert (alert.resource.scope, alert.resource.kind) == ("alertmanager", "alert")
    assert alert.resource.name == "DiskFull"
    assert alert.title == "Disk of db-1 is full"
    assert alert.description == "99 % of /data"
    assert alert.severity is Severity.CRITICAL
    assert alert.environment == "prod"
    assert alert.service is None
    assert alert.ci == ("db-1:9100",)
    assert alert.sender_alert_id == "1a2b3c"
    assert alert.occurred_at == datetime(2026, 11, 20, 2, 0, 0, 123456, tzinfo=UTC)
    assert alert.window is None
    assert alert.notes == ()


def test_grafana_sends_the_same() -> None:
    """What it adds changes nothing."""
    assert the_alert("alertmanager", GRAFANA) == the_alert("alertmanager", ALERTMANAGER)


def test_grafanas_message_describes_an_alert_without_annotations() -> None:
    """Better than nothing."""
    body = changed(changed(GRAFANA, f"{FIRST}.annotations", {}), "commonAnnotations", {})

    assert the_alert("alertmanager", body).description == "**Firing**\n\nValue: A=99"


def test_a_resolved_alert_meets_the_one_that_fired() -> None:
    """Its time is the end."""
    body = changed(ALERTMANAGER, f"{FIRST}.status", "resolved")
    body = changed(body, f"{FIRST}.endsAt", "2026-11-20T03:00:00Z")

    alert = the_alert("alertmanager", body)

    assert alert.condition is Condition.RESOLVED
    assert alert.occurred_at == datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert fingerprint(alert) == fingerprint(the_alert("alertmanager", ALERTMANAGER))


def test_an_end_in_year_one_is_none() -> None:
    """Go's zero time."""
    alert = the_alert("alertmanager", changed(ALERTMANAGER, f"{FIRST}.status", "resolved"))

    assert alert.occurred_at == datetime(2026, 11, 20, 2, 0, 0, 123456, tzinfo=UTC)


def test_a_missing_start_is_noted() -> None:
    """The time of receipt stands in."""
    alert = the_alert("alertmanager", changed(ALERTMANAGER, f"{FIRST}.startsAt", None))

    assert alert.occurred_at == RECEIVED
    assert "startsAt is missing" in alert.notes[0]


def test_the_status_of_the_group_stands_in() -> None:
    """A template may leave out the alert's own."""
    body = changed(changed(ALERTMANAGER, f"{FIRST}.status", None), "status", "resolved")

    assert the_alert("alertmanager", body).condition is Condition.RESOLVED


@pytest.mark.parametrize("name", ["Watchdog", "WATCHDOG", "DeadMansSwitch", "InfoInhibitor"])
def test_what_always_fires_is_no_failure(name: str) -> None:
    """It only shows that alerts arrive."""
    assert the_alert("alertmanager", _labelled(alertname=name)).condition is Condition.NOTICE


def test_grafanas_test_button() -> None:
    """An alert of that name on another instance is a real one."""
    assert (
        the_alert("alertmanager", _labelled(alertname="TestAlert", instance="Grafana")).condition
        is Condition.TEST
    )
    assert (
        the_alert("alertmanager", _labelled(alertname="TestAlert", instance="db-1")).condition
        is Condition.FIRING
    )


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        ("page", Severity.CRITICAL),
        ("P2", Severity.HIGH),
        ("warning", Severity.MEDIUM),
        ("info", Severity.INFO),
        ("none", Severity.INFO),
    ],
)
def test_severity(word: str, severity: Severity) -> None:
    """Words that rules use."""
    assert the_alert("alertmanager", _labelled(severity=word)).severity is severity


def test_an_unknown_severity_is_noted() -> None:
    """It costs nothing but a note."""
    alert = the_alert("alertmanager", _labelled(severity="purple"))

    assert alert.severity is Severity.HIGH
    assert "'purple'" in alert.notes[0]


@pytest.mark.parametrize("name", ["service", "app", "application", "Service"])
def test_service(name: str) -> None:
    """Under any of its names."""
    assert the_alert("alertmanager", _labelled(**{name: "shop"})).service == "shop"


def test_configuration_items() -> None:
    """Every place that the labels name, each once."""
    alert = the_alert("alertmanager", _labelled(instance="a:1", node="n-1", pod="p-1", host="n-1"))

    assert alert.ci == ("a:1", "n-1", "p-1")


def test_a_bad_label_never_costs_the_alert() -> None:
    """It is left out and noted."""
    alert = the_alert("alertmanager", _labelled(service=["x"], env={"a": 1}, instance="a\u202eb"))

    assert (alert.service, alert.environment, alert.ci) == (None, "prod", ())
    assert len(alert.notes) == 3


def test_one_bad_entry_drops_nobody() -> None:
    """Each alert stands for itself."""
    entries = [
        ENTRY,
        5,
        {**ENTRY, "status": "maybe"},
        {**ENTRY, "labels": ["x"]},
        {**ENTRY, "labels": {**ENTRY["labels"], "alertname": "Other"}},
    ]

    result = send("alertmanager", {**ALERTMANAGER, "alerts": entries})

    assert [alert.resource.name for alert in result.alerts] == ["DiskFull", "Other"]
    assert [rejected.field for rejected in result.rejected] == [
        "alerts[1]",
        "alerts[2].status",
        "alerts[3].labels",
    ]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("alerts", None, "alerts"),
        ("alerts", [], "body"),
        ("alerts", {}, "alerts"),
        (f"{FIRST}.status", "firing!", "alerts[0].status"),
        (f"{FIRST}.status", 5, "alerts[0].status"),
    ],
)
def test_refused(path: str, value: object, field: str) -> None:
    """The sender learns which field is wrong."""
    with pytest.raises(InvalidInput) as caught:
        send("alertmanager", changed(ALERTMANAGER, path, value))

    assert caught.value.field == field


def test_a_rule_without_a_name() -> None:
    """The summary is used; without that there is nothing to go by."""
    body = changed(changed(ALERTMANAGER, f"{FIRST}.labels", {}), "commonLabels", None)

    assert the_alert("alertmanager", body).resource.name == "Disk of db-1 is full"

    body = changed(changed(body, f"{FIRST}.annotations", {}), "commonAnnotations", "x")
    with pytest.raises(InvalidInput, match="alertname is missing"):
        send("alertmanager", body)


def test_grafanas_no_data_names_its_rule() -> None:
    """Else all rules without data would be one thing."""
    alert = the_alert("alertmanager", _labelled(alertname="DatasourceNoData", rulename="Late load"))

    assert alert.resource.name == "DatasourceNoData: Late load"


def test_what_was_left_out_is_noted() -> None:
    """Alertmanager cuts groups at max_alerts."""
    assert (
        "3 more alerts"
        in the_alert("alertmanager", {**ALERTMANAGER, "truncatedAlerts": 3}).notes[0]
    )


def test_a_pipeline() -> None:
    """Labels may name what Mend can heal; without a run the window says where to look."""
    alert = the_alert("alertmanager", _labelled(pipeline="pl_x", run_id="r-1"), DEFAULTS)
    window = the_alert("alertmanager", _labelled(pipeline="pl_x"), DEFAULTS).window

    assert alert.resource.platform is Platform.ADF
    assert (alert.resource.scope, alert.resource.name) == (SALES, "pl_x")
    assert (alert.resource.run_id, alert.window) == ("r-1", None)
    assert window is not None
    assert window.start < datetime(2026, 11, 20, 2, tzinfo=UTC) < window.end


def test_a_pipeline_of_the_group() -> None:
    """Labels that all alerts share are labels of each."""
    body = changed(ALERTMANAGER, "commonLabels", {"pipeline": "pl_x"})

    assert the_alert("alertmanager", body).resource.platform is Platform.ADF


def test_the_scrape_job_is_no_job_of_databricks() -> None:
    """Every alert of Prometheus has a label of that name."""
    alert = the_alert("alertmanager", _labelled(job="node", run_id="17"), WITH_WORKSPACE)

    assert alert.resource.platform is Platform.OTHER


def test_a_pipeline_nobody_can_place() -> None:
    """It is still an alert."""
    alert = the_alert("alertmanager", _labelled(pipeline="pl_x"), NO_DEFAULTS)

    assert alert.resource.platform is Platform.OTHER
    assert "factory" in alert.notes[0]
