"""Our own alerts, which prove from end to end that alerts get through."""

from datetime import datetime

from shared.domain.alert import CANARY, Alert, Platform, Resource, Severity
from shared.intake.body import parse_json
from shared.intake.fields import JsonObject, read_id
from shared.intake.normalised import IntakeDefaults, Normalised


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:  # noqa: ARG001 - every source is asked alike
    """Return the canary, whose name is its number: each has a ticket of its own.

    Raises:
        InvalidInput: it is not one of ours.
    """
    name = read_id(JsonObject(parse_json(raw)).require("canary"))
    return Normalised(
        alerts=(
            Alert(
                source=CANARY,
                resource=Resource(platform=Platform.OTHER, scope=CANARY, kind="canary", name=name),
                title=f"Canary {name}",
                description="Sent by Mend to itself, to see that alerts get through.",
                severity=Severity.INFO,
                occurred_at=received_at,
            ),
        )
    )
