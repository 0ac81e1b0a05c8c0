"""Alerts on the activity log: what was done to a resource, and how Azure itself is doing.

Neither says that a run failed, so no ticket comes of them. A message of Service Health is a
known outage: while it lasts a rerun in its region would fail again.

Source: Microsoft Learn, "Sample alert payloads", activity log alerts, and "Activity log
event schema". Service Health writes ``channels``, ``eventSource`` and ``level`` as numbers,
the others as text; none of them is read.
"""

import re
from datetime import datetime, timedelta

from shared.domain.alert import Alert, Condition, Outage, Platform, Resource
from shared.domain.errors import InvalidInput
from shared.intake.azure.runs import SOURCE
from shared.intake.body import parse_text
from shared.intake.common_alert import Notice
from shared.intake.fields import JsonObject, read_list
from shared.intake.labels import (
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    Labels,
    optional_child,
)
from shared.intake.text import many_lines, one_line
from shared.intake.times import read_time

_ACTIVITY_LOG = "activity log"
_RESOURCE_HEALTH = ("resource health", "resourcehealth")
_SERVICE_HEALTH = ("servicehealth", "service health", "activity log - servicehealth")
SUPPORTED = ("Activity Log - Administrative", "ServiceHealth", "Resource Health")

_OVER = {"resolved", "rca", "complete", "completed", "canceled", "cancelled"}
_SEPARATOR = re.compile(r"[,;]")
_MAX_PLACES = 100
_AHEAD = timedelta(days=366)  # maintenance is announced months before


def is_activity(service: str) -> bool:
    """Say whether a monitoring service is one of the activity log."""
    return service.casefold().startswith((_ACTIVITY_LOG, *_RESOURCE_HEALTH, *_SERVICE_HEALTH))


def read_activity(data: JsonObject, service: str, notice: Notice, received_at: datetime) -> Alert:
    """Return a notice, with the outage in it if it comes from Service Health.

    Args:
        service: ``monitoringService`` of the alert.

    Raises:
        InvalidInput: there is no context.
    """
    context = data.require_child("alertContext")
    if service.casefold().startswith(_SERVICE_HEALTH):
        return _read_outage(context, notice, received_at)
    fields = Labels(context)
    properties = Labels(optional_child(context, "properties"))
    what = " ".join(part for part in (fields.line("operationName"), fields.line("status")) if part)
    said = properties.text("title", "statusMessage", "cause")
    texts = (notice.description, said, f"Azure Monitor alert rule {notice.rule}: {what or service}")
    return Alert(
        source=SOURCE,
        condition=Condition.NOTICE,
        resource=_about("activity", notice.rule),
        title=one_line(f"{service}: {what or notice.rule}", MAX_TITLE_CHARS),
        description=_joined(texts),
        severity=notice.severity,
        environment=notice.environment,
        service=notice.service,
        ci=notice.items,
        occurred_at=notice.occurred_at,
        sender_alert_id=notice.alert_id,
        notes=(*notice.notes, *fields.notes, *properties.notes),
    )


def _read_outage(context: JsonObject, notice: Notice, received_at: datetime) -> Alert:
    fields = Labels(optional_child(context, "properties"))
    title = fields.line("title", "defaultLanguageTitle", limit=MAX_TITLE_CHARS) or notice.rule
    tracking_id = fields.line("trackingId", limit=128)
    if not tracking_id:
        tracking_id = one_line(title, 128)
        fields.notes.append("trackingId is missing; the title stands in")
    kind = fields.line("incidentType", limit=60) or "Incident"
    since = _read_moment(fields, "impactStartTime", received_at)
    until = _read_moment(fields, "impactMitigationTime", received_at)
    over = (
        notice.condition is Condition.RESOLVED
        or fields.line("stage").casefold() in _OVER
        # The end of a maintenance is known before it has come.
        or (until is not None and until <= received_at)
    )
    services, regions = _read_impact(fields)
    outage = Outage(
        tracking_id=tracking_id,
        title=title,
        services=services,
        regions=regions,
        kind=kind,
        since=since or notice.occurred_at,
        until=until,
        active=not over,
    )
    return Alert(
        source=SOURCE,
        condition=Condition.NOTICE,
        resource=_about("outage", tracking_id),
        title=one_line(f"{kind}: {title}", MAX_TITLE_CHARS),
        description=_joined((fields.text("communication"), notice.description)),
        severity=notice.severity,
        environment=notice.environment,
        occurred_at=notice.occurred_at,
        sender_alert_id=notice.alert_id,
        outage=outage,
        notes=(*notice.notes, *fields.notes),
    )


def _read_moment(fields: Labels, name: str, received_at: datetime) -> datetime | None:
    found = fields.first(name)
    if found is None:
        return None
    moment, why = read_time(found.value, received_at + _AHEAD)
    if moment is None:
        fields.notes.append(f"{found.path} {why}")
    return moment


def _read_impact(fields: Labels) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return services and regions: of the list of both, else of their two texts."""
    services, regions = _read_impacted(fields)
    if not services:
        services = [fields.line("service")]
    if not regions:
        regions = _SEPARATOR.split(fields.line("region", limit=2_000), _MAX_PLACES)
    return _named(services), _named(regions)


def _read_impacted(fields: Labels) -> tuple[list[str], list[str]]:
    """Read ``impactedServices``, which is JSON inside a text."""
    found = fields.first("impactedServices")
    value: object = found.value if found else None
    services: list[str] = []
    regions: list[str] = []
    try:
        if isinstance(value, str):
            value = parse_text(value)
        for item in value if isinstance(value, list) else ():
            entry = JsonObject(item, "impactedServices")
            services.append(Labels(entry).line("ServiceName"))
            if places := entry.find("ImpactedRegions"):
                named = (JsonObject(place.value, place.path) for place in read_list(places))
                regions.extend(Labels(place).line("RegionName") for place in named)
    except InvalidInput as error:
        fields.notes.append(f"impactedServices: {error}")
    return services, regions


def _named(texts: list[str]) -> tuple[str, ...]:
    names = (one_line(text, MAX_NAME_CHARS) for text in texts[:_MAX_PLACES])
    return tuple(dict.fromkeys(name for name in names if name))


def _about(kind: str, name: str) -> Resource:
    return Resource(
        platform=Platform.OTHER,
        scope=SOURCE,
        kind=kind,
        name=one_line(name, MAX_NAME_CHARS) or "unnamed",
    )


def _joined(texts: tuple[str, ...]) -> str:
    return many_lines("\n\n".join(text for text in texts if text), MAX_DESCRIPTION_CHARS)
