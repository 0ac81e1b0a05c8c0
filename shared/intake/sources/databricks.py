"""Databricks: the body of a job's or task's webhook notification.

It carries ids and a name only; what failed is read from the workspace. Ids come as text or
as numbers, wrappers flatten them to the top level, and a notification about a task names
the job run above it: that is the run to be healed (Databricks documentation, "Add email and
system notifications for job events").
"""

from datetime import datetime

from shared.domain.alert import Alert, Condition, Platform, Resource
from shared.domain.errors import InvalidInput
from shared.intake.body import decode, parse_text
from shared.intake.fields import (
    Found,
    JsonObject,
    optional_label,
    read_id,
    read_label,
    read_list,
    read_name,
    read_text,
)
from shared.intake.normalised import IntakeDefaults, Normalised, collect
from shared.intake.severity import read_severity
from shared.intake.text import many_lines, one_line
from shared.intake.times import read_occurred_at

SOURCE = "databricks"

MAX_MESSAGE_CHARS = 8_000
MAX_TITLE_CHARS = 200

_RUN_ID = ("runId", "jobRunId")
_PARENT = ("parentRunId", "jobRunId")
_JOB_ID = ("jobId",)
_JOB_NAME = ("jobName", "name")
_HOST = ("workspaceUrl", "workspaceHost", "host")
_FAILED_AT = ("failedAt", "occurredAt", "timestamp")
_ERROR_TEXT = ("message", "errorMessage", "error")

_FAILED = "on_failure"
_OVER = "on_success"
# Something is worth knowing, and nothing has failed.
_NOTICES = {
    "on_start",
    "on_duration_warning_threshold_exceeded",
    "on_streaming_backlog_exceeded",
    "on_maintenance_start",
    "on_maintenance_complete",
}


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object in the body.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """
    value = parse_text(decode(raw))
    whole = Found(value, "")
    objects = read_list(whole) if isinstance(value, list) else [whole]

    def read(found: Found) -> Alert:
        return _read_alert(JsonObject(found.value, found.path), defaults, received_at)

    return collect(objects, read)


def _read_alert(body: JsonObject, defaults: IntakeDefaults, received_at: datetime) -> Alert:
    _refuse_sql_alert(body)
    run, job, task = body.child("run"), body.child("job"), body.child("task")
    run_id, task_run_id = _read_run(body, run)
    job_id = _optional_id(_first(job, body, _JOB_ID))
    name = _optional_name(_first(job, body, _JOB_NAME)) or job_id
    if name is None:
        path = body.path_of("job")
        raise InvalidInput(f"{path} is missing: neither a job's name nor its id", field=path)
    task_key = optional_label(_first(task, body, ("taskKey",))) or ""
    condition, event = _read_event(body)
    scope, notes = _read_workspace(body, defaults)
    severity, unknown_word = read_severity(optional_label(body.find("severity")))
    occurred_at, no_time = _read_failed_at(body, received_at)
    if task_run_id is not None:
        notes.append(f"sent for run {task_run_id} of task {task_key!r}")
    what = f"Task {task_key} of job {name}" if task_key else f"Job {name}"
    verb = "failed" if condition is Condition.FIRING else event.removeprefix("on_")
    texts = [read_text(found) for found in body.find_all(*_ERROR_TEXT) if _is_text(found)]
    return Alert(
        source=SOURCE,
        condition=condition,
        resource=Resource(
            platform=Platform.DATABRICKS, scope=scope, kind="job", name=name, run_id=run_id
        ),
        title=one_line(f"{what} {verb}", MAX_TITLE_CHARS),
        description=many_lines("\n".join(texts)[: 2 * MAX_MESSAGE_CHARS], MAX_MESSAGE_CHARS),
        severity=severity,
        environment=optional_label(body.find("environment", "env")),
        service=optional_label(body.find("service")),
        occurred_at=occurred_at,
        error_activity=task_key,
        notes=(*notes, *unknown_word, *no_time),
    )


def _refuse_sql_alert(body: JsonObject) -> None:
    """Refuse what a SQL alert sends: it is about data, and names no run that could be healed."""
    if body.find("alert") is not None and body.find("run", *_RUN_ID) is None:
        path = body.path_of("alert")
        raise InvalidInput(
            f"{path} is a SQL alert, which names no run; send it to a person instead", field=path
        )


def _read_run(body: JsonObject, run: JsonObject | None) -> tuple[str, str | None]:
    """Return the job run's id, and the task run's if the body is about a task."""
    places = [place for place in (run, body) if place is not None]
    own = next((found for place in places if (found := place.find(*_RUN_ID))), None)
    above = next((found for place in places if (found := place.find(*_PARENT))), None)
    if own is None:
        path = (run or body).path_of("run_id")
        raise InvalidInput(f"{path} is missing", field=path)
    own_id = _read_number(own)
    above_id = _read_number(above) if above is not None else own_id
    return (own_id, None) if above_id in {own_id, "0"} else (above_id, own_id)


def _read_event(body: JsonObject) -> tuple[Condition, str]:
    found = body.find("eventType", "event")
    if found is None:
        return Condition.FIRING, _FAILED
    event = read_label(found).casefold().rpartition(".")[2]
    if event == _FAILED:
        return Condition.FIRING, event
    if event == _OVER:
        return Condition.RESOLVED, event
    if event in _NOTICES:
        return Condition.NOTICE, event
    raise InvalidInput(
        f"{found.path} is {one_line(event, 60)!r}; known are {_FAILED}, {_OVER} and "
        f"{', '.join(sorted(_NOTICES))}",
        field=found.path,
    )


def _read_workspace(body: JsonObject, defaults: IntakeDefaults) -> tuple[str, list[str]]:
    """Return the host of the workspace: what the body says, else what the settings say."""
    found = body.find(*_HOST)
    if found is not None:
        host = read_label(found).casefold().removeprefix("https://").removeprefix("http://")
        return host.partition("/")[0], []
    workspace = body.find("workspaceId")
    if workspace is not None:
        read_id(workspace)
    if not defaults.databricks_scope:
        path = body.path_of("workspaceUrl")
        raise InvalidInput(
            f"{path} is missing and there is no default workspace; set MEND_DATABRICKS_HOST",
            field=path,
        )
    return defaults.databricks_scope, []


def _read_failed_at(body: JsonObject, received_at: datetime) -> tuple[datetime, list[str]]:
    for name in _FAILED_AT:
        found = body.find(name)
        if found is not None:
            return read_occurred_at(found.path, found.value, received_at)
    return read_occurred_at(_FAILED_AT[0], None, received_at)


def _read_number(found: Found) -> str:
    text = read_id(found)
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(
            f"{found.path} is {one_line(text, 40)!r}; Databricks' run ids are numbers",
            field=found.path,
        )
    return text


def _first(inner: JsonObject | None, outer: JsonObject, names: tuple[str, ...]) -> Found | None:
    found = inner.find(*names) if inner is not None else None
    return found if found is not None else outer.find(*(name for name in names if name != "name"))


def _optional_id(found: Found | None) -> str | None:
    return None if found is None else read_id(found)


def _optional_name(found: Found | None) -> str | None:
    return None if found is None else read_name(found)


def _is_text(found: Found) -> bool:
    return isinstance(found.value, str)
