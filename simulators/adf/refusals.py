"""Data Factory's error codes and texts. README.md says which were seen and which assumed."""

from simulators.kit.service import Refused


def pipeline_not_found(name: str) -> Refused:
    """Refuse to use a pipeline that is not there."""
    return _gone("PipelineNotFound", f"pipelines/{name}")


def trigger_not_found(name: str) -> Refused:
    """Refuse to use a trigger that is not there."""
    return _gone("TriggerNotFound", f"triggers/{name}")


def trigger_run_not_found(run_id: str) -> Refused:
    """Refuse to rerun a trigger run that is not there."""
    return _gone("TriggerRunNotFound", f"triggerRuns/{run_id}")


def runtime_not_found(name: str) -> Refused:
    """Refuse to show an integration runtime that is not there."""
    return _gone("IntegrationRuntimeNotFound", f"integrationruntimes/{name}")


def run_not_found(run_id: str) -> Refused:
    """Refuse to show a run that is not there, or not yet."""
    text = f"The pipeline run {run_id} could not be found."
    return Refused(404, "PipelineRunNotFound", text, target="pipelinerun")


def run_not_running(run_id: str, status: str) -> Refused:
    """Refuse to cancel a run that is over."""
    text = (
        f"Pipeline run has already completed with status '{status}'."
        "Only pipeline runs that are in progress or queued can be canceled."
    )
    return Refused(400, "PipelineRunNotRunning", text, target=f"pipelineruns/{run_id}")


def reference_not_found(run_id: str, target: str) -> Refused:
    """Refuse to cancel or to build upon a run that is not there."""
    text = f"Referenced pipeline run id {run_id} does not exist."
    return Refused(400, "ReferencedPipelineRunNotFound", text, target=target)


def reference_not_valid(run_id: str, pipeline: str, why: str) -> Refused:
    """Refuse to build upon a run that cannot be the reference."""
    text = f"Referenced pipeline run id {run_id} {why}."
    return Refused(400, "ReferencedPipelineRunNotValid", text, target=f"pipeline/{pipeline}/")


def reference_still_active(run_id: str, pipeline: str, status: str) -> Refused:
    """Refuse to recover a run that is not over."""
    text = f"Referenced pipeline run id {run_id} is in status '{status}' and cannot be rerun yet."
    return Refused(400, "PipelineRunNotInTerminalState", text, target=f"pipeline/{pipeline}/")


def activity_not_found(activity: str, pipeline: str) -> Refused:
    """Refuse to start from an activity that the pipeline does not have."""
    text = f"Activity {activity} does not exist in pipeline {pipeline}."
    return Refused(400, "ActivityNotFound", text, target=f"pipeline/{pipeline}/")


def too_many_queued(pipeline: str, most: int) -> Refused:
    """Refuse to queue yet another run."""
    text = (
        "Pipeline execution throttled. If the concurrency value is set for a pipeline, "
        f"a maximum of {most} runs will be queued for execution."
    )
    return Refused(429, "PipelineExecutionThrottled", text, target=f"pipeline/{pipeline}/")


def bad_request(text: str, target: str | None = None) -> Refused:
    """Refuse a body or a query that cannot be understood."""
    return Refused(400, "BadRequest", text, target=target)


def _gone(code: str, target: str) -> Refused:
    text = "The document could not be retrieved because it does not exist."
    return Refused(404, code, text, target=target)
