"""Zabbix: the parameters of a webhook media type, passed on as JSON by its script.

Everything is text, as Zabbix expands its macros into text; a macro that means nothing in
the event stays as it is written (``{EVENT.RECOVERY.ID}``) or becomes ``*UNKNOWN*``. The
button "Test" of a media type expands none at all.

Source: Zabbix documentation, "Webhook" and "Supported macros".
"""

import re
from datetime import datetime

from shared.domain.alert import Alert, Condition, Severity
from shared.domain.errors import InvalidInput
from shared.intake.body import parse_json, parse_text
from shared.intake.condition import read_condition
from shared.intake.fields import Found, JsonObject, read_label
from shared.intake.labels import (
    ENVIRONMENT,
    MAX_TITLE_CHARS,
    SERVICE,
    Labels,
    as_text,
    read_tags,
)
from shared.intake.normalised import IntakeDefaults, Normalised, collect, objects_of
from shared.intake.severity import read_severity
from shared.intake.subject import Named, read_subject
from shared.intake.text import one_line

SOURCE = "zabbix"

_NAME = ("trigger_name", "event_name")
_SUBJECT = ("subject", "alert_subject")
_VALUE = ("event_value", "trigger_value", "value")
_STATUS = ("event_status", "trigger_status", "status")
_SEVERITY = ("event_nseverity", "event_severity", "severity", "trigger_severity")
_TIME = ("event_timestamp", "timestamp", "clock")
_CI = ("host", "host_name", "hostname")

_SEVERITIES = (
    Severity.INFO,  # not classified
    Severity.INFO,
    Severity.MEDIUM,  # warning
    Severity.MEDIUM,  # average
    Severity.HIGH,
    Severity.CRITICAL,  # disaster
)
_MACRO = re.compile(r"\{[$#]?[A-Z0-9._<>]{1,60}\}")
_UNKNOWN = "*UNKNOWN*"
# Of Zabbix's own message templates: "Resolved in 5m 3s: Disk full".
_PREFIX = re.compile(
    r"(?:problem|resolved|recovered|recovery|ok|updated problem|problem update|update)"
    r"(?: in [\w .]{1,40})?:\s*",
    re.IGNORECASE,
)


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object in the body.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """

    def read(found: Found) -> Alert:
        return _read_alert(JsonObject(found.value, found.path), defaults, received_at)

    return collect(objects_of(parse_json(raw)), read)


def _read_alert(sent: JsonObject, defaults: IntakeDefaults, received_at: datetime) -> Alert:
    body = _without_macros(sent)
    fields = Labels(body)
    test = _is_macro(Labels(sent).first(*_VALUE))
    subject_line = fields.line(*_SUBJECT)
    name = fields.line(*_NAME) or _PREFIX.sub("", subject_line, count=1).strip()
    if not name:
        if not test:
            path = sent.path_of(_NAME[0])
            raise InvalidInput(
                f'{path} is missing; send "trigger_name": "{{TRIGGER.NAME}}"', field=path
            )
        name = "Zabbix test message"
    everything = body.over(_read_tags(fields))
    labels = Labels(everything)
    occurred_at = labels.moment(*_TIME, received_at=received_at)
    subject = read_subject(everything, Named(SOURCE, name), defaults, occurred_at)
    severity, unknown = _read_severity(fields)
    alert = Alert(
        source=SOURCE,
        condition=Condition.TEST if test else _read_condition(fields, subject_line),
        resource=subject.resource,
        title=one_line(subject_line or name, MAX_TITLE_CHARS),
        description=fields.text("message", "alert_message"),
        severity=severity,
        environment=labels.label(*ENVIRONMENT),
        service=labels.label(*SERVICE),
        ci=fields.items(*_CI),
        occurred_at=occurred_at,
        window=subject.window,
        sender_alert_id=fields.label("event_id") or "",
    )
    notes = (*subject.notes, *labels.notes, *fields.notes, *unknown)
    return alert.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _without_macros(body: JsonObject) -> JsonObject:
    kept = (
        (name, found)
        for name, found in body.members()
        if not _is_macro(found) and found.value != _UNKNOWN
    )
    return JsonObject.of_pairs(kept, body.path)


def _is_macro(found: Found | None) -> bool:
    value = found.value if found else None
    return isinstance(value, str) and _MACRO.fullmatch(value.strip()) is not None


def _read_condition(fields: Labels, subject_line: str) -> Condition:
    if fields.label("event_update_status") == "1":
        return Condition.NOTICE
    found = fields.first(*_VALUE)
    if found is None:
        return _guess_condition(fields, subject_line)
    value = read_label(as_text(found))
    known = {"0": Condition.RESOLVED, "1": Condition.FIRING}
    condition = known.get(value) or read_condition(value)
    if condition is None:
        raise InvalidInput(
            f"{found.path} is {one_line(value, 40)!r}; it must be 1 (problem) or 0 (recovered)",
            field=found.path,
        )
    return condition


def _guess_condition(fields: Labels, subject_line: str) -> Condition:
    status = read_condition(fields.label(*_STATUS) or "")
    if status is None and fields.label("event_recovery_id") not in {None, "0"}:
        status = Condition.RESOLVED
    if status is None and (prefix := _PREFIX.match(subject_line)):
        status = read_condition(prefix[0].partition(":")[0].partition(" in ")[0])
    return status or Condition.FIRING


def _read_severity(fields: Labels) -> tuple[Severity, list[str]]:
    word = fields.label(*_SEVERITY)
    if word is not None and word in set("012345"):
        return _SEVERITIES[int(word)], []
    return read_severity(word)


def _read_tags(fields: Labels) -> JsonObject:
    """Read ``{EVENT.TAGS}``, ``{EVENT.TAGSJSON}``, or what a script made of one of them."""
    found = fields.first("event_tags", "tags", "event_tagsjson")
    if (
        found is not None
        and isinstance(found.value, str)
        and found.value.lstrip()[:1] in {"[", "{"}
    ):
        try:
            found = Found(parse_text(found.value), found.path)
        except InvalidInput as error:
            fields.notes.append(f"{found.path} is {error}; it is left out")
            found = None
    return read_tags(found)
