"""Tickets that people ask for: our own words, read strictly."""

import json

import pytest
from pydantic import ValidationError

from shared.domain.alert import Platform, Severity
from shared.domain.errors import InvalidInput, TooLarge
from shared.intake.csv_upload import COLUMNS, MAX_ROWS, TEMPLATE, read_csv
from shared.intake.manual import NewTicket, alert_of, normalised, read_new_ticket
from shared.intake.normalised import IntakeDefaults
from tests.support.builders import NOW, RUN, SCOPE

DEFAULTS = IntakeDefaults(
    adf_subscription_id="00000000-0000-0000-0000-0000000000aa",
    adf_resource_group="rg-data",
    adf_factory="adf-sales",
    databricks_host="https://adb-1.azuredatabricks.net",
)
NOWHERE = IntakeDefaults()


def asked(fields: dict[str, object], defaults: IntakeDefaults = DEFAULTS) -> object:
    """Return the alert that a body with ``fields`` becomes."""
    body = json.dumps({"title": "It is late", **fields}).encode()
    return normalised(read_new_ticket(body), defaults, NOW).alerts[0]


def test_a_title_is_enough() -> None:
    """Anything may have a ticket; nothing is known of it but its words."""
    alert = alert_of(read_new_ticket(b'{"title": " It is late "}'), NOWHERE, NOW)

    assert (alert.source, alert.title, alert.severity) == ("manual", "It is late", Severity.HIGH)
    assert (alert.resource.platform, alert.resource.kind) == (Platform.OTHER, "alert")
    assert alert.occurred_at == NOW


def test_a_pipeline_is_found_in_its_factory() -> None:
    """By the settings, by its name, or by its full id."""
    by_default = alert_of(
        read_new_ticket(json.dumps({"title": "x", "pipeline": "p", "run_id": RUN}).encode()),
        DEFAULTS,
        NOW,
    )
    by_id = alert_of(
        read_new_ticket(json.dumps({"title": "x", "pipeline": "p", "factory": SCOPE}).encode()),
        NOWHERE,
        NOW,
    )

    assert (by_default.resource.scope, by_default.resource.run_id) == (SCOPE, RUN)
    assert (by_id.resource.scope, by_id.resource.platform) == (SCOPE, Platform.ADF)


def test_a_job_is_found_in_its_workspace() -> None:
    """With or without the scheme."""
    for workspace in ("https://adb-2.azuredatabricks.net/", "ADB-2.azuredatabricks.net"):
        body = json.dumps({"title": "x", "job": "j", "workspace": workspace, "run_id": "17"})
        alert = alert_of(read_new_ticket(body.encode()), NOWHERE, NOW)
        assert alert.resource.scope == "adb-2.azuredatabricks.net"
        assert alert.resource.platform is Platform.DATABRICKS


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": 7}, "title"),
        ({"title": "\u200b"}, "title"),
        ({"severity": "rather bad"}, "severity"),
        ({"pipeline": "p", "job": "j"}, "body"),
        ({"run_id": "r"}, "body"),
        ({"pipeline": "p", "run_id": "a b"}, "run_id"),
        ({"pipeline": "a/b"}, "pipeline"),
        ({"pipeline": "p", "factory": "/subscriptions/x"}, "factory"),
        ({"ci": ["x"] * 21}, "ci"),
        ({"ci": [""]}, "ci.0"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "2026-11-20T02:07:11"}, "occurred_at"),
        ({"titel": "x"}, "titel"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], field: str) -> None:
    """A clear refusal, with the field."""
    with pytest.raises(InvalidInput) as caught:
        asked(fields)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("fields", "field"), [({"pipeline": "p"}, "factory"), ({"job": "j"}, "workspace")]
)
def test_without_a_place_nobody_can_look(fields: dict[str, object], field: str) -> None:
    """No default factory or workspace, and none named."""
    with pytest.raises(InvalidInput) as caught:
        asked(fields, NOWHERE)
    assert caught.value.field == field


def test_the_template_can_be_sent_as_it_is() -> None:
    """What we hand out is what we take."""
    rows = read_csv(TEMPLATE.encode())

    assert [row.line for row in rows] == [2, 3]
    assert all(row.problem is None for row in rows)
    assert rows[0].asked is not None
    assert rows[0].asked.ci == ("sql-01", "sql-02")
    assert TEMPLATE.splitlines()[0].split(",") == list(COLUMNS)


def test_every_mistake_has_its_line() -> None:
    """Good rows are taken beside bad ones; a quoted line break moves the count on."""
    text = (
        "Title;Severity;RUN ID;pipeline\r\n"
        '"two\r\nlines";HIGH;;\r\n'
        "\r\n"
        "bad severity;awful;;\r\n"
        ";high;;\r\n"
        "too;many;cells;in;here\r\n"
        "fine;low;r-1;p\r\n"
    )
    rows = read_csv(text.encode("utf-8-sig"))

    found = [(row.line, row.problem.field if row.problem else None) for row in rows]
    assert found == [(2, None), (5, "severity"), (6, "title"), (7, "body"), (8, None)]
    assert rows[-1].asked is not None
    assert (rows[-1].asked.run_id, rows[-1].asked.severity) == ("r-1", Severity.LOW)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"", "body"),
        (b"   \n ", "body"),
        (b"description\nx", "line 1"),
        (b"title,colour\nx,red", "line 1"),
        (b"title,Title\nx,y", "line 1"),
        (b"title\n", "line 2"),
        (b'title\n"open', "line 2"),
        (b"\xff\xfet", "body"),
        (b"title\nx\x00y", "body"),
    ],
)
def test_a_file_that_is_none(text: bytes, field: str) -> None:
    """What cannot be read as a table at all is refused as a whole."""
    with pytest.raises(InvalidInput) as caught:
        read_csv(text)
    assert caught.value.field == field


def test_a_file_has_its_limits() -> None:
    """Rows and bytes."""
    with pytest.raises(TooLarge, match="rows"):
        read_csv(b"title\n" + b"x\n" * (MAX_ROWS + 1))
    with pytest.raises(TooLarge, match="bytes"):
        read_csv(b"title\n" + b"x" * 1_048_577)


@pytest.mark.parametrize("value", [0, 1_763_600_000, "0", "1763600000", True, "20261120", "noon"])
def test_a_time_is_never_a_number(value: object) -> None:
    """Seconds to one are milliseconds to another."""
    with pytest.raises(ValidationError, match="occurred_at"):
        NewTicket.model_validate({"title": "x", "occurred_at": value})
