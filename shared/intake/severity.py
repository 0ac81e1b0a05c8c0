"""A sender's word for urgency → ours."""

from shared.domain.alert import Severity
from shared.intake.text import one_line

DEFAULT = Severity.HIGH

_WORDS = {
    "critical": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.INFO,
    "informational": Severity.INFO,
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
