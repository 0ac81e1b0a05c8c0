"""The failures the demo sends, and how each ticket has to end."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from simulators.adf.scenarios import SCENARIOS
from simulators.client import (
    AdfSimulator,
    DatabricksSimulator,
    LogicAppSimulator,
    PipelineRun,
    Simulator,
)

SUBSCRIPTION = "00000000-0000-4000-8000-0000000000aa"
RESOURCE_GROUP = "rg-data"
FACTORY = "adf-retail"
FACTORY_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    f"/providers/Microsoft.DataFactory/factories/{FACTORY}"
)


def settings_for(adf_url: str) -> dict[str, str]:
    """Return settings for a simulated factory, and a brisk pace."""
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
class Scene:
    """The simulated services that the stories happen in."""

    adf: AdfSimulator
    databricks: DatabricksSimulator
    logic_app: LogicAppSimulator

    @classmethod
    @contextmanager
    def set_up(cls) -> Iterator[Self]:
        """Start all three, each in a process of its own."""
        with (
            AdfSimulator.start() as adf,
            DatabricksSimulator.start() as databricks,
            LogicAppSimulator.start() as logic_app,
        ):
            logic_app.connect(adf, databricks)
            yield cls(adf, databricks, logic_app)

    @property
    def services(self) -> tuple[Simulator, ...]:
        """All of them."""
        return (self.adf, self.databricks, self.logic_app)

    def settings(self) -> dict[str, str]:
        """Return settings that point the app at the simulators and keep its pace brisk."""
        return {
            **settings_for(self.adf.url),
            "MEND_DATABRICKS_HOST": self.databricks.url,
            "MEND_DATABRICKS_TOKEN": "simulated",
            "MEND_LOGIC_APP_URL": self.logic_app.trigger_url,
            "MEND_LOGIC_APP_ACTIONS": "rerun_job",
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """What has happened.

    Attributes:
        alert: Body of the webhook, in the sender's own format.
        targets: What the ledgers call the things that may be changed for it.
    """

    alert: str
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Story:
    """One failure and its fate.

    Attributes:
        title: One line for the table.
        source: Who reports it: ``adf``, ``azure-monitor`` or ``databricks``.
        happen: Lets it happen.
        ends: Status and outcome the ticket has to end with.
        changes: Calls that change something -> how often each is made: once per attempt.
        person_agrees: Mend asks, and somebody opens the link and says yes.
    """

    title: str
    source: str
    happen: Callable[[Scene], Failure]
    ends: tuple[str, str]
    changes: Mapping[str, int] = field(default_factory=dict)
    person_agrees: bool = False


CHANGING = frozenset(
    {
        "createRun",
        "repairRun",
        "runNow",
        "restartCluster",
        "startCluster",
        "resizeCluster",
        "updateJob",
        "installLibraries",
        "uninstallLibraries",
        "rerunTriggerRun",
        "startTrigger",
        "startRun",
    }
)
HEALED = ("resolved", "healed")
FOR_A_PERSON = ("escalated", "not_remediable")


def changes_made(scene: Scene, failure: Failure) -> dict[str, int]:
    """Return how often each changing call was made for ``failure``, by the services' ledgers."""
    found: dict[str, int] = {}
    for service in scene.services:
        for call in service.ledger():
            if call.action in CHANGING and call.target in failure.targets:
                found[call.action] = found.get(call.action, 0) + 1
    return found


def _pipeline(
    scenario: str,
    *,
    fault: str | None = None,
    broken_json: bool = False,
    by_metric: bool = False,
    rerun_by_hand: bool = False,
) -> Callable[[Scene], Failure]:
    """Return a pipeline's failure.

    Args:
        scenario: Name of the simulator's scenario.
        fault: What goes wrong on the wire when it is rerun.
        broken_json: The sender forgot to escape the error text.
        by_metric: A metric alert tells of it, which names no run.
        rerun_by_hand: Somebody was quicker.
    """

    def happen(scene: Scene) -> Failure:
        chosen = SCENARIOS[scenario]
        run = scene.adf.seed_scenario(chosen)
        if rerun_by_hand:
            scene.adf.seed_run(chosen.pipeline, "Succeeded", started_seconds_ago=0.0)
        if fault is not None:
            scene.adf.fault("createRun", fault, match=chosen.pipeline)
        alert = (
            metric_alert(chosen.pipeline)
            if by_metric
            else _web_activity(run, escaped=not broken_json)
        )
        return Failure(alert, frozenset({chosen.pipeline}))

    return happen


def _vaguely(scene: Scene) -> Failure:
    """Let a pipeline fail with words that do not say much."""
    name = "load_partner_feed"
    said = "The partner's server gave up; please try again later"
    return Failure(
        _web_activity(scene.adf.seed_failed_run(name, message=said), escaped=True),
        frozenset({name}),
    )


def _job(
    name: str,
    *tries: Mapping[str, object],
    fault: tuple[str, str] | None = None,
    cluster: str | None = None,
    own_cluster: bool = False,
    callbacks: int = 1,
) -> Callable[[Scene], Failure]:
    """Return a job's failure.

    Args:
        tries: How its task goes, first the failure.
        fault: A call and what goes wrong with it on the wire.
        cluster: A shared cluster that the task runs on.
        own_cluster: The job has a cluster of four workers for itself.
        callbacks: How often the Logic App reports, if it carries the action out.
    """

    def happen(scene: Scene) -> Failure:
        task: dict[str, object] = {"key": "load", "tries": list(tries)}
        clusters: list[dict[str, object]] = []
        if cluster is not None:
            scene.databricks.cluster(cluster)
            task["existing_cluster_id"] = cluster
        if own_cluster:
            clusters.append({"key": "main", "num_workers": 4})
            task["job_cluster_key"] = "main"
        job_id = scene.databricks.job(
            name, [task], job_clusters=clusters, parameters={"day": "2026-11-20"}
        )
        run = scene.databricks.seed_run(name)
        if fault is not None:
            scene.databricks.fault(*fault)
        scene.logic_app.script(job_id, reports=[{"times": callbacks}])
        targets = {job_id, run.run_id, cluster or ""}
        return Failure(json.dumps(run.notification()), frozenset(targets))

    return happen


_WELL: Mapping[str, object] = {"result": "SUCCESS", "seconds": 1.0}
_NO_MACHINES: Mapping[str, object] = {
    "result": "FAILED",
    "code": "CLOUD_FAILURE",
    "type": "CLOUD_FAILURE",
    "message": "Cluster terminated. Reason: CLOUD_PROVIDER_RESOURCE_STOCKOUT (CLOUD_FAILURE). "
    "azure_error_code: SkuNotAvailable",
}
_KERNEL_GONE: Mapping[str, object] = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "The Python kernel is unresponsive.",
    "heals_when": "restarted",
}
_TOO_SMALL: Mapping[str, object] = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "java.lang.OutOfMemoryError: Java heap space",
    "heals_when": "resized",
}
_TOO_MANY_RUNS: Mapping[str, object] = {
    "result": "FAILED",
    "code": "WORKSPACE_RUN_LIMIT_EXCEEDED",
    "type": "CLIENT_ERROR",
    "message": "The run was not started: the workspace has too many active runs.",
}
_TYPO: Mapping[str, object] = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "NameError: name 'ordres' is not defined",
}

STORIES: tuple[Story, ...] = (
    Story("database briefly away", "adf", _pipeline("sql_transient"), HEALED, {"createRun": 1}),
    Story("away for two runs", "adf", _pipeline("sql_transient_twice"), HEALED, {"createRun": 2}),
    Story(
        "answer to the rerun lost (504)",
        "adf",
        _pipeline("connection_closed", fault="lose_answer_504"),
        HEALED,
        {"createRun": 1},
    ),
    Story(
        "throttled; reported by a metric alert",
        "azure-monitor",
        _pipeline("cosmos_throttled", by_metric=True),
        HEALED,
        {"createRun": 1},
    ),
    Story(
        "client secret expired", "adf", _pipeline("expired_secret", broken_json=True), FOR_A_PERSON
    ),
    Story(
        "vague words: somebody is asked, agrees",
        "adf",
        _vaguely,
        HEALED,
        {"createRun": 1},
        person_agrees=True,
    ),
    Story("source file changed its shape", "adf", _pipeline("schema_mismatch"), FOR_A_PERSON),
    Story("cancelled by somebody", "adf", _pipeline("cancelled_by_user"), ("closed", "cancelled")),
    Story(
        "rerun by hand already",
        "adf",
        _pipeline("runtime_offline", rerun_by_hand=True),
        ("closed", "superseded"),
    ),
    Story(
        "no machines to be had",
        "databricks",
        _job("load_orders", _NO_MACHINES, _WELL),
        HEALED,
        {"repairRun": 1},
    ),
    Story(
        "kernel gone; answer to the restart lost",
        "databricks",
        _job(
            "score_customers",
            _KERNEL_GONE,
            cluster="0923-164208-shared",
            fault=("restartCluster", "lose_answer_504"),
        ),
        HEALED,
        {"restartCluster": 1, "repairRun": 1},
    ),
    Story(
        "out of memory: bigger for one repair",
        "databricks",
        _job("build_features", _TOO_SMALL, own_cluster=True),
        HEALED,
        {"updateJob": 2, "repairRun": 1},
    ),
    Story("a typo in the notebook", "databricks", _job("daily_report", _TYPO), FOR_A_PERSON),
    Story(
        "too many runs; a Logic App reruns the job",
        "databricks",
        _job("sync_stock", _TOO_MANY_RUNS, _WELL, callbacks=2),
        HEALED,
        {"startRun": 1, "runNow": 1},
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
