"""SolarWinds: the action "Send a GET or POST request to a URL", whose body people write.

It is JSON or a form, with macros such as ``${N=Alerting;M=AlertName}`` as values. Nothing
escapes what the macros bring, so JSON often breaks at the message; then the simple fields
around it are read one by one.
"""

import re
from datetime import datetime
from urllib.parse import parse_qsl

from shared.domain.alert import Alert, Condition, Severity
from shared.domain.errors import InvalidInput
from shared.intake.body import NotJson, decode, parse_text, refuse_oddities
from shared.intake.condition import read_condition
from shared.intake.fields import Found, JsonObject
from shared.intake.labels import ENVIRONMENT, MAX_TITLE_CHARS, SERVICE, Labels
from shared.intake.normalised import IntakeDefaults, Normalised, collect, objects_of
from shared.intake.recovery import recover
from shared.intake.severity import read_severity
from shared.intake.subject import Named, read_subject
from shared.intake.text import one_line

SOURCE = "solarwinds"

_NAME = ("AlertName", "Alert", "Name", "Title")
_ID = ("AlertActiveID", "AlertObjectID", "AlertID")
_NODE = ("NodeName", "Node", "Caption", "NodeCaption", "ObjectName", "EntityCaption", "Host")
_MESSAGE = ("Message", "AlertMessage", "AlertDescription", "Description")
_STATUS = ("AlertStatus", "AlertState", "Condition", "State", "Status")
_TIME = ("TimeOfAlert", "AlertTriggerTime", "TriggerTime", "Timestamp", "Time")

_MAX_FIELDS = 200
_FORM = re.compile(r"[\w.+%-]{1,100}=")
_MACRO = re.compile(r"\$\{[^{}]{0,200}\}")
_YES = {"true", "yes", "1", "acknowledged"}
# The numbers of SolarWinds' own table of alerts.
_SEVERITIES = {
    "0": Severity.INFO,
    "1": Severity.MEDIUM,  # warning
    "2": Severity.CRITICAL,
    "3": Severity.HIGH,  # serious
    "4": Severity.INFO,  # notice
}


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object in the body; one for a form.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """
    text = decode(raw)
    if _FORM.match(text):
        form = JsonObject.of_pairs(_read_form(text), path="")
        return Normalised(alerts=(_read_alert(form, defaults, received_at),))
    try:
        value = parse_text(text)
    except NotJson as error:
        return _normalise_broken(text, error, defaults, received_at)

    def read(found: Found) -> Alert:
        return _read_alert(JsonObject(found.value, found.path), defaults, received_at)

    return collect(objects_of(value), read)


def _read_form(text: str) -> list[tuple[str, Found]]:
    try:
        pairs = parse_qsl(text.strip(), max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidInput(f"the form has more than {_MAX_FIELDS} fields") from error
    for name, value in pairs:
        refuse_oddities({name: value})
    return [(name, Found(value, one_line(name, 64))) for name, value in pairs]


def _normalise_broken(
    text: str, error: NotJson, defaults: IntakeDefaults, received_at: datetime
) -> Normalised:
    members = recover(text, error)
    body = JsonObject.of_pairs(((name, Found(value, name)) for name, value in members), path="")
    try:
        alert = _read_alert(body, defaults, received_at)
    except InvalidInput as refusal:
        raise InvalidInput(f"{error}; and {refusal}", field=refusal.field) from error
    note = f"the body was {error}; its simple fields were read one by one"
    return Normalised(alerts=(alert.model_copy(update={"notes": (note, *alert.notes)}),))


def _read_alert(sent: JsonObject, defaults: IntakeDefaults, received_at: datetime) -> Alert:
    body = _without_macros(sent)
    fields = Labels(body)
    name = fields.line(*_NAME)
    if not name:
        path = sent.path_of(_NAME[0])
        raise InvalidInput(
            f'{path} is missing; send "AlertName": "${{N=Alerting;M=AlertName}}"', field=path
        )
    occurred_at = fields.moment(*_TIME, received_at=received_at)
    subject = read_subject(body, Named(SOURCE, name), defaults, occurred_at)
    severity, unknown_word = _read_severity(fields)
    condition, unknown_status = _read_condition(fields)
    nodes = fields.items(*_NODE)
    where = f" on {nodes[0]}" if nodes and nodes[0].casefold() not in name.casefold() else ""
    if (fields.label("Acknowledged") or "").casefold() in _YES:
        fields.notes.append("somebody has acknowledged it in SolarWinds")
    alert = Alert(
        source=SOURCE,
        condition=condition,
        resource=subject.resource,
        title=one_line(f"{name}{where}", MAX_TITLE_CHARS),
        description=fields.text(*_MESSAGE),
        severity=severity,
        environment=fields.label(*ENVIRONMENT),
        service=fields.label(*SERVICE),
        ci=nodes,
        occurred_at=occurred_at,
        window=subject.window,
        sender_alert_id=fields.label(*_ID) or "",
    )
    notes = (*subject.notes, *fields.notes, *unknown_word, *unknown_status)
    return alert.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _without_macros(body: JsonObject) -> JsonObject:
    """Leave out the macros that SolarWinds could not replace: they are no names of anything."""
    kept = (
        (name, found)
        for name, found in body.members()
        if not (isinstance(found.value, str) and _MACRO.fullmatch(found.value.strip()))
    )
    return JsonObject.of_pairs(kept, body.path)


def _read_condition(fields: Labels) -> tuple[Condition, list[str]]:
    """Ask each field that may say it: one of them may hold the status of the node instead."""
    unknown = []
    for name in _STATUS:
        word = fields.label(name)
        if word is None:
            continue
        condition = read_condition(word)
        if condition is not None:
            return condition, []
        unknown.append(f"{name} {one_line(word, 40)!r} is not known; taken to be firing")
    return Condition.FIRING, unknown[:1]


def _read_severity(fields: Labels) -> tuple[Severity, list[str]]:
    word = fields.label("Severity", "AlertSeverity")
    known = _SEVERITIES.get(word or "")
    return (known, []) if known else read_severity(word)
