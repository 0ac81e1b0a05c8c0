"""The failures the demo sends, and how each ticket has to end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, PipelineRun

SUBSCRIPTION = "00000000-0000-4000-8000-0000000000aa"
RESOURCE_GROUP = "rg-data"
FACTORY = "adf-retail"
FACTORY_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    f"/providers/Microsoft.DataFactory/factories/{FACTORY}"
)


def settings_for(adf_url: str) -> dict[str, str]:
    """Return settings that point the app at the simulator and keep its pace brisk."""
    return {
        "MEND_ADF_BASE_URL": adf_url,
        "MEND_ADF_TOKEN": "simulated",
        "MEND_ADF_SUBSCRIPTION_ID": SUBSCRIPTION,
        "MEND_ADF_RESOURCE_GROUP": RESOURCE_GROUP,
        "MEND_ADF_FACTORY": FACTORY,
        "MEND_POLL_SECONDS": "0.5",
        "MEND_BACKOFF_SECONDS": "1",
    }


@dataclass(frozen=True, slots=True)
class Story:
    """One failure and its fate.

    Attributes:
        title: One line for the table.
        scenario: Name of the simulator's scenario.
        ends: Status and outcome the ticket has to end with.
        create_runs: How often the pipeline may be started: once per attempt.
        source: Who reports it: ``adf`` or ``azure-monitor``.
        faults: What goes wrong on the wire: action -> fault.
        newer_success: Somebody reran it by hand before we look.
        broken_json: The sender forgot to escape the error text.
    """

    title: str
    scenario: str
    ends: tuple[str, str]
    create_runs: int
    source: str = "adf"
    faults: Mapping[str, str] = field(default_factory=dict)
    newer_success: bool = False
    broken_json: bool = False

    @property
    def pipeline(self) -> str:
        """Name of the pipeline that failed."""
        return SCENARIOS[self.scenario].pipeline

    def happen(self, adf: AdfSimulator) -> PipelineRun:
        """Let the pipeline fail in the simulator."""
        run = adf.seed_scenario(SCENARIOS[self.scenario])
        if self.newer_success:
            adf.seed_run(self.pipeline, "Succeeded", started_seconds_ago=0.0)
        for action, fault in self.faults.items():
            adf.fault(action, fault, match=self.pipeline)
        return run

    def alert(self, run: PipelineRun) -> str:
        """Return the webhook's body in the sender's own format."""
        if self.source == "azure-monitor":
            return metric_alert(self.pipeline)
        return _web_activity(run, escaped=not self.broken_json)


STORIES: tuple[Story, ...] = (
    Story("database briefly away", "sql_transient", ("resolved", "healed"), 1),
    Story("away for two runs", "sql_transient_twice", ("resolved", "healed"), 2),
    Story(
        "answer to the rerun lost (504)",
        "connection_closed",
        ("resolved", "healed"),
        1,
        faults={"createRun": "lose_answer_504"},
    ),
    Story(
        "throttled; reported by a metric alert",
        "cosmos_throttled",
        ("resolved", "healed"),
        1,
        source="azure-monitor",
    ),
    Story(
        "client secret expired",
        "expired_secret",
        ("escalated", "not_remediable"),
        0,
        broken_json=True,
    ),
    Story("source file changed its shape", "schema_mismatch", ("escalated", "not_remediable"), 0),
    Story("cancelled by somebody", "cancelled_by_user", ("closed", "cancelled"), 0),
    Story(
        "rerun by hand already",
        "runtime_offline",
        ("closed", "superseded"),
        0,
        newer_success=True,
    ),
)


def _web_activity(run: PipelineRun, *, escaped: bool) -> str:
    """Return what a Web activity on the failure path posts (Microsoft Learn, "Web activity")."""
    text = run.message or "the run did not succeed"
    fields = {
        "dataFactoryName": FACTORY,
        "pipelineName": run.pipeline,
        "runId": run.run_id,
        "groupId": run.group_id,
        "triggerName": "trg_nightly",
        "triggerType": "ScheduleTrigger",
        "environment": "prod",
    }
    head = ", ".join(f'"{key}": "{value}"' for key, value in fields.items())
    if escaped:
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    else:
        text = f'Operation "copy" failed: {text}'
    return f'{{{head}, "message": "{text}"}}'


def metric_alert(pipeline: str) -> str:
    """Return a fired metric alert (Microsoft Learn, "Common alert schema")."""
    now = datetime.now(UTC)
    condition = {
        "metricName": "PipelineFailedRuns",
        "metricNamespace": "Microsoft.DataFactory/factories",
        "operator": "GreaterThan",
        "threshold": "0",
        "timeAggregation": "Total",
        "dimensions": [
            {"name": "Name", "value": pipeline},
            {"name": "FailureType", "value": "UserError"},
        ],
        "metricValue": 1.0,
        "webTestName": None,
    }
    essentials = {
        "alertId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/1",
        "alertRule": "adf-retail-failed-runs",
        "severity": "Sev2",
        "signalType": "Metric",
        "monitorCondition": "Fired",
        "monitoringService": "Platform",
        "alertTargetIDs": [FACTORY_ID.lower()],
        "configurationItems": [FACTORY],
        "firedDateTime": now.isoformat(),
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    context = {
        "properties": None,
        "conditionType": "SingleResourceMultipleMetricCriteria",
        "condition": {
            "windowSize": "PT5M",
            "allOf": [condition],
            "windowStartTime": (now - timedelta(minutes=5)).isoformat(),
            "windowEndTime": now.isoformat(),
        },
    }
    return json.dumps(
        {
            "schemaId": "azureMonitorCommonAlertSchema",
            "data": {"essentials": essentials, "alertContext": context},
        }
    )
