"""A sender's word for urgency → ours."""

from shared.domain.alert import Severity
from shared.intake.text import one_line

DEFAULT = Severity.HIGH

_WORDS = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,  # syslog's second step, above critical
    "urgent": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "err": Severity.HIGH,
    "major": Severity.HIGH,
    "serious": Severity.HIGH,
    "severe": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "average": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "warn": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "info": Severity.INFO,
    "information": Severity.INFO,
    "informational": Severity.INFO,
    "notice": Severity.INFO,
    "debug": Severity.INFO,
    "verbose": Severity.INFO,
    "planning": Severity.INFO,
    "not classified": Severity.INFO,
    "none": Severity.INFO,
    "ok": Severity.INFO,
    "success": Severity.INFO,
    "p1": Severity.CRITICAL,
    "p2": Severity.HIGH,
    "p3": Severity.MEDIUM,
    "p4": Severity.LOW,
    "p5": Severity.INFO,
    # Azure Monitor calls these critical, error, warning, informational and verbose.
    "sev0": Severity.CRITICAL,
    "sev1": Severity.HIGH,
    "sev2": Severity.MEDIUM,
    "sev3": Severity.LOW,
    "sev4": Severity.INFO,
}


def read_severity(word: str | None) -> tuple[Severity, list[str]]:
    """Return the severity, or the default and a note when the word is not known."""
    if word is None:
        return DEFAULT, []
    key = word.strip().casefold()
    known = _WORDS.get(f"sev{key}" if key.isdigit() else key)
    if known is not None:
        return known, []
    return DEFAULT, [f"severity {one_line(word, 40)!r} is not known; {DEFAULT} is used"]
