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
WITH_WORKSPACE = DEFAULTS.model_copy(
    update={"databricks_host": "https://adb-1.1.azuredatabricks.net"}
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

DATABRICKS: Body = {
    "event_type": "jobs.on_failure",
    "workspace_id": "4400000000000001",
    "run": {"run_id": "880000000000017"},
    "job": {"job_id": "5500000000000021", "name": "orders_bronze"},
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

OLD_LOG: Body = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            **LOG["data"]["essentials"],
            "alertRule": "adf-failed-runs-v1",
            "monitoringService": "Log Analytics",
        },
        "alertContext": {
            "SearchQuery": "ADFPipelineRun | where Status == 'Failed'",
            "SearchIntervalStartTimeUtc": "2026-11-20T02:00:00Z",
            "SearchIntervalEndtimeUtc": "2026-11-20T02:10:00Z",
            "ResultCount": 2,
            "LinkToSearchResults": "https://portal.azure.com/#Analyticsblade/search/index",
            "SeverityDescription": "Warning",
            "WorkspaceId": "12345a-1234b-123c-123d-12345678e",
            "SearchIntervalDurationMin": "10",
            "SearchIntervalInMinutes": "10",
            "Threshold": 0,
            "Operator": "Greater Than",
            "SearchResults": {
                "tables": [
                    {
                        "name": "PrimaryResult",
                        "columns": [
                            {"name": "TimeGenerated", "type": "datetime"},
                            {"name": "PipelineName", "type": "string"},
                            {"name": "RunId", "type": "string"},
                            {"name": "_ResourceId", "type": "string"},
                            {"name": "ErrorCode", "type": "string"},
                            {"name": "ErrorMessage", "type": "string"},
                        ],
                        "rows": [
                            [
                                "2026-11-20T02:05:00Z",
                                "pl_daily_load",
                                "3d1f0000-0000-4000-8000-000000000003",
                                SALES,
                                "2200",
                                "No such table",
                            ],
                            ["2026-11-20T02:06:00Z", "pl_other", "", SALES, None, None],
                        ],
                    }
                ],
                "dataSources": [{"resourceId": WORKSPACE_ID, "tables": ["ADFPipelineRun"]}],
            },
            "IncludedSearchResults": "True",
            "AlertType": "Number of results",
        },
    },
}

OLD_METRIC: Body = {
    "schemaId": "AzureMonitorMetricAlert",
    "data": {
        "version": "2.0",
        "status": "Activated",
        "context": {
            "timestamp": "2026-11-20T02:07:11.4134567Z",
            "id": "/subscriptions/aa/resourceGroups/rg-data/providers/microsoft.insights"
            "/metricAlerts/adf-sales-failed-runs",
            "name": "adf-sales-failed-runs",
            "description": "Nightly loads must not fail.",
            "conditionType": "SingleResourceMultipleMetricCriteria",
            "severity": "3",
            "condition": {"windowSize": "PT5M", "allOf": [CRITERION]},
            "subscriptionId": "00000000-0000-0000-0000-0000000000AA",
            "resourceGroupName": "rg-Data",
            "resourceName": "adf-sales",
            "resourceType": "Microsoft.DataFactory/factories",
            "resourceId": SALES,
            "portalLink": "https://portal.azure.com/#resource/",
        },
        "properties": {"env": "prod"},
    },
}

ADMINISTRATIVE: Body = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/aa/providers/Microsoft.AlertsManagement/alerts/b1569717",
            "alertRule": "factory-was-changed",
            "severity": "Sev4",
            "signalType": "Activity Log",
            "monitorCondition": "Fired",
            "monitoringService": "Activity Log - Administrative",
            "alertTargetIDs": [SALES],
            "originAlertId": "bcf2c1d5",
            "firedDateTime": "2026-11-20T02:07:11Z",
            "description": "Somebody changed the factory.",
        },
        "alertContext": {
            "authorization": {
                "action": "Microsoft.DataFactory/factories/write",
                "scope": SALES,
            },
            "channels": "Operation",
            "claims": '{"aud":"https://management.core.windows.net/"}',
            "caller": "somebody@example.com",
            "correlationId": "1b31c3a5",
            "eventSource": "Administrative",
            "eventTimestamp": "2026-11-20T02:06:11Z",
            "eventDataId": "8a4d6a3b",
            "level": "Informational",
            "operationName": "Microsoft.DataFactory/factories/write",
            "operationId": "1b31c3a5",
            "status": "Succeeded",
            "subStatus": "",
            "submissionTimestamp": "2026-11-20T02:07:01Z",
        },
    },
}

SERVICE_HEALTH: Body = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/aa/providers/Microsoft.AlertsManagement/alerts/1234abcd",
            "alertRule": "service-health",
            "severity": "Sev4",
            "signalType": "Activity Log",
            "monitorCondition": "Fired",
            "monitoringService": "ServiceHealth",
            "alertTargetIDs": ["/subscriptions/aa"],
            "firedDateTime": "2026-11-20T02:07:11Z",
            "description": "",
        },
        "alertContext": {
            "authorization": None,
            "channels": 1,
            "claims": None,
            "caller": None,
            "correlationId": "f3cf2430",
            "eventSource": 2,
            "eventTimestamp": "2026-11-20T02:00:00Z",
            "httpRequest": None,
            "eventDataId": "d5de1e21",
            "level": 3,
            "operationName": "Microsoft.ServiceHealth/incident/action",
            "operationId": "f3cf2430",
            "properties": {
                "title": "Data Factory - West Europe - Investigating",
                "service": "Azure Data Factory",
                "region": "West Europe, North Europe",
                "communication": "Customers may see failures of pipelines.",
                "incidentType": "Incident",
                "trackingId": "GWTP-BCZ",
                "impactStartTime": "2026-11-20T01:30:00.000Z",
                "impactedServices": '[{"ImpactedRegions":[{"RegionName":"West Europe"}],'
                '"ServiceName":"Azure Data Factory"}]',
                "defaultLanguageTitle": "Data Factory - West Europe - Investigating",
                "defaultLanguageContent": "Customers may see failures of pipelines.",
                "stage": "Active",
                "communicationId": "11000001466525",
                "version": "0.1.1",
            },
            "status": "Active",
            "subStatus": None,
            "submissionTimestamp": "2026-11-20T02:05:00Z",
        },
        "customProperties": None,
    },
}

ALERTMANAGER: Body = {
    "version": "4",
    "groupKey": '{}/{team="data"}:{alertname="PipelineFailed"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "mend",
    "groupLabels": {"alertname": "DiskFull"},
    "commonLabels": {"alertname": "DiskFull", "severity": "warning", "env": "prod"},
    "commonAnnotations": {"summary": "The disk is nearly full"},
    "externalURL": "http://am:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "DiskFull",
                "instance": "db-1:9100",
                "job": "node",
                "severity": "page",
            },
            "annotations": {"summary": "Disk of db-1 is full", "description": "99 % of /data"},
            "startsAt": "2026-11-20T02:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prom/graph",
            "fingerprint": "1a2b3c",
        }
    ],
}

GRAFANA: Body = {
    **ALERTMANAGER,
    "receiver": "webhook",
    "orgId": 1,
    "title": "[FIRING:1] DiskFull (db-1)",
    "state": "alerting",
    "message": "**Firing**\n\nValue: A=99",
    "alerts": [
        {
            **ALERTMANAGER["alerts"][0],
            "values": {"A": 99.5, "B": 1},
            "valueString": "[ var='A' labels={} value=99.5 ]",
            "silenceURL": "https://grafana/alerting/silence/new",
            "dashboardURL": "",
            "panelURL": "",
            "imageURL": None,
        }
    ],
}

DATADOG: Body = {
    "id": "7000000000000000001",
    "last_updated": "1795140431000",
    "event_type": "query_alert_monitor",
    "title": "[P2] [Triggered on {host:web-1}] Disk is full",
    "date": "1795140431000",
    "org": {"id": "4711", "name": "Example"},
    "body": "%%%\n99 % of /data\n%%%",
    "alert_transition": "Triggered",
    "alert_id": "12345",
    "aggreg_key": "0123456789abcdef",
    "alert_cycle_key": "1795140431000",
    "priority": "P2",
    "tags": "env:prod,service:shop,host:web-1,monitor",
    "hostname": "web-1",
    "alert_scope": "host:web-1",
    "alert_status": "avg(last_5m):avg:system.disk.in_use{*} > 0.9",
    "alert_type": "error",
}

ZABBIX: Body = {
    "event_id": "4711",
    "event_source": "0",
    "event_value": "1",
    "event_update_status": "0",
    "event_nseverity": "4",
    "event_recovery_id": "{EVENT.RECOVERY.ID}",
    "event_tags": "env:prod, component:storage",
    "trigger_id": "23456",
    "trigger_name": "Disk is full",
    "host": "db-1",
    "subject": "Problem: Disk is full",
    "message": "Problem started at 02:07:11 on 2026.11.20",
}

SOLARWINDS: Body = {
    "AlertName": "Volume is full",
    "AlertActiveID": "815",
    "AlertObjectID": "42",
    "NodeName": "db-1",
    "Severity": "Serious",
    "Message": "Volume /data is 99 % full",
    "Acknowledged": "False",
    "AlertStatus": "Active",
    "TimeOfAlert": "Friday, November 20, 2026 2:07 AM",
}

SERVICENOW: Body = {
    "sys_id": "9d385017c611228701d22104cc95c371",
    "number": "INC0012345",
    "short_description": "Nightly load is late",
    "description": "No orders since 02:00.",
    "state": "1",
    "priority": "2",
    "impact": "2",
    "urgency": "2",
    "assignment_group": {
        "link": "https://example.service-now.com/api/now/table/sys_user_group/1",
        "value": "1a",
        "display_value": "Data platform",
    },
    "cmdb_ci": {
        "link": "https://example.service-now.com/api/now/table/cmdb_ci/2",
        "value": "2b",
        "display_value": "adf-sales",
    },
    "correlation_id": "",
    "correlation_display": None,
}

GENERIC: Body = {
    "title": "Disk of db-1 is full",
    "message": "99 % of /data",
    "severity": "critical",
    "status": "firing",
    "service": "billing",
    "environment": "prod",
    "host": "db-1",
    "id": 4711,
    "timestamp": 1795140431,
}

# Enough of every sender and of every kind of alert that one sends, for the tests of them all.
REALISTIC = [
    ("canary", {"canary": "20261120T020711"}),
    ("adf", ADF),
    ("azure-monitor", METRIC),
    ("azure-monitor", LOG),
    ("azure-monitor", OLD_LOG),
    ("azure-monitor", OLD_METRIC),
    ("azure-monitor", ADMINISTRATIVE),
    ("azure-monitor", SERVICE_HEALTH),
    ("databricks", DATABRICKS),
    ("alertmanager", ALERTMANAGER),
    ("alertmanager", GRAFANA),
    ("datadog", DATADOG),
    ("zabbix", ZABBIX),
    ("solarwinds", SOLARWINDS),
    ("servicenow", SERVICENOW),
    ("generic", GENERIC),
    ("generic", {"environment": "prod", "alerts": [GENERIC, {**GENERIC, "job": "x", "run_id": 1}]}),
]

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
