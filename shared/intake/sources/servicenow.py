"""ServiceNow: an incident, as a business rule's script sends it when it is made or changed.

Fields are text, numbers, or references ``{"link", "value", "display_value"}``. An incident
that Mend itself has made or changed comes back the same way: it is recognised by its
correlation id, so that no ticket is opened about our own ticket.
"""

import re
from datetime import datetime

from shared.domain.alert import Alert, Condition, Severity
from shared.domain.errors import InvalidInput
from shared.intake.body import parse_json
from shared.intake.condition import read_condition
from shared.intake.fields import Found, JsonObject
from shared.intake.labels import ENVIRONMENT, MAX_TITLE_CHARS, Labels
from shared.intake.normalised import IntakeDefaults, Normalised, collect, objects_of
from shared.intake.severity import read_severity
from shared.intake.subject import Named, read_subject
from shared.intake.text import one_line

SOURCE = "servicenow"

_CORRELATION = ("correlation_id", "correlation_display")
_OURS = re.compile(r"mend(?![a-z])|tik-", re.IGNORECASE)
_SEVERITIES = {
    "1": Severity.CRITICAL,
    "2": Severity.HIGH,
    "3": Severity.MEDIUM,
    "4": Severity.LOW,
    "5": Severity.INFO,  # planning
}
# Also "6 - Resolved" and "1 - Critical", as display values are written.
_NUMBERED = re.compile(r"(\d)\s*(?:-.*)?", re.ASCII | re.DOTALL)
_OVER = set("678")
_STILL_OPEN = set("12345")
_WORDS = {
    "workinprogress": Condition.FIRING,
    "pending": Condition.FIRING,
    "assigned": Condition.FIRING,
    "closedcomplete": Condition.RESOLVED,
    "closedincomplete": Condition.RESOLVED,
    "closedskipped": Condition.RESOLVED,
}


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object in the body.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """

    def read(found: Found) -> Alert:
        return _read_alert(_plain(found), defaults, received_at)

    return collect(objects_of(parse_json(raw)), read)


def _plain(found: Found) -> JsonObject:
    """Put what people read in place of each reference; of a bare reference, what it points to."""
    if not isinstance(found.value, dict):
        return JsonObject(found.value, found.path)
    return JsonObject(
        {
            name: (value.get("display_value") or value.get("value"))
            if isinstance(value, dict)
            else value
            for name, value in found.value.items()
        },
        found.path,
    )


def _read_alert(body: JsonObject, defaults: IntakeDefaults, received_at: datetime) -> Alert:
    fields = Labels(body)
    name = fields.line("short_description")
    if not name:
        path = body.path_of("short_description")
        raise InvalidInput(f"{path} is missing", field=path)
    subject = read_subject(body, Named(SOURCE, name), defaults, received_at)
    severity, unknown = _read_severity(fields)
    alert = Alert(
        source=SOURCE,
        condition=_read_condition(fields),
        resource=subject.resource,
        title=one_line(name, MAX_TITLE_CHARS),
        description=fields.text("description"),
        severity=severity,
        environment=fields.label("u_environment", *ENVIRONMENT),
        ci=fields.items("cmdb_ci"),
        occurred_at=received_at,
        window=subject.window,
        sender_alert_id=fields.label("number", "sys_id") or "",
    )
    notes = (*subject.notes, *fields.notes, *unknown)
    return alert.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _read_condition(fields: Labels) -> Condition:
    for found in fields.every(*_CORRELATION):
        if isinstance(found.value, str) and _OURS.match(found.value.strip()):
            fields.notes.append(f"{found.path} says that this is our own update coming back")
            return Condition.NOTICE
    state = fields.label("state", "incident_state")
    if state is None:
        return Condition.FIRING
    condition = _read_state(state)
    if condition is None:
        fields.notes.append(f"state {one_line(state, 40)!r} is not known; taken to be open")
    return condition or Condition.FIRING


def _read_state(state: str) -> Condition | None:
    numbered = _NUMBERED.fullmatch(state)
    if numbered and numbered[1] in _OVER:
        return Condition.RESOLVED
    if numbered and numbered[1] in _STILL_OPEN:
        return Condition.FIRING
    word = re.sub(r"[\s_-]", "", state).casefold()
    return _WORDS.get(word) or read_condition(state)


def _read_severity(fields: Labels) -> tuple[Severity, list[str]]:
    priority = fields.label("priority")
    numbered = _NUMBERED.fullmatch(priority) if priority else None
    known = _SEVERITIES.get(numbered[1]) if numbered else None
    return (known, []) if known else read_severity(priority)
