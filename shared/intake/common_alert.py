"""The envelope of Azure Monitor's common alert schema, the same for every kind of alert.

Source: Microsoft Learn, "Common alert schema" and "Sample alert payloads".
"""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Condition, Severity
from shared.domain.errors import InvalidInput
from shared.intake.fields import (
    Found,
    JsonObject,
    optional_label,
    read_label,
    read_list,
    read_text,
    wrong_type,
)
from shared.intake.severity import read_severity
from shared.intake.text import many_lines, one_line
from shared.intake.times import read_occurred_at

_SCHEMA = "azureMonitorCommonAlertSchema"
_ENABLE = '; switch on "Enable the common alert schema" in the action group'
_MAX_RULE_CHARS = 260
_MAX_DESCRIPTION_CHARS = 8_000
_MAX_ID_CHARS = 1_024
_MAX_ITEMS = 20
_ENVIRONMENT = ("environment", "env")
_SERVICE = ("service",)

# "Test action group" in the portal sends samples of rules such as test-metricAlertRule and
# test-logAlertRule-v2, all of a subscription that nobody has. The prefix test- alone says
# nothing: a person's own rule may have it, and its failures are real.
_SAMPLE_RULE = re.compile(r"test-\w*AlertRule\b", re.IGNORECASE)
_SAMPLE_SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111/"


@dataclass(frozen=True, slots=True)
class Notice:
    """What all alerts of one POST have in common.

    Attributes:
        service: The label of that name among the custom properties, not a product of Azure.
        targets: The resource ids that the rule watches.
        items: Names of the configuration items, for the ticket's ``ci``.
    """

    rule: str
    condition: Condition
    severity: Severity
    description: str
    occurred_at: datetime
    alert_id: str
    targets: tuple[Found, ...]
    items: tuple[str, ...]
    environment: str | None
    service: str | None
    notes: tuple[str, ...]


def open_envelope(body: JsonObject) -> JsonObject:
    """Return ``data`` of a body that follows the common alert schema.

    Raises:
        InvalidInput: it does not; the message says how to switch it on.
    """
    found = body.require("schemaId", hint=_ENABLE)
    if read_text(found).casefold() != _SCHEMA.casefold():
        raise InvalidInput(f"{found.path} must be {_SCHEMA}{_ENABLE}", field=found.path)
    return body.require_child("data")


def is_sample_rule(rule: str) -> bool:
    """Say whether a rule is called as those of the portal's samples are."""
    return _SAMPLE_RULE.match(rule) is not None


def is_sample(essentials: JsonObject) -> bool:
    """Say whether this is one of the portal's samples, whatever else is in it.

    Raises:
        InvalidInput: rule, id or targets have the wrong type.
    """
    rule = read_text(essentials.find("alertRule"))
    ids = [essentials.find("alertId"), *_read_texts(essentials.find("alertTargetIds"))]
    return is_sample_rule(rule) or any(
        read_text(found).startswith(_SAMPLE_SUBSCRIPTION) for found in ids
    )


def read_notice(data: JsonObject, received_at: datetime) -> Notice:
    """Read ``essentials`` and the labels a rule's owner may have added.

    Raises:
        InvalidInput: rule or condition are missing, or something has the wrong type.
    """
    essentials = data.require_child("essentials")
    condition = _read_condition(essentials)
    # The samples of cost alerts name no rule.
    named = essentials.find if condition is Condition.TEST else essentials.require
    rule = one_line(read_text(named("alertRule")), _MAX_RULE_CHARS)
    targets = _read_texts(essentials.find("alertTargetIds"))
    severity, unknown_word = read_severity(optional_label(essentials.find("severity")))
    occurred_at, no_time = _read_occurred_at(essentials, condition, received_at)
    environment, bad_environment = _read_custom_label(data, _ENVIRONMENT)
    service, bad_service = _read_custom_label(data, _SERVICE)
    items = [read_text(item) for item in _read_texts(essentials.find("configurationItems"))]
    return Notice(
        rule=rule,
        condition=condition,
        severity=severity,
        description=many_lines(read_text(essentials.find("description")), _MAX_DESCRIPTION_CHARS),
        occurred_at=occurred_at,
        alert_id=one_line(read_text(essentials.find("alertId")), _MAX_ID_CHARS),
        targets=targets,
        items=tuple(one_line(item, _MAX_RULE_CHARS) for item in items[:_MAX_ITEMS]),
        environment=environment,
        service=service,
        notes=(*unknown_word, *no_time, *bad_environment, *bad_service),
    )


def _read_condition(essentials: JsonObject) -> Condition:
    if is_sample(essentials):
        return Condition.TEST
    said = essentials.require("monitorCondition")
    known = {"fired": Condition.FIRING, "resolved": Condition.RESOLVED}
    condition = known.get(read_label(said).casefold())
    if condition is None:
        raise InvalidInput(f"{said.path} must be Fired or Resolved", field=said.path)
    return condition


def _read_occurred_at(
    essentials: JsonObject, condition: Condition, received_at: datetime
) -> tuple[datetime, list[str]]:
    resolved = essentials.find("resolvedDateTime")
    name = "resolvedDateTime" if condition is Condition.RESOLVED and resolved else "firedDateTime"
    found = essentials.find(name)
    return read_occurred_at(
        essentials.path_of(name), None if found is None else found.value, received_at
    )


def _read_texts(found: Found | None) -> tuple[Found, ...]:
    if found is None:
        return ()
    items = read_list(found)
    for item in items:
        if not isinstance(item.value, str):
            raise wrong_type(item.value, "text", item.path)
    return tuple(items)


def _read_custom_label(data: JsonObject, names: tuple[str, ...]) -> tuple[str | None, list[str]]:
    """Read a label the rule's owner chose freely: a bad one must not cost the alert."""
    try:
        context = data.child("alertContext")
        for holder in (data.child("customProperties"), context and context.child("properties")):
            if holder and (label := optional_label(holder.find(*names))):
                return label, []
    except InvalidInput as error:
        return None, [f"{error}; {names[0]} is left out"]
    return None, []
