"""Azure Monitor's other kinds of alert: rows, the older schema, and the activity log."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.alert import Condition, Outage, Platform, Severity, TimeWindow
from shared.domain.errors import InvalidInput
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import (
    ADF,
    ADMINISTRATIVE,
    LOG,
    METRIC,
    NO_DEFAULTS,
    OLD_LOG,
    OLD_METRIC,
    SALES,
    SERVICE_HEALTH,
    WITH_WORKSPACE,
    Body,
    changed,
    send,
    the_alert,
)

CONTEXT = "data.alertContext"
TABLE = f"{CONTEXT}.SearchResults.tables.0"
ROWS: list[list[object]] = OLD_LOG["data"]["alertContext"]["SearchResults"]["tables"][0]["rows"]
PROPERTIES = f"{CONTEXT}.properties"


def _table(columns: list[str], *rows: Sequence[object]) -> Body:
    table = {"columns": [{"name": name, "type": "string"} for name in columns], "rows": list(rows)}
    return changed(OLD_LOG, TABLE, table)


@pytest.mark.parametrize("service", ["Log Analytics", "Application Insights", "log analytics"])
def test_an_alert_per_row(service: str) -> None:
    """Each row is a failed run; a row without a run says where to look for it."""
    body = changed(OLD_LOG, "data.essentials.monitoringService", service)

    result = send("azure-monitor", body, NO_DEFAULTS)

    first, second = result.alerts
    assert first.resource.scope == SALES
    assert first.resource.name == "pl_daily_load"
    assert first.resource.run_id == "3d1f0000-0000-4000-8000-000000000003"
    assert first.window is None
    assert (first.error_code, first.severity) == ("2200", Severity.HIGH)
    assert first.description.startswith("No such table\n\nAzure Monitor alert rule adf-failed-runs")
    assert (second.resource.name, second.resource.run_id) == ("pl_other", None)
    assert second.window == TimeWindow(
        start=datetime(2026, 11, 20, 1, 45, tzinfo=UTC),
        end=datetime(2026, 11, 20, 2, 25, tzinfo=UTC),
    )
    assert result.rejected == ()


def test_a_row_and_a_web_activity_mean_the_same() -> None:
    """One ticket."""
    body = _table(["PipelineName", "RunId"], [ADF["pipelineName"], ADF["runId"]])

    assert fingerprint(the_alert("azure-monitor", body)) == fingerprint(the_alert("adf", ADF))


def test_rows_that_name_nothing_drop_nobody() -> None:
    """They are reported with their place."""
    body = changed(OLD_LOG, f"{TABLE}.rows", [ROWS[0], [1], "x", [None] * 6])

    result = send("azure-monitor", body)

    assert len(result.alerts) == 1
    where = f"{CONTEXT}.SearchResults.tables[0].rows"
    assert [one.field for one in result.rejected] == [f"{where}[{n}]" for n in (1, 2, 3)]


def test_at_most_500_rows() -> None:
    """The rest is reported, and does not cost the others."""
    body = _table(["PipelineName", "RunId"], *([f"p{n}", f"r{n}"] for n in range(600)))

    result = send("azure-monitor", body)

    assert len(result.alerts) == 500
    [more] = result.rejected
    assert "first 500 of 600 rows" in more.detail


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{CONTEXT}.SearchResults", None),
        (f"{CONTEXT}.SearchResults", {}),
        (f"{CONTEXT}.SearchResults.tables", []),
        (f"{TABLE}.rows", []),
        (f"{TABLE}.rows", None),
    ],
)
def test_without_rows(path: str, value: object) -> None:
    """Nothing says what failed; the refusal says what to change."""
    with pytest.raises(InvalidInput, match="log alert V2") as caught:
        send("azure-monitor", changed(OLD_LOG, path, value))

    assert caught.value.field == f"{CONTEXT}.SearchResults"


def test_other_times_of_the_search() -> None:
    """Written as people read them, they give no window; its length does."""
    body = changed(OLD_LOG, f"{CONTEXT}.SearchIntervalStartTimeUtc", "11/20/2026 2:00:00 AM")
    body = changed(body, f"{TABLE}.rows", [ROWS[1]])

    alert = the_alert("azure-monitor", body)

    assert alert.window is not None
    assert alert.window.start == datetime(2026, 11, 20, 1, 45, tzinfo=UTC)
    assert len(alert.notes) == 1


def _dimensions(**named: object) -> Body:
    rows = [{"name": name, "value": value} for name, value in named.items()]
    return changed(LOG, f"{CONTEXT}.condition.allOf.0.dimensions", rows)


@pytest.mark.parametrize(
    ("dimensions", "name", "run_id"),
    [
        ({"JobName": "orders", "JobId": "55", "RunId": "17"}, "orders", "17"),
        ({"jobId": 55, "runId": 17}, "55", "17"),
        ({"JobName": "orders"}, "orders", None),
    ],
)
def test_a_log_alert_on_databricks(
    dimensions: dict[str, object], name: str, run_id: str | None
) -> None:
    """There is no metric of failed jobs, so this is how Azure Monitor reports them."""
    alert = the_alert("azure-monitor", _dimensions(**dimensions), WITH_WORKSPACE)

    assert alert.resource.platform is Platform.DATABRICKS
    assert alert.resource.scope == "adb-1.1.azuredatabricks.net"
    assert (alert.resource.name, alert.resource.run_id) == (name, run_id)
    assert (alert.window is None) == (run_id is not None)
    assert alert.title == f"Job {name} failed"


def test_a_row_about_databricks() -> None:
    """The same for the older kind."""
    body = _table(["JobName", "RunId", "ErrorMessage"], ["orders", 17, "oops"])

    alert = the_alert("azure-monitor", body, WITH_WORKSPACE)

    assert (alert.resource.name, alert.resource.run_id) == ("orders", "17")
    assert alert.description.startswith("oops")


def test_a_job_nobody_can_place() -> None:
    """The refusal names the setting."""
    with pytest.raises(InvalidInput, match="MEND_DATABRICKS_HOST"):
        send("azure-monitor", _dimensions(JobName="orders", RunId="17"))


def test_a_pipeline_wins_over_a_job() -> None:
    """A pipeline's activity may be a job."""
    body = _dimensions(PipelineName="load", JobName="orders", FactoryName="adf-Sales")

    assert the_alert("azure-monitor", body).resource.platform is Platform.ADF


def test_the_older_schema_of_metric_alerts() -> None:
    """It says the same in other places."""
    alert = the_alert("azure-monitor", OLD_METRIC, NO_DEFAULTS)
    common = the_alert("azure-monitor", METRIC, NO_DEFAULTS)

    assert fingerprint(alert) == fingerprint(common)
    assert (alert.resource, alert.title) == (common.resource, common.title)
    assert alert.description == common.description
    assert alert.occurred_at == common.occurred_at
    assert (alert.environment, alert.ci) == ("prod", ("adf-sales",))
    assert alert.severity is Severity.LOW
    assert alert.sender_alert_id == OLD_METRIC["data"]["context"]["id"]
    assert alert.window is not None


@pytest.mark.parametrize("severity", [3, "3", "Sev3"])
def test_severities_of_the_older_schema(severity: object) -> None:
    """As a number, its digits, or the newer word."""
    body = changed(OLD_METRIC, "data.context.severity", severity)

    assert the_alert("azure-monitor", body).severity is Severity.LOW


def test_deactivated() -> None:
    """It meets the alert that was activated."""
    over = the_alert("azure-monitor", changed(OLD_METRIC, "data.status", "Deactivated"))

    assert over.condition is Condition.RESOLVED
    assert fingerprint(over) == fingerprint(the_alert("azure-monitor", OLD_METRIC))


def test_a_sample_in_the_older_schema() -> None:
    """The portal's test button."""
    body = changed(OLD_METRIC, "data.context.name", "test-metricAlertRule")

    assert the_alert("azure-monitor", body).condition is Condition.TEST


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("data", None, "data"),
        ("data.status", None, "data.status"),
        ("data.status", "Maybe", "data.status"),
        ("data.context", [], "data.context"),
        ("data.context.name", None, "data.context.name"),
        ("data.context.condition", None, "data.context.condition"),
        ("data.context.condition.allOf", [], "data.context.condition.allOf"),
    ],
)
def test_refused_in_the_older_schema(path: str, value: object, field: str) -> None:
    """By field, as in the newer one."""
    with pytest.raises(InvalidInput) as caught:
        send("azure-monitor", changed(OLD_METRIC, path, value))

    assert caught.value.field == field


@pytest.mark.parametrize(
    "service",
    ["Activity Log - Administrative", "Activity Log - Policy", "Activity Log - Autoscale",
     "Resource Health"],
)  # fmt: skip
def test_the_activity_log(service: str) -> None:
    """Worth knowing, and no run has failed."""
    body = changed(ADMINISTRATIVE, "data.essentials.monitoringService", service)

    alert = the_alert("azure-monitor", body)

    assert alert.condition is Condition.NOTICE
    assert alert.resource.platform is Platform.OTHER
    assert alert.resource.name == "factory-was-changed"
    assert alert.title == f"{service}: Microsoft.DataFactory/factories/write Succeeded"
    assert alert.outage is None
    assert alert.severity is Severity.INFO
    assert "somebody@example.com" not in alert.model_dump_json()


@pytest.mark.parametrize("name", ["channels", "eventSource", "level", "status", "operationName"])
@pytest.mark.parametrize("value", [2, None, "2", ["x"]])
def test_types_of_the_activity_log(name: str, value: object) -> None:
    """Numbers in one kind, text in the other; none of them costs the alert."""
    for body in (ADMINISTRATIVE, SERVICE_HEALTH):
        alert = the_alert("azure-monitor", changed(body, f"{CONTEXT}.{name}", value))
        assert alert.condition is Condition.NOTICE


def test_an_outage() -> None:
    """A rerun in its region would fail again."""
    alert = the_alert("azure-monitor", SERVICE_HEALTH)

    assert alert.condition is Condition.NOTICE
    assert alert.title == "Incident: Data Factory - West Europe - Investigating"
    assert alert.description == "Customers may see failures of pipelines."
    assert alert.service is None
    assert alert.outage == Outage(
        tracking_id="GWTP-BCZ",
        title="Data Factory - West Europe - Investigating",
        services=("Azure Data Factory",),
        regions=("West Europe",),
        kind="Incident",
        since=datetime(2026, 11, 20, 1, 30, tzinfo=UTC),
        until=None,
        active=True,
    )
    assert alert.notes == ()


@pytest.mark.parametrize(
    ("more", "active"),
    [
        ({"stage": "Resolved"}, False),
        ({"stage": "rca"}, False),
        ({"stage": "Planned"}, True),
        ({"impactMitigationTime": "2026-11-20T03:00:00Z"}, False),
        ({"incidentType": "Maintenance", "impactMitigationTime": "2026-12-24T03:00:00Z"}, True),
        ({"impactMitigationTime": "soon"}, True),
        ({}, True),
    ],
)
def test_when_an_outage_is_over(more: dict[str, Any], active: bool) -> None:
    """Its stage says so, or the end has come."""
    properties = {**SERVICE_HEALTH["data"]["alertContext"]["properties"], **more}

    outage = the_alert("azure-monitor", changed(SERVICE_HEALTH, PROPERTIES, properties)).outage

    assert outage is not None
    assert outage.active is active
    assert (outage.until is not None) == more.get("impactMitigationTime", "x").startswith("2026")


def test_all_messages_about_an_outage_are_one_thing() -> None:
    """The operator's tracking id."""
    over = changed(SERVICE_HEALTH, f"{PROPERTIES}.title", "Data Factory - Resolved")

    assert fingerprint(the_alert("azure-monitor", over)) == fingerprint(
        the_alert("azure-monitor", SERVICE_HEALTH)
    )


@pytest.mark.parametrize(
    ("impacted", "regions", "notes"),
    [
        (None, ("West Europe", "North Europe"), 0),
        ("[]", ("West Europe", "North Europe"), 0),
        ("not json", ("West Europe", "North Europe"), 1),
        ([{"ServiceName": "x", "ImpactedRegions": [{"RegionName": "Global"}]}], ("Global",), 0),
        ('[{"ServiceName": "x", "ImpactedRegions": [5]}]', ("West Europe", "North Europe"), 1),
    ],
)
def test_regions(impacted: object, regions: tuple[str, ...], notes: int) -> None:
    """Of the list, which is JSON inside a text, else of the field for people."""
    body = changed(SERVICE_HEALTH, f"{PROPERTIES}.impactedServices", impacted)

    alert = the_alert("azure-monitor", body)

    assert alert.outage is not None
    assert alert.outage.regions == regions
    assert len(alert.notes) == notes


def test_an_outage_of_which_little_is_known() -> None:
    """It is still one, from the time of its alert."""
    alert = the_alert("azure-monitor", changed(SERVICE_HEALTH, PROPERTIES, "x"))

    assert alert.outage is not None
    assert (alert.outage.title, alert.outage.kind) == ("service-health", "Incident")
    assert alert.outage.tracking_id == "service-health"
    assert alert.outage.since == datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)
    assert "trackingId is missing" in alert.notes[-1]
