"""What the author of a Data Factory pipeline may send, and what we make of it."""

import json
from datetime import UTC, datetime

import pytest

from shared.domain.alert import Condition, Platform, Severity
from shared.domain.errors import InvalidInput, TooLarge
from shared.intake.registry import IntakeDefaults
from tests.unit.intake.bodies import (
    ADF,
    DEFAULTS,
    HR_ID,
    NO_DEFAULTS,
    RECEIVED,
    SALES,
    SALES_ID,
    changed,
    send,
    the_alert,
    without,
)

MINIMAL = {"pipelineName": "load", "runId": "r-1"}


def test_a_usual_body() -> None:
    """Everything the alert needs comes from the names that Data Factory's own docs use."""
    alert = the_alert("adf", ADF)

    assert alert.source == "adf"
    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.ADF
    assert alert.resource.scope == SALES
    assert alert.resource.kind == "pipeline"
    assert alert.resource.name == "load_customer_data"
    assert alert.resource.run_id == "3d1f0000-0000-4000-8000-000000000001"
    assert alert.title == "Pipeline load_customer_data failed in adf-Sales"
    assert alert.description == ADF["message"]
    assert alert.severity is Severity.HIGH
    assert alert.error_code == "2200"
    assert alert.error_activity == "Copy orders"
    assert alert.occurred_at == RECEIVED
    assert alert.window is None
    assert alert.notes == ("failedAt is missing; the time of receipt is used",)


@pytest.mark.parametrize(
    "name",
    ["pipelineName", "pipeline", "pipeline_name", "PipelineName", "PIPELINE", "pipeline-name"],
)
def test_spellings_of_the_pipeline(name: str) -> None:
    """Case, underscores and the short form do not matter."""
    assert the_alert("adf", {name: "Load_X", "runId": "r-1"}).resource.name == "Load_X"


@pytest.mark.parametrize(
    "name", ["runId", "run_id", "RunID", "pipelineRunId", "pipeline_run_id", "PipelineRunId"]
)
@pytest.mark.parametrize("value", ["17", 17, " 17 "])
def test_spellings_of_the_run_id(name: str, value: object) -> None:
    """Ids come as text or as a number."""
    assert the_alert("adf", {"pipelineName": "load", name: value}).resource.run_id == "17"


@pytest.mark.parametrize(
    "name", ["dataFactoryName", "factoryName", "factory", "dataFactory", "DataFactory"]
)
def test_spellings_of_the_factory(name: str) -> None:
    """A named factory wins over the default one."""
    scope = the_alert("adf", {**MINIMAL, name: "adf-HR"}).resource.scope

    assert scope == SALES.replace("adf-sales", "adf-hr")


@pytest.mark.parametrize(
    ("more", "defaults", "scope", "note"),
    [
        pytest.param({}, DEFAULTS, SALES, "default one is used", id="all by default"),
        pytest.param({"dataFactoryName": "ADF-sales"}, DEFAULTS, SALES, None, id="by name"),
        pytest.param(
            {"dataFactoryName": "adf-hr"},
            DEFAULTS,
            SALES.replace("adf-sales", "adf-hr"),
            "factory adf-hr is taken to be in the default resource group",
            id="another factory in the default group",
        ),
        pytest.param(
            {"factory": "ADF-HR"},
            NO_DEFAULTS,
            "/factories/adf-hr",
            "subscription or resource group is not known",
            id="only a name",
        ),
        pytest.param(
            {"factory": "adf-hr", "subscription_id": "S1"},
            IntakeDefaults(adf_factory="other"),
            "/factories/adf-hr",
            "not known",
            id="half of where it is",
        ),
        pytest.param(
            {"factory": "adf-hr", "subscriptionId": "S1", "resourceGroupName": "RG.1_(x)-y"},
            DEFAULTS,
            "/subscriptions/s1/resourcegroups/rg.1_(x)-y/providers/microsoft.datafactory"
            "/factories/adf-hr",
            None,
            id="all in the body",
        ),
        pytest.param({"dataFactoryId": HR_ID}, DEFAULTS, HR_ID.lower(), None, id="a full id"),
        pytest.param({"resourceId": HR_ID.upper()}, NO_DEFAULTS, HR_ID.lower(), None, id="shouted"),
        pytest.param(
            {"dataFactoryName": SALES_ID}, NO_DEFAULTS, SALES, None, id="a full id as the name"
        ),
        pytest.param(
            {"resourceId": f"{SALES_ID}/pipelines/load"}, NO_DEFAULTS, SALES, None, id="a child"
        ),
        pytest.param(
            {"resourceId": SALES_ID, "factory": "ADF-SALES", "resourceGroup": "RG-data"},
            NO_DEFAULTS,
            SALES,
            None,
            id="id and names agree",
        ),
        pytest.param(
            {"factory": " "},
            IntakeDefaults(adf_factory=" adf-x "),
            "/factories/adf-x",
            "not known",
            id="blank name and padded setting",
        ),
    ],
)
def test_scope(
    more: dict[str, object], defaults: IntakeDefaults, scope: str, note: str | None
) -> None:
    """The factory's id in lower case, completed from the defaults, with a note if guessed."""
    alert = the_alert("adf", {**MINIMAL, **more, "failedAt": "2026-11-20T02:00:00Z"}, defaults)

    assert alert.resource.scope == scope
    assert len(alert.notes) == (0 if note is None else 1)
    assert note is None or note in alert.notes[0]


@pytest.mark.parametrize(
    ("more", "text", "code", "activity"),
    [
        pytest.param({"errorMessage": "m"}, "m", "", "", id="errorMessage"),
        pytest.param({"error": "m"}, "m", "", "", id="error as text"),
        pytest.param(
            {
                "error": {
                    "errorCode": "2200",
                    "message": "m",
                    "failureType": "UserError",
                    "target": "Copy",
                    "details": [],
                }
            },
            "m",
            "2200",
            "Copy",
            id="error as Data Factory has it",
        ),
        pytest.param(
            {"message": {"code": 2200, "message": "m"}}, "m", "2200", "", id="an object as message"
        ),
        pytest.param(
            {"message": "top", "errorCode": 1, "failedActivity": "A", "error": {"code": "2"}},
            "top",
            "1",
            "A",
            id="the top level wins",
        ),
        pytest.param({"message": "", "error": {"message": "m"}}, "m", "", "", id="blank message"),
        pytest.param({"errorCode": 2200.0}, "", "2200", "", id="a code with decimals"),
        pytest.param({"message": None, "activityName": "A"}, "", "", "A", id="null is absent"),
    ],
)
def test_the_error(more: dict[str, object], text: str, code: str, activity: str) -> None:
    """Text, code and activity are found wherever authors put them."""
    alert = the_alert("adf", {**MINIMAL, **more})

    assert (alert.description, alert.error_code, alert.error_activity) == (text, code, activity)


def test_other_labels() -> None:
    """Severity, environment and service are the author's; an unknown word is noted."""
    alert = the_alert("adf", {**MINIMAL, "env": "prod", "service": "billing", "severity": "Sev0"})
    odd = the_alert("adf", {**MINIMAL, "environment": "dev", "severity": "dire"})

    assert (alert.environment, alert.service) == ("prod", "billing")
    assert alert.severity is Severity.CRITICAL
    assert (odd.environment, odd.severity) == ("dev", Severity.HIGH)
    assert any("'dire'" in note for note in odd.notes)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Critical", Severity.CRITICAL),
        (" high ", Severity.HIGH),
        ("Error", Severity.HIGH),
        ("warning", Severity.MEDIUM),
        ("LOW", Severity.LOW),
        ("info", Severity.INFO),
        ("sev3", Severity.LOW),
        (0, Severity.CRITICAL),
        ("4", Severity.INFO),
    ],
)
def test_severity_words(word: object, severity: Severity) -> None:
    """Words and Azure's numbers mean the same."""
    alert = the_alert("adf", {**MINIMAL, "severity": word})

    assert alert.severity is severity
    assert not any("severity" in note for note in alert.notes)


def test_time_of_failure() -> None:
    """A failure time is used; the trigger's time is not: the run may have taken hours."""
    body = {**MINIMAL, "triggerTime": "2026-11-19T22:00:00Z"}
    alert = the_alert("adf", {**body, "failedAt": "2026-11-20T02:07:11.4134567Z"})

    assert alert.occurred_at == datetime(2026, 11, 20, 2, 7, 11, 413456, tzinfo=UTC)
    assert the_alert("adf", body).occurred_at == RECEIVED
    assert the_alert("adf", {**body, "timestamp": "soon"}).occurred_at == RECEIVED


@pytest.mark.parametrize(("kind", "notes"), [("Manual", 1), ("Sandbox", 1), ("ScheduleTrigger", 0)])
def test_a_run_started_by_hand_is_noted(kind: str, notes: int) -> None:
    """Debug runs call the Web activity, too."""
    alert = the_alert("adf", {**MINIMAL, "triggerType": kind})

    assert len([note for note in alert.notes if "started by hand" in note]) == notes


def test_a_long_message_is_cut() -> None:
    """The first 8 000 characters are kept, and the cut is noted."""
    alert = the_alert("adf", {**MINIMAL, "message": "x" * 20_000})
    just = the_alert("adf", {**MINIMAL, "message": "x" * 8_000})

    assert alert.description == "x" * 8_000
    assert any("20000 characters" in note for note in alert.notes)
    assert just.description == "x" * 8_000
    assert not any("characters" in note for note in just.notes)


def test_the_message_is_cleaned() -> None:
    """Lines stay, what is invisible or turns text around goes."""
    alert = the_alert("adf", {**MINIMAL, "message": "a\r\nb\u202e\u200b\x1b[0m"})

    assert alert.description == "a\nb[0m"


def test_a_message_may_speak_of_expressions() -> None:
    """An error about an expression is an error; only a message that is one is noted."""
    about = the_alert("adf", {**MINIMAL, "message": "cannot evaluate '@{item().x}'"})
    itself = the_alert("adf", {**MINIMAL, "message": "@{activity('Copy').error.message}"})

    assert not any("expression" in note for note in about.notes)
    assert any("expression" in note for note in itself.notes)


def test_the_call_back_address_is_never_stored() -> None:
    """A WebHook activity adds a secret to the body."""
    result = send("adf", {**ADF, "callBackUri": "https://x.example/?sig=SECRET", "callback": 1})

    assert "SECRET" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        pytest.param(without(ADF, "runId"), "runId", "runId is missing", id="no run id"),
        pytest.param(without(ADF, "pipelineName"), "pipelineName", "missing", id="no pipeline"),
        pytest.param({}, "runId", "missing", id="an empty object"),
        pytest.param(changed(ADF, "runId", ""), "runId", "runId is empty", id="empty run id"),
        pytest.param(changed(ADF, "runId", " \t"), "runId", "runId is empty", id="blank run id"),
        pytest.param(changed(ADF, "runId", None), "runId", "runId is missing", id="null run id"),
        pytest.param(
            {"pipeline_name": "", "run_id": "r"}, "pipeline_name", "is empty", id="empty, aliased"
        ),
        pytest.param(changed(ADF, "runId", ["r"]), "runId", "is a list", id="run id is a list"),
        pytest.param(changed(ADF, "runId", True), "runId", "true or false", id="run id is true"),
        pytest.param(changed(ADF, "runId", 1.5), "runId", "a number", id="run id is a fraction"),
        pytest.param(changed(ADF, "runId", {}), "runId", "an object", id="run id is an object"),
        pytest.param(
            changed(ADF, "pipelineName", 5), "pipelineName", "must be text", id="name is a number"
        ),
        pytest.param(
            changed(ADF, "pipelineName", {"name": "x"}),
            "pipelineName",
            "an object",
            id="name is an object",
        ),
        pytest.param(
            changed(ADF, "pipelineName", "x" * 261), "pipelineName", "at most 260", id="long name"
        ),
        pytest.param(changed(ADF, "runId", "x" * 129), "runId", "at most 128", id="long run id"),
        pytest.param(
            changed(ADF, "pipelineName", "a\nb"), "pipelineName", "control", id="line break in name"
        ),
        pytest.param(
            changed(ADF, "pipelineName", "a\u202eb"), "pipelineName", "control", id="turned name"
        ),
        pytest.param(
            changed(ADF, "pipelineName", "a\u200bb"), "pipelineName", "control", id="zero width"
        ),
        pytest.param(
            changed(ADF, "pipelineName", "../secrets"), "pipelineName", "'/'", id="a path as name"
        ),
        pytest.param(changed(ADF, "pipelineName", ".."), "pipelineName", "dots", id="only dots"),
        pytest.param(changed(ADF, "runId", "a?b=c"), "runId", r"'\?'", id="a query in the id"),
        pytest.param(changed(ADF, "runId", "a b"), "runId", "white space", id="space in the id"),
        pytest.param(
            changed(ADF, "runId", "@{pipeline().RunId}"),
            "runId",
            r"expression '@\{pipeline\(\).RunId\}' itself.*dynamic content",
            id="an expression",
        ),
        pytest.param(
            changed(ADF, "pipelineName", "@pipeline().Pipeline"),
            "pipelineName",
            "dynamic content",
            id="an expression without braces",
        ),
        pytest.param(
            changed(ADF, "triggerName", "x-@{pipeline().TriggerName}"),
            "triggerName",
            "dynamic content",
            id="an expression inside an unimportant field",
        ),
        pytest.param(
            {**ADF, "run_id": "another"}, "run_id", "runId and run_id disagree", id="two run ids"
        ),
        pytest.param(
            {**ADF, "PIPELINENAME": "other"}, "PIPELINENAME", "disagree", id="two pipelines"
        ),
        pytest.param(
            changed(ADF, "dataFactoryName", ["x"]), "dataFactoryName", "a list", id="factory list"
        ),
        pytest.param(
            changed(ADF, "dataFactoryName", "a/b"), "dataFactoryName", "'/'", id="factory path"
        ),
        pytest.param(
            changed(ADF, "resourceId", "/subscriptions/s/resourceGroups/g"),
            "resourceId",
            "must be /subscriptions/",
            id="the id of something else",
        ),
        pytest.param(
            changed(ADF, "dataFactoryId", SALES_ID.replace("rg-Data", "..")),
            "dataFactoryId",
            "must be /subscriptions/",
            id="an id that climbs",
        ),
        pytest.param(
            changed(ADF, "resourceId", HR_ID),
            "dataFactoryName",
            "different factories",
            id="name and id disagree",
        ),
        pytest.param(
            {**MINIMAL, "resourceId": SALES_ID, "subscriptionId": "other"},
            "subscriptionId",
            "different factories",
            id="subscription and id disagree",
        ),
        pytest.param(changed(ADF, "message", ["m"]), "message", "a list", id="message is a list"),
        pytest.param(changed(ADF, "error", 5), "error", "a number", id="error is a number"),
        pytest.param(
            changed(ADF, "error", {"message": 5}), "error.message", "a number", id="deeper message"
        ),
        pytest.param(
            changed(ADF, "errorCode", {"a": 1}), "errorCode", "an object", id="code is an object"
        ),
        pytest.param(
            changed(ADF, "errorCode", True), "errorCode", "true or false", id="code is true"
        ),
        pytest.param(
            {**MINIMAL, "resourceId": SALES_ID, "resourceGroup": "other"},
            "resourceGroup",
            "different factories",
            id="resource group and id disagree",
        ),
        pytest.param(changed(ADF, "env", ["prod"]), "env", "a list", id="environment is a list"),
        pytest.param(
            changed(ADF, "environment", "x" * 261), "environment", "at most 260", id="long label"
        ),
        pytest.param(changed(ADF, "groupId", {}), "groupId", "an object", id="group is an object"),
        pytest.param(
            changed(ADF, "triggerType", 5), "triggerType", "a number", id="trigger is a number"
        ),
        pytest.param("[]", "body", "no alert", id="an empty list"),
        pytest.param('"hello"', "body", "is text", id="a text"),
        pytest.param("null", "body", "is null", id="null"),
        pytest.param([[ADF]], "[0]", "a list", id="a list in a list"),
    ],
)
def test_refused(body: object, field: str, message: str) -> None:
    """The author learns which field is wrong and what would be right."""
    with pytest.raises(InvalidInput, match=message) as caught:
        send("adf", body)

    assert caught.value.field == field
    assert caught.value.http_status == 400


def test_no_factory_anywhere() -> None:
    """Without a default the body must name one."""
    with pytest.raises(InvalidInput, match=r"no default factory.*DataFactory") as caught:
        send("adf", MINIMAL, NO_DEFAULTS)

    assert caught.value.field == "dataFactoryName"


def test_a_body_of_300_kb() -> None:
    """Too large is 413, before anything is parsed."""
    with pytest.raises(TooLarge):
        send("adf", changed(ADF, "message", "x" * 300_000))


def test_several_alerts_in_one_body() -> None:
    """Each object is an alert; a bad one is reported and drops nobody."""
    result = send("adf", [ADF, {"runId": "r"}, changed(ADF, "runId", "r-2"), 5])

    assert [alert.resource.run_id for alert in result.alerts] == [ADF["runId"], "r-2"]
    assert [rejected.field for rejected in result.rejected] == ["[1].pipelineName", "[3]"]
    assert "missing" in result.rejected[0].detail


def test_several_bad_alerts() -> None:
    """If none is good the whole body is refused, with the first reason."""
    with pytest.raises(InvalidInput, match=r"none of the 2 alerts.*runId is missing") as caught:
        send("adf", [{"pipeline": "p"}, {}])

    assert caught.value.field == "[0].runId"


def test_too_many_alerts() -> None:
    """500 are taken, 501 are not."""
    small = {"runId": "r", "pipeline": "p"}

    assert len(send("adf", [small] * 500).alerts) == 500
    with pytest.raises(TooLarge, match="500"):
        send("adf", [small] * 501)


def test_names_keep_their_spelling() -> None:
    """Letters of all languages, spaces and dots are names; only the padding goes."""
    for name in ("Lädt Kunden", "支払い", "load.orders v2", "A_-x", "x" * 260):
        alert = the_alert("adf", json.dumps({"pipeline": f" {name} ", "runId": "r"}))
        assert alert.resource.name == name
        assert len(alert.title) <= 200
