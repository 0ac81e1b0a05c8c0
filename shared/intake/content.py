"""What an alert says, as a hash: apart from its identity, which is the fingerprint."""

import hashlib
import json

from shared.domain.alert import Alert

_CHARS = 32


def content_hash(alert: Alert) -> str:
    """Return the same for every alert that says the same, whichever run or time it is about."""
    said = [alert.condition, alert.severity, alert.title, alert.description]
    return _hash([*said, alert.error_code, alert.error_activity])


def alert_hash(alert: Alert) -> str:
    """Return what tells this alert from every other one of the same delivery.

    Made of ids and times only: free text is kept without secrets, and reads differently then.
    """
    where = alert.resource.model_dump(mode="json")
    return _hash([alert.condition, where, alert.occurred_at.isoformat(), alert.sender_alert_id])


def _hash(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_CHARS]
