"""Prometheus Alertmanager's webhook, version 4, and Grafana's body of the same shape.

One POST holds a group of alerts, each of which fires or is resolved by itself. Grafana
adds ``orgId``, ``title``, ``message``, ``values`` and more; none of it is relied on.

Source: Prometheus documentation, "webhook_config"; Grafana documentation, "Configure the
webhook notifier for Alerting".
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Alert, Condition
from shared.domain.errors import InvalidInput
from shared.intake.body import parse_json
from shared.intake.fields import Found, JsonObject, read_label, read_list
from shared.intake.labels import ENVIRONMENT, MAX_TITLE_CHARS, SERVICE, Labels, optional_child
from shared.intake.normalised import IntakeDefaults, Normalised, collect
from shared.intake.subject import Named, read_subject
from shared.intake.text import one_line
from shared.intake.times import read_moment, read_time

SOURCE = "alertmanager"

_NAME = ("alertname",)
_RULE = ("rulename",)  # Grafana's, beside alert names such as DatasourceNoData
_CI = ("instance", "host", "hostname", "node", "pod", "server")
_SEVERITY = ("severity", "priority", "level")
_TITLE = ("summary", "title")
_DESCRIPTION = ("description", "message", "summary")

# They always fire, by design: to show that alerts arrive, and to mute others.
_ALWAYS_ON = {"watchdog", "deadmansswitch", "infoinhibitor"}
_STATUS = {"firing": Condition.FIRING, "resolved": Condition.RESOLVED}


@dataclass(frozen=True, slots=True)
class _Group:
    """What all alerts of one POST have in common."""

    body: JsonObject
    labels: JsonObject
    annotations: JsonObject
    notes: tuple[str, ...]


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per entry of ``alerts``.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """
    body = JsonObject(parse_json(raw))
    group = _Group(
        body,
        optional_child(body, "commonLabels"),
        optional_child(body, "commonAnnotations"),
        _read_truncated(body),
    )

    def read(found: Found) -> Alert:
        return _read_alert(JsonObject(found.value, found.path), group, defaults, received_at)

    return collect(read_list(body.require("alerts")), read)


def _read_truncated(body: JsonObject) -> tuple[str, ...]:
    count = next((found.value for found in body.find_all("truncatedAlerts")), 0)
    if not isinstance(count, int) or isinstance(count, bool) or count <= 0:
        return ()
    return (f"the sender left {min(count, 10**9)} more alerts out of this POST (max_alerts)",)


def _read_alert(
    entry: JsonObject, group: _Group, defaults: IntakeDefaults, received_at: datetime
) -> Alert:
    own = entry.child("labels") or JsonObject({}, entry.path_of("labels"))
    labels = Labels(own, group.labels)
    annotations = Labels(optional_child(entry, "annotations"), group.annotations)
    name = _read_name(labels, annotations, own)
    condition = _read_condition(entry, group, labels)
    occurred_at, no_time = _read_time(entry, condition, received_at)
    subject = read_subject(own.over(group.labels), Named(SOURCE, name), defaults, occurred_at)
    alert = Alert(
        source=SOURCE,
        condition=condition,
        resource=subject.resource,
        title=annotations.line(*_TITLE, limit=MAX_TITLE_CHARS) or one_line(name, MAX_TITLE_CHARS),
        description=annotations.text(*_DESCRIPTION) or Labels(group.body).text("message"),
        severity=labels.severity(*_SEVERITY),
        environment=labels.label(*ENVIRONMENT),
        service=labels.label(*SERVICE),
        ci=labels.items(*_CI),
        occurred_at=occurred_at,
        window=subject.window,
        sender_alert_id=Labels(entry).label("fingerprint") or "",
    )
    notes = (*subject.notes, *labels.notes, *annotations.notes, *no_time, *group.notes)
    return alert.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _read_name(labels: Labels, annotations: Labels, own: JsonObject) -> str:
    name = labels.line(*_NAME)
    if name:
        rule = labels.line(*_RULE)
        return f"{name}: {rule}" if rule and rule != name else name
    # A rule without a name cannot be written, but a relabelling may have taken it away.
    if summary := annotations.line(*_TITLE):
        return summary
    path = own.path_of(_NAME[0])
    raise InvalidInput(f"{path} is missing, and there is no summary either", field=path)


def _read_condition(entry: JsonObject, group: _Group, labels: Labels) -> Condition:
    name = labels.line(*_NAME).casefold()
    if name == "testalert" and "grafana" in {ci.casefold() for ci in labels.items("instance")}:
        return Condition.TEST
    if name in _ALWAYS_ON:
        return Condition.NOTICE
    found = entry.find("status") or group.body.find("status")
    path = found.path if found else entry.path_of("status")
    condition = _STATUS.get(read_label(found).casefold()) if found else None
    if condition is None:
        raise InvalidInput(f"{path} must be firing or resolved", field=path)
    return condition


def _read_time(
    entry: JsonObject, condition: Condition, received_at: datetime
) -> tuple[datetime, list[str]]:
    """Return when the alert started, or ended: one that fires says it ended in year 1."""
    ends = next((found.value for found in entry.find_all("endsAt")), None)
    ended_at, _ = read_time(ends, received_at)
    if condition is Condition.RESOLVED and ended_at is not None:
        return ended_at, []
    starts = next((found.value for found in entry.find_all("startsAt")), None)
    return read_moment(entry.path_of("startsAt"), starts, received_at)
