"""The model in the real service's JSON. Sources for the shapes: README.md."""

import uuid
from datetime import timedelta

from simulators.adf.model import DataFactory, Pipeline
from simulators.adf.query import Row
from simulators.adf.runs import ActivityRun, Run
from simulators.adf.scripts import IntegrationRuntimeScript, InvokedBy
from simulators.adf.triggers import Trigger, TriggerRun
from simulators.kit.clock import iso


def pipeline_run(model: DataFactory, run: Run, factory: str) -> dict[str, object]:
    """Return a run as ``GET pipelineruns/{id}`` shows it; ``factory`` is a resource id."""
    now = model.now()
    ended = run.ended_at(now)
    return {
        # The service upper-cases the factory's part of the id.
        "id": f"{(run.factory or factory).upper()}/pipelineruns/{run.run_id}",
        "runId": run.run_id,
        "debugRunId": None,
        "runGroupId": run.group_id,
        "pipelineName": run.pipeline,
        "parameters": run.parameters,
        "invokedBy": _invoked_by(run.invoked_by),
        "runStart": iso(run.created_at),
        "runEnd": iso(ended) if ended else None,
        "durationInMs": _milliseconds(ended - run.created_at) if ended else None,
        "status": run.status(now),
        "message": run.message(now),
        "lastUpdated": iso(run.updated_at(now)),
        "annotations": [],
        "runDimension": {},
        # The schema has the plural, the service sends the singular.
        "runDimensions": {},
        "isLatest": model.is_latest(run),
    }


def activity_run(run: Run, activity: ActivityRun) -> Row:
    """Return an activity run as ``queryActivityruns`` shows it."""
    error = activity.error
    ended = activity.ended_at
    shown: dict[str, object] = {
        "errorCode": error.errorCode if error else "",
        "message": error.message if error else "",
        "failureType": error.failureType if error else "",
        "target": activity.name,
        "details": error.details if error else "",
    }
    return {
        "activityName": activity.name,
        "activityType": activity.type,
        "activityRunId": str(uuid.uuid5(uuid.UUID(int=run.seq), f"{run.run_id}/{activity.name}")),
        "activityRunStart": iso(activity.started_at),
        "activityRunEnd": iso(ended) if ended else None,
        "durationInMs": _milliseconds(ended - activity.started_at) if ended else None,
        "status": activity.status,
        "error": shown,
        "input": dict(activity.input),
        "output": dict(activity.output),
        "pipelineName": run.pipeline,
        "pipelineRunId": run.run_id,
        "linkedServiceName": "",
        "iterationHash": "",
        "userProperties": {},
        "retryAttempt": None,
    }


def pipeline_definition(pipeline: Pipeline, factory: str) -> dict[str, object]:
    """Return a pipeline as ``GET pipelines/{name}`` shows it."""
    activities: list[dict[str, object]] = []
    for activity in pipeline.activities:
        before = activities[-1]["name"] if activities else None
        needs = [{"activity": before, "dependencyConditions": ["Succeeded"]}] if before else []
        activities.append(
            {
                "name": activity.name,
                "type": activity.type,
                "dependsOn": needs,
                "policy": {"timeout": "0.12:00:00", "retry": 0, "retryIntervalInSeconds": 30},
                "userProperties": [],
                "typeProperties": activity.type_properties,
            }
        )
    properties: dict[str, object] = {
        "activities": activities,
        "parameters": {name: _parameter(default) for name, default in pipeline.parameters.items()},
        "annotations": [],
    }
    if pipeline.concurrency is not None:
        properties["concurrency"] = pipeline.concurrency
    return {
        "id": f"{factory}/pipelines/{pipeline.name}",
        "name": pipeline.name,
        "type": "Microsoft.DataFactory/factories/pipelines",
        "properties": properties,
        "etag": str(uuid.uuid5(uuid.NAMESPACE_OID, repr(properties))),
    }


def trigger_definition(trigger: Trigger, factory: str) -> dict[str, object]:
    """Return a trigger as ``GET triggers/{name}`` shows it."""
    started = []
    if trigger.pipeline is not None:
        reference = {"referenceName": trigger.pipeline, "type": "PipelineReference"}
        started.append({"pipelineReference": reference, "parameters": {}})
    return {
        "id": f"{factory}/triggers/{trigger.name}",
        "name": trigger.name,
        "type": "Microsoft.DataFactory/factories/triggers",
        "properties": {
            "type": trigger.type,
            "typeProperties": {},
            "pipelines": started,
            "runtimeState": trigger.state,
            "annotations": [],
        },
        "etag": str(uuid.uuid5(uuid.NAMESPACE_OID, repr(trigger))),
    }


def trigger_run(run: TriggerRun) -> Row:
    """Return a trigger run as ``queryTriggerRuns`` shows it."""
    pipelines = {}
    if run.trigger.pipeline is not None and run.pipeline_run_id is not None:
        pipelines[run.trigger.pipeline] = run.pipeline_run_id
    return {
        "triggerName": run.trigger.name,
        "triggerRunId": run.trigger_run_id,
        "triggerType": run.trigger.type,
        "triggerRunTimestamp": iso(run.at),
        "status": run.status,
        "message": None,
        "properties": {"TriggerTime": iso(run.at)},
        "triggeredPipelines": pipelines,
        "groupId": run.group_id,
        "dependencyStatus": {},
    }


def runtime_status(script: IntegrationRuntimeScript, state: str, factory: str) -> dict[str, object]:
    """Return an integration runtime as ``getStatus`` shows it."""
    name = factory.rsplit("/", 1)[-1]
    return {
        "name": script.name,
        "properties": {
            "type": script.type,
            "state": state,
            "dataFactoryName": name,
            "typeProperties": {"nodes": list(script.nodes)} if script.type == "SelfHosted" else {},
        },
    }


def _invoked_by(invoked_by: InvokedBy) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": invoked_by.id,
        "name": invoked_by.name,
        "invokedByType": invoked_by.invoked_by_type,
    }
    if invoked_by.pipeline_run_id is not None:
        shown["pipelineName"] = invoked_by.pipeline_name
        shown["pipelineRunId"] = invoked_by.pipeline_run_id
    return shown


def _parameter(default: object) -> dict[str, object]:
    kinds: dict[type, str] = {bool: "Bool", int: "Int", float: "Float", list: "Array"}
    kinds |= {dict: "Object"}
    shown: dict[str, object] = {"type": kinds.get(type(default), "String")}
    if default is not None:
        shown["defaultValue"] = default
    return shown


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
