"""Datadog: the body of its webhooks integration, a template that people extend.

By default it has ``id``, ``last_updated``, ``event_type``, ``title``, ``date``, ``org`` and
``body``. Whether an alert fires or has recovered is then only in the title, behind other
prefixes: "[P3] [Recovered on {host:web-1}] Disk full". The title without those prefixes is
what the alert is called, so that a recovery meets its alert.

Source: Datadog documentation, "Webhooks" integration.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Alert, Condition, Severity
from shared.domain.errors import InvalidInput
from shared.intake.body import parse_json
from shared.intake.condition import read_condition
from shared.intake.fields import Found, JsonObject
from shared.intake.labels import ENVIRONMENT, MAX_TITLE_CHARS, SERVICE, Labels, read_tags
from shared.intake.normalised import IntakeDefaults, Normalised, collect, objects_of
from shared.intake.severity import read_severity
from shared.intake.subject import Named, read_subject
from shared.intake.text import one_line

SOURCE = "datadog"

_TITLE = ("title", "event_title", "alert_title")
_TRANSITION = ("alert_transition", "transition")
_ID = ("alert_cycle_key", "aggreg_key", "alert_id", "id")
_PRIORITY = ("priority", "alert_priority")
_TEXT = ("body", "event_msg", "text_only_msg", "message")
_CI = ("hostname", "host", "instance", "server", "pod_name")

_MAX_RAW_TITLE_CHARS = 1_000
_PREFIX = re.compile(r"\s*\[([^\[\]]{0,200})\]")
# Older monitors: "[Monitor Alert] Recovered: Disk full".
_WORD = re.compile(r"\s*((?:re-?)?triggered|recovered|warn|no data|renotify)\s*:", re.IGNORECASE)
_SCOPED = re.compile(r"([^{}]*?)\s+on\s+\{([^{}]*)\}", re.IGNORECASE)
_STEP = re.compile(r"p[1-5]", re.IGNORECASE)
_FILLER = {"monitor alert", "datadog"}
_ALERT_TYPES = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.INFO,
    "success": Severity.INFO,
}
# What a template's variable becomes for which Datadog has nothing to say.
_UNSET = re.compile(r"null|none|n/a|\$[A-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class _Title:
    """A title in its parts.

    Attributes:
        name: Without the prefixes that change from alert to recovery.
        words: Those prefixes: "Triggered", "TEST".
        priority: ``P1`` to ``P5``, or empty.
        scope: ``host:web-1,env:prod`` of "[Triggered on {host:web-1,env:prod}]".
    """

    name: str
    words: tuple[str, ...]
    priority: str
    scope: str


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object in the body.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """

    def read(found: Found) -> Alert:
        return _read_alert(JsonObject(found.value, found.path), defaults, received_at)

    return collect(objects_of(parse_json(raw)), read)


def _read_alert(body: JsonObject, defaults: IntakeDefaults, received_at: datetime) -> Alert:
    fields = Labels(body)
    raw_title = fields.line(*_TITLE, limit=_MAX_RAW_TITLE_CHARS)
    title = _split(raw_title)
    if not title.name:
        path = body.path_of(_TITLE[0])
        raise InvalidInput(f'{path} is missing; send "title": "$EVENT_TITLE"', field=path)
    scope = fields.line("alert_scope", limit=_MAX_RAW_TITLE_CHARS) or title.scope
    everything = (
        _without_unset(body)
        .over(read_tags(fields.first("tags")))
        .over(read_tags(Found(scope, "alert_scope")))
    )
    labels = Labels(everything)
    occurred_at = fields.moment("date", "last_updated", received_at=received_at)
    subject = read_subject(everything, Named(SOURCE, title.name), defaults, occurred_at)
    severity, unknown = _read_severity(labels, title)
    alert = Alert(
        source=SOURCE,
        condition=_read_condition(labels, title),
        resource=subject.resource,
        title=one_line(raw_title, MAX_TITLE_CHARS),
        description=labels.text(*_TEXT).replace("%%%", "").strip(),
        severity=severity,
        environment=labels.label(*ENVIRONMENT),
        service=labels.label(*SERVICE),
        ci=labels.items(*_CI),
        occurred_at=occurred_at,
        window=subject.window,
        sender_alert_id=labels.label(*_ID) or "",
    )
    notes = (*subject.notes, *labels.notes, *fields.notes, *unknown)
    return alert.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _without_unset(body: JsonObject) -> JsonObject:
    kept = (
        (name, found)
        for name, found in body.members()
        if not (isinstance(found.value, str) and _UNSET.fullmatch(found.value.strip()))
    )
    return JsonObject.of_pairs(kept, body.path)


def _split(text: str) -> _Title:
    """Take off the prefixes that we know; others, such as "[prod]", belong to the name."""
    words, kept, priority, scope = [], [], "", ""
    at = 0
    while found := _PREFIX.match(text, at) or _WORD.match(text, at):
        at = found.end()
        word = found[1].strip()
        if scoped := _SCOPED.fullmatch(word):
            word, scope = scoped[1], scope or scoped[2]
        if _STEP.fullmatch(word):
            priority = priority or word
        elif word == "TEST" or read_condition(word) not in {None, Condition.TEST}:
            words.append(word)  # "[test]" is more likely somebody's environment
        elif word.casefold() not in _FILLER:
            kept.append(found[0].strip())
    name = " ".join((*kept, text[at:].strip()))
    return _Title(name.strip(), tuple(words), priority, scope)


def _read_condition(labels: Labels, title: _Title) -> Condition:
    said = [read_condition(word) for word in title.words]
    if Condition.TEST in said:
        return Condition.TEST
    transition = labels.label(*_TRANSITION)
    if transition is not None:
        condition = read_condition(transition)
        if condition is not None:
            return condition
        labels.notes.append(f"transition {one_line(transition, 40)!r} is not known")
    kind = (labels.label("alert_type") or "").casefold()
    event = (labels.label("event_type") or "").casefold()
    status = read_condition(labels.line("alert_status"))
    over = kind == "success" or "recover" in event or "resolve" in event
    if over or Condition.RESOLVED in {*said, status}:
        return Condition.RESOLVED
    return Condition.FIRING


def _read_severity(labels: Labels, title: _Title) -> tuple[Severity, list[str]]:
    """Return what the monitor's priority says, else the kind of the alert, else the usual one."""
    priority = labels.label(*_PRIORITY)
    # $PRIORITY, unlike $ALERT_PRIORITY, is "normal" for nearly everything.
    if priority is not None and priority.casefold() != "normal":
        return read_severity(f"p{priority}" if priority in set("12345") else priority)
    if title.priority:
        return read_severity(title.priority)
    kind = _ALERT_TYPES.get((labels.label("alert_type") or "").casefold())
    if kind is not None:
        return kind, []
    transition = labels.label(*_TRANSITION) or next(iter(title.words), "")
    return read_severity("warning" if "warn" in transition.casefold() else None)
