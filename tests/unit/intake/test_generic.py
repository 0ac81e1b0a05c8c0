"""Any sender: usual names, or a declared mapping."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from shared.domain.alert import Alert, Condition, Platform, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from shared.intake.mapping import GenericMapping
from shared.intake.normalised import IntakeDefaults
from tests.unit.intake.bodies import (
    GENERIC,
    HR_ID,
    NO_DEFAULTS,
    QUICK,
    RECEIVED,
    SALES,
    WITH_WORKSPACE,
    send,
    the_alert,
    values,
    without,
)

STRANGE: dict[str, Any] = {
    "meta": {"env": "prod", "sent": "2026-11-20T02:00:00Z"},
    "events": [
        {
            "what": {"headline": "Load is late", "text": "No orders"},
            "how bad": "SHOUT",
            "now": "angry",
            "who": [{"team": "shop"}],
            "box": "db-1",
            "nr": 17,
        }
    ],
}
MAPPING = GenericMapping.model_validate(
    {
        "alerts": "$.events",
        "title": "$.what.headline",
        "description": "what.text",
        "severity": "$['how bad']",
        "status": "now",
        "service": "who[0].team",
        "environment": "$.meta.env",
        "ci": "box",
        "id": "nr",
        "occurred_at": "meta.sent",
        "severities": {"shout": "critical"},
        "firing": ["angry"],
        "resolved": ["Calm"],
    }
)


def mapped(mapping: GenericMapping) -> IntakeDefaults:
    """Return defaults with a declared mapping."""
    return WITH_WORKSPACE.model_copy(update={"generic": mapping})


def test_usual_names() -> None:
    """No mapping is needed."""
    alert = the_alert("generic", GENERIC)

    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.OTHER
    assert (alert.resource.scope, alert.resource.name) == ("generic", "Disk of db-1 is full")
    assert (alert.title, alert.description) == ("Disk of db-1 is full", "99 % of /data")
    assert alert.severity is Severity.CRITICAL
    assert (alert.service, alert.environment, alert.ci) == ("billing", "prod", ("db-1",))
    assert alert.sender_alert_id == "4711"
    assert alert.occurred_at == datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)
    assert alert.notes == ()


@pytest.mark.parametrize(
    ("field", "names", "value"),
    [
        ("title", ("title", "name", "alert", "alertname", "alert_name", "summary"), "x"),
        ("description", ("message", "description", "body", "text"), "y"),
        ("service", ("service", "app"), "shop"),
        ("environment", ("environment", "env", "ENV"), "dev"),
        ("sender_alert_id", ("id", "alert_id", "alertId", "event_id"), "17"),
    ],
)
def test_other_names(field: str, names: tuple[str, ...], value: str) -> None:
    """All usual ones are read."""
    for name in names:
        body = {name: value} if field == "title" else {"title": "t", name: value}
        assert getattr(the_alert("generic", body), field) == value


@pytest.mark.parametrize("name", ["ci", "host", "hostname", "server", "instance"])
def test_configuration_items(name: str) -> None:
    """Where it happens."""
    assert the_alert("generic", {"title": "t", name: "db-1"}).ci == ("db-1",)


@pytest.mark.parametrize(
    ("word", "condition"),
    [
        ("firing", Condition.FIRING),
        ("OK", Condition.RESOLVED),
        ("closed", Condition.RESOLVED),
        ("Resolved", Condition.RESOLVED),
        ("test", Condition.TEST),
        ("acknowledged", Condition.NOTICE),
        ("odd", Condition.FIRING),
        (None, Condition.FIRING),
    ],
)
@pytest.mark.parametrize("name", ["status", "state", "condition"])
def test_status(name: str, word: str | None, condition: Condition) -> None:
    """An unknown word fires: a failure must not be lost to a word."""
    alert = the_alert("generic", {"title": "t", name: word})

    assert alert.condition is condition
    assert any("'odd'" in note for note in alert.notes) == (word == "odd")


def test_resolved_meets_its_alert() -> None:
    """By service and title."""
    over = the_alert("generic", {**GENERIC, "status": "resolved", "timestamp": 1795150000})

    assert fingerprint(over) == fingerprint(the_alert("generic", GENERIC))


@pytest.mark.parametrize("tags", [{"env": "dev"}, "env:dev", ["env:dev"]])
@pytest.mark.parametrize("name", ["labels", "tags"])
def test_labels(name: str, tags: object) -> None:
    """Labels are asked when the alert itself does not say."""
    assert the_alert("generic", {"title": "t", name: tags}).environment == "dev"
    assert the_alert("generic", {"title": "t", name: tags, "env": "prod"}).environment == "prod"


@pytest.mark.parametrize("name", [None, "alerts", "items"])
def test_several_alerts(name: str | None) -> None:
    """A bad one drops nobody; what stands around the list holds for all of them."""
    items = [{"title": "a"}, 5, {"severity": "low"}, {"title": "b", "env": "dev"}]

    result = send("generic", {"env": "prod", name: items} if name else items)

    assert [alert.title for alert in result.alerts] == ["a", "b"]
    assert [alert.environment for alert in result.alerts] == ["prod" if name else None, "dev"]
    prefix = name or ""
    assert [one.field for one in result.rejected] == [f"{prefix}[1]", f"{prefix}[2].title"]


def test_a_list_of_texts_is_no_list_of_alerts() -> None:
    """It may be anything."""
    assert the_alert("generic", {"title": "t", "items": ["x", 5]}).title == "t"


@pytest.mark.parametrize(
    ("more", "platform", "name", "run_id"),
    [
        ({"pipeline": "pl_x", "run_id": "r-1"}, Platform.ADF, "pl_x", "r-1"),
        ({"pipeline": "pl_x", "factory": HR_ID}, Platform.ADF, "pl_x", None),
        ({"job": "orders", "run_id": 17}, Platform.DATABRICKS, "orders", "17"),
        ({"job": "orders", "platform": "Databricks"}, Platform.DATABRICKS, "orders", None),
        (
            {"job": "orders", "workspace": "adb-2.net", "runId": "17"},
            Platform.DATABRICKS,
            "orders",
            "17",
        ),
        ({"job": "orders"}, Platform.OTHER, "t", None),
        ({"job": "orders", "run_id": "../1"}, Platform.OTHER, "t", None),
        ({"pipeline": "a/b"}, Platform.OTHER, "t", None),
        ({"pipeline": "x", "platform": "other"}, Platform.OTHER, "t", None),
    ],
)
def test_pipelines_and_jobs(
    more: dict[str, Any], platform: Platform, name: str, run_id: str | None
) -> None:
    """What Mend can heal; a bad label never costs the alert."""
    resource = the_alert("generic", {"title": "t", **more}, WITH_WORKSPACE).resource

    assert (resource.platform, resource.name, resource.run_id) == (platform, name, run_id)


def test_a_declared_mapping() -> None:
    """Fields wherever they are; what is not in the alert is looked for in the whole body."""
    alert = the_alert("generic", STRANGE, mapped(MAPPING))

    assert alert.condition is Condition.FIRING
    assert (alert.resource.name, alert.title) == ("Load is late", "Load is late")
    assert alert.description == "No orders"
    assert alert.severity is Severity.CRITICAL
    assert (alert.service, alert.environment, alert.ci) == ("shop", "prod", ("db-1",))
    assert (alert.sender_alert_id, alert.occurred_at) == (
        "17",
        datetime(2026, 11, 20, 2, tzinfo=UTC),
    )
    assert alert.notes == ()


def _strange(**more: object) -> Alert:
    body = {**STRANGE, "events": [{**STRANGE["events"][0], **more}]}
    return the_alert("generic", body, mapped(MAPPING))


def test_declared_words() -> None:
    """Theirs come first, ours are still known."""
    assert _strange(now="CALM").condition is Condition.RESOLVED
    assert _strange(now="ok").condition is Condition.RESOLVED
    assert _strange(now="angry").condition is Condition.FIRING
    assert _strange(**{"how bad": "low"}).severity is Severity.LOW


def test_a_path_that_leads_nowhere() -> None:
    """The field is absent, and so is found by its usual name if it has one."""
    assert _strange(what=None, title="usual").title == "usual"
    assert _strange(who=[]).service is None


def test_a_declared_field_wins_over_a_usual_name() -> None:
    """That is what it is declared for."""
    mapping = GenericMapping(title="head", ci="box", service="team")
    body = {"head": "a", "title": "b", "alertname": "c", "box": "d", "host": "e", "team": "f",
            "service": "g"}  # fmt: skip

    alert = the_alert("generic", body, mapped(mapping))

    assert (alert.title, alert.resource.name, alert.service) == ("a", "a", "f")
    assert alert.ci == ("d", "e")


def test_a_list_that_is_not_there() -> None:
    """Then the body is the alert."""
    mapping = mapped(GenericMapping(alerts="$.data.list"))

    assert the_alert("generic", {"title": "t"}, mapping).title == "t"
    assert the_alert("generic", {"data": {"list": {"title": "u"}}}, mapping).title == "u"


def test_a_declared_job() -> None:
    """Whoever declares it means one of Databricks, whatever else is in the body."""
    mapping = GenericMapping(job="$.x.j", workspace="$.x.w", run_id="$.x.r")
    body = {"title": "t", "job_name": "no", "x": {"j": "orders", "w": "https://ADB-2.net/", "r": 7}}

    resource = the_alert("generic", body, mapped(mapping)).resource

    assert (resource.platform, resource.scope) == (Platform.DATABRICKS, "adb-2.net")
    assert (resource.name, resource.run_id) == ("orders", "7")


def test_a_declared_pipeline() -> None:
    """The same for Data Factory."""
    mapping = GenericMapping(pipeline="$.x.p", factory="$.x.f", platform="$.x.t")
    body = {"title": "t", "x": {"p": "pl_x", "f": "adf-sales", "t": "ADF"}}

    resource = the_alert("generic", body, mapped(mapping)).resource

    assert (resource.platform, resource.scope, resource.name) == (Platform.ADF, SALES, "pl_x")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (without(GENERIC, "title"), "title"),
        ({"title": ["x"]}, "title"),
        ({"alerts": [{}]}, "alerts[0].title"),
        ("[]", "body"),
        ("[[]]", "[0]"),
        ("5", "body"),
    ],
)
def test_refused(body: object, field: str) -> None:
    """The sender learns what is missing."""
    with pytest.raises(InvalidInput) as caught:
        send("generic", body, NO_DEFAULTS)

    assert caught.value.field == field


@given(values)
@QUICK
def test_any_body_with_a_mapping(value: object) -> None:
    """Alerts or a refusal, wherever the paths lead."""
    for body in (value, {"events": value}, {"events": [{"what": value, "who": [value]}, value]}):
        try:
            result = send("generic", body, mapped(MAPPING))
        except InvalidInput:
            continue
        assert all(alert.occurred_at <= RECEIVED for alert in result.alerts)
