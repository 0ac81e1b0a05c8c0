"""A declared mapping: where in a sender's body the fields of an alert are.

Paths are a small subset of JSONPath: names and positions, no wildcards, filters or
recursion. They are checked when the mapping is built, so a mistake is seen at start-up and
not with the first alert.
"""

import re
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.domain.alert import Severity
from shared.intake.body import join
from shared.intake.fields import Found

MAX_PATH_CHARS: Final = 200
MAX_PATH_DEPTH: Final = 10
_MAX_WORDS: Final = 100

_NAME = re.compile(r"[^\s.\[\]'\"*?$(),\\@]+")
_INDEX = re.compile(r"\d{1,4}", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"[\\']")
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
}

Step = str | int


def parse_path(text: str) -> tuple[Step, ...]:
    r"""Return the steps of a path: names of members, and positions in lists from 0.

    Args:
        text: ``$.a.b[0].c``; the ``$`` may be left out (``a.b``); other names in quotes,
            with ``\`` before a quote or a ``\`` (``$['strange key']``). ``$`` alone is
            the whole.

    Raises:
        ValueError: it is no such path, longer than 200 characters or deeper than 10 steps;
            the message says where (the first character is 1) and what was expected.
    """
    if len(text) > MAX_PATH_CHARS:
        raise ValueError(
            f"path {text[:40]!r}…, character {MAX_PATH_CHARS + 1}: "
            f"expected the end, a path has at most {MAX_PATH_CHARS} characters"
        )
    steps: list[Step] = []
    step: Step
    at = 1 if text.startswith("$") else 0
    if at == 0 and text[:1] != "[":
        step, at = _read_name(text, at)
        steps.append(step)
    while at < len(text):
        if len(steps) == MAX_PATH_DEPTH:
            raise _expected(text, at, f"the end, a path has at most {MAX_PATH_DEPTH} steps")
        if text[at] == ".":
            step, at = _read_name(text, at + 1)
        elif text[at] == "[":
            step, at = _read_bracket(text, at + 1)
        else:
            raise _expected(text, at, "'.', '[' or the end")
        steps.append(step)
    return tuple(steps)


def format_path(steps: tuple[Step, ...]) -> str:
    """Return the path with these steps; :func:`parse_path` reads it back."""
    return "$" + "".join(_format(step) for step in steps)


def follow(whole: Found, path: str) -> Found | None:
    """Return what a checked ``path`` leads to; ``None`` if nowhere, or to null or a blank text."""
    value, where = whole.value, whole.path
    for step in _steps(path):
        if isinstance(step, str) and isinstance(value, dict) and step in value:
            value, where = value[step], join(where, step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value, where = value[step], f"{where}[{step}]"
        else:
            return None
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return Found(value, where)


def _checked(text: str) -> str:
    parse_path(text)
    return text


_steps = lru_cache(maxsize=1_000)(parse_path)

JsonPath = Annotated[str, AfterValidator(_checked)]
Words = Annotated[tuple[str, ...], Field(max_length=_MAX_WORDS)]


class GenericMapping(BaseModel):
    """Where the fields of an alert are; what is not declared is looked for by usual names.

    Each path is followed from the alert, and if it leads nowhere there, from the whole body.

    Raises:
        ValueError: a path is wrong, a severity is not one of ours, or a field is not known.
    """

    # Unlike stored values: nobody should wonder why "titel" has no effect.
    model_config = ConfigDict(frozen=True, extra="forbid")

    alerts: JsonPath | None = None  # the list of alerts; by default the body is one, or a list
    title: JsonPath | None = None
    description: JsonPath | None = None
    severity: JsonPath | None = None
    status: JsonPath | None = None
    service: JsonPath | None = None
    environment: JsonPath | None = None
    ci: JsonPath | None = None
    id: JsonPath | None = None
    occurred_at: JsonPath | None = None
    platform: JsonPath | None = None  # "adf", "databricks" or "other"
    pipeline: JsonPath | None = None
    factory: JsonPath | None = None
    job: JsonPath | None = None  # of Databricks
    workspace: JsonPath | None = None  # its host name
    run_id: JsonPath | None = None
    severities: Annotated[dict[str, Severity], Field(max_length=_MAX_WORDS)] = {}  # theirs → ours
    firing: Words = ()  # their words for it; usual ones are known
    resolved: Words = ()


def _read_name(text: str, at: int) -> tuple[str, int]:
    found = _NAME.match(text, at)
    if found is None:
        raise _expected(text, at, "a name; strange ones go into brackets and quotes: ['a b']")
    return found[0], found.end()


def _read_bracket(text: str, at: int) -> tuple[Step, int]:
    step: Step
    if quoted := _QUOTED.get(text[at : at + 1]):
        found = quoted.match(text, at)
        if found is None:
            raise _expected(text, len(text), f"the closing {text[at]}")
        step = _ESCAPED.sub(r"\1", found[1])
    else:
        found = _INDEX.match(text, at)
        if found is None:
            raise _expected(text, at, "a position such as 0, or a name in quotes")
        step = int(found[0])
    if text[found.end() : found.end() + 1] != "]":
        raise _expected(text, found.end(), "']'")
    return step, found.end() + 1


def _format(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _NAME.fullmatch(step):
        return f".{step}"
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], step)
    return f"['{escaped}']"


def _expected(text: str, at: int, what: str) -> ValueError:
    return ValueError(f"path {text!r}, character {at + 1}: expected {what}")
