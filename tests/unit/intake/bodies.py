"""Bodies as senders write them, to be changed by the tests; and what all tests share."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from shared.domain.alert import Alert
from shared.intake.registry import IntakeDefaults, Normalised, normalise

RECEIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
NO_DEFAULTS = IntakeDefaults()
DEFAULTS = IntakeDefaults(
    adf_subscription_id="00000000-0000-0000-0000-0000000000AA",
    adf_resource_group="rg-Data",
    adf_factory="adf-Sales",
)
SALES_ID = (
    "/subscriptions/00000000-0000-0000-0000-0000000000AA/resourceGroups/rg-Data"
    "/providers/Microsoft.DataFactory/factories/adf-Sales"
)
SALES = SALES_ID.lower()
WORKSPACE_ID = (
    "/subscriptions/aa/resourcegroups/rg/providers"
    "/microsoft.operationalinsights/workspaces/law-data"
)
HR_ID = (
    "/subscriptions/00000000-0000-0000-0000-0000000000BB/resourceGroups/rg-HR"
    "/providers/Microsoft.DataFactory/factories/adf-hr"
)

# Enough to find a missing guard, few enough for a machine that others use, too.
QUICK = settings(max_examples=80, deadline=None)

Body = dict[str, Any]

ADF: Body = {
    "dataFactoryName": "adf-Sales",
    "pipelineName": "load_customer_data",
    "runId": "3d1f0000-0000-4000-8000-000000000001",
    "groupId": "3d1f0000-0000-4000-8000-000000000001",
    "triggerName": "nightly",
    "triggerType": "ScheduleTrigger",
    "triggerTime": "2026-11-20T02:00:00.0312345Z",
    "activity": "Copy orders",
    "errorCode": "2200",
    "failureType": "UserError",
    "message": "ErrorCode=SqlFailedToConnect,'Type=HybridDeliveryException'",
}

CRITERION: Body = {
    "metricName": "PipelineFailedRuns",
    "metricNamespace": "Microsoft.DataFactory/factories",
    "operator": "GreaterThan",
    "threshold": "0",
    "timeAggregation": "Total",
    "dimensions": [
        {"name": "Name", "value": "pl_daily_load"},
        {"name": "FailureType", "value": "UserError"},
    ],
    "metricValue": 2.0,
    "webTestName": None,
}

METRIC: Body = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/aa/providers/Microsoft.AlertsManagement/alerts/7d0e",
            "alertRule": "adf-sales-failed-runs",
            "severity": "Sev2",
            "signalType": "Metric",
            "monitorCondition": "Fired",
            "monitoringService": "Platform",
            "alertTargetIDs": [SALES],
            "configurationItems": ["adf-sales"],
            "originAlertId": "x_rg-data_microsoft.insights_metricAlerts_failed-runs_1",
            "firedDateTime": "2026-11-20T02:07:11.4134567Z",
            "description": "Nightly loads must not fail.",
            "essentialsVersion": "1.0",
            "alertContextVersion": "1.0",
        },
        "alertContext": {
            "properties": {"team": "data"},
            "conditionType": "SingleResourceMultipleMetricCriteria",
            "condition": {
                "windowSize": "PT5M",
                "allOf": [CRITERION],
                "windowStartTime": "2026-11-20T02:00:00Z",
                "windowEndTime": "2026-11-20T02:05:00Z",
            },
        },
        "customProperties": {"env": "prod"},
    },
}

LOG: Body = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/aa/providers/Microsoft.AlertsManagement/alerts/7d0f",
            "alertRule": "adf-run-failed-kql",
            "severity": "Sev1",
            "signalType": "Log",
            "monitorCondition": "Fired",
            "monitoringService": "Log Alerts V2",
            "alertTargetIDs": [WORKSPACE_ID],
            "firedDateTime": "2026-11-20T02:10:00Z",
        },
        "alertContext": {
            "properties": None,
            "conditionType": "LogQueryCriteria",
            "condition": {
                "windowSize": "PT10M",
                "allOf": [
                    {
                        "searchQuery": "ADFPipelineRun | where Status == 'Failed'",
                        "operator": "GreaterThan",
                        "threshold": "0",
                        "timeAggregation": "Count",
                        "dimensions": [
                            {"name": "PipelineName", "value": "pl_daily_load"},
                            {"name": "RunId", "value": "3d1f0000-0000-4000-8000-000000000002"},
                            {"name": "FactoryName", "value": "adf-Sales"},
                        ],
                        "metricValue": 1.0,
                    }
                ],
            },
        },
        "customProperties": None,
    },
}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def changed(body: Body, path: str, value: object) -> Body:
    """Return a copy of ``body`` with the value at a dotted path replaced (or added)."""
    result = copy.deepcopy(body)
    holder: Any = result
    *parents, last = path.split(".")
    for step in parents:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[int(last) if isinstance(holder, list) else last] = value
    return result


def without(body: Body, *names: str) -> Body:
    """Return a copy of ``body`` without some of its members."""
    return {name: value for name, value in body.items() if name not in names}


def send(source: str, body: object, defaults: IntakeDefaults = DEFAULTS) -> Normalised:
    """Normalise a body; anything that is not bytes is sent as JSON, text as it is."""
    if isinstance(body, bytes):
        raw = body
    else:
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    return normalise(source, raw, defaults, RECEIVED)


def the_alert(source: str, body: object, defaults: IntakeDefaults = DEFAULTS) -> Alert:
    """Normalise a body that holds exactly one alert."""
    result = send(source, body, defaults)
    [alert] = result.alerts
    assert result.rejected == ()
    return alert
