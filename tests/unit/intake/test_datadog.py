"""Datadog's webhook: the default template, and what people add to it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.alert import Condition, Platform, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import (
    DATADOG,
    RECEIVED,
    SALES,
    WITH_WORKSPACE,
    changed,
    send,
    the_alert,
    without,
)

DEFAULT: dict[str, Any] = {
    name: DATADOG[name]
    for name in ("id", "last_updated", "event_type", "title", "date", "org", "body")
}


def _titled(title: str) -> dict[str, Any]:
    return {**DEFAULT, "title": title}


def test_an_extended_template() -> None:
    """Everything the alert needs has a field of its own."""
    alert = the_alert("datadog", DATADOG)

    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.OTHER
    assert (alert.resource.scope, alert.resource.name) == ("datadog", "Disk is full")
    assert alert.title == "[P2] [Triggered on {host:web-1}] Disk is full"
    assert alert.description == "99 % of /data"
    assert alert.severity is Severity.HIGH
    assert (alert.environment, alert.service, alert.ci) == ("prod", "shop", ("web-1",))
    assert alert.occurred_at == datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)
    assert alert.sender_alert_id == "1795140431000"
    assert alert.notes == ()


def test_the_default_template() -> None:
    """Only the title says what happened, and where."""
    alert = the_alert("datadog", DEFAULT)

    assert (alert.resource.name, alert.ci) == ("Disk is full", ("web-1",))
    assert (alert.severity, alert.sender_alert_id) == (Severity.HIGH, DATADOG["id"])


@pytest.mark.parametrize(
    ("transition", "condition"),
    [
        ("Triggered", Condition.FIRING),
        ("Re-Triggered", Condition.FIRING),
        ("Warn", Condition.FIRING),
        ("Re-Warn", Condition.FIRING),
        ("No Data", Condition.FIRING),
        ("Renotify", Condition.FIRING),
        ("recovered", Condition.RESOLVED),
    ],
)
@pytest.mark.parametrize("name", ["alert_transition", "transition", "alertTransition"])
def test_transitions(name: str, transition: str, condition: Condition) -> None:
    """The field decides, whatever the title says."""
    body = {**without(DATADOG, "alert_transition"), name: transition, "title": "[Triggered] x"}

    assert the_alert("datadog", body).condition is condition


@pytest.mark.parametrize(
    ("title", "name"),
    [
        pytest.param("[Recovered] Disk is full", "Disk is full", id="alone"),
        pytest.param("[P3] [Recovered] Disk is full", "Disk is full", id="behind a priority"),
        pytest.param("[P3][Recovered on {host:web-1}]Disk is full", "Disk is full", id="no blanks"),
        pytest.param("[Monitor Alert] Recovered: Disk is full", "Disk is full", id="older"),
        pytest.param("[prod] [Recovered] Disk is full", "[prod] Disk is full", id="unknown prefix"),
        pytest.param("[Recovered] [P1] Disk [sda] is full", "Disk [sda] is full", id="in the name"),
    ],
)
def test_recovered_titles(title: str, name: str) -> None:
    """Anywhere among the leading prefixes; the name is what is behind them."""
    alert = the_alert("datadog", _titled(title))

    assert (alert.condition, alert.resource.name) == (Condition.RESOLVED, name)


def test_a_word_inside_the_title_is_no_prefix() -> None:
    """Only leading ones say anything."""
    assert the_alert("datadog", _titled("[Warn] Not [Recovered]")).condition is Condition.FIRING


@pytest.mark.parametrize("template", [DEFAULT, DATADOG], ids=["default", "extended"])
def test_a_recovery_meets_its_alert(template: dict[str, Any]) -> None:
    """Whatever prefixes came and went."""
    over = {**template, "title": "[P2] [Recovered on {host:web-1}] Disk is full"}
    if "alert_transition" in template:
        over |= {"alert_transition": "Recovered", "alert_type": "success"}

    alert = the_alert("datadog", over)

    assert alert.condition is Condition.RESOLVED
    assert fingerprint(alert) == fingerprint(the_alert("datadog", template))


def test_two_hosts_are_two_things() -> None:
    """Of a monitor that is split by host."""
    one, two = (_titled(f"[Triggered on {{host:web-{number}}}] Disk is full") for number in (1, 2))

    assert fingerprint(the_alert("datadog", one)) != fingerprint(the_alert("datadog", two))


def test_test_notifications() -> None:
    """Datadog's own prefix; in other letters it is somebody's environment."""
    assert the_alert("datadog", _titled("[TEST] [Triggered] x")).condition is Condition.TEST
    assert the_alert("datadog", {**DATADOG, "title": "[TEST] x"}).condition is Condition.TEST
    assert the_alert("datadog", _titled("[test] x")).condition is Condition.FIRING


@pytest.mark.parametrize(
    ("more", "condition"),
    [
        ({"alert_type": "success"}, Condition.RESOLVED),
        ({"alert_type": "error"}, Condition.FIRING),
        ({"event_type": "monitor_recovered"}, Condition.RESOLVED),
        ({"alert_status": "OK"}, Condition.RESOLVED),
        ({"alert_transition": "$ALERT_TRANSITION", "alert_type": "success"}, Condition.RESOLVED),
        ({"alert_transition": "null"}, Condition.FIRING),
        ({"alert_transition": "Sideways"}, Condition.FIRING),
    ],
)
def test_without_a_transition(more: dict[str, Any], condition: Condition) -> None:
    """Other fields give it away."""
    assert the_alert("datadog", {**_titled("Disk is full"), **more}).condition is condition


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"priority": "P1"}, Severity.CRITICAL),
        ({"priority": "P5"}, Severity.INFO),
        ({"priority": 3}, Severity.MEDIUM),
        ({"title": "[P4] x"}, Severity.LOW),
        ({"priority": "normal", "alert_type": "warning"}, Severity.MEDIUM),
        ({"alert_type": "error"}, Severity.HIGH),
        ({"title": "[Warn] x"}, Severity.MEDIUM),
        ({}, Severity.HIGH),
    ],
)
def test_severity(more: dict[str, Any], severity: Severity) -> None:
    """The monitor's priority first, then the kind of the alert."""
    assert the_alert("datadog", {**_titled("x"), **more}).severity is severity


@pytest.mark.parametrize(
    "tags",
    [
        "env:prod, service:shop ,host:web-1",
        ["env:prod", "service:shop", "host:web-1", 5, "single"],
        {"env": "prod", "service": "shop", "host": "web-1"},
    ],
    ids=["text", "list", "object"],
)
def test_tags(tags: object) -> None:
    """In every form they come in."""
    alert = the_alert("datadog", {**_titled("x"), "tags": tags})

    assert (alert.environment, alert.service, alert.ci) == ("prod", "shop", ("web-1",))


@pytest.mark.parametrize("date", ["1795140431000", 1795140431000, 1795140431, "1795140431"])
def test_dates(date: object) -> None:
    """Milliseconds or seconds, as text or number."""
    alert = the_alert("datadog", {**DEFAULT, "date": date})

    assert alert.occurred_at == datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)


def test_a_useless_date() -> None:
    """The time of receipt stands in."""
    alert = the_alert("datadog", {**DEFAULT, "date": "yesterday"})

    assert alert.occurred_at == RECEIVED
    assert "date is not an ISO 8601 time" in alert.notes[0]


def test_pipelines_and_jobs() -> None:
    """Tags may name what Mend can heal."""
    pipeline = the_alert("datadog", {**_titled("x"), "tags": "pipeline:pl_x,run_id:r-1"})
    job = the_alert(
        "datadog", {**_titled("x"), "tags": "job_name:orders,run_id:17"}, WITH_WORKSPACE
    )

    assert (pipeline.resource.scope, pipeline.resource.run_id) == (SALES, "r-1")
    assert job.resource.platform is Platform.DATABRICKS
    assert (job.resource.name, job.resource.run_id) == ("orders", "17")


def test_one_bad_item_drops_nobody() -> None:
    """In a list of events."""
    result = send("datadog", [DATADOG, {"title": ""}, 5, DEFAULT])

    assert len(result.alerts) == 2
    assert [rejected.field for rejected in result.rejected] == ["[1].title", "[2]"]


@pytest.mark.parametrize("title", [None, "", "   ", "[P3] [Recovered]", ["x"]])
def test_refused(title: object) -> None:
    """An alert without a name cannot meet its recovery."""
    with pytest.raises(InvalidInput, match=r"EVENT_TITLE") as caught:
        send("datadog", changed(DATADOG, "title", title))

    assert caught.value.field == "title"
