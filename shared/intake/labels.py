"""Optional fields of an alert, read without ever losing the alert to one of them.

Beside the few fields that make an alert, senders add labels, tags and annotations that
people chose freely. A bad one is left out and noted.
"""

from collections.abc import Iterable
from datetime import datetime

from shared.domain.alert import Severity
from shared.domain.errors import InvalidInput
from shared.intake.fields import MAX_LABEL_CHARS, Found, JsonObject, read_label, wrong_type
from shared.intake.severity import read_severity
from shared.intake.text import many_lines, one_line
from shared.intake.times import read_moment

MAX_TITLE_CHARS = 200
MAX_NAME_CHARS = 260
MAX_DESCRIPTION_CHARS = 8_000
MAX_CI = 20

_MAX_TAGS = 200

ENVIRONMENT = ("environment", "env")
SERVICE = ("service", "app", "application")


class Labels:
    """Reads labels from several places; what the first place has wins.

    Args:
        holders: Where to look, in this order.

    Attributes:
        notes: What was left out, and why; grows with each reading.
    """

    def __init__(self, *holders: JsonObject) -> None:
        self._holders = holders
        self.notes: list[str] = []

    def every(self, *names: str) -> list[Found]:
        """Return what is not blank under ``names``, from the first place to the last.

        Of a field that is there in two spellings which disagree nothing is returned.
        """
        result = []
        for holder in self._holders:
            for name in names:
                try:
                    found = holder.find(name)
                except InvalidInput as error:
                    self._leave_out(error)
                    continue
                if found is not None:
                    result.append(found)
        return result

    def first(self, *names: str) -> Found | None:
        """Return the first field of :meth:`every`."""
        return next(iter(self.every(*names)), None)

    def label(self, *names: str, limit: int = MAX_LABEL_CHARS) -> str | None:
        """Return the first usable short text on one line; a number is read as its digits."""
        return next(iter(self._labels(names, limit, 1)), None)

    def items(self, *names: str) -> tuple[str, ...]:
        """Return all usable labels under ``names``, each once, at most 20."""
        return tuple(dict.fromkeys(self._labels(names, MAX_LABEL_CHARS, MAX_CI)))

    def line(self, *names: str, limit: int = MAX_NAME_CHARS) -> str:
        """Return the first usable text, made into one line and cut; empty if there is none."""
        for found in self.every(*names):
            if line := one_line(self._text(found)[: 4 * limit], limit):
                return line
        return ""

    def text(self, *names: str) -> str:
        """Return the first usable free text, cleaned and cut; empty if there is none."""
        for found in self.every(*names):
            # Invisible characters go first, but of a long text only the part that can matter.
            text = self._text(found)[: 2 * MAX_DESCRIPTION_CHARS]
            if cleaned := many_lines(text, MAX_DESCRIPTION_CHARS):
                return cleaned
        return ""

    def severity(self, *names: str) -> Severity:
        """Return the severity under ``names``, or the usual one."""
        severity, unknown = read_severity(self.label(*names))
        self.notes += unknown
        return severity

    def moment(self, *names: str, received_at: datetime) -> datetime:
        """Return when it happened, in UTC; the time of receipt if that is not usable."""
        found = self.first(*names)
        if found is None:
            return received_at
        moment, notes = read_moment(found.path, found.value, received_at)
        self.notes += notes
        return moment

    def _labels(self, names: tuple[str, ...], limit: int, most: int) -> list[str]:
        result: list[str] = []
        for found in self.every(*names):
            if len(result) == most:
                break
            try:
                result.append(read_label(as_text(found), limit=limit))
            except InvalidInput as error:
                self._leave_out(error)
        return result

    def _text(self, found: Found) -> str:
        text = as_text(found).value
        if isinstance(text, str):
            return text
        self._leave_out(wrong_type(text, "text", found.path))
        return ""

    def _leave_out(self, error: InvalidInput) -> None:
        note = f"{error}; it is left out"
        if note not in self.notes:
            self.notes.append(note)


def as_text(found: Found) -> Found:
    """Return a number as its digits, and everything else as it is."""
    value = found.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return found
    return Found(str(value).removesuffix(".0"), found.path)


def optional_child(body: JsonObject, *names: str) -> JsonObject:
    """Return the object under one of ``names``; an empty one if there is something else."""
    try:
        return body.child(*names) or JsonObject({}, body.path_of(names[0]))
    except InvalidInput:
        return JsonObject({}, body.path_of(names[0]))


def read_tags(found: Found | None) -> JsonObject:
    """Return tags as the fields they mean; what is no tag is passed over.

    Args:
        found: ``"env:prod, host:x"``, a list of such texts, a list of
            ``{"tag": …, "value": …}``, or an object.
    """
    path = found.path if found else "tags"
    value = found.value if found else None
    if isinstance(value, dict):
        return JsonObject(value, path)
    parts = value.split(",", _MAX_TAGS) if isinstance(value, str) else value
    pairs = _pairs(parts[:_MAX_TAGS], path) if isinstance(parts, list) else []
    return JsonObject.of_pairs(pairs, path)


def _pairs(parts: list[object], path: str) -> Iterable[tuple[str, Found]]:
    for number, part in enumerate(parts):
        where = f"{path}[{number}]"
        if isinstance(part, str):
            name, colon, value = part.partition(":")
            if colon:
                yield name.strip(), Found(value.strip(), where)
        elif isinstance(part, dict):
            key = part.get("tag", part.get("name", part.get("key")))
            if isinstance(key, str):
                yield key, Found(part.get("value"), where)
