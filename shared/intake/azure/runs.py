"""An alert about one failed run, out of one criterion or one row of a query's result.

Neither metric nor log alerts carry much: a metric alert does not even name the run, only the
window in which it failed. Dimensions, or the columns of a row, say what failed.

Source: Microsoft Learn, "Supported metrics for Microsoft.DataFactory/factories" and the
reference of the tables ADFPipelineRun and ADFActivityRun.
"""

from dataclasses import dataclass

from shared.domain.alert import Alert, Condition, Platform, Resource, TimeWindow
from shared.domain.errors import InvalidInput
from shared.intake.common_alert import Notice
from shared.intake.factory import Factory, locate, parse_factory_id
from shared.intake.fields import (
    Found,
    JsonObject,
    optional_label,
    read_code,
    read_id,
    read_label,
    read_list,
    read_name,
    read_text,
)
from shared.intake.normalised import IntakeDefaults
from shared.intake.subject import read_job
from shared.intake.text import many_lines, one_line
from shared.intake.times import search_window

SOURCE = "azure-monitor"

_NAMESPACE = "microsoft.datafactory/factories"
_MAX_DESCRIPTION_CHARS = 8_000
_MAX_TITLE_CHARS = 200

# Names of dimensions; the second spelling of each is that of the table AzureDiagnostics.
# ADFActivityRun has an id of its own besides that of the pipeline run, so the latter is first.
_RUN_ID = ("PipelineRunId", "pipelineRunId_g", "RunId", "runId_g")
_PIPELINE = ("PipelineName", "pipelineName_s")
_ACTIVITY = ("ActivityName", "activityName_s")
_FACTORY = ("FactoryName", "DataFactoryName")
_FACTORY_ID = ("_ResourceId", "microsoft.resourceId")
# Databricks has no metrics of failed runs: these are columns of DatabricksJobs, as selected.
_JOB = ("JobName", "JobId")
_TASK = ("TaskKey",)
_ERROR_CODE = ("ErrorCode", "errorCode_s")
_ERROR_TEXT = ("ErrorMessage", "errorMessage_s")


@dataclass(frozen=True, slots=True)
class Failing:
    """How a criterion says what failed.

    Attributes:
        dimension: The names of the dimension that holds the pipeline's or trigger's name.
        activity: The names of the one that holds the activity's, if there is one.
    """

    kind: str
    verb: str
    dimension: tuple[str, ...]
    activity: tuple[str, ...] = ()


_METRICS = {
    "PipelineFailedRuns": Failing("pipeline", "failed", ("Name",)),
    "PipelineCancelledRuns": Failing("pipeline", "was cancelled", ("Name",)),
    "ActivityFailedRuns": Failing("pipeline", "failed", ("PipelineName",), ("Name",)),
    "ActivityCancelledRuns": Failing("pipeline", "was cancelled", ("PipelineName",), ("Name",)),
    "TriggerFailedRuns": Failing("trigger", "failed", ("Name",)),
    "TriggerCancelledRuns": Failing("trigger", "was cancelled", ("Name",)),
}
_METRICS_BY_NAME = {name.casefold(): subject for name, subject in _METRICS.items()}
PIPELINE_RUN = Failing("pipeline", "failed", _PIPELINE, _ACTIVITY)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One entry of ``allOf``, and the condition around it."""

    fields: JsonObject
    dimensions: JsonObject
    condition: JsonObject


def read_metric(fields: JsonObject) -> Failing:
    """Return how the metric of a criterion says what failed.

    Raises:
        InvalidInput: it is no metric of failures in a data factory.
    """
    namespace = fields.find("metricNamespace")
    if namespace is not None and read_label(namespace).casefold() != _NAMESPACE:
        raise InvalidInput(
            f"{namespace.path} must be Microsoft.DataFactory/factories", field=namespace.path
        )
    name = fields.require("metricName")
    subject = _METRICS_BY_NAME.get(read_label(name).casefold())
    if subject is None:
        raise InvalidInput(f"{name.path} must be one of {', '.join(_METRICS)}", field=name.path)
    return subject


def read_dimensions(fields: JsonObject) -> JsonObject:
    """Return the dimensions of a criterion by their names.

    Raises:
        InvalidInput: they are not a list of names and values.
    """
    path = fields.path_of("dimensions")
    found = fields.find("dimensions")
    pairs = []
    for item in read_list(found) if found else ():
        dimension = JsonObject(item.value, item.path)
        name = read_label(dimension.require("name"))
        if (value := dimension.find("value")) is not None:
            pairs.append((name, value))
    return JsonObject.of_pairs(pairs, path)


def read_run_alert(
    criterion: Criterion, subject: Failing, notice: Notice, defaults: IntakeDefaults
) -> Alert:
    """Return the alert about what the criterion's dimensions name.

    Raises:
        InvalidInput: they name nothing, or not in which factory it is.
    """
    name = _read_name(criterion.dimensions, subject)
    factory, guessed = _read_factory(criterion.dimensions, notice, defaults)
    run_id = _first(criterion.dimensions, _RUN_ID)
    window, unknown_window = _read_window(criterion, notice)
    code = _first(criterion.dimensions, _ERROR_CODE)
    return Alert(
        source=SOURCE,
        condition=notice.condition,
        resource=Resource(
            platform=Platform.ADF,
            scope=factory.scope,
            kind=subject.kind,
            name=name,
            run_id=read_id(run_id) if run_id else None,
        ),
        title=_title(
            f"{subject.kind.capitalize()} {name} {subject.verb} in {factory.name}", notice
        ),
        description=_describe(criterion, notice),
        severity=notice.severity,
        environment=notice.environment,
        service=notice.service,
        ci=notice.items,
        occurred_at=notice.occurred_at,
        window=None if run_id else window,
        error_code=read_code(code) if code else "",
        error_activity=optional_label(_first(criterion.dimensions, subject.activity)) or "",
        sender_alert_id=notice.alert_id,
        notes=(*notice.notes, *guessed, *([] if run_id else unknown_window)),
    )


def read_logged_alert(criterion: Criterion, notice: Notice, defaults: IntakeDefaults) -> Alert:
    """Return the alert about the pipeline or Databricks job that a row of a query names.

    Raises:
        InvalidInput: it names neither, or not where it lives.
    """
    dimensions = criterion.dimensions
    if _first(dimensions, _PIPELINE) is None and _first(dimensions, _JOB) is not None:
        return _read_job_alert(criterion, notice, defaults)
    return read_run_alert(criterion, PIPELINE_RUN, notice, defaults)


def _read_job_alert(criterion: Criterion, notice: Notice, defaults: IntakeDefaults) -> Alert:
    job = read_job(criterion.dimensions, defaults, notice.occurred_at, names=_JOB, sure=True)
    if job is None:
        raise InvalidInput(
            f"{criterion.dimensions.path} names no job", field=criterion.dimensions.path
        )
    window, unknown_window = _read_window(criterion, notice)
    code = _first(criterion.dimensions, _ERROR_CODE)
    return Alert(
        source=SOURCE,
        condition=notice.condition,
        resource=job.resource,
        title=_title(f"Job {job.resource.name} failed", notice),
        description=_describe(criterion, notice),
        severity=notice.severity,
        environment=notice.environment,
        service=notice.service,
        ci=notice.items,
        occurred_at=notice.occurred_at,
        window=window if job.window else None,
        error_code=read_code(code) if code else "",
        error_activity=optional_label(_first(criterion.dimensions, _TASK)) or "",
        sender_alert_id=notice.alert_id,
        notes=(*notice.notes, *job.notes, *(unknown_window if job.window else [])),
    )


def _title(text: str, notice: Notice) -> str:
    if notice.condition is Condition.RESOLVED:
        text = f"Resolved: {text}"
    return one_line(text, _MAX_TITLE_CHARS)


def _read_name(dimensions: JsonObject, subject: Failing) -> str:
    found = _first(dimensions, subject.dimension)
    if found is None or found.value == "*":
        wanted = subject.dimension[0]
        raise InvalidInput(
            f"{dimensions.path} does not say which {subject.kind} failed; "
            f"split the alert rule by the dimension {wanted}",
            field=dimensions.path,
        )
    return read_name(found)


def _read_factory(
    dimensions: JsonObject, notice: Notice, defaults: IntakeDefaults
) -> tuple[Factory, list[str]]:
    """Find the factory in the dimensions, else among the rule's targets, else by default."""
    for found in dimensions.find_all(*_FACTORY_ID):
        if factory := parse_factory_id(read_text(found)):
            return factory, []
    watched = {
        factory.scope: factory
        for target in notice.targets
        if (factory := parse_factory_id(read_text(target)))
    }
    named = _first(dimensions, _FACTORY)
    if named is not None:
        name = read_id(named)
        same = [factory for factory in watched.values() if factory.name.lower() == name.lower()]
        return (same[0], []) if len(same) == 1 else _by_default(name, dimensions, defaults)
    if len(watched) > 1:
        raise InvalidInput(
            f"the rule watches {len(watched)} factories and {dimensions.path} names none; "
            f"split the alert rule by the dimension {_FACTORY_ID[0]}",
            field=dimensions.path,
        )
    if watched:
        return next(iter(watched.values())), []
    return _by_default(None, dimensions, defaults)


def _by_default(
    name: str | None, dimensions: JsonObject, defaults: IntakeDefaults
) -> tuple[Factory, list[str]]:
    factory, notes = locate(name, defaults)
    if factory is None:
        raise InvalidInput(
            f"neither {dimensions.path} nor data.essentials.alertTargetIDs names a data factory "
            f"and there is no default one; split the alert rule by the dimension {_FACTORY[0]}",
            field=dimensions.path,
        )
    return factory, notes


def _read_window(criterion: Criterion, notice: Notice) -> tuple[TimeWindow, list[str]]:
    start, end, size = (
        found.value if (found := criterion.condition.find(name)) else None
        for name in ("windowStartTime", "windowEndTime", "windowSize")
    )
    return search_window(start, end, size, notice.occurred_at)


def _describe(criterion: Criterion, notice: Notice) -> str:
    """Return what the rule's owner wrote, what the row says, and what was measured."""
    error = read_text(_first(criterion.dimensions, _ERROR_TEXT))
    measured = f"Azure Monitor alert rule {notice.rule}"
    if metric := criterion.fields.find("metricName"):
        measured += f": {one_line(read_text(metric), 60)}"
        if value := criterion.fields.find("metricValue"):
            measured += f" {read_code(value)}"
    if failure_type := criterion.dimensions.find("FailureType"):
        measured += f", failure type {one_line(read_text(failure_type), 60)}"
    text = "\n\n".join(part for part in (notice.description, error, measured) if part)
    return many_lines(text, _MAX_DESCRIPTION_CHARS)


def _first(dimensions: JsonObject, names: tuple[str, ...]) -> Found | None:
    """Return the dimension under the first of ``names`` that has one: they may differ."""
    return next((found for name in names if (found := dimensions.find(name))), None)
