"""ServiceNow's incidents, and our own that come back."""

from typing import Any

import pytest

from shared.domain.alert import Condition, Platform, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import RECEIVED, SALES, SERVICENOW, send, the_alert


def test_an_incident() -> None:
    """References are read by what people see."""
    alert = the_alert("servicenow", SERVICENOW)

    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.OTHER
    assert (alert.resource.scope, alert.resource.name) == ("servicenow", "Nightly load is late")
    assert alert.title == "Nightly load is late"
    assert alert.description == "No orders since 02:00."
    assert alert.severity is Severity.HIGH
    assert alert.ci == ("adf-sales",)
    assert (alert.sender_alert_id, alert.occurred_at) == ("INC0012345", RECEIVED)
    assert alert.notes == ()


@pytest.mark.parametrize(
    "ci",
    [
        "adf-sales",
        {"value": "adf-sales"},
        {"link": "x", "value": "2b", "display_value": "adf-sales"},
    ],
    ids=["text", "reference", "with a display value"],
)
def test_forms_of_a_value(ci: object) -> None:
    """They all mean the same."""
    assert the_alert("servicenow", {**SERVICENOW, "cmdb_ci": ci}).ci == ("adf-sales",)


def test_every_field_may_be_a_reference() -> None:
    """As sysparm_display_value=all has it."""
    body = {
        name: value if isinstance(value, dict) else {"value": value, "display_value": value}
        for name, value in SERVICENOW.items()
    }

    assert the_alert("servicenow", body) == the_alert("servicenow", SERVICENOW)


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        *((number, Condition.FIRING) for number in (1, "2", 3, "4", "5")),
        *((number, Condition.RESOLVED) for number in ("6", 7, "8")),
        ("New", Condition.FIRING),
        ("In Progress", Condition.FIRING),
        ("On Hold", Condition.FIRING),
        ("Work in Progress", Condition.FIRING),
        ("Resolved", Condition.RESOLVED),
        ("closed", Condition.RESOLVED),
        ("Closed Complete", Condition.RESOLVED),
        ("Canceled", Condition.RESOLVED),
        ("6 - Resolved", Condition.RESOLVED),
        ({"value": "7", "display_value": "Closed"}, Condition.RESOLVED),
        (None, Condition.FIRING),
        ("99", Condition.FIRING),
    ],
)
def test_states(state: object, condition: Condition) -> None:
    """Numbers and words."""
    alert = the_alert("servicenow", {**SERVICENOW, "state": state})

    assert alert.condition is condition
    assert any("'99'" in note for note in alert.notes) == (state == "99")


def test_a_closed_incident_meets_the_open_one() -> None:
    """By configuration item and short description, even if its number is another one."""
    over = {**SERVICENOW, "state": "6", "number": "INC0012399", "priority": "4"}

    assert fingerprint(the_alert("servicenow", over)) == fingerprint(
        the_alert("servicenow", SERVICENOW)
    )


@pytest.mark.parametrize(
    ("priority", "severity"),
    [
        ("1", Severity.CRITICAL),
        (2, Severity.HIGH),
        ("3 - Moderate", Severity.MEDIUM),
        ("4 - Low", Severity.LOW),
        ("5 - Planning", Severity.INFO),
        ("Critical", Severity.CRITICAL),
        (None, Severity.HIGH),
        ("9", Severity.HIGH),
    ],
)
def test_priorities(priority: object, severity: Severity) -> None:
    """Five steps, by number, display value or word."""
    assert the_alert("servicenow", {**SERVICENOW, "priority": priority}).severity is severity


@pytest.mark.parametrize(
    "ours",
    [
        {"correlation_id": "TIK-20261120-ABCDEF"},
        {"correlation_id": "tik-1", "state": "6"},
        {"correlation_display": "Mend"},
        {"correlation_id": "other", "correlation_display": "mend:TIK-1"},
        {"correlation_id": {"value": "mend-1", "display_value": ""}},
    ],
)
def test_our_own_update_coming_back(ours: dict[str, Any]) -> None:
    """A ticket about our own ticket would go on for ever."""
    alert = the_alert("servicenow", {**SERVICENOW, **ours})

    assert alert.condition is Condition.NOTICE
    assert "our own update" in alert.notes[-1]


@pytest.mark.parametrize("theirs", ["INC-1", "amend", "Mendoza", "x TIK-1", 17])
def test_somebody_elses_correlation(theirs: object) -> None:
    """Only the beginning counts."""
    alert = the_alert("servicenow", {**SERVICENOW, "correlation_id": theirs})

    assert alert.condition is Condition.FIRING


def test_a_pipeline() -> None:
    """A script may name what Mend can heal."""
    alert = the_alert("servicenow", {**SERVICENOW, "pipeline": "pl_x", "run_id": "r-1"})

    assert (alert.resource.scope, alert.resource.run_id) == (SALES, "r-1")


def test_one_bad_item_drops_nobody() -> None:
    """In a list."""
    result = send("servicenow", [SERVICENOW, {"number": "INC1"}, []])

    assert len(result.alerts) == 1
    assert [rejected.field for rejected in result.rejected] == ["[1].short_description", "[2]"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"number": "INC1"}, "short_description"),
        ({**SERVICENOW, "short_description": {"value": ["x"]}}, "short_description"),
        ("[]", "body"),
        ("null", "body"),
    ],
)
def test_refused(body: object, field: str) -> None:
    """The script's author learns which field is wrong."""
    with pytest.raises(InvalidInput) as caught:
        send("servicenow", body)

    assert caught.value.field == field
