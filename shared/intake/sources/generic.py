"""Any sender of JSON: fields by their usual names, or where a declared mapping says they are.

A body is one alert, a list of them, or an object with such a list in ``alerts`` or
``items``; what stands beside the list holds for all of them.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Alert, Condition, Severity
from shared.domain.errors import InvalidInput
from shared.intake.body import parse_json
from shared.intake.condition import read_condition
from shared.intake.fields import Found, JsonObject, read_list
from shared.intake.labels import ENVIRONMENT, MAX_TITLE_CHARS, SERVICE, Labels, read_tags
from shared.intake.mapping import GenericMapping, follow
from shared.intake.normalised import IntakeDefaults, Normalised, collect
from shared.intake.severity import read_severity
from shared.intake.subject import Named, read_subject
from shared.intake.text import one_line

SOURCE = "generic"

_LISTS = ("alerts", "items")
# A title may hold figures that change; but "name" alone may be the name of anything.
_NAME = ("alertname", "alert", "title", "name", "summary")
_TITLE = ("title", "name", "alert", "alertname", "summary")
_DESCRIPTION = ("message", "description", "body", "text")
_SEVERITY = ("severity", "priority", "level")
_STATUS = ("status", "state", "condition")
_CI = ("ci", "host", "hostname", "server", "instance", "node")
_ID = ("id", "alert_id", "event_id")
_TIME = ("timestamp", "occurred_at", "time")
_LABELS = ("labels", "tags")

# Under which name a declared field is put; the first one that its readers look for.
_DECLARED = {
    "title": "alertname",
    "description": "message",
    "severity": "severity",
    "status": "status",
    "service": "service",
    "environment": "environment",
    "ci": "ci",
    "id": "id",
    "occurred_at": "timestamp",
    "platform": "platform",
    "pipeline": "pipeline",
    "factory": "factory",
    "job": "databricks_job",
    "workspace": "workspace",
    "run_id": "run_id",
}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What holds for all alerts of one POST."""

    whole: Found
    around: JsonObject
    mapping: GenericMapping
    defaults: IntakeDefaults
    received_at: datetime


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object that the body holds.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """
    whole = Found(parse_json(raw), "")
    mapping = defaults.generic or GenericMapping()
    items, around = _find_alerts(whole, mapping)
    reading = _Reading(whole, around, mapping, defaults, received_at)

    def read(found: Found) -> Alert:
        return _read_alert(found, reading)

    return collect(items, read)


def _find_alerts(whole: Found, mapping: GenericMapping) -> tuple[list[Found], JsonObject]:
    """Return the alerts, and what stands around their list."""
    nothing = JsonObject({})
    found = follow(whole, mapping.alerts) if mapping.alerts else None
    if found is not None:
        items = read_list(found) if isinstance(found.value, list) else [found]
        return items, JsonObject(whole.value) if isinstance(whole.value, dict) else nothing
    if isinstance(whole.value, list):
        return read_list(whole), nothing
    body = JsonObject(whole.value)
    for name in _LISTS:
        for held in body.find_all(name):
            if isinstance(held.value, list) and any(isinstance(one, dict) for one in held.value):
                return read_list(held), body
    return [whole], nothing


def _read_alert(found: Found, reading: _Reading) -> Alert:
    item, mapping = JsonObject(found.value, found.path), reading.mapping
    declared = _read_declared(found, reading)
    near = [read_tags(Labels(item).first(name)) for name in _LABELS]
    labels = Labels(declared, item, *near, reading.around)
    name = _read_name(labels, item)
    occurred_at = labels.moment(*_TIME, received_at=reading.received_at)
    everything = declared.over(item)
    for holder in (*near, reading.around):
        everything = everything.over(holder)
    subject = read_subject(
        everything, Named(SOURCE, name), reading.defaults, occurred_at, plain_job=True
    )
    severity, unknown_word = _read_severity(labels.label(*_SEVERITY), mapping)
    condition, unknown_status = _read_condition(labels.label(*_STATUS), mapping)
    title = labels.line(*_TITLE, limit=MAX_TITLE_CHARS)
    alert = Alert(
        source=SOURCE,
        condition=condition,
        resource=subject.resource,
        title=title or one_line(name, MAX_TITLE_CHARS),
        description=labels.text(*_DESCRIPTION),
        severity=severity,
        environment=labels.label(*ENVIRONMENT),
        service=labels.label(*SERVICE),
        ci=labels.items(*_CI),
        occurred_at=occurred_at,
        window=subject.window,
        sender_alert_id=labels.label(*_ID) or "",
    )
    notes = (*subject.notes, *labels.notes, *unknown_word, *unknown_status)
    return alert.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _read_declared(alert: Found, reading: _Reading) -> JsonObject:
    pairs = []
    for field, name in _DECLARED.items():
        path: str | None = getattr(reading.mapping, field)
        if path and (value := follow(alert, path) or follow(reading.whole, path)):
            pairs.append((name, value))
    return JsonObject.of_pairs(pairs, alert.path)


def _read_name(labels: Labels, item: JsonObject) -> str:
    name = labels.line(*_NAME)
    if not name:
        path = item.path_of(_TITLE[0])
        raise InvalidInput(
            f"{path} is missing: there is no {', '.join(_TITLE)}, and no mapping says where "
            "the title is",
            field=path,
        )
    return name


def _read_severity(word: str | None, mapping: GenericMapping) -> tuple[Severity, list[str]]:
    for theirs, ours in mapping.severities.items():
        if word is not None and theirs.strip().casefold() == word.casefold():
            return ours, []
    return read_severity(word)


def _read_condition(word: str | None, mapping: GenericMapping) -> tuple[Condition, list[str]]:
    if word is None:
        return Condition.FIRING, []
    declared = ((Condition.RESOLVED, mapping.resolved), (Condition.FIRING, mapping.firing))
    for condition, words in declared:
        if word.casefold() in {theirs.strip().casefold() for theirs in words}:
            return condition, []
    known = read_condition(word)
    if known is not None:
        return known, []
    return Condition.FIRING, [f"status {one_line(word, 40)!r} is not known; taken to be firing"]
