"""SolarWinds: forms, JSON, and what is left of JSON when a message broke it."""

import json
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Condition, Platform, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import QUICK, RECEIVED, SALES, SOLARWINDS, send, the_alert


def test_json() -> None:
    """A body whose author took care."""
    alert = the_alert("solarwinds", SOLARWINDS)

    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.OTHER
    assert (alert.resource.scope, alert.resource.name) == ("solarwinds", "Volume is full")
    assert alert.title == "Volume is full on db-1"
    assert alert.description == "Volume /data is 99 % full"
    assert alert.severity is Severity.HIGH
    assert alert.ci == ("db-1",)
    assert alert.sender_alert_id == "815"
    assert alert.occurred_at == RECEIVED
    [note] = alert.notes
    assert note.startswith("TimeOfAlert is not an ISO 8601 time ('Friday, November 20, 2026")


def test_a_form_says_the_same() -> None:
    """The same fields, encoded as a browser would."""
    assert the_alert("solarwinds", urlencode(SOLARWINDS)) == the_alert("solarwinds", SOLARWINDS)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        pytest.param('Volume "data" is full', 'Volume "data" is full', id="quotes"),
        pytest.param("C:\\logs\\x is full", "C:\\logs\\x is full", id="backslashes"),
        pytest.param("line 1\nline 2", "line 1\nline 2", id="line breaks"),
        pytest.param('a "b",\n"c": \\d', 'a "b",\n"c": \\d', id="all of them"),
    ],
)
def test_broken_json(message: str, kept: str) -> None:
    """The fields around the message are read, and so is the message."""
    raw = (
        '{"AlertName": "Volume is full", "NodeName": "db-1", '
        f'"AlertMessage": "{message}", "AlertStatus": "Reset", "Severity": "2"}}'
    )

    alert = the_alert("solarwinds", raw)

    assert (alert.resource.name, alert.ci) == ("Volume is full", ("db-1",))
    assert (alert.condition, alert.severity) == (Condition.RESOLVED, Severity.CRITICAL)
    assert alert.description == kept
    assert "read one by one" in alert.notes[0]


def test_a_message_cannot_rename_its_alert() -> None:
    """Text that looks like a field is text."""
    raw = (
        '{"AlertName": "Volume is full", "Message": "a "b", "AlertName": "evil" c", '
        '"NodeName": "db-1"}'
    )

    assert the_alert("solarwinds", raw).resource.name == "Volume is full"


@given(st.text(st.sampled_from('ab"\\{}[]:, \n') | st.characters(exclude_categories=["Cs"])))
@QUICK
def test_any_message_leaves_the_name_alone(message: str) -> None:
    """Whatever it holds: this alert or a refusal."""
    raw = f'{{"AlertName": "x", "Message": "{message}", "NodeName": "db-1"}}'
    try:
        [alert] = send("solarwinds", raw).alerts
    except InvalidInput:
        return
    assert alert.resource.name == "x"


@pytest.mark.parametrize(
    ("field", "word", "condition"),
    [
        ("AlertStatus", "Active", Condition.FIRING),
        ("AlertStatus", "Triggered", Condition.FIRING),
        ("Status", "Reset", Condition.RESOLVED),
        ("status", "Up", Condition.RESOLVED),
        ("Status", "Down", Condition.FIRING),
        ("Condition", "Cleared", Condition.RESOLVED),
        ("alert_status", "RESET", Condition.RESOLVED),
        ("Status", "Test", Condition.TEST),
        ("Status", "Acknowledged", Condition.NOTICE),
        ("Status", "Polka", Condition.FIRING),
        ("Status", "${Status}", Condition.FIRING),
        ("Nothing", "x", Condition.FIRING),
    ],
)
def test_status(field: str, word: str, condition: Condition) -> None:
    """Under every name and word that people choose."""
    alert = the_alert("solarwinds", {"AlertName": "x", field: word})

    assert alert.condition is condition
    assert any("Polka" in note for note in alert.notes) == (word == "Polka")


def test_a_reset_meets_its_alert() -> None:
    """By name and node."""
    over = {**SOLARWINDS, "AlertStatus": "Reset", "Message": "all is well"}

    assert fingerprint(the_alert("solarwinds", over)) == fingerprint(
        the_alert("solarwinds", SOLARWINDS)
    )


@pytest.mark.parametrize("name", ["NodeName", "Caption", "ObjectName", "node_name"])
def test_nodes(name: str) -> None:
    """Under every name."""
    assert the_alert("solarwinds", {"AlertName": "x", name: "db-1"}).ci == ("db-1",)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Critical", Severity.CRITICAL),
        ("Warning", Severity.MEDIUM),
        ("Informational", Severity.INFO),
        ("Notice", Severity.INFO),
        (1, Severity.MEDIUM),
        ("3", Severity.HIGH),
        ("${Severity}", Severity.HIGH),
    ],
)
def test_severity(word: object, severity: Severity) -> None:
    """Words, or the numbers of SolarWinds' table."""
    assert the_alert("solarwinds", {"AlertName": "x", "Severity": word}).severity is severity


def test_acknowledged_is_noted() -> None:
    """Somebody looks at it already."""
    alert = the_alert("solarwinds", {**SOLARWINDS, "Acknowledged": "Yes"})

    assert alert.condition is Condition.FIRING
    assert any("acknowledged" in note for note in alert.notes)


def test_macros_that_were_not_replaced() -> None:
    """They are not the names of anything."""
    alert = the_alert("solarwinds", {**SOLARWINDS, "NodeName": "${N=SwisEntity;M=Caption}"})

    assert alert.ci == ()


def test_a_pipeline() -> None:
    """Fields of a form may name what Mend can heal."""
    alert = the_alert("solarwinds", "AlertName=x&pipeline=pl_x&runId=r-1")

    assert (alert.resource.scope, alert.resource.run_id) == (SALES, "r-1")


def test_one_bad_item_drops_nobody() -> None:
    """In a list."""
    result = send("solarwinds", [SOLARWINDS, {}, 5])

    assert len(result.alerts) == 1
    assert [rejected.field for rejected in result.rejected] == ["[1].AlertName", "[2]"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param("{}", "AlertName", id="empty"),
        pytest.param('{"AlertName": "${N=Alerting;M=AlertName}"}', "AlertName", id="macro"),
        pytest.param("NodeName=x", "AlertName", id="form without a name"),
        pytest.param("AlertName=a%00b", "AlertName", id="NUL in a form"),
        pytest.param("a=1&" * 300, "body", id="endless form"),
        pytest.param("<alert/>", "body", id="XML"),
        pytest.param('{"NodeName": "a"b"}', "AlertName", id="broken without a name"),
        pytest.param(json.dumps("x"), "body", id="text"),
    ],
)
def test_refused(body: str, field: str) -> None:
    """The author learns which field is wrong."""
    with pytest.raises(InvalidInput) as caught:
        send("solarwinds", body)

    assert caught.value.field == field


@given(st.text(st.sampled_from("a=&%+;0N\n") | st.characters(exclude_categories=["Cs"])))
@QUICK
def test_any_form(text: str) -> None:
    """Alerts or a refusal."""
    with suppress(InvalidInput):
        assert send("solarwinds", f"AlertName={text}").alerts
