"""Every action with a failure that it heals, and what it may do outside, at most, per attempt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from demo.stories import FACTORY_ID
from shared.actions.catalogue import CATALOGUE
from shared.domain.alert import Alert, Platform, Resource
from shared.domain.analysis import Action, Risk
from tests.matrix.world import Simulators, Suggestion
from tests.support.builders import NOW

ADF, DBX, APP = "adf", "databricks", "logic_app"
FAILED = {"result": "FAILED", "code": "CLOUD_FAILURE", "message": "SkuNotAvailable"}
WELL = {"result": "SUCCESS"}
LIBRARY = {"library": {"pypi": {"package": "deequ==1.0"}}, "status": "FAILED"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A failure and its cure.

    Attributes:
        plant: Makes the failure, in the simulators, and returns the alert; blocks.
        effects: Simulator and call -> how often it may take effect per attempt.
    """

    name: str
    suggestion: Suggestion
    plant: Callable[[Simulators], Alert]
    effects: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def risky(self) -> bool:
        """Tell whether the action has more than a low risk."""
        spec = CATALOGUE[self.platform, self.suggestion.action]
        return spec.risk is not Risk.LOW

    def system_of(self, call: str) -> str:
        """Return whose call it is."""
        return next(system for system, known in self.effects if known == call)

    @property
    def platform(self) -> Platform:
        """Where the failed run is."""
        on_databricks = any(system == DBX for system, _ in self.effects)
        return Platform.DATABRICKS if on_databricks else Platform.ADF


def _adf_alert(pipeline: str, run_id: str) -> Alert:
    return _alert(Platform.ADF, FACTORY_ID.lower(), "pipeline", pipeline, run_id)


def _alert(platform: Platform, scope: str, kind: str, name: str, run_id: str) -> Alert:
    resource = Resource(platform=platform, scope=scope, kind=kind, name=name, run_id=run_id)
    return Alert(source=platform.value, resource=resource, title=f"{name} failed", occurred_at=NOW)


def _pipeline(simulators: Simulators) -> Alert:
    name = f"load_{uuid4().hex[:8]}"
    simulators.adf.script(name, ["Succeeded"])
    return _adf_alert(name, simulators.adf.seed_failed_run(name).run_id)


def _window(simulators: Simulators) -> Alert:
    """A run of a tumbling window trigger."""
    name, trigger = f"load_{uuid4().hex[:8]}", f"hourly_{uuid4().hex[:8]}"
    simulators.adf.script(name, ["Succeeded"])
    simulators.adf.trigger(trigger, pipeline=name, kind="TumblingWindowTrigger")
    firing = simulators.adf.seed_trigger_run(trigger)
    by = {"name": trigger, "invoked_by_type": "TumblingWindowTrigger", "id": firing}
    run = simulators.adf.seed_failed_run(name, invoked_by=by)
    return _adf_alert(name, run.run_id)


def _stopped_trigger(simulators: Simulators) -> Alert:
    name, trigger = f"load_{uuid4().hex[:8]}", f"daily_{uuid4().hex[:8]}"
    simulators.adf.script(name, ["Succeeded"])
    simulators.adf.trigger(trigger, pipeline=name, state="Stopped")
    by = {"name": trigger, "invoked_by_type": "ScheduleTrigger", "id": uuid4().hex}
    return _adf_alert(name, simulators.adf.seed_failed_run(name, invoked_by=by).run_id)


def _job(simulators: Simulators, **task: object) -> Alert:
    name = f"orders_{uuid4().hex[:8]}"
    clusters = [{"key": "main", "num_workers": 4}] if "job_cluster_key" in task else []
    one = {"key": "load", "tries": [FAILED, WELL], **task}
    simulators.databricks.job(name, [one], job_clusters=clusters, parameters={"day": "1"})
    run = simulators.databricks.seed_run(name)
    return _alert(Platform.DATABRICKS, simulators.databricks.url, "job", name, run.run_id)


def _on_a_cluster(simulators: Simulators, **cluster: object) -> Alert:
    cluster_id = f"c-{uuid4().hex[:8]}"
    simulators.databricks.cluster(cluster_id, **cluster)
    return _job(simulators, existing_cluster_id=cluster_id)


_REPAIR = {(DBX, "repairRun"): 1}

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "rerun_from_failure",
            Suggestion(Action.RERUN_FROM_FAILURE),
            _pipeline,
            {(ADF, "createRun"): 1},
        ),
        Scenario(
            "rerun_pipeline", Suggestion(Action.RERUN_PIPELINE), _pipeline, {(ADF, "createRun"): 1}
        ),
        Scenario(
            "rerun_of_a_window",
            Suggestion(Action.RERUN_FROM_FAILURE),
            _window,
            {(ADF, "rerunTriggerRun"): 1},
        ),
        Scenario(
            "start_trigger",
            Suggestion(Action.START_TRIGGER),
            _stopped_trigger,
            {(ADF, "startTrigger"): 1},
        ),
        Scenario("repair_run", Suggestion(Action.REPAIR_RUN), _job, _REPAIR),
        Scenario("rerun_job", Suggestion(Action.RERUN_JOB), _job, {(DBX, "runNow"): 1}),
        Scenario(
            "restart_cluster",
            Suggestion(Action.RESTART_CLUSTER),
            _on_a_cluster,
            {**_REPAIR, (DBX, "restartCluster"): 1},
        ),
        Scenario(
            "reinstall_libraries",
            Suggestion(Action.REINSTALL_LIBRARIES),
            lambda simulators: _on_a_cluster(simulators, libraries=[LIBRARY]),
            {
                **_REPAIR,
                (DBX, "restartCluster"): 1,
                (DBX, "uninstallLibraries"): 1,
                (DBX, "installLibraries"): 1,
            },
        ),
        Scenario(
            "resize_shared_cluster",
            Suggestion(Action.RESIZE_CLUSTER),
            _on_a_cluster,
            {**_REPAIR, (DBX, "resizeCluster"): 2},  # there and back
        ),
        Scenario(
            "resize_job_cluster",
            Suggestion(Action.RESIZE_CLUSTER),
            lambda simulators: _job(simulators, job_cluster_key="main"),
            {**_REPAIR, (DBX, "updateJob"): 2},
        ),
        Scenario(
            "logic_app_for_a_pipeline",
            Suggestion(Action.RERUN_FROM_FAILURE, by_logic_app=True),
            _pipeline,
            {(APP, "startRun"): 1, (ADF, "createRun"): 1},
        ),
        Scenario(
            "logic_app_for_a_job",
            Suggestion(Action.REPAIR_RUN, by_logic_app=True),
            _job,
            {(APP, "startRun"): 1, **_REPAIR},
        ),
    )
}
