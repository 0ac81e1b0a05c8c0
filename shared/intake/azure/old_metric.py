"""Metric alerts of action groups that do not use the common alert schema.

Source: Microsoft Learn, "Non-common alert schema definitions", metric alerts.
"""

from datetime import datetime

from shared.domain.alert import Condition
from shared.domain.errors import InvalidInput
from shared.intake.common_alert import Notice, is_sample_rule
from shared.intake.fields import JsonObject, read_label, read_text
from shared.intake.labels import (
    ENVIRONMENT,
    MAX_NAME_CHARS,
    Labels,
    optional_child,
)
from shared.intake.text import one_line
from shared.intake.times import read_occurred_at

_SCHEMA = "azuremonitormetricalert"
_STATUS = {"activated": Condition.FIRING, "deactivated": Condition.RESOLVED}


def is_old_metric(body: JsonObject) -> bool:
    """Say whether a body follows the older schema of metric alerts."""
    return any(
        isinstance(found.value, str) and found.value.strip().casefold() == _SCHEMA
        for found in body.find_all("schemaId")
    )


def read_old_notice(body: JsonObject, received_at: datetime) -> tuple[Notice, JsonObject]:
    """Return what the common schema would call the essentials, and the condition that was met.

    Raises:
        InvalidInput: status, rule or condition are missing or have the wrong type.
    """
    data = body.require_child("data")
    context = data.require_child("context")
    fields = Labels(context)
    rule = one_line(read_text(context.require("name")), MAX_NAME_CHARS)
    condition = Condition.TEST if is_sample_rule(rule) else _read_status(data)
    custom = Labels(optional_child(data, "properties"))
    at = next((found.value for found in context.find_all("timestamp")), None)
    occurred_at, no_time = read_occurred_at(context.path_of("timestamp"), at, received_at)
    target = fields.first("resourceId")
    holder = context if condition is Condition.TEST else context.require_child("condition")
    notice = Notice(
        rule=rule,
        condition=condition,
        severity=fields.severity("severity"),
        description=fields.text("description"),
        occurred_at=occurred_at,
        alert_id=fields.line("id", limit=1_024),
        targets=(target,) if target and isinstance(target.value, str) else (),
        items=fields.items("resourceName"),
        environment=custom.label(*ENVIRONMENT),
        service=custom.label("service"),
        notes=(*fields.notes, *custom.notes, *no_time),  # last: what the others left out
    )
    return notice, holder


def _read_status(data: JsonObject) -> Condition:
    said = data.require("status")
    condition = _STATUS.get(read_label(said).casefold())
    if condition is None:
        raise InvalidInput(f"{said.path} must be Activated or Deactivated", field=said.path)
    return condition
