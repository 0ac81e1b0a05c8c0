"""Azure Monitor: metric alerts on a data factory, and log search alerts split by pipeline.

Neither carries the error; a metric alert does not even carry the run, only the window in
which it failed. One alert comes out of each criterion, because each has its own
dimensions.

Source: Microsoft Learn, "Sample alert payloads" and "Supported metrics for
Microsoft.DataFactory/factories". A kind of alert that is not understood yet needs a reader
in ``_READERS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Alert, Condition, Platform, Resource, TimeWindow
from shared.domain.errors import InvalidInput
from shared.intake.body import parse_json
from shared.intake.common_alert import Notice, is_sample, open_envelope, read_notice
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
from shared.intake.normalised import IntakeDefaults, Normalised, collect
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
_ERROR_CODE = ("ErrorCode", "errorCode_s")
_ERROR_TEXT = ("ErrorMessage", "errorMessage_s")


@dataclass(frozen=True, slots=True)
class _Subject:
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
    "PipelineFailedRuns": _Subject("pipeline", "failed", ("Name",)),
    "PipelineCancelledRuns": _Subject("pipeline", "was cancelled", ("Name",)),
    "ActivityFailedRuns": _Subject("pipeline", "failed", ("PipelineName",), ("Name",)),
    "ActivityCancelledRuns": _Subject("pipeline", "was cancelled", ("PipelineName",), ("Name",)),
    "TriggerFailedRuns": _Subject("trigger", "failed", ("Name",)),
    "TriggerCancelledRuns": _Subject("trigger", "was cancelled", ("Name",)),
}
_METRICS_BY_NAME = {name.casefold(): subject for name, subject in _METRICS.items()}
_LOG_ROW = _Subject("pipeline", "failed", _PIPELINE, _ACTIVITY)


@dataclass(frozen=True, slots=True)
class _Criterion:
    """One entry of ``allOf``, and the condition around it."""

    fields: JsonObject
    dimensions: JsonObject
    condition: JsonObject


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per criterion that can be read; one for a test.

    Raises:
        InvalidInput: not the common alert schema, a kind of alert that is not understood,
            or no criterion names a pipeline of a known factory.
    """
    data = open_envelope(JsonObject(parse_json(raw)))
    essentials = data.require_child("essentials")
    if is_sample(essentials):
        return Normalised(alerts=(_test_alert(read_notice(data, received_at)),))
    read_subject = _choose_reader(essentials)
    notice = read_notice(data, received_at)
    condition = data.require_child("alertContext").require_child("condition")
    criteria = condition.require("allOf")

    def read(found: Found) -> Alert:
        fields = JsonObject(found.value, found.path)
        criterion = _Criterion(fields, _read_dimensions(fields), condition)
        return _read_alert(criterion, read_subject(fields), notice, defaults)

    items = read_list(criteria)
    if not items:
        raise InvalidInput(f"{criteria.path} is empty", field=criteria.path)
    return collect(items, read)


def _test_alert(notice: Notice) -> Alert:
    return Alert(
        source=SOURCE,
        condition=Condition.TEST,
        resource=Resource(
            platform=Platform.OTHER,
            scope=SOURCE,
            kind="alert-rule",
            name=notice.rule or "unnamed rule",
        ),
        title=one_line(f"Test of an action group: {notice.rule}", _MAX_TITLE_CHARS).rstrip(": "),
        description=notice.description,
        severity=notice.severity,
        occurred_at=notice.occurred_at,
        sender_alert_id=notice.alert_id,
        notes=notice.notes,
    )


def _read_metric(fields: JsonObject) -> _Subject:
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


def _read_log_row(_fields: JsonObject) -> _Subject:
    return _LOG_ROW


_READERS: dict[str, Callable[[JsonObject], _Subject]] = {
    "Platform": _read_metric,
    "Log Alerts V2": _read_log_row,
}


def _choose_reader(essentials: JsonObject) -> Callable[[JsonObject], _Subject]:
    found = essentials.require("monitoringService")
    service = read_label(found)
    for name, reader in _READERS.items():
        if name.casefold() == service.casefold():
            return reader
    raise InvalidInput(
        f"{found.path} is {one_line(service, 60)!r}; supported are {' and '.join(_READERS)}",
        field=found.path,
    )


def _read_dimensions(fields: JsonObject) -> JsonObject:
    path = fields.path_of("dimensions")
    found = fields.find("dimensions")
    pairs = []
    for item in read_list(found) if found else ():
        dimension = JsonObject(item.value, item.path)
        name = read_label(dimension.require("name"))
        if (value := dimension.find("value")) is not None:
            pairs.append((name, value))
    return JsonObject.of_pairs(pairs, path)


def _read_alert(
    criterion: _Criterion, subject: _Subject, notice: Notice, defaults: IntakeDefaults
) -> Alert:
    name = _read_name(criterion.dimensions, subject)
    factory, guessed = _read_factory(criterion.dimensions, notice, defaults)
    run_id = _first(criterion.dimensions, _RUN_ID)
    window, unknown_window = _read_window(criterion, notice)
    code = _first(criterion.dimensions, _ERROR_CODE)
    title = f"{subject.kind.capitalize()} {name} {subject.verb} in {factory.name}"
    if notice.condition is Condition.RESOLVED:
        title = f"Resolved: {title}"
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
        title=one_line(title, _MAX_TITLE_CHARS),
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


def _read_name(dimensions: JsonObject, subject: _Subject) -> str:
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


def _read_window(criterion: _Criterion, notice: Notice) -> tuple[TimeWindow, list[str]]:
    start, end, size = (
        found.value if (found := criterion.condition.find(name)) else None
        for name in ("windowStartTime", "windowEndTime", "windowSize")
    )
    return search_window(start, end, size, notice.occurred_at)


def _describe(criterion: _Criterion, notice: Notice) -> str:
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
