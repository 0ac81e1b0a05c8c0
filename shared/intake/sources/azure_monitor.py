"""Azure Monitor: metric and log alerts about failed runs, and alerts on the activity log.

One alert comes out of each criterion of a metric or log alert, because each has its own
dimensions; or out of each row, if the alert brings the rows that its query found.

Source: Microsoft Learn, "Common alert schema", "Sample alert payloads" and "Non-common alert
schema definitions".
"""

from collections.abc import Callable
from datetime import datetime

from shared.domain.alert import Alert, Condition, Platform, Resource
from shared.domain.errors import InvalidInput
from shared.intake.azure.activity_log import SUPPORTED, is_activity, read_activity
from shared.intake.azure.old_metric import is_old_metric, read_old_notice
from shared.intake.azure.runs import (
    SOURCE,
    Criterion,
    read_dimensions,
    read_logged_alert,
    read_metric,
    read_run_alert,
)
from shared.intake.azure.search_results import read_search_results
from shared.intake.body import parse_json
from shared.intake.common_alert import Notice, is_sample, open_envelope, read_notice
from shared.intake.fields import Found, JsonObject, read_label, read_list
from shared.intake.normalised import IntakeDefaults, Normalised, collect
from shared.intake.text import one_line

__all__ = ["SOURCE", "normalise"]

_MAX_TITLE_CHARS = 200

_Reader = Callable[[JsonObject, Notice, IntakeDefaults], Normalised]


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per criterion or row that can be read; one for a notice or a test.

    Raises:
        InvalidInput: neither the common alert schema nor the older one of metric alerts, a
            kind of alert that is not understood, or nothing in it names a pipeline of a
            known factory or a job.
    """
    body = JsonObject(parse_json(raw))
    if is_old_metric(body):
        notice, condition = read_old_notice(body, received_at)
        if notice.condition is Condition.TEST:
            return Normalised(alerts=(_test_alert(notice),))
        return _read_criteria(condition, _read_metric_alert, notice, defaults)
    data = open_envelope(body)
    essentials = data.require_child("essentials")
    if is_sample(essentials):
        return Normalised(alerts=(_test_alert(read_notice(data, received_at)),))
    found = essentials.require("monitoringService")
    service = read_label(found)
    if is_activity(service):
        notice = read_notice(data, received_at)
        return Normalised(alerts=(read_activity(data, service, notice, received_at),))
    read = _READERS.get(service.casefold())
    if read is None:
        raise InvalidInput(
            f"{found.path} is {one_line(service, 60)!r}; supported are {_SUPPORTED}",
            field=found.path,
        )
    return read(data, read_notice(data, received_at), defaults)


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


def _read_metrics(data: JsonObject, notice: Notice, defaults: IntakeDefaults) -> Normalised:
    return _read_criteria(_condition(data), _read_metric_alert, notice, defaults)


def _read_logs(data: JsonObject, notice: Notice, defaults: IntakeDefaults) -> Normalised:
    return _read_criteria(_condition(data), read_logged_alert, notice, defaults)


_READERS: dict[str, _Reader] = {
    "platform": _read_metrics,
    "log alerts v2": _read_logs,
    "log analytics": read_search_results,
    "application insights": read_search_results,
}
_SUPPORTED = ", ".join(
    ("Platform", "Log Alerts V2", "Log Analytics", "Application Insights", *SUPPORTED)
)


def _condition(data: JsonObject) -> JsonObject:
    return data.require_child("alertContext").require_child("condition")


def _read_criteria(
    condition: JsonObject,
    read_criterion: Callable[[Criterion, Notice, IntakeDefaults], Alert],
    notice: Notice,
    defaults: IntakeDefaults,
) -> Normalised:
    criteria = condition.require("allOf")

    def read(found: Found) -> Alert:
        fields = JsonObject(found.value, found.path)
        criterion = Criterion(fields, read_dimensions(fields), condition)
        return read_criterion(criterion, notice, defaults)

    items = read_list(criteria)
    if not items:
        raise InvalidInput(f"{criteria.path} is empty", field=criteria.path)
    return collect(items, read)


def _read_metric_alert(criterion: Criterion, notice: Notice, defaults: IntakeDefaults) -> Alert:
    return read_run_alert(criterion, read_metric(criterion.fields), notice, defaults)
