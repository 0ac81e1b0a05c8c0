"""What Azure Monitor's action groups send, and what we make of it."""

import json
from datetime import UTC, datetime

import pytest

from shared.domain.alert import Condition, Platform, Severity, TimeWindow
from shared.domain.errors import InvalidInput
from tests.unit.intake.bodies import (
    CRITERION,
    DEFAULTS,
    HR_ID,
    LOG,
    METRIC,
    NO_DEFAULTS,
    RECEIVED,
    SALES,
    changed,
    send,
    the_alert,
)

ESSENTIALS = "data.essentials"
CONDITION = "data.alertContext.condition"
FIRST = f"{CONDITION}.allOf.0"
WHERE = f"{CONDITION}.allOf[0]"


def _dimensions(**named: object) -> list[dict[str, object]]:
    return [{"name": name, "value": value} for name, value in named.items()]


def test_metric_alert() -> None:
    """A failed pipeline without its run: the window says where to look for it."""
    alert = the_alert("azure-monitor", METRIC, NO_DEFAULTS)

    assert alert.source == "azure-monitor"
    assert alert.condition is Condition.FIRING
    assert alert.resource.platform is Platform.ADF
    assert alert.resource.scope == SALES
    assert (alert.resource.kind, alert.resource.name) == ("pipeline", "pl_daily_load")
    assert alert.resource.run_id is None
    assert alert.window == TimeWindow(
        start=datetime(2026, 11, 20, 1, 45, tzinfo=UTC),
        end=datetime(2026, 11, 20, 2, 20, tzinfo=UTC),
    )
    assert alert.title == "Pipeline pl_daily_load failed in adf-sales"
    assert alert.description == (
        "Nightly loads must not fail.\n\n"
        "Azure Monitor alert rule adf-sales-failed-runs: PipelineFailedRuns 2, "
        "failure type UserError"
    )
    assert alert.severity is Severity.MEDIUM
    assert alert.environment == "prod"
    assert alert.ci == ("adf-sales",)
    assert alert.occurred_at == datetime(2026, 11, 20, 2, 7, 11, 413456, tzinfo=UTC)
    assert alert.sender_alert_id == METRIC["data"]["essentials"]["alertId"]
    assert alert.notes == ()


def test_log_alert() -> None:
    """Split by run, a log alert names the run, so no window is needed."""
    alert = the_alert("azure-monitor", LOG)

    assert alert.resource.scope == SALES
    assert alert.resource.name == "pl_daily_load"
    assert alert.resource.run_id == "3d1f0000-0000-4000-8000-000000000002"
    assert alert.window is None
    assert alert.title == "Pipeline pl_daily_load failed in adf-Sales"
    assert alert.severity is Severity.HIGH
    assert alert.occurred_at == datetime(2026, 11, 20, 2, 10, tzinfo=UTC)
    assert alert.notes == ()


@pytest.mark.parametrize(
    ("metric", "dimensions", "kind", "name", "title", "activity"),
    [
        pytest.param(
            "PipelineCancelledRuns",
            _dimensions(Name="load"),
            "pipeline",
            "load",
            "Pipeline load was cancelled in adf-sales",
            "",
            id="a cancelled pipeline",
        ),
        pytest.param(
            "activityfailedruns",
            _dimensions(ActivityType="Copy", PipelineName="load", Name="Copy orders"),
            "pipeline",
            "load",
            "Pipeline load failed in adf-sales",
            "Copy orders",
            id="a failed activity is its pipeline's failure",
        ),
        pytest.param(
            "TriggerFailedRuns",
            _dimensions(name="nightly"),
            "trigger",
            "nightly",
            "Trigger nightly failed in adf-sales",
            "",
            id="a trigger",
        ),
    ],
)
def test_metrics(
    metric: str,
    dimensions: list[dict[str, object]],
    kind: str,
    name: str,
    title: str,
    activity: str,
) -> None:
    """Each metric has its own dimension for what failed."""
    body = changed(METRIC, FIRST, {**CRITERION, "metricName": metric, "dimensions": dimensions})

    alert = the_alert("azure-monitor", body)

    assert (alert.resource.kind, alert.resource.name) == (kind, name)
    assert (alert.title, alert.error_activity) == (title, activity)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("Sev0", Severity.CRITICAL),
        ("Sev1", Severity.HIGH),
        ("sev2", Severity.MEDIUM),
        ("Sev3", Severity.LOW),
        ("Sev4", Severity.INFO),
    ],
)
def test_severity(severity: str, expected: Severity) -> None:
    """Five steps on both sides."""
    body = changed(METRIC, f"{ESSENTIALS}.severity", severity)

    assert the_alert("azure-monitor", body).severity is expected


def test_an_unknown_severity_is_noted() -> None:
    """It costs nothing but a note."""
    alert = the_alert("azure-monitor", changed(METRIC, f"{ESSENTIALS}.severity", "Sev9"))

    assert alert.severity is Severity.HIGH
    assert "'Sev9'" in alert.notes[0]


def test_resolved() -> None:
    """The metric is quiet again, which says nothing about the run."""
    body = changed(METRIC, f"{ESSENTIALS}.monitorCondition", "Resolved")
    body = changed(body, f"{ESSENTIALS}.resolvedDateTime", "2026-11-20T02:17:11Z")

    alert = the_alert("azure-monitor", body)

    assert alert.condition is Condition.RESOLVED
    assert alert.title == "Resolved: Pipeline pl_daily_load failed in adf-sales"
    assert alert.occurred_at == datetime(2026, 11, 20, 2, 17, 11, tzinfo=UTC)


SAMPLE_TARGET = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/test-RG"
    "/providers/Microsoft.Storage/storageAccounts/test-storageAccount"
)


@pytest.mark.parametrize(
    "essentials",
    [
        pytest.param({"alertRule": "test-metricAlertRule"}, id="metric"),
        pytest.param(
            {"alertRule": "test-logAlertRule-v2", "monitoringService": "Log Alerts V2"}, id="log"
        ),
        pytest.param(
            {"alertRule": "test-ServiceHealthAlertRule", "monitoringService": "ServiceHealth"},
            id="a service that is not supported otherwise",
        ),
        pytest.param(
            {
                "alertRule": None,
                "monitorCondition": None,
                "severity": None,
                "alertTargetIDs": None,
                "monitoringService": "CostAlerts",
                "alertId": f"{SAMPLE_TARGET}/alerts/Test_Alert",
            },
            id="cost alert: no rule, no condition",
        ),
        pytest.param(
            {"alertRule": "Latency Degradation", "alertTargetIDs": [SAMPLE_TARGET]},
            id="smart detection: only the target gives it away",
        ),
    ],
)
def test_portal_samples(essentials: dict[str, object]) -> None:
    """A "Test action group" must succeed and must not open a ticket."""
    body = changed(METRIC, ESSENTIALS, {**METRIC["data"]["essentials"], **essentials})
    body = changed(body, "data.alertContext", {"AlertCategory": "budgets"})

    alert = the_alert("azure-monitor", body)

    assert alert.condition is Condition.TEST
    assert alert.resource.platform is Platform.OTHER
    assert alert.title.startswith("Test of an action group")
    assert not alert.title.endswith(":")


def test_a_real_rule_may_be_called_test() -> None:
    """The prefix alone is no reason to ignore a failure."""
    alert = the_alert("azure-monitor", changed(METRIC, f"{ESSENTIALS}.alertRule", "test-loads"))

    assert alert.condition is Condition.FIRING


@pytest.mark.parametrize(
    ("dimensions", "targets", "scope"),
    [
        pytest.param({"_ResourceId": HR_ID}, [SALES], HR_ID.lower(), id="a dimension wins"),
        pytest.param(
            {"microsoft.resourceId": HR_ID}, [SALES, HR_ID], HR_ID.lower(), id="one of several"
        ),
        pytest.param({"ResourceId": HR_ID}, [], HR_ID.lower(), id="without the underscore"),
        pytest.param({"resourceid": "3efad9dc"}, [SALES], SALES, id="a useless resource id"),
        pytest.param({"factoryName": "ADF-HR"}, [SALES, HR_ID], HR_ID.lower(), id="by name"),
        pytest.param(
            {"FactoryName": "adf-hr"},
            [],
            SALES.replace("adf-sales", "adf-hr"),
            id="by name, the rest by default",
        ),
        pytest.param({}, [SALES.upper()], SALES, id="the only target"),
        pytest.param({}, [SALES, SALES.upper()], SALES, id="the same target twice"),
        pytest.param({}, [f"{SALES}/pipelines/x"], SALES, id="a child of the factory"),
        pytest.param({}, None, SALES, id="by default"),
    ],
)
def test_scope(dimensions: dict[str, object], targets: list[str] | None, scope: str) -> None:
    """Dimensions first, then the rule's target, then the default factory."""
    body = changed(METRIC, f"{FIRST}.dimensions", _dimensions(Name="load", **dimensions))
    body = changed(body, f"{ESSENTIALS}.alertTargetIDs", targets)

    assert the_alert("azure-monitor", body).resource.scope == scope


@pytest.mark.parametrize("name", ["alertTargetIDs", "alertTargetIds", "ALERTTARGETIDS"])
def test_spellings_of_the_targets(name: str) -> None:
    """Microsoft's own samples and tables disagree."""
    body = changed(METRIC, f"{ESSENTIALS}.alertTargetIDs", None)
    body = changed(body, f"{ESSENTIALS}.{name}", [HR_ID])

    assert the_alert("azure-monitor", body, NO_DEFAULTS).resource.scope == HR_ID.lower()


@pytest.mark.parametrize(
    ("dimensions", "run_id"),
    [
        pytest.param({"runid": "r-1"}, "r-1", id="another case"),
        pytest.param({"runId_g": "r-1"}, "r-1", id="AzureDiagnostics"),
        pytest.param({"RunId": 17}, "17", id="a number"),
        pytest.param(
            {"RunId": "activity", "PipelineRunId": "r-1"}, "r-1", id="the pipeline's run wins"
        ),
        pytest.param({"RunId": ""}, None, id="blank"),
        pytest.param({"RunId": None}, None, id="null"),
        pytest.param({}, None, id="absent"),
    ],
)
def test_run_id_of_a_log_alert(dimensions: dict[str, object], run_id: str | None) -> None:
    """With a run id there is no window, without one there is."""
    rows = _dimensions(pipelinename="load", **dimensions)

    alert = the_alert("azure-monitor", changed(LOG, f"{FIRST}.dimensions", rows))

    assert alert.resource.run_id == run_id
    assert (alert.window is None) == (run_id is not None)


def test_a_log_alert_brings_what_its_query_selects() -> None:
    """Error text, code and activity of a row are kept if the rule splits by them."""
    rows = _dimensions(
        PipelineName="load", ActivityName="Copy", ErrorCode="2200", ErrorMessage="No such table"
    )

    alert = the_alert("azure-monitor", changed(LOG, f"{FIRST}.dimensions", rows))

    assert (alert.error_code, alert.error_activity) == ("2200", "Copy")
    assert alert.description.startswith("No such table\n\n")


def test_one_bad_criterion_drops_nobody() -> None:
    """Good criteria become alerts, bad ones are reported with their place."""
    criteria = [
        CRITERION,
        {**CRITERION, "dimensions": []},
        {**CRITERION, "metricName": "CpuPercentage"},
        "garbage",
        {**CRITERION, "dimensions": _dimensions(Name="pl_other")},
    ]

    result = send("azure-monitor", changed(METRIC, f"{CONDITION}.allOf", criteria))

    assert [alert.resource.name for alert in result.alerts] == ["pl_daily_load", "pl_other"]
    assert [rejected.field for rejected in result.rejected] == [
        f"{CONDITION}.allOf[1].dimensions",
        f"{CONDITION}.allOf[2].metricName",
        f"{CONDITION}.allOf[3]",
    ]


@pytest.mark.parametrize(
    ("custom", "properties", "environment", "notes"),
    [
        pytest.param({"ENV": "prod"}, {"env": "dev"}, "prod", 0, id="custom properties win"),
        pytest.param(None, {"Environment": "dev"}, "dev", 0, id="the rule's own properties"),
        pytest.param({"team": "x"}, {"env": "dev"}, "dev", 0, id="the other holder is asked"),
        pytest.param(None, None, None, 0, id="none"),
        pytest.param({"env": 5}, None, None, 1, id="wrong type"),
        pytest.param("prod", None, None, 2, id="not an object"),
        pytest.param({"env": "x" * 999}, None, None, 1, id="too long"),
    ],
)
def test_environment(
    custom: object, properties: object, environment: str | None, notes: int
) -> None:
    """A label chosen freely is used if it can be, and never costs the alert."""
    body = changed(METRIC, "data.customProperties", custom)
    body = changed(body, "data.alertContext.properties", properties)

    alert = the_alert("azure-monitor", body)

    assert alert.environment == environment
    assert len(alert.notes) == notes


def test_service() -> None:
    """The same holds for the service."""
    body = changed(METRIC, "data.customProperties", {"service": "billing"})

    assert the_alert("azure-monitor", body).service == "billing"


def test_texts_are_cleaned() -> None:
    """A rule's name and description are free text of strangers."""
    body = changed(METRIC, f"{ESSENTIALS}.alertRule", "load\n\u202efailed " + "x" * 999)
    body = changed(body, f"{ESSENTIALS}.description", "a\u200b\r\nb")
    body = changed(body, f"{ESSENTIALS}.configurationItems", ["a\nb", *["c"] * 99])

    alert = the_alert("azure-monitor", body)

    assert alert.description.startswith("a\nb\n\nAzure Monitor alert rule load failed xxx")
    assert len(alert.description) < 500
    assert alert.ci[0] == "a b"
    assert len(alert.ci) == 20


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        pytest.param(
            "schemaId",
            "Microsoft.Insights/activityLogs",
            "schemaId",
            "common alert schema",
            id="old schema",
        ),
        pytest.param("schemaId", None, "schemaId", "common alert schema", id="no schema"),
        pytest.param("schemaId", 5, "schemaId", "must be text", id="schema is a number"),
        pytest.param("data", None, "data", "missing", id="no data"),
        pytest.param("data", [], "data", "a list", id="data is a list"),
        pytest.param(ESSENTIALS, None, ESSENTIALS, "missing", id="no essentials"),
        pytest.param(
            f"{ESSENTIALS}.monitoringService",
            "CostAlerts",
            f"{ESSENTIALS}.monitoringService",
            "'CostAlerts'; supported are Platform, Log Alerts V2, .*ServiceHealth",
            id="cost alerts",
        ),
        pytest.param(
            f"{ESSENTIALS}.monitoringService",
            None,
            f"{ESSENTIALS}.monitoringService",
            "missing",
            id="no service",
        ),
        pytest.param(
            f"{ESSENTIALS}.monitorCondition",
            "Maybe",
            f"{ESSENTIALS}.monitorCondition",
            "Fired or Resolved",
            id="unknown condition",
        ),
        pytest.param(
            f"{ESSENTIALS}.alertRule", "", f"{ESSENTIALS}.alertRule", "is empty", id="empty rule"
        ),
        pytest.param(
            f"{ESSENTIALS}.alertRule", [], f"{ESSENTIALS}.alertRule", "a list", id="rule is a list"
        ),
        pytest.param(
            f"{ESSENTIALS}.alertTargetIDs",
            SALES,
            f"{ESSENTIALS}.alertTargetIDs",
            "must be a list",
            id="targets as a text",
        ),
        pytest.param(
            f"{ESSENTIALS}.alertTargetIDs",
            [SALES, 5],
            f"{ESSENTIALS}.alertTargetIDs[1]",
            "a number",
            id="a target that is a number",
        ),
        pytest.param(
            "data.alertContext", None, "data.alertContext", "missing", id="no alert context"
        ),
        pytest.param(CONDITION, None, CONDITION, "missing", id="no condition"),
        pytest.param(f"{CONDITION}.allOf", [], f"{CONDITION}.allOf", "empty", id="no criteria"),
        pytest.param(
            f"{CONDITION}.allOf", {}, f"{CONDITION}.allOf", "must be a list", id="criteria object"
        ),
        pytest.param(
            f"{FIRST}.metricNamespace",
            "Microsoft.Storage/storageAccounts",
            f"{WHERE}.metricNamespace",
            "Microsoft.DataFactory/factories",
            id="another namespace",
        ),
        pytest.param(
            f"{FIRST}.metricName",
            "PipelineSucceededRuns",
            f"{WHERE}.metricName",
            "PipelineFailedRuns, PipelineCancelledRuns",
            id="another metric",
        ),
        pytest.param(
            f"{FIRST}.dimensions",
            None,
            f"{WHERE}.dimensions",
            "split the alert rule by the dimension Name",
            id="not split",
        ),
        pytest.param(
            f"{FIRST}.dimensions",
            _dimensions(Name="*"),
            f"{WHERE}.dimensions",
            "which pipeline failed",
            id="all pipelines",
        ),
        pytest.param(
            f"{FIRST}.dimensions", {"Name": "x"}, f"{WHERE}.dimensions", "a list", id="an object"
        ),
        pytest.param(
            f"{FIRST}.dimensions",
            [{"name": "Name", "value": 5}],
            f"{WHERE}.dimensions[0].value",
            "must be text",
            id="a pipeline that is a number",
        ),
        pytest.param(
            f"{FIRST}.dimensions",
            [{"value": "x"}],
            f"{WHERE}.dimensions[0].name",
            "missing",
            id="a dimension without a name",
        ),
        pytest.param(
            f"{FIRST}.dimensions",
            [*_dimensions(Name="a"), *_dimensions(name="b")],
            f"{WHERE}.dimensions[1].value",
            "disagree",
            id="two pipelines in one criterion",
        ),
        pytest.param(
            f"{ESSENTIALS}.alertTargetIDs",
            [SALES, HR_ID],
            f"{WHERE}.dimensions",
            "watches 2 factories",
            id="two factories and no dimension",
        ),
        pytest.param(
            f"{FIRST}.dimensions.0.value",
            "a\u202eb",
            f"{WHERE}.dimensions[0].value",
            "control characters",
            id="a turned name",
        ),
    ],
)
def test_refused(path: str, value: object, field: str, message: str) -> None:
    """Whoever set up the rule learns which field is wrong and what would be right."""
    with pytest.raises(InvalidInput, match=message) as caught:
        send("azure-monitor", changed(METRIC, path, value))

    assert caught.value.field == field
    assert caught.value.http_status == 400


def test_no_factory_anywhere() -> None:
    """A log alert that names none needs a default one."""
    body = changed(LOG, f"{FIRST}.dimensions", _dimensions(PipelineName="load", RunId="r"))

    assert the_alert("azure-monitor", body).resource.scope == SALES
    with pytest.raises(InvalidInput, match="no default one"):
        send("azure-monitor", body, NO_DEFAULTS)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(json.dumps(METRIC)[:-1], id="cut off"),
        pytest.param(json.dumps(METRIC).replace("Nightly", 'a "b"'), id="quotes"),
        pytest.param("[]", id="a list"),
    ],
)
def test_azure_always_writes_json(raw: str) -> None:
    """There is no lenient reading here: Azure Monitor escapes what it sends."""
    with pytest.raises(InvalidInput):
        send("azure-monitor", raw)


def test_a_missing_time_is_the_time_of_receipt() -> None:
    """The alert is taken and the guess is noted."""
    alert = the_alert("azure-monitor", changed(METRIC, f"{ESSENTIALS}.firedDateTime", None))

    assert alert.occurred_at == RECEIVED
    assert alert.notes == ("data.essentials.firedDateTime is missing; the time of receipt is used",)


def test_defaults_do_not_override_what_is_said() -> None:
    """The default factory is for alerts that name none."""
    body = changed(METRIC, f"{ESSENTIALS}.alertTargetIDs", [HR_ID])

    assert the_alert("azure-monitor", body, DEFAULTS).resource.scope == HR_ID.lower()
