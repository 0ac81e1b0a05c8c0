"""A sender's word for what its alert says → ours."""

import re

from shared.domain.alert import Condition

_NOT_A_LETTER = re.compile(r"[^a-z]")
_WORDS = {
    Condition.FIRING: (
        "firing", "fired", "fire", "active", "activated", "alert", "alerting", "alarm", "trigger",
        "triggered", "retriggered", "open", "opened", "new", "problem", "critical", "warning",
        "warn", "rewarn", "nodata", "renodata", "renotify", "down", "failed", "failure", "error",
        "unhealthy", "inprogress", "onhold",
    ),
    Condition.RESOLVED: (
        "resolved", "resolve", "recovered", "recovery", "ok", "closed", "close", "cleared",
        "clear", "reset", "up", "normal", "success", "succeeded", "inactive", "deactivated",
        "healthy", "canceled", "cancelled",
    ),
    Condition.NOTICE: ("acknowledged", "acknowledge", "ack", "notice"),
    Condition.TEST: ("test", "testing"),
}  # fmt: skip
_BY_WORD = {word: condition for condition, words in _WORDS.items() for word in words}


def read_condition(word: str) -> Condition | None:
    """Return what ``word`` means whatever its case, blanks and hyphens; ``None``: not known."""
    return _BY_WORD.get(_NOT_A_LETTER.sub("", word.casefold()))
