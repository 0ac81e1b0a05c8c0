"""Zabbix' webhook: macros that were expanded, and some that were not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.alert import Condition, Platform, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import RECEIVED, SALES, ZABBIX, changed, send, the_alert, without


def test_a_problem() -> None:
    """All of it is text."""
    alert = the_alert("zabbix", ZABBIX)

    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.OTHER
    assert (alert.resource.scope, alert.resource.name) == ("zabbix", "Disk is full")
    assert alert.title == "Problem: Disk is full"
    assert alert.description == "Problem started at 02:07:11 on 2026.11.20"
    assert alert.severity is Severity.HIGH
    assert (alert.environment, alert.ci) == ("prod", ("db-1",))
    assert (alert.sender_alert_id, alert.occurred_at) == ("4711", RECEIVED)
    assert alert.notes == ()


@pytest.mark.parametrize("value", ["0", 0])
@pytest.mark.parametrize("name", ["event_value", "eventValue", "EVENT_VALUE"])
def test_a_recovery_meets_its_problem(name: str, value: object) -> None:
    """By trigger and host; the subject has another prefix."""
    body = {
        **without(ZABBIX, "event_value"),
        name: value,
        "subject": "Resolved in 5m 3s: Disk is full",
        "event_recovery_id": "4712",
    }

    alert = the_alert("zabbix", body)

    assert alert.condition is Condition.RESOLVED
    assert fingerprint(alert) == fingerprint(the_alert("zabbix", ZABBIX))


@pytest.mark.parametrize("value", ["1", 1])
def test_an_update_is_a_notice(value: object) -> None:
    """Somebody acknowledged it or wrote a comment."""
    assert (
        the_alert("zabbix", {**ZABBIX, "event_update_status": value}).condition is Condition.NOTICE
    )


def test_the_test_button_expands_nothing() -> None:
    """What it sends is no problem of anything."""
    body = {name: f"{{{name.upper().replace('_', '.')}}}" for name in ZABBIX}

    alert = the_alert("zabbix", body)

    assert alert.condition is Condition.TEST
    assert alert.title == "Zabbix test message"


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("0", Severity.INFO),
        (1, Severity.INFO),
        ("2", Severity.MEDIUM),
        ("3", Severity.MEDIUM),
        (4, Severity.HIGH),
        ("5", Severity.CRITICAL),
        ("Not classified", Severity.INFO),
        ("Information", Severity.INFO),
        ("Warning", Severity.MEDIUM),
        ("Average", Severity.MEDIUM),
        ("High", Severity.HIGH),
        ("Disaster", Severity.CRITICAL),
        ("6", Severity.HIGH),
    ],
)
@pytest.mark.parametrize("name", ["event_nseverity", "severity"])
def test_severity(name: str, severity: object, expected: Severity) -> None:
    """Six steps, by number or word."""
    body = {**without(ZABBIX, "event_nseverity"), name: severity}

    assert the_alert("zabbix", body).severity is expected


@pytest.mark.parametrize(
    "subject",
    [
        "Problem: Disk is full",
        "Resolved: Disk is full",
        "Resolved in 5m: Disk is full",
        "Updated problem in 1h 2m: Disk is full",
        "OK: Disk is full",
        "Disk is full",
    ],
)
def test_the_name_without_a_trigger(subject: str) -> None:
    """It is the subject without the prefix that changes."""
    body = {**without(ZABBIX, "trigger_name"), "subject": subject}

    assert the_alert("zabbix", body).resource.name == "Disk is full"


@pytest.mark.parametrize(
    ("more", "condition"),
    [
        ({}, Condition.FIRING),
        ({"event_status": "RESOLVED"}, Condition.RESOLVED),
        ({"event_status": "PROBLEM", "subject": "Resolved: x"}, Condition.FIRING),
        ({"event_recovery_id": 4712}, Condition.RESOLVED),
        ({"subject": "Resolved in 5m: Disk is full"}, Condition.RESOLVED),
        ({"subject": "Test"}, Condition.FIRING),
    ],
)
def test_without_a_value(more: dict[str, Any], condition: Condition) -> None:
    """A script may have left it out."""
    assert the_alert("zabbix", {**without(ZABBIX, "event_value"), **more}).condition is condition


@pytest.mark.parametrize(
    "tags",
    [
        "env:prod,service:shop",
        '[{"tag": "env", "value": "prod"}, {"tag": "service", "value": "shop"}]',
        [{"tag": "env", "value": "prod"}, {"tag": "service", "value": "shop"}],
        '{"env": "prod", "service": "shop"}',
    ],
    ids=["EVENT.TAGS", "EVENT.TAGSJSON", "list", "object"],
)
def test_tags(tags: object) -> None:
    """In every form they come in."""
    alert = the_alert("zabbix", {**ZABBIX, "event_tags": tags})

    assert (alert.environment, alert.service) == ("prod", "shop")


def test_broken_tags_are_noted() -> None:
    """They never cost the alert."""
    alert = the_alert("zabbix", {**ZABBIX, "event_tags": '[{"tag":'})

    assert alert.environment is None
    assert alert.notes[0].startswith("event_tags is not JSON")


def test_what_zabbix_does_not_know_is_no_host() -> None:
    """Two such problems are not about one host of that name."""
    assert the_alert("zabbix", {**ZABBIX, "host": "*UNKNOWN*"}).ci == ()


def test_epoch_seconds() -> None:
    """The macro {EVENT.TIMESTAMP}."""
    alert = the_alert("zabbix", {**ZABBIX, "event_timestamp": "1795140431"})

    assert alert.occurred_at == datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)


def test_a_pipeline() -> None:
    """Tags may name what Mend can heal."""
    alert = the_alert("zabbix", {**ZABBIX, "event_tags": "pipeline:pl_x"})

    assert (alert.resource.scope, alert.resource.name) == (SALES, "pl_x")


def test_one_bad_item_drops_nobody() -> None:
    """In a list of events."""
    result = send("zabbix", [ZABBIX, {}, changed(ZABBIX, "event_value", "7"), ZABBIX])

    assert len(result.alerts) == 2
    assert [rejected.field for rejected in result.rejected] == [
        "[1].trigger_name",
        "[2].event_value",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (without(ZABBIX, "trigger_name", "subject"), "trigger_name"),
        ({**ZABBIX, "event_value": ["1"]}, "event_value"),
        ({**ZABBIX, "event_value": True}, "event_value"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_refused(body: object, field: str) -> None:
    """The script's author learns which field is wrong."""
    with pytest.raises(InvalidInput) as caught:
        send("zabbix", body)

    assert caught.value.field == field
